"""Certified thresholds in words: a line for each, or for several limits a table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from calibeval.core.data.notices import Notice
from calibeval.core.metrics.coverage import coverage_named
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport
from calibeval.words.digits import NULL, label

DIGITS, DOUBT_DIGITS = 6, 4
TITLE = "certified thresholds"
HEADINGS = (
    "error at most",
    "from confidence",
    "answered %",
    "rows",
    "wrong",
    "wrong groups",
    "bound %",
    "cross-fitted %",
    "its error %",
)


class ThresholdCells(NamedTuple):
    """One limit of the error. limit, coverage, bound and what is cross-fitted are in percent.

    groups: those with a wrong row, and how many there are, as "2 of 157"; empty if rows are independent.
    """

    limit: str
    confidence: str
    coverage: str
    rows: str
    errors: str
    groups: str
    bound: str
    cross_fitted: str
    cross_fitted_error: str


def thresholds(metrics: Iterable[MetricResult]) -> list[str]:
    """From which confidence on rows may be answered, a line for each certified coverage.

    >>> thresholds([MetricResult("coverage@error=0.05", 0.8, threshold=0.71, rows=80, errors=1, cross_fitted=0.78)])
    ['coverage@5%: answer from confidence 0.71 on: 80 rows, 1 wrong; cross-fitted 78.0 %']
    """
    lines = []
    for found in metrics:
        if found.threshold is None or found.rows is None or coverage_named(found.name) is None:
            continue
        line = f"{label(found.name)}: answer from confidence {exact(found.threshold)} on"
        line += f": {found.rows:,} {'row' if found.rows == 1 else 'rows'}, {found.errors or 0:,} wrong"
        if found.cross_fitted is not None:
            line += f"; cross-fitted {100.0 * found.cross_fitted:.1f} %"
        lines.append(line)
    return lines


def shown(threshold: float) -> str:
    """A point of a curve, rounded up so that no other row is answered: six decimals, and more where it is close to 1.

    Its distance to 1 keeps four digits, so that it is never shown as 1. What is certified is written exactly.

    >>> shown(0.7046048045158386), shown(0.5), shown(0.999941834), shown(1.0)
    ('0.704605', '0.5', '0.99994184', '1')
    """
    doubt = 1.0 - threshold
    places = DIGITS if doubt <= 0.0 else max(DIGITS, DOUBT_DIGITS - 1 - math.floor(math.log10(doubt)))
    above = math.ceil(threshold * 10**places) / 10**places
    found = above >= threshold and (above < 1.0 or threshold >= 1.0)
    return f"{above:.{places}f}".rstrip("0").rstrip(".") if found else exact(threshold)


def exact(threshold: float) -> str:
    """A certified threshold with all its digits: with this number, exactly the rows are answered that were counted.

    >>> exact(0.7046048045158386), exact(0.99994183), exact(1.0)
    ('0.7046048045158386', '0.99994183', '1')
    """
    return f"{float(threshold)!r}".removesuffix(".0")


def limited(dump: DumpReport) -> list[tuple[float, MetricResult]]:
    """The coverages that were asked for, with the limits of their errors, the smallest first; none of weighted rows."""
    asked = ((name, metric) for name, metric in dump.metrics.items() if "@" in name)
    found = [(coverage_named(name), one) for name, one in asked if Notice.of(one.reason or "").code != "weighted_rows"]
    return sorted(((own.limit, metric) for own, metric in found if own is not None), key=lambda one: one[0])


def threshold_cells(dump: DumpReport) -> list[ThresholdCells]:
    """The table of limits.

    Where no threshold is certified, rows, wrong rows and bound are those of the first test, which failed; dashes where
    there are too few rows for any.
    """
    return [_row(limit, metric, grouped=dump.groups is not None) for limit, metric in limited(dump)]


def promise(dump: DumpReport) -> str:
    """What the table of thresholds promises, in two sentences; empty without a threshold."""
    deltas = [metric.delta for _, metric in limited(dump) if metric.threshold is not None and metric.delta is not None]
    if not deltas:
        return ""
    chance = f"{100.0 * (1.0 - max(deltas)):g} %"
    if dump.groups is not None:
        units = "the mean over groups of their share of wrong rows is at most the limit, with a probability of"
        wrong = "A group is wrong if an answered row of it is, and the bound is that of wrong groups."
        fitted = "Cross-fitted: each fifth of the groups answered by the threshold of the other four."
        return f"Of groups like these, {units} {chance} for each limit. {wrong} {fitted}"
    text = f"Of rows like these from that confidence on, at most that share is wrong, with a probability of {chance}"
    return f"{text} for each limit. Cross-fitted: each fifth of the rows answered by the threshold of the other four."


def missing(dump: DumpReport) -> list[str]:
    """Why no threshold is certified, for each limit without one."""
    return [f"{percent(limit)}: {m.reason or 'none'}" for limit, m in limited(dump) if m.threshold is None]


def percent(limit: float) -> str:
    """A limit in percent.

    >>> percent(0.05), percent(0.005)
    ('5 %', '0.5 %')
    """
    return f"{100.0 * limit:.12g} %"


def _row(limit: float, metric: MetricResult, *, grouped: bool) -> ThresholdCells:
    found = metric.threshold is not None
    return ThresholdCells(
        limit=percent(limit),
        confidence="none" if metric.threshold is None else exact(metric.threshold),
        coverage=_percent(metric.value, 1) if found else NULL,
        rows=NULL if metric.rows is None else f"{metric.rows:,}",
        errors=NULL if metric.errors is None else f"{metric.errors:,}",
        groups=_groups(metric) if grouped else "",
        bound=_bound(metric.bound, limit if found else None),
        cross_fitted=_percent(metric.cross_fitted, 1),
        cross_fitted_error=_percent(metric.cross_fitted_error, 2),
    )


def _groups(metric: MetricResult) -> str:
    return NULL if metric.groups is None else f"{metric.wrong_groups or 0:,} of {metric.groups:,}"


def _percent(share: float | None, places: int) -> str:
    return NULL if share is None else f"{100.0 * share:.{places}f}"


def _bound(bound: float | None, passed: float | None) -> str:
    """The bound, rounded up, but not above a limit that it has passed."""
    if bound is None:
        return NULL
    above = math.ceil(1e4 * bound * (1.0 - 1e-12)) / 100.0
    return f"{above if passed is None else min(above, 100.0 * passed):.2f}"
