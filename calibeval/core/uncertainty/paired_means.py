"""Intervals and tests for the difference of two means, from the differences of paired rows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
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
    values: Floats, level: Level, most: float, groups: npt.NDArray[np.intp] | None = None
) -> MeanDifference:
    """Interval and test for the mean of row-by-row differences.

    values: (n,), candidate - base. most: the largest possible absolute difference of means.
    groups: (n,) of group numbers in [0, j), if only groups are independent; the error is then estimated from groups,
    and at least that of independent rows.
    Raises: InputError if n is below 2.

    >>> result = mean_difference(np.array([0.1, 0.3, 0.2, 0.2]), Level(0.95), 1.0)
    >>> [round(x, 3) for x in result]
    [0.12, 0.28, 0.0, 0.041]
    """
    n = len(values)
    if n < 2:
        raise InputError(f"{n} row is not enough: a mean difference needs at least 2")
    mean = float(values.mean())
    square = float(values.var(ddof=1)) / n
    if groups is not None:
        totals = np.bincount(groups, weights=values - mean) * Clusters.of(groups).scale
        square = max(square, float(totals @ totals) / n**2)
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
) -> MeanDifference:
    """Interval and test for the difference of two accuracies on the same rows.

    base, candidate: (n,), whether each is correct. groups: as for mean_difference.
    If they differ on fewer than 50 rows, the interval is that of Agresti and Min, which adds half a row to each of the
    four counts, and p is the larger of theirs and that of McNemar's exact test; if the exact test is not significant,
    the interval is extended to 0.
    Raises: InputError if n is below 2.
    Source: McNemar, Psychometrika 12:153 (1947); Agresti & Min, Statist. Med. 24:729 (2005).

    >>> base, candidate = np.array([True] * 90 + [False] * 10), np.array([True] * 97 + [False] * 3)
    >>> [round(x, 4) for x in accuracy_difference(base, candidate, Level(0.95))[:3]]
    [0.0159, 0.1213, 0.0156]
    """
    n, gained = len(base), int(np.count_nonzero(candidate & ~base))
    lost = int(np.count_nonzero(base & ~candidate))
    plain = mean_difference(candidate.astype(np.float64) - base, level, 1.0, groups)
    if gained + lost >= LEAST_DISCORDANT:
        return plain
    share = (gained - lost) / (n + 2.0)
    error = math.sqrt((gained + lost + 1.0) / (n + 2.0) - share * share) / math.sqrt(n + 2.0)
    found = normal_difference(share, error if groups is None else max(error, plain.error), level, 1.0)
    p = max(found.p, mcnemar_p(gained, lost))
    if p < round(1.0 - level.value, 12):
        return found._replace(p=p)
    return found._replace(low=min(found.low, 0.0), high=max(found.high, 0.0), p=p)


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
