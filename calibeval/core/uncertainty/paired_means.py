"""Intervals and tests for the difference of two means, from the differences of paired rows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.errors import InputError
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.special import log_gamma

# With fewer rows on which exactly one of two models is correct, the normal approximation fails.
LEAST_DISCORDANT = 50


class MeanDifference(NamedTuple):
    """Interval of a mean difference, the p for the hypothesis that it is 0, and its standard error."""

    low: float
    high: float
    p: float
    error: float


def mean_difference(
    values: Floats,
    level: Level,
    most: float,
    groups: npt.NDArray[np.intp] | None = None,
    weights: Floats | None = None,
) -> MeanDifference:
    """Interval and test for the mean of row-by-row differences.

    values: (n,), candidate - base. most: the largest possible absolute difference of means.
    groups: (n,) of group numbers in [0, j), if only groups are independent; the error is then estimated from groups,
    and at least that of independent rows. weights: (n,), that add up to the effective number of rows.
    Raises: InputError if n is below 2; NotComputable if squares exceed the range of float64.

    >>> result = mean_difference(np.array([0.1, 0.3, 0.2, 0.2]), Level(0.95), 1.0)
    >>> [round(x, 3) for x in result]
    [0.12, 0.28, 0.0, 0.041]
    """
    n: float = len(values)
    if n < 2:
        raise InputError(f"{n} row is not enough: a mean difference needs at least 2")
    with np.errstate(over="ignore", invalid="ignore"):
        if weights is None:
            mean = float(values.mean())
            away, square = values - mean, float(values.var(ddof=1)) / n
        else:
            n = float(weights.sum())
            mean = float(weights @ values) / n
            away = (values - mean) * weights
            square = float(away @ away) / n / max(n - 1.0, 1.0)
        if groups is not None:
            totals = np.bincount(groups, weights=away) * Clusters.of(groups, weights).scale
            square = max(square, float(totals @ totals) / n**2)
    if not math.isfinite(square):
        raise NotComputable("overflow", "the squares of the differences of rows exceed the range of float64")
    return normal_difference(mean, math.sqrt(square), level, most)


def normal_difference(mean: float, error: float, level: Level, most: float) -> MeanDifference:
    """Interval and test for a difference with this standard error.

    >>> normal_difference(0.0, 0.0, Level(0.95), 1.0)
    MeanDifference(low=0.0, high=0.0, p=1.0, error=0.0)
    """
    reach = level.z * error
    low, high = max(mean - reach, -most), min(mean + reach, most)
    p = 1.0 if mean == 0.0 else level.p(mean / error if error > 0.0 else math.inf)
    return MeanDifference(low, high, level.agreeing(p, low, high), error)


def accuracy_difference(
    base: npt.NDArray[np.bool_],
    candidate: npt.NDArray[np.bool_],
    level: Level,
    groups: npt.NDArray[np.intp] | None = None,
    weights: Floats | None = None,
) -> MeanDifference:
    """Interval and test for the difference of two accuracies on the same rows.

    base, candidate: (n,), whether each is correct. groups, weights: as for mean_difference; with weights, counts are
    effective numbers, and the exact test takes the next whole numbers that are closer together.
    If they differ on fewer than 50 rows, the interval is that of Agresti and Min, which adds half a row to each of the
    four counts, and p is the larger of theirs and that of McNemar's exact test; if the exact test is not significant,
    the interval is extended to 0.
    Raises: InputError if n is below 2.
    Source: McNemar, Psychometrika 12:153 (1947); Agresti & Min, Statist. Med. 24:729 (2005).

    >>> base, candidate = np.array([True] * 90 + [False] * 10), np.array([True] * 97 + [False] * 3)
    >>> [round(x, 4) for x in accuracy_difference(base, candidate, Level(0.95))[:3]]
    [0.0159, 0.1213, 0.0156]
    """
    plain = mean_difference(candidate.astype(np.float64) - base, level, 1.0, groups, weights)
    return accuracy_of_counts(plain, discordant(base, candidate, weights), level, grouped=groups is not None)


def accuracy_of_counts(
    plain: MeanDifference, counts: tuple[float, float, float], level: Level, *, grouped: bool
) -> MeanDifference:
    """The difference of two accuracies as `accuracy_difference` gives it.

    plain: of the means. counts: as `discordant` gives them. grouped: whether the error of `plain` is of groups.
    """
    gained, lost, n = (round(count, 9) for count in counts)  # of equal weights, they are whole but for rounding
    if gained + lost >= LEAST_DISCORDANT:
        return plain
    share = (gained - lost) / (n + 2.0)
    error = math.sqrt((gained + lost + 1.0) / (n + 2.0) - share * share) / math.sqrt(n + 2.0)
    found = normal_difference(share, max(error, plain.error) if grouped else error, level, 1.0)
    fewer, more = math.ceil(min(gained, lost)), math.floor(max(gained, lost))
    p = max(found.p, mcnemar_p(max(more, fewer), fewer))
    if p < round(1.0 - level.value, 12):
        return found._replace(p=p)
    return found._replace(low=min(found.low, 0.0), high=max(found.high, 0.0), p=p)


def discordant(
    base: npt.NDArray[np.bool_], candidate: npt.NDArray[np.bool_], weights: Floats | None
) -> tuple[float, float, float]:
    """The rows that only the candidate has right, those that only the base has, and all rows.

    With weights, in units of the rows on which the models differ, so that both numbers vary like counts.

    >>> discordant(np.array([True, False]), np.array([True, True]), np.array([1.0, 2.0]))
    (1.0, 0.0, 1.5)
    """
    if weights is None:
        return int(np.count_nonzero(candidate & ~base)), int(np.count_nonzero(base & ~candidate)), len(base)
    unit = row_unit(base != candidate, weights)
    gained, lost = (float(weights[one & ~other].sum()) for one, other in ((candidate, base), (base, candidate)))
    return gained / unit, lost / unit, float(weights.sum()) / unit


def row_unit(rows: npt.NDArray[np.bool_], weights: Floats) -> float:
    """The weight that stands for one of these rows: their sum of squares divided by their sum; 1 without rows."""
    own = weights[rows]
    return float(own @ own) / float(own.sum()) if len(own) else 1.0


def mcnemar_p(gained: int, lost: int) -> float:
    """Two-sided p of McNemar's exact test that rows on which exactly one model is correct are split evenly.

    >>> mcnemar_p(5, 0), mcnemar_p(0, 0), mcnemar_p(3, 3)
    (0.0625, 1.0, 1.0)
    """
    total, fewer = gained + lost, min(gained, lost)
    if gained == lost:
        return 1.0
    hits = np.arange(fewer + 1.0)
    weights = log_gamma(total + 1.0) - log_gamma(hits + 1.0) - log_gamma(total - hits + 1.0) - total * math.log(2.0)
    return round(min(1.0, 2.0 * float(np.exp(weights).sum())), 14)
