"""Noise floors: what a binned calibration error would be on the same rows if the probabilities were true.

The number of outcomes in a bin is then a Poisson-binomial count with mean sum(p) and variance sum(p (1 - p)). It is
replaced by a binomial count with the same mean and variance, which agrees with exact enumeration to at least four
digits even for a single row, where a normal approximation is up to 44 % too large.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.count_moments import (
    GapMoments,
    RareOutcomes,
    folded_moments,
    over_moments,
    pooled_unit,
    rarer_mean,
)
from calibeval.core.uncertainty.level import CERTAIN_P
from calibeval.core.uncertainty.special import log_gamma, normal_cdf, normal_quantile

HIGH, CERTAIN = 0.95, 1.0 - CERTAIN_P

MOST_SKEW = 1e50  # half of it, far above which its fifth power does not fit float64
_NORMAL_ABOVE = 200.0  # the expected count beyond which a count is treated as normal


class Floor(NamedTuple):
    """A calibration error under true probabilities: its expectation, and its 95 % and 99.9 % quantiles.

    For very few rows a quantile can be below the expectation; then it is the expectation.
    """

    expected: float
    high: float
    certain: float


def mean_absolute_gap(sums: BinSums) -> Floats:
    """Expectation of |sum of y - p| in every bin if the probabilities are true; 0 in an empty bin.

    sums: of any shape; the result has the same shape, and is at most the square root of the variance of the sums.
    With weights, the count is that of the effective number of rows, whose variance is that of the weighted sum.
    Source: de Moivre's formula for the mean deviation of a binomial count (Diaconis & Zabell, Statist. Sci. 1991).

    >>> from calibeval.core.sums.binning import bin_sums
    >>> mean_absolute_gap(bin_sums([0.9], [1], edges=[0, 0.5, 1])).round(12).tolist()
    [0.0, 0.18]
    """
    if sums.squared is not None:
        return mean_absolute_gap(sums.equivalent) * sums.unit
    variance = sums.variance
    mean = rarer_mean(sums)
    result = np.sqrt(2.0 / np.pi * variance)
    exact = (mean <= _NORMAL_ABOVE) & (mean > 0.0) & (variance > 1e-200)
    result[exact] = _binomial_mean_deviation(mean[exact], variance[exact])
    return np.minimum(result, np.sqrt(variance))


def gap_floor(sums: BinSums, n: float, level: float = HIGH, means: Floats | None = None) -> Floor:
    """Noise floor of the expected calibration error, over equal-width or equal-mass bins, or of the class-wise error.

    sums: (m,) for the top label, or (k, m) for the classes: the floor of the mean over the classes. The outcomes of k
    classes are mutually exclusive; a factor k / (k - 1) of the variance accounts for that, which is exact for two
    classes and for equal probabilities. n: number of rows. level: of the quantile, in (0, 1).
    means: of the gaps (`mean_absolute_gap`), if known.
    Raises: InputError if n is below 1; UsageError if level is not in (0, 1).

    >>> from calibeval.core.sums.binning import bin_sums
    >>> gap_floor(bin_sums([0.5], [1], edges=[0, 1]), 1)
    Floor(expected=0.5, high=0.5, certain=0.5)
    """
    classes = len(sums.count) if sums.count.ndim == 2 else 1
    means = mean_absolute_gap(sums) if means is None else means
    dependence = classes / (classes - 1.0) if classes > 1 else 1.0
    limit = float(np.maximum(sums.p, sums.count - sums.p).sum())
    unit = pooled_unit(sums)
    rare = RareOutcomes.of(rarer_mean(sums) / unit, sums.variance / unit**2, together=1 if classes == 1 else 2)
    moments, divisor = folded_moments(sums, means), _rows(n) * classes
    return _floor(means, moments, limit, rare, dependence, divisor, level, weight=unit)


def gap_p_value(sums: BinSums, n: float) -> float:
    """Probability that perfectly calibrated rows show an ECE at least this large; in [0, 1].

    sums: (m,), equal-width or equal-mass. n: number of rows.
    Raises: InputError if n is below 1.
    Source: the distribution of `gap_floor`, whose 95 % quantile has the p-value 0.05.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> calibrated, wrong = (bin_sums([0.75] * 400, [1] * right + [0] * (400 - right), [0, 1]) for right in (317, 240))
    >>> round(gap_p_value(calibrated, 400), 2), gap_p_value(wrong, 400) < 1e-6
    (0.05, True)
    """
    observed, means = float(np.abs(sums.surplus).sum()), mean_absolute_gap(sums)
    moments, unit = folded_moments(sums, means), pooled_unit(sums)
    rare = RareOutcomes.of(rarer_mean(sums) / unit, sums.variance / unit**2)
    expected, variance = float(means.sum()), float(moments.variance.sum())
    if _rows(n) and variance <= 1e-200:
        p = 1.0 if observed <= expected + 1e-9 * n else 0.0
    else:
        half_skew = 0.5 * float(moments.third.sum()) / (variance * math.sqrt(variance))
        p = float(normal_cdf(-cube_root_score((observed - expected) / math.sqrt(variance), half_skew)))
    return p if rare is None else max(p, rare.p((observed - 1e-9 * n) / unit))


def cube_root_score(standard: float, half_skew: float) -> float:
    """The standard normal score of a standardised, right-skewed value, by Wilson and Hilferty's cube root.

    half_skew: half of its skewness, in [0, 1]. The inverse of `cube_root_quantile`.
    """
    root = float(np.cbrt(1.0 + half_skew * standard))
    return 3.0 * standard / (root * root + root + 1.0) + half_skew / 3.0


def cube_root_quantile(z: float, half_skew: float) -> float:
    """The standardised value whose standard normal score is z."""
    step = z / 3.0 - half_skew / 9.0
    return 3.0 * step + 3.0 * half_skew * step**2 + half_skew**2 * step**3


def oe_floor(sums: BinSums, n: float) -> Floor:
    """Noise floor of the overconfidence error: the positive half of every gap, weighted by the bin's mean confidence.

    sums: (m,), top-label. n: number of rows.
    Raises: InputError if n is below 1.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> round(oe_floor(bin_sums([0.5], [1], edges=[0, 1]), 1).expected, 12)
    0.125
    """
    weight = sums.p / sums.divisor
    means = 0.5 * mean_absolute_gap(sums)
    moments = over_moments(sums, means)
    weighted = GapMoments(weight**2 * moments.variance, weight**3 * moments.third)
    unit = pooled_unit(sums)
    rare = RareOutcomes.of((sums.count - sums.p) / unit, sums.variance / unit**2, both=False)
    limit, most = float((weight * sums.p).sum()), float(weight.max(initial=0.0)) * unit
    return _floor(weight * means, weighted, limit, rare, 1.0, _rows(n), HIGH, weight=most)


def mce_floor(sums: BinSums) -> Floor:
    """Noise floor of the maximum calibration error: the largest |mean of y - p| over the non-empty bins.

    The distribution function of the maximum is the product of those of the bins, because counts under true
    probabilities are independent given the confidences. sums: (m,).
    Raises: InputError if every bin is empty.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> floor = mce_floor(bin_sums([0.4, 0.9], [0, 1], edges=[0, 0.5, 1]))
    >>> round(floor.expected, 12), round(floor.high, 12)
    (0.522, 0.9)
    """
    filled = np.flatnonzero(sums.count > 0)
    if not filled.size:
        raise InputError("all bins are empty, but a floor needs at least 1 row")
    sums = sums.equivalent
    mean, variance, count = rarer_mean(sums), sums.variance, sums.count
    atoms = [_gap_distribution(float(mean[b]), float(variance[b]), float(count[b])) for b in filled]
    start = max(float(gaps[0]) for gaps, _ in atoms)
    gaps = np.concatenate([gaps for gaps, _ in atoms])
    # The logarithm of a product of step functions is the sum of their logarithmic jumps, once all are positive.
    jumps = np.concatenate([np.diff(np.log(below), prepend=0.0) for _, below in atoms])
    order = np.argsort(gaps, kind="stable")
    gaps, below = gaps[order], np.exp(np.cumsum(jumps[order]))
    first = int(np.searchsorted(gaps, start, side="right")) - 1
    gaps, below = gaps[first:], below[first:]
    expected = float(np.sum(gaps * np.diff(below, prepend=0.0)))
    places = np.minimum(np.searchsorted(below, (HIGH - 1e-12, CERTAIN - 1e-12)), gaps.size - 1)
    high, certain = gaps[places].tolist()
    return Floor(expected, max(expected, high), max(expected, certain))


def _rows(n: float) -> float:
    if n < 1:
        raise InputError(f"n is {n}, but a floor needs at least 1 row")
    return n


def _binomial_mean_deviation(mean: Floats, variance: Floats) -> Floats:
    """De Moivre's mean deviation of a binomial count with this mean and variance; Poisson's for tiny probabilities."""
    chance, whole = np.clip(1.0 - variance / mean, 0.0, 1.0), np.floor(mean)
    poisson = chance < 1e-6
    p = np.where(poisson, 0.5, chance)
    trials = mean / p
    left = (mean - whole) + np.where(poisson, mean, variance / p)
    binomial = (
        log_gamma(trials + 1.0)
        - log_gamma(left)
        + (whole + 1.0) * np.log(p)
        + left * np.log(np.where(poisson, 0.5, variance / mean))
    )
    rare = (whole + 1.0) * np.log(mean) - mean
    return np.asarray(2.0 * np.exp(np.where(poisson, rare, binomial) - log_gamma(whole + 1.0)))


def _floor(
    means: Floats,
    moments: GapMoments,
    limit: float,
    rare: RareOutcomes | None,
    dependence: float,
    divisor: float,
    level: float,
    weight: float = 1.0,
) -> Floor:
    """Sum over the bins, with Wilson & Hilferty's approximation of the quantiles, at most the largest possible value.

    rare: if a few outcomes decide, the quantiles are at least those of their number. weight: of their gaps.
    """
    expected, variance = float(means.sum()), float(moments.variance.sum())
    half_skew = 0.0
    if variance > 1e-200:
        half_skew = 0.5 * float(moments.third.sum()) / (variance * math.sqrt(variance)) * math.sqrt(dependence)
        half_skew = min(half_skew, MOST_SKEW)

    def quantile(level: float) -> float:
        standard = cube_root_quantile(normal_quantile(level), half_skew)
        least = 0.0 if rare is None else weight * rare.quantile(1.0 - level)
        high = max(expected + math.sqrt(variance * dependence) * standard, least)
        return max(min(high, limit), expected) / divisor

    return Floor(expected / divisor, quantile(level), quantile(CERTAIN))


def _gap_distribution(mean: float, variance: float, count: float) -> tuple[Floats, Floats]:
    """The values of |gap| / count in ascending order, and the cumulative probability at each of them."""
    if mean > _NORMAL_ABOVE:
        # Half-normal distribution, on steps finer than those of the count.
        steps = np.arange(1.0, 1153.0) / 128.0
        return (steps - 1.0 / 256.0) * math.sqrt(variance) / count, 2.0 * normal_cdf(steps) - 1.0
    if mean <= 0.0 or variance <= 1e-200:
        return np.zeros(1), np.ones(1)
    chance = min(max(1.0 - variance / mean, 1e-7), 1.0)
    trials = max(round(mean / chance), math.ceil(mean))
    p = mean / trials
    if p >= 1.0:
        return np.zeros(1), np.ones(1)
    reach = 9.0 * math.sqrt(variance) + 20.0
    hits = np.arange(max(0.0, math.floor(mean - reach)), min(trials, math.ceil(mean + reach)) + 1.0)
    log_weight = hits * math.log(p) + (trials - hits) * math.log1p(-p)
    log_weight = log_weight + log_gamma(trials + 1.0) - log_gamma(hits + 1.0) - log_gamma(trials - hits + 1.0)
    weight = np.exp(log_weight)
    gaps = np.abs(hits - mean) / count
    order = np.argsort(gaps, kind="stable")
    below = np.cumsum(weight[order])
    return gaps[order], below / below[-1]
