"""The noise floor of the calibration error of each class, for all classes at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.count_moments import FARTHEST, FEW, REACHED, folded_moments, rarer_mean
from calibeval.core.uncertainty.floors import HIGH, mean_absolute_gap
from calibeval.core.uncertainty.special import normal_quantile

_MOST_COUNTED = 200


class ClassFloors(NamedTuple):
    """What every class would show under true probabilities, (k,): the expectation, and what none of them exceeds.

    high: of 100 calibrated models, 95 have no class above its own.
    """

    expected: Floats
    high: Floats


def class_floors(sums: BinSums, n: float) -> ClassFloors:
    """The noise floor of every class's calibration error, with Bonferroni's correction for the number of classes.

    sums: (k, m), class-wise. n: number of rows. A class that no row can have, and none has, has the floor 0.
    Raises: InputError if n is below 1.
    Source: as for `gap_floor`; Holm, Scandinavian Journal of Statistics 6:65 (1979), whose first step this is.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> one = bin_sums([0.5] * 100, [1] * 50 + [0] * 50, edges=[0, 1])
    >>> both = BinSums(*(np.stack([getattr(one, f)] * 2) for f in ("count", "p", "pp", "y", "yp")))
    >>> expected, high = class_floors(both, 100)
    >>> expected.round(3).tolist(), high.round(2).tolist()
    ([0.04, 0.04], [0.11, 0.11])
    """
    if n < 1:
        raise InputError(f"n is {n}, but a floor needs at least 1 row")
    means = mean_absolute_gap(sums)
    moments = folded_moments(sums, means)
    expected, variance = means.sum(axis=1), moments.variance.sum(axis=1)
    chance = (1.0 - HIGH) / len(expected)
    varies = variance > 1e-200
    half_skew = np.where(varies, 0.5 * moments.third.sum(axis=1) / np.where(varies, variance, 1.0) ** 1.5, 0.0)
    half_skew = np.minimum(half_skew, 1.0)  # it is larger only where rare rows decide
    step = normal_quantile(1.0 - chance) / 3.0 - half_skew / 9.0
    standard = 3.0 * step + 3.0 * half_skew * step**2 + half_skew**2 * step**3
    high = np.maximum(expected + np.sqrt(variance) * standard, _of_rare_rows(sums, chance))
    most = np.maximum(sums.p, sums.count - sums.p).sum(axis=1)
    high = np.maximum(np.minimum(high, most), expected)
    return ClassFloors(expected / n, high / n)


def _of_rare_rows(sums: BinSums, chance: float) -> Floats:
    """The sum of gaps of each class that few rows of it give with this probability; 0 where many are expected.

    A class of few expected rows has one gap for every row of it, as `RareOutcomes` describes for all bins together.
    """
    plain, own = np.maximum(sums.p - sums.pp, 0.0).sum(axis=1), sums.variance.sum(axis=1)
    there = (plain > 0.0) & (own > 0.0) & (sums.squared is not None)
    unit = np.where(there, own / np.where(there, plain, 1.0), 1.0)
    unit = np.clip(unit, 1.0 / FARTHEST, FARTHEST)
    rare = rarer_mean(sums) / unit[:, None]
    total, variance = rare.sum(axis=1), own / unit**2
    few = (total > 0.0) & (total < FEW) & (variance > 1e-200)
    found = np.zeros(len(total))
    if not few.any():
        return found
    total, hit = total[few], (rare[few] ** 2).sum(axis=1) / total[few]
    rows = _quantiles(total, variance[few], chance)
    reached = np.minimum(rows * hit, total)
    found[few] = unit[few] * (rows - reached + (total - reached))
    return found


def _quantiles(mean: Floats, variance: Floats, chance: float) -> Floats:
    """The smallest counts that binomial counts with these moments exceed with at most this probability.

    >>> _quantiles(np.array([0.2, 0.5, 4.0]), np.array([0.2, 0.25, 4.0]), 0.001).tolist()
    [3.0, 1.0, 11.0]
    """
    share = np.clip(1.0 - variance / mean, 1e-9, 1.0 - 1e-9)
    trials, odds = mean / share, share / (1.0 - share)
    weight = np.exp(trials * np.log1p(-share))
    below, found = weight.copy(), np.full(len(mean), math.inf)
    for count in range(_MOST_COUNTED):
        above = np.where(count < trials - 1e-6, np.maximum(1.0 - below, 0.0), 0.0)
        found = np.where((above <= chance * REACHED) & np.isinf(found), float(count), found)
        if not np.isinf(found).any():
            break
        weight = weight * (np.maximum(trials - count, 0.0) / (count + 1.0) * odds)
        below = below + weight
    return np.asarray(np.minimum(found, float(_MOST_COUNTED)))
