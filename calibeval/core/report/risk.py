"""The risk-coverage curve of a report with the numbers of rows at each point, and the interval of their error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from calibeval.core.metrics.result import RiskPoint
from calibeval.core.uncertainty.special import clopper_pearson


class CountedRisk(NamedTuple):
    """A point of the curve: rows of at least the confidence `threshold`, and the wrong ones among them.

    low, high: interval of the risk at this point alone; None without one.
    """

    threshold: float
    coverage: float
    risk: float
    rows: int
    wrong: int
    low: float | None = None
    high: float | None = None


def counted(points: Sequence[RiskPoint], n: int, level: float | None = None) -> list[CountedRisk]:
    """The points with their numbers of n rows. level: of intervals (Clopper and Pearson); None: without them.

    For rows with unequal chances to be wrong, intervals are wider than needed.
    Source: Hoeffding, Annals of Mathematical Statistics 27:713 (1956).

    >>> point = counted([RiskPoint(0.7, 0.8, 0.25)], 100, 0.95)[0]
    >>> point.rows, point.wrong, round(point.low, 4), round(point.high, 4)
    (80, 20, 0.1599, 0.3594)
    """
    found = []
    for one in points:
        rows = min(max(round(one.coverage * n), 1), n)
        wrong = min(max(round(one.risk * rows), 0), rows)
        found.append(CountedRisk(one.threshold, one.coverage, one.risk, rows, wrong))
    if level is None:
        return found
    low, high = clopper_pearson([one.wrong for one in found], [one.rows for one in found], level)
    return [one._replace(low=a, high=b) for one, a, b in zip(found, low.tolist(), high.tolist(), strict=True)]
