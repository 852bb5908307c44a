"""Moments of the gap of a bin under true probabilities, from the exact distribution where few outcomes are expected.

A count of a rare outcome is far from normal: half of its variance is not on either side of its mean, and it is much
more skewed than the absolute value of a normal variable.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums

# Skewness of |X| and of max(X, 0) for a standard normal X, which replace a count's if at least that many are expected.
FOLDED_SKEWNESS = 0.9952717464311565
RECTIFIED_SKEWNESS = 1.6413
FEW, _MOST_COUNTED = 8.0, 1000
FARTHEST = 1e100  # of units of gaps, whose squares float64 must hold
# A variance of a smaller share of the mean square is nothing but rounding.
ROUNDING = 1e-12
# Probabilities of counts may exceed one that they equal, as of single rows, by this share of it: by rounding.
REACHED = 1.0 + 1e-9


class GapMoments(NamedTuple):
    """Variance and third central moment of a function of the gap of every bin."""

    variance: Floats
    third: Floats

    def times(self, unit: Floats | float) -> GapMoments:
        """Those of the gaps times a number for every bin."""
        return GapMoments(np.asarray(self.variance * unit**2), np.asarray(self.third * unit**3))


def folded_moments(sums: BinSums, means: Floats) -> GapMoments:
    """Of the absolute value of the gap, sum of y - p. means: its expectations, as `mean_absolute_gap` gives them.

    >>> one = BinSums(*(np.array([x]) for x in (1.0, 0.1, 0.01, 0.0, 0.0)))
    >>> [round(float(part[0]), 6) for part in folded_moments(one, np.array([0.18]))]
    [0.0576, 0.036864]
    """
    if sums.squared is not None:
        return folded_moments(sums.equivalent, means / sums.unit).times(sums.unit)
    variance = sums.variance - means * means
    varies = variance > ROUNDING * sums.variance  # a single row of probability 1/2 has the same gap with either outcome
    variance = np.where(varies, variance, 0.0)
    third = FOLDED_SKEWNESS * variance**1.5
    few, below = _below(sums)
    if few.any():
        of_cube = _third_cumulant(sums)[few] + 2.0 * below[2]
        mean, square = means[few], sums.variance[few]
        third[few] = np.where(varies[few], np.maximum(of_cube - 3.0 * mean * square + 2.0 * mean**3, 0.0), 0.0)
    return GapMoments(variance, third)


def over_moments(sums: BinSums, means: Floats) -> GapMoments:
    """Of the over-confident gap, max(sum of p - y, 0). means: its expectations, half of `mean_absolute_gap`.

    >>> one = BinSums(*(np.array([x]) for x in (1.0, 0.9, 0.81, 1.0, 0.9)))
    >>> [round(float(part[0]), 6) for part in over_moments(one, np.array([0.09]))]
    [0.0729, 0.052488]
    """
    if sums.squared is not None:
        return over_moments(sums.equivalent, means / sums.unit).times(sums.unit)
    variance = np.maximum(0.5 * sums.variance - means * means, 0.0)
    third = RECTIFIED_SKEWNESS * variance**1.5
    few, below = _below(sums)
    if few.any():
        errors_are_rare = (sums.p > 0.5 * sums.count)[few]
        # More errors than expected: the upper side of a rare count of errors, or the lower one of right rows.
        square = np.where(errors_are_rare, sums.variance[few] - below[1], below[1])
        cube = np.where(errors_are_rare, _third_cumulant(sums)[few] + below[2], below[2])
        mean = means[few]
        variance[few] = np.maximum(square - mean**2, 0.0)
        third[few] = np.maximum(cube - 3.0 * mean * square + 2.0 * mean**3, 0.0)
    return GapMoments(variance, third)


def rarer_mean(sums: BinSums) -> Floats:
    """Expected count of the rarer outcome in every bin; the gap is the same if the two outcomes are swapped."""
    return np.maximum(np.minimum(sums.p, sums.count - sums.p), 0.0)


def _third_cumulant(sums: BinSums) -> Floats:
    """Of the count of the rarer outcome, as if it were binomial; Poisson's where rounding left it no mean."""
    mean, variance = rarer_mean(sums), sums.variance
    mean = np.maximum(np.where(mean > 0.0, mean, variance), 1e-300)
    return np.asarray(variance * (2.0 * variance / mean - 1.0))


def _below(sums: BinSums) -> tuple[npt.NDArray[np.bool_], tuple[Floats, Floats, Floats]]:
    """Which bins expect few of the rarer outcome, and there, the moments 1 to 3 of how far the count is below its mean.

    The count is binomial with the mean and variance of the bin.
    """
    mean, variance = rarer_mean(sums), sums.variance
    few = (mean > 0.0) & (mean < FEW) & (variance > 1e-200)
    mean, variance = mean[few], variance[few]
    chance = np.clip(1.0 - variance / mean, 1e-9, 1.0 - 1e-9)
    trials = mean / chance
    weight, odds = np.exp(trials * np.log1p(-chance)), chance / (1.0 - chance)
    moments = np.zeros((3, len(mean)))
    for hits in range(math.ceil(mean.max(initial=0.0))):
        deficit = np.maximum(mean - hits, 0.0)
        moments += np.multiply.accumulate([weight * deficit, deficit, deficit])
        weight = weight * (np.maximum(trials - hits, 0.0) * odds / (hits + 1.0))
    return few, (moments[0], moments[1], moments[2])


class RareOutcomes(NamedTuple):
    """The sum of gaps of which nearly all comes from a few rare outcomes, whose number is about a binomial count.

    total, variance: of the number of rows with a rare outcome. together: rare outcomes of such a row: 1, or, of all
    classes, 2. hit: how much of the expected number is in the bin of one outcome, on average: its gap is smaller by
    that. both: whether bins without an outcome have gaps, too.
    """

    total: float
    variance: float
    hit: float
    together: int = 1
    both: bool = True

    @classmethod
    def of(cls, rare: Floats, variance: Floats, *, together: int = 1, both: bool = True) -> RareOutcomes | None:
        """From the expected rare outcomes of every bin, and their variance; None if 8 rows or more have one."""
        total = float(rare.sum()) / together
        if not 0.0 < total < FEW:
            return None
        hit = float((rare * rare).sum()) / float(rare.sum())
        return cls(total, float(variance.sum()) / together, hit, together, both)

    def value(self, rows: int) -> float:
        """The sum of gaps if this many rows have a rare outcome.

        >>> one_bin = RareOutcomes.of(np.array([0.2]), np.array([0.2]))
        >>> [round(one_bin.value(rows), 9) for rows in (0, 1, 2)]
        [0.2, 0.8, 1.8]
        """
        whole = self.total * self.together
        reached = min(rows * self.together * self.hit, whole)
        return rows * self.together - reached + (whole - reached if self.both else 0.0)

    def quantile(self, chance: float) -> float:
        """The value that is exceeded with at most this probability."""
        return self.value(rare_total(self.total, self.variance, chance))

    def p(self, value: float) -> float:
        """The probability of at least as many outcomes as a sum of gaps of this size needs."""
        for count, above in enumerate(_tail(self.total, self.variance)):
            if self.value(count + 1) >= value:
                return above if self.value(0) < value else 1.0
        return 0.0


def rare_total(mean: float, variance: float, chance: float) -> int:
    """The smallest count that a binomial count with these moments exceeds with at most this probability.

    >>> rare_total(0.2, 0.2, 0.001), rare_total(0.5, 0.25, 0.05), rare_total(4.0, 4.0, 0.001)
    (3, 1, 11)
    """
    return next(
        (count for count, above in enumerate(_tail(mean, variance)) if above <= chance * REACHED), _MOST_COUNTED
    )


def _tail(mean: float, variance: float) -> Iterator[float]:
    """The probabilities of more than 0, 1, 2 ... outcomes."""
    chance = min(max(1.0 - variance / mean, 1e-9), 1.0 - 1e-9)
    trials, odds = mean / chance, chance / (1.0 - chance)
    weight = below = math.exp(trials * math.log1p(-chance))
    for count in range(_MOST_COUNTED):
        yield max(1.0 - below, 0.0) if count < trials - 1e-6 else 0.0
        weight *= max(trials - count, 0.0) / (count + 1.0) * odds
        below += weight


def pooled_unit(sums: BinSums) -> float:
    """The weight that stands for one rare outcome of all bins together; 1 without weights."""
    if sums.squared is None:
        return 1.0
    variance, own = float(np.maximum(sums.p - sums.pp, 0.0).sum()), float(sums.variance.sum())
    return min(max(own / variance, 1.0 / FARTHEST), FARTHEST) if variance > 0.0 and own > 0.0 else 1.0


def largest_rare_square(sums: BinSums, n: float, chance: float) -> float:
    """The largest squared gap of a bin with few expected rare outcomes that this probability of more allows.

    As it adds to the mean square over n rows. sums: (m,).
    """
    own, unit = sums.equivalent, np.broadcast_to(sums.unit, sums.count.shape)
    mean, variance = rarer_mean(own), own.variance
    few = np.flatnonzero((mean > 0.0) & (mean < FEW) & (variance > 1e-200))
    squares = (
        (rare_total(float(mean[m]), float(variance[m]), chance) - float(mean[m])) ** 2 / float(own.count[m] / unit[m])
        for m in few
    )
    return max(squares, default=0.0) / n
