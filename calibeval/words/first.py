"""Which metrics a first view shows: a few in a table, three in a line below it, and the rest where all is shown."""

from __future__ import annotations

from collections.abc import Mapping

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport
from calibeval.core.report.standing import standing_in, standing_of_regression
from calibeval.core.report.views import speaks_of_positive
from calibeval.words import cells
from calibeval.words.shown import MAIN, OF_POSITIVE, REGRESSION, of_positive, on_request, shown_among

LINE = ("aece", "cwce", "oe")
_POSITIVE = ("gap_positive", "ece_positive", "brier_positive")


def in_table(dump: DumpReport) -> list[str]:
    """The metrics in the table of a first view; every one that tables show if some were chosen."""
    if of_positive(dump):
        return [*OF_POSITIVE]
    there = shown_among(dump.metrics)
    return [name for name in MAIN if name in there] if is_usual(dump) else positive_first(dump, there)


def positive_first(dump: DumpReport, names: list[str]) -> list[str]:
    """The names, where two classes are judged by P(positive class) with those of it first."""
    own = [name for name in _POSITIVE if name in names] if speaks_of_positive(dump) else []
    return [*own, *(name for name in names if name not in own)]


def in_line(dump: DumpReport) -> list[str]:
    """The metrics in the line below the table."""
    if of_positive(dump):
        return [name for name in REGRESSION if name in dump.metrics]
    return [name for name in LINE if name in dump.metrics] if is_usual(dump) else []


def line(dump: DumpReport) -> list[str]:
    """The parts of that line: value, after a map also the new one, and how it stands against noise."""
    after = {} if dump.recalibrated is None else dump.recalibrated.metrics
    if of_positive(dump):
        return _regression(dump, after)
    parts = []
    for name in in_line(dump):
        metric, standing = dump.metrics[name], standing_in(dump, name)
        new = f" → {cells.value(after[name])}" if name in after and metric.value is not None else ""
        unit = "" if metric.value is None else f" {cells.unit(name)}".rstrip()
        word = "" if standing is None or new else f" ({standing.short})"
        parts.append(f"{cells.label(name)} {cells.value(metric)}{new}{unit}{word}")
    return parts


def _regression(dump: DumpReport, after: Mapping[str, MetricResult]) -> list[str]:
    """Slope and intercept of the regression on the stated log-odds, and how both stand."""
    parts: list[str] = []
    for name in in_line(dump):
        word = name.replace("cox_", "" if parts else "Cox ")
        metric = dump.metrics[name]
        ends = f" [{cells.interval(metric)}]" if cells.interval(metric) and name not in after else ""
        new = f" → {cells.value(after[name])}" if name in after and metric.value is not None else ""
        parts.append(f"{word} {cells.value(metric)}{ends}{new}")
    standing = standing_of_regression(dump)
    return [*parts, *([] if standing is None or after else [f"{standing.short} (1 and 0 if calibrated)"])]


def names_in_full(names: list[str]) -> list[tuple[str, str]]:
    """Abbreviations and what they stand for.

    >>> names_in_full(["ece", "new"])
    [('ECE', 'expected calibration error, equal-width bins')]
    """
    return [(cells.label(name), EVERY[name].title) for name in names if name in EVERY]


def is_usual(dump: DumpReport) -> bool:
    """Whether the metrics were not chosen: then those of the first view are there."""
    return all(name in dump.metrics for name in MAIN) and not on_request(dump.metrics)
