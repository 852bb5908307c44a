"""Several dumps side by side, for every view: a sentence about all, a row for each with a verdict, and what is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calibeval.core.data.notices import Notice
from calibeval.core.evaluation.doubts import SUSPICIONS
from calibeval.core.metrics.image_names import MEANS, MEANS_OF_POSITIVE
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.standing import Standing, with_floor
from calibeval.core.report.views import speaks_of_positive, with_means
from calibeval.words import best, cells
from calibeval.words.counted import with_counted
from calibeval.words.digits import estimate, label
from calibeval.words.finding import By, Finding, finding
from calibeval.words.marks import short_names, shorten
from calibeval.words.names import isolated
from calibeval.words.score_tests import by_slope
from calibeval.words.shown import MAIN

OF_TWO = ("accuracy", "gap_positive", "nll", "brier_positive", "ece_positive")
_NAME, _SPOKEN = 60, 36
# Findings that are counted, and how a sentence says that dumps are so.
_SAID = {
    "over-confident": "over-confident",
    "under-confident": "under-confident",
    "P too high": "too high in P(positive)",
    "P too low": "too low in P(positive)",
    "miscalibrated": "miscalibrated",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of one dump. estimate: the corrected value and its interval. best: whether it is certainly best."""

    value: str
    estimate: str
    after: str
    best: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One dump. name: short, as it differs from the others; full: as it is. verdict: its finding in a few words."""

    name: str
    full: str
    rows: str
    classes: str
    cells: Mapping[str, Cell]
    verdict: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The dumps of a report. main: the metrics of a first view; others: the rest. notes: on marks and names."""

    sentence: str
    main: tuple[str, ...]
    others: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def overview(report: Report) -> Overview:
    """The dumps side by side, in the order of the report."""
    dumps, names = report.dumps, cells.metric_names(report)
    shorts = short_names([dump.name for dump in dumps], _NAME)
    main = main_metrics(dumps, names)
    if main in (OF_TWO, MAIN) and all(
        dump.per_image is not None and dump.per_image.convention is None for dump in dumps
    ):
        means = MEANS_OF_POSITIVE if main == OF_TWO else MEANS
        dumps, main, names = tuple(map(with_means, dumps)), (*main, *means), [*names, *means]
    winners = {name: best.best(dumps, name) for name in names}
    lines = tuple(
        Line(
            short,
            dump.name,
            f"{dump.n:,}",
            "–" if dump.k is None else f"{dump.k:,}",
            {name: _cell(dump, name, best=i in winners[name]) for name in names if name in dump.metrics},
            verdict(dump),
        )
        for i, (dump, short) in enumerate(zip(dumps, shorts, strict=True))
    )
    marked = [name for name, found in winners.items() if found]
    notes = [best.note(dumps, marked, level=cells.level(report))]
    others = tuple(name for name in names if name not in main)
    return Overview(summary(dumps, shorts), main, others, lines, tuple(filter(None, notes)))


def main_metrics(dumps: Sequence[DumpReport], names: Sequence[str]) -> tuple[str, ...]:
    """The metrics of a first view: of P(positive) if all dumps have two classes; all of them if some were chosen."""
    for wanted in (OF_TWO, MAIN):
        if all(name in dump.metrics for dump in dumps for name in wanted):
            return wanted
    return tuple(names)


def verdict(dump: DumpReport) -> str:
    """The finding of the dump in a few words; the same that decides its headline.

    >>> from calibeval.core.data.predictions import Source
    >>> from calibeval.core.metrics.result import MetricResult
    >>> gap = MetricResult("confidence_gap", 0.1, floor=0.01, floor_high=0.02, floor_certain=0.03)
    >>> verdict(DumpReport(Source(), "probs", 900, 3, 0, {"confidence_gap": gap}, (), None, ()))
    'over-confident, certain'
    """
    found = finding(with_counted(dump))
    if found.standing is None or not found.beyond_noise:
        return "" if found.standing is None else found.standing.short
    return f"{_what(found)}, {found.standing.short}"


def summary(dumps: Sequence[DumpReport], names: Sequence[str]) -> str:
    """The one sentence about several dumps: how many err in which direction, and the range of their errors.

    Nothing is said of directions that were not measured. names: short.
    """
    if not dumps:
        return "The report holds no dumps."
    ece = "ece_positive" if all(map(speaks_of_positive, dumps)) else "ece"
    errors = [(m.value, i) for i, m in enumerate(dump.metrics.get(ece) for dump in dumps) if m and m.value is not None]
    said = _directions(dumps)
    if errors:
        least, most = (
            (f"{100 * error:.2f} % ({isolated(shorten(names[i], _SPOKEN))})") for error, i in (min(errors), max(errors))
        )
        said += [f"{label(ece)} from {least} to {most}"]
    return f"{'; '.join(said) or f'{len(dumps)} dumps'}."


def warnings(dumps: Sequence[DumpReport], names: Sequence[str]) -> list[str]:
    """The warnings of all dumps, each with the short name of its dump; what several dumps share is said once.

    Those that scores and labels hardly belong together are first.
    """
    found: dict[str, list[str]] = {}
    for dump, name in zip(dumps, names, strict=True):
        for one in dump.warnings:
            found.setdefault(str(one), []).append(name)
    grave = {str(one) for dump in dumps for one in dump.warnings if Notice.of(one).code in SUSPICIONS}
    return [
        text if len(dumps) > 1 and len(whose) == len(dumps) else f"{_listed(whose)}: {text}"
        for text, whose in sorted(found.items(), key=lambda pair: pair[0] not in grave)
    ]


def _listed(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(isolated(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _cell(dump: DumpReport, name: str, *, best: bool) -> Cell:
    again = None if dump.recalibrated is None else dump.recalibrated.metrics.get(name)
    metric = with_floor(dump, name)
    return Cell(cells.value(metric), estimate(metric), "" if again is None else cells.value(again), best)


def _what(found: Finding) -> str:
    """What is miscalibrated, by what decides."""
    value = found.metric.value or 0.0
    if found.by is By.GAP and found.metric.name == "gap_positive":
        return f"P too {'high' if value > 0 else 'low'}"
    if found.by is By.GAP:
        return f"{'over' if value > 0 else 'under'}-confident"
    if found.by is By.SLOPE:
        return by_slope(found.metric) or "off by its regression"
    if found.by is By.TEMPERATURE:
        return f"{'over' if (found.metric.z or 0.0) > 0 else 'under'}-confident"
    if found.by is By.CLASSES:
        return "class by class"
    return "in some bins" if found.by is By.BINS else label(found.others[0]) if found.others else "miscalibrated"


def _directions(dumps: Sequence[DumpReport]) -> list[str]:
    """How many dumps have which finding; empty where one of them has none."""
    found = [finding(dump) for dump in dumps]
    if any(one.standing is None for one in found):
        return []
    counts = dict.fromkeys((*_SAID, Standing.NOISE.value, Standing.UNRESOLVED.value), 0)
    for one in found:
        what = _what(one) if one.beyond_noise else one.standing and one.standing.value
        counts[what if what in counts else "miscalibrated"] += 1
    told = counts.pop(Standing.UNRESOLVED.value)
    there = {kind: count for kind, count in counts.items() if count}
    if len(dumps) > 1 and len(dumps) in there.values():
        (kind,) = there
        return [f"All {len(dumps)} dumps are {_SAID.get(kind, kind)}{' beyond noise' if kind in _SAID else ''}"]
    parts = [f"{count} {'is' if count == 1 else 'are'} {_SAID.get(kind, kind)}" for kind, count in there.items()]
    parts += [f"of {told} the sample cannot tell"] if told else []
    return [f"Of {len(dumps)} dumps, {', '.join(parts)}"]
