"""The rows of the page's tables: metrics, bins, classes, files, sources; all of the text is harmless and short."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import METRICS
from calibeval.core.report.report import Bin, ClassResult, DumpReport, Report
from calibeval.core.report.standing import bin_stands_out, standing_in, with_floor
from calibeval.core.uncertainty.consistency import consistency_range
from calibeval.render.page.marks import pct
from calibeval.words import cells
from calibeval.words.marks import merged, plain
from calibeval.words.report import noise_words
from calibeval.words.signs import bin_range, signed

# Up to ALL_CLASSES classes are in one table; of more, END_CLASSES at each end, and the others are folded.
ALL_CLASSES, END_CLASSES = 40, 20
# More bins than this are merged in tables; bins.csv has them all.
MOST_BIN_ROWS = 100
# With fewer rows per class, the calibration error of a class is mostly noise.
_FEW_ROWS = 20
_NAME, _LINE = 50, 400


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric with everything known about it; reading: the value against noise, or why there is no value."""

    label: str
    title: str
    unit: str
    value: str
    interval: str
    corrected: str
    floor: str
    reading: str


@dataclass(frozen=True, slots=True)
class BinRow:
    """One bin; if it is empty, all but its limits and rows are dashes."""

    limits: str
    rows: str
    confidence: str
    accuracy: str
    gap: str
    expected: str
    sign: str
    outstanding: bool


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class; left, width: its bar, from 0 in the middle; half the full width is the largest error of a class."""

    name: str
    rows: str
    error: str
    gap: str
    sign: str
    left: str
    width: str


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a dump, worst first. If there are many: best, best first, and between, the others.

    left_out: how many of the others are not on the page.
    """

    title: str
    note: str
    worst: tuple[ClassRow, ...]
    best: tuple[ClassRow, ...]
    between: tuple[ClassRow, ...]
    left_out: int


def metric_rows(dump: DumpReport, names: Sequence[str]) -> list[MetricRow]:
    """The named metrics that the dump has, in that order."""
    rows = []
    for m in (with_floor(dump, name) for name in names if name in dump.metrics):
        spec = METRICS.get(m.name)
        rows.append(
            MetricRow(
                label=plain(cells.label(m.name), _NAME),
                title="" if spec is None else _sentence(spec.title),
                unit=cells.unit(m.name),
                value=cells.value(m),
                interval=cells.interval(m),
                corrected=cells.corrected(m),
                floor=cells.floor(m),
                reading=_reading(m, dump),
            )
        )
    return rows


def _reading(metric: MetricResult, dump: DumpReport) -> str:
    """How the value compares with noise, or why there is no value; empty without a floor."""
    if metric.value is None:
        return plain(metric.reason or "not measured", _LINE)
    standing = standing_in(dump, metric.name)
    lead = "beyond noise: " if standing is not None and standing.beyond_noise else ""
    return lead + noise_words(dump, metric.name)


def bin_rows(bins: Sequence[Bin]) -> list[BinRow]:
    """The bins in percent, merged if there are too many."""
    return [_bin_row(b) for b in merged(bins, MOST_BIN_ROWS)]


def _bin_row(b: Bin) -> BinRow:
    if not b.count or b.confidence is None or b.accuracy is None or b.gap is None:
        none = cells.NULL
        return BinRow(bin_range(b), f"{b.count:,}", none, none, none, none, sign="", outstanding=False)
    expected = consistency_range(b.worth, b.confidence)
    return BinRow(
        limits=bin_range(b),
        rows=f"{b.count:,}",
        confidence=f"{100 * b.confidence:.2f}",
        accuracy=f"{100 * b.accuracy:.2f}",
        gap=signed(100 * b.gap, 2),
        expected=f"{100 * expected.low:.1f} – {100 * expected.high:.1f}",
        sign="over" if b.gap > 0 else "under" if b.gap < 0 else "",
        outstanding=bin_stands_out(b),
    )


def class_tables(dump: DumpReport, room: int) -> Classes | None:
    """The classes, worst first; None if the dump has none. room: how many may be between the worst and the best."""
    k = len(dump.per_class)
    if not k:
        return None
    worst_first = sorted(
        zip(dump.per_class, class_labels(dump.per_class), strict=True), key=lambda c: -c[0].calibration_error
    )
    places = cells.decimals(100 * worst_first[0][0].calibration_error, 3)
    widest = worst_first[0][0].calibration_error or 1.0
    rows = tuple(_class_row(c, name, places, widest) for c, name in worst_first)
    ends = k if k <= ALL_CLASSES else END_CLASSES
    between = rows[ends : k - ends]
    few = " With so few rows per class, the order is mostly noise." if dump.n < _FEW_ROWS * k else ""
    return Classes(
        title="Classes, worst first" if k == ends else f"Classes, worst and best {ends} of {k:,}",
        note="Calibration error: of the probability of the class, in bins over all rows. It is the smaller the more "
        f"classes there are (here {k:,}), also for a poor model. Gap: mean probability − frequency.{few}",
        worst=rows[:ends],
        best=() if k == ends else rows[: k - ends - 1 : -1],
        between=between if len(between) <= room else (),
        left_out=0 if len(between) <= room else len(between),
    )


def class_labels(classes: Sequence[ClassResult]) -> list[str]:
    """Names short enough for a table, with the number of the class in front if shortening made two names equal."""
    shown = [plain(c.name, _NAME) for c in classes]
    if len(set(shown)) < len({c.name for c in classes}):
        return [f"{i} {name}" for i, name in enumerate(shown)]
    return shown


def _class_row(c: ClassResult, name: str, places: int, widest: float) -> ClassRow:
    length = min(0.5, 0.5 * abs(c.gap) / widest)
    return ClassRow(
        name=name,
        rows=f"{c.support:,}",
        error=f"{100 * c.calibration_error:.{places}f}",
        gap=signed(100 * c.gap, places),
        sign="over" if c.gap > 0 else "under" if c.gap < 0 else "",
        left=pct(0.5 if c.gap > 0 else 0.5 - length),
        width=pct(length),
    )


def origin(dump: DumpReport) -> list[tuple[str, str]]:
    """Where the dump came from and how it was read, as names and values."""
    source = dump.source
    facts = [
        ("file", source.path),
        ("split", source.split),
        ("SHA-256", source.sha256),
        ("format", source.format),
        ("scores", dump.kind),
        ("rows", f"{dump.n:,}"),
        ("classes", "unknown: top label only" if dump.k is None else f"{dump.k:,}"),
        ("rows ignored", f"{dump.ignored:,}"),
    ]
    return [(name, plain(fact, _LINE)) for name, fact in facts if fact is not None]


def settings(report: Report) -> list[tuple[str, str]]:
    """The settings, under the keys of the JSON report."""
    shown = [
        (key, value if isinstance(value, str) else json.dumps(value))
        for key, value in report.settings.to_dict().items()
    ]
    return [(plain(key, _NAME), plain(value, _LINE)) for key, value in shown]


def citations(report: Report) -> list[tuple[str, str, str]]:
    """Label, meaning and source of every metric in the report."""
    specs = [METRICS[name] for name in cells.metric_names(report) if name in METRICS]
    return [(cells.label(spec.name), _sentence(spec.title), _sentence(spec.source)) for spec in specs]


def _sentence(words: str) -> str:
    """Text from the table of metrics as the start of a sentence, with a typographic minus."""
    return words[:1].upper() + words[1:].replace(" - ", " \N{MINUS SIGN} ")
