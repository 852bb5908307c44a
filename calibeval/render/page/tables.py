"""The rows of the page's tables: metrics, bins, files, sources; all of the text is harmless and short."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import Bin, DumpReport, Report
from calibeval.core.report.standing import bin_stands_out, calibrated_range, noise_factor, standing_in, with_floor
from calibeval.words import cells
from calibeval.words.marks import merged, plain
from calibeval.words.report import noise_words
from calibeval.words.signs import bin_range, signed
from calibeval.words.sources import files_of_sums, remote_file

# More bins than this are merged in tables; bins.csv has them all.
MOST_BIN_ROWS = 100
_NAME, _LINE = 50, 400


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric with everything known about it.

    verdict: the value against noise, in few words; empty where noise is unknown. reading: the same in full, or why
    there is no value.
    """

    label: str
    title: str
    unit: str
    value: str
    estimate: str
    floor: str
    verdict: str
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


def metric_rows(dump: DumpReport, names: Sequence[str]) -> list[MetricRow]:
    """The named metrics that the dump has, in that order."""
    rows = []
    for m in (with_floor(dump, name) for name in names if name in dump.metrics):
        spec = EVERY.get(m.name)
        rows.append(
            MetricRow(
                label=plain(cells.label(m.name), _NAME),
                title="" if spec is None else _sentence(spec.title),
                unit=cells.unit(m.name),
                value=cells.value(m),
                estimate=cells.estimate(m),
                floor=cells.floor(m),
                verdict=_verdict(m, dump),
                reading=_reading(m, dump),
            )
        )
    return rows


def _verdict(metric: MetricResult, dump: DumpReport) -> str:
    standing = None if metric.value is None else standing_in(dump, metric.name)
    if standing is None:
        return ""
    return f"beyond noise: {standing.short}" if standing.beyond_noise else standing.short


def _reading(metric: MetricResult, dump: DumpReport) -> str:
    """How the value compares with noise, or why there is no value; empty without a floor."""
    if metric.value is None:
        return plain(metric.reason or "not measured", _LINE)
    standing = standing_in(dump, metric.name)
    lead = "beyond noise: " if standing is not None and standing.beyond_noise else ""
    return lead + noise_words(dump, metric.name)


def bin_rows(dump: DumpReport, bins: Sequence[Bin]) -> list[BinRow]:
    """Some bins of a dump in percent, merged if there are too many."""
    return judged_bins(bins, noise_factor(dump))


def judged_bins(bins: Sequence[Bin], noise: float | None) -> list[BinRow]:
    """Some bins in percent, merged if there are too many. noise: as of `noise_factor`; None: no bin is judged."""
    return [_bin_row(b, noise) for b in merged(bins, MOST_BIN_ROWS)]


def _bin_row(b: Bin, noise: float | None) -> BinRow:
    if not b.count or b.confidence is None or b.accuracy is None or b.gap is None:
        none = cells.NULL
        return BinRow(bin_range(b), f"{b.count:,}", none, none, none, none, sign="", outstanding=False)
    expected = calibrated_range(b, noise)
    return BinRow(
        limits=bin_range(b),
        rows=f"{b.count:,}",
        confidence=f"{100 * b.confidence:.2f}",
        accuracy=f"{100 * b.accuracy:.2f}",
        gap=signed(100 * b.gap, 2),
        expected=cells.NULL if expected is None else f"{100 * expected.low:.1f} – {100 * expected.high:.1f}",
        sign="over" if b.gap > 0 else "under" if b.gap < 0 else "",
        outstanding=bin_stands_out(b, noise),
    )


def origin(dump: DumpReport) -> list[tuple[str, str]]:
    """Where the dump came from and how it was read, as names and values."""
    source = dump.source
    facts = [
        ("file", source.path),
        ("shards", None if source.shards is None else f"{source.shards:,}"),
        ("split", source.split),
        ("SHA-256", source.sha256),
        ("remote file", remote_file(source.remote)),
        ("format", source.format),
        ("scores", dump.kind),
        ("rows", f"{dump.n:,}"),
        ("classes", "unknown: top label only" if dump.k is None else f"{dump.k:,}"),
        ("rows ignored", f"{dump.ignored:,}"),
    ]
    facts += files_of_sums(source)
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
    specs = [EVERY[name] for name in cells.metric_names(report) if name in EVERY]
    return [(cells.label(spec.name), _sentence(spec.title), _sentence(spec.source)) for spec in specs]


def _sentence(words: str) -> str:
    """Text from the table of metrics as the start of a sentence, with a typographic minus."""
    return words[:1].upper() + words[1:].replace(" - ", " \N{MINUS SIGN} ")
