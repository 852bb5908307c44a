"""Confidence intervals for a sum of absolute gaps, by inverting a test along one path of populations.

A plug-in calibration error adds the noise of every bin: bootstrap intervals around it are biased upwards and can miss
the truth always. Here the gaps of the bins are moved along a path, from all zero over the measured ones to larger
ones. For each point of the path the distribution of the plug-in value is known in closed form, and the interval holds
the calibration errors of the points under which the value that was measured is not surprising. Coverage was measured
by simulation (tests/benchmarks/coverage.py); a path is one curve through many unknown gaps and no worst-case guarantee.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibeval.core.metrics.binning import BinSums, Floats
from calibeval.core.metrics.floors import mean_absolute_gap
from calibeval.core.special import normal_cdf, normal_pdf

# Beyond this ratio of a gap to its standard error the fold at zero is not felt.
_FAR = 9.0
# Four pseudo-rows of true probabilities keep a bin of equal outcomes from claiming that it has no variance.
_PSEUDO_ROWS = 4.0
# Clearly underconfident bins are moved by at most so many standard errors towards zero.
_SLACK = 2.0
# The last place of a path by standard errors, and the share of the independent variance that is never subtracted.
_FARTHEST = -12.0
_LEAST_SHARE = 0.2
_TINY = 1e-300
# Gauss-Hermite quadrature with seven nodes, for the expectation over a standard normal variable.
_HERMITE = (
    (0.0, 0.45714285714285713),
    (-1.1544053947399682, 0.24012317860501273),
    (1.1544053947399682, 0.24012317860501273),
    (-2.366759410734541, 0.030757123967586),
    (2.366759410734541, 0.030757123967586),
    (-3.750439717725742, 0.000548268855972),
    (3.750439717725742, 0.000548268855972),
)
_TABLE_STEPS = 64


class Point(NamedTuple):
    """A population on the path: its calibration error `target`, and the first moments of the plug-in value there."""

    target: float
    mean: float
    variance: float
    third: float

    def score(self, observed: float) -> float:
        """The standard normal score of the observed plug-in value, by Wilson and Hilferty's cube root."""
        if self.variance <= 1e-200:
            return 0.0 if observed == self.mean else math.copysign(math.inf, observed - self.mean)
        deviation = math.sqrt(self.variance)
        standard = (observed - self.mean) / deviation
        half_skew = min(max(0.5 * self.third / (self.variance * deviation), 0.0), 1.0)
        root = float(np.cbrt(1.0 + half_skew * standard))
        return 3.0 * standard / (root * root + root + 1.0) + half_skew / 3.0


class Path(NamedTuple):
    """A curve of populations: `at` gives the point at a place; from `far` to `null` the error falls to 0.

    far is negative; places beyond it are legal, and still farther away.
    """

    at: Callable[[float], Point]
    far: float
    null: float


class Ends(NamedTuple):
    """Errors on a path: lower and upper end, and between them the one whose expected plug-in value was measured."""

    low: float
    centre: float
    high: float


def invert(path: Path, observed: float, z: float) -> Ends:
    """The errors on the path under which the score of the observed value is z, 0 (in the mean) and -z."""
    at = functools.cache(path.at)

    def solve(excess: Callable[[Point], float]) -> float:
        if excess(at(path.null)) <= 0.0:
            return at(path.null).target
        far = path.far
        while excess(at(far)) > 0.0:
            if far < 1024.0 * path.far:
                return at(far).target
            far *= 2.0
        return at(_root(lambda place: excess(at(place)), far, path.null)).target

    low = solve(lambda point: point.score(observed) - z)
    centre = solve(lambda point: observed - point.mean)
    high = solve(lambda point: point.score(observed) + z)
    return Ends(min(low, centre), centre, max(high, centre))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """The zero of a function that is negative at low and positive at high: false position, Illinois variant."""
    at_low, at_high, side = function(low), function(high), 0
    for _ in range(100):
        middle = high - at_high * (high - low) / (at_high - at_low)
        if not low < middle < high or not math.isfinite(middle):
            middle = 0.5 * (low + high)
        value = function(middle)
        if value == 0.0 or high - low <= 1e-13 * max(1.0, abs(middle)):
            return middle
        if value < 0.0:
            low, at_low = middle, value
            at_high = 0.5 * at_high if side < 0 else at_high
            side = -1
        else:
            high, at_high = middle, value
            at_low = 0.5 * at_low if side > 0 else at_low
            side = 1
    return 0.5 * (low + high)


def gap_errors(sums: BinSums) -> Floats:
    """Standard error of every gap (sum of y - p), shrunk towards that of true probabilities by four pseudo-rows.

    The squares are not centred: they hold the variance of the number of rows in the bin as well.
    """
    squares = np.maximum(sums.gap_squares, sums.gap**2 / np.maximum(sums.count, 1.0))
    return np.sqrt((squares * sums.count + _PSEUDO_ROWS * sums.variance) / (sums.count + _PSEUDO_ROWS))


def folded_path(sums: BinSums, n: int, dependence: float) -> Path:
    """The path of mean |gap|: every gap moves by the same number of standard errors, and stops at 0.

    sums: (m,), or (k, m) for the mean over k classes, whose independent variance is multiplied by `dependence`.
    """
    counts = np.atleast_2d(sums.count)
    owner = np.nonzero(counts > 0)[0]
    filled, divisor = sums.count > 0, float(n * len(counts))
    error, size = gap_errors(sums)[filled] / divisor, np.abs(sums.gap[filled]) / divisor
    scale = error + _TINY
    # For rare counts a normal variable of the same variance has too large a mean deviation.
    noise = error * _noise_ratio(sums)[filled]
    relative_noise = noise / scale

    def at(steps: float) -> Point:
        gap = np.maximum(size - steps * error, 0.0)
        ratio = np.minimum(gap / scale, _FAR)
        inside, density = 2.0 * normal_cdf(ratio) - 1.0, 2.0 * normal_pdf(ratio)
        unit, square = ratio * inside + density * relative_noise, ratio * ratio
        variance = error**2 * np.maximum(1.0 + square - unit**2, 0.0)
        folded = ratio * inside + density
        third = ratio * (square + 3.0) * inside + (square + 2.0) * density - 3.0 * folded * (1.0 + square)
        independent = float(variance.sum())
        # The uncentred squares count the variance of the error itself; of one class it is target^2 / n.
        surplus = float(np.sum(np.bincount(owner, weights=gap) ** 2)) / n
        return Point(
            target=float(gap.sum()),
            mean=float(np.sum(gap * inside + noise * density)),
            variance=dependence * max(independent - surplus, _LEAST_SHARE * independent),
            third=dependence**1.5 * float(np.sum(error**3 * (third + 2.0 * folded**3))),
        )

    return Path(at, _FARTHEST, _largest_ratio(size, error))


def overconfidence_path(sums: BinSums, n: int, z: float) -> Path:
    """The path of mean confidence times overconfidence, from (m,) top-label sums.

    Overconfident bins move as on `folded_path`. Underconfident ones may be overconfident only within their error:
    away from 0 they rise by at most z standard errors, towards 0 by at most two and never above it.
    """
    filled = sums.count > 0
    over, error = overconfidence(sums, n)[filled], (_mean_p(sums) * gap_errors(sums))[filled] / n
    scale = error + _TINY

    def at(steps: float) -> Point:
        risen = over + min(abs(steps), _SLACK if steps > 0.0 else z) * error
        under = np.minimum(risen, 0.0) if steps > 0.0 else risen
        gap = np.where(over > 0.0, np.maximum(over - steps * error, 0.0), under)
        ratio = np.clip(gap / scale, -_FAR, _FAR)
        below, density = normal_cdf(ratio), normal_pdf(ratio)
        first, square = ratio * below + density, ratio * ratio
        second = (square + 1.0) * below + ratio * density
        third = ratio * (square + 3.0) * below + (square + 2.0) * density - 3.0 * first * second + 2.0 * first**3
        target = float(np.maximum(gap, 0.0).sum())
        independent = float(np.sum(error**2 * np.maximum(second - first**2, 0.0)))
        return Point(
            target=target,
            mean=float(np.sum(np.where(ratio < _FAR, error * first, gap))),
            variance=max(independent - target**2 / n, _LEAST_SHARE * independent),
            third=float(np.sum(error**3 * third)),
        )

    return Path(at, _FARTHEST, max(_largest_ratio(over, error), _SLACK))


def overconfidence(sums: BinSums, n: int) -> Floats:
    """Mean confidence times overconfidence of every bin, negative where it is underconfident; the OE sums the rest."""
    return -_mean_p(sums) * sums.gap / n


def single_bin_bound(sums: BinSums, n: int, z: float) -> float:
    """The largest upper end, z standard errors above the measured value, of one bin's share of the OE."""
    return float(np.max(overconfidence(sums, n) + z * _mean_p(sums) * gap_errors(sums) / n, initial=0.0))


def pooled_path(sums: BinSums, n: int, dependence: float) -> Path:
    """The path of the mean over k classes on which gaps are random draws that grow in proportion.

    Many gaps below their standard errors move too little on `folded_path`. Here the gaps of one bin, over the root of
    their counts, have the mean and the variance that the classes show beyond noise. sums: (k, m).
    """
    filled, divisor = sums.count > 0, float(n * len(sums.count))
    root, error = np.sqrt(np.maximum(sums.count, 1.0)), gap_errors(sums)
    scaled, mass = sums.gap / root, np.maximum(sums.count.sum(axis=0), 1.0)
    centre = np.sum(sums.count * scaled, axis=0) / mass
    excess = np.sum(sums.count * ((scaled - centre) ** 2 - (error / root) ** 2), axis=0) / mass
    mean = (centre * root)[filled] / divisor
    spread = (np.sqrt(np.maximum(excess, 0.0)) * root)[filled] / divisor
    noise = (error * _noise_ratio(sums))[filled] / divisor
    error = error[filled] / divisor
    unit_mean, unit_spread = mean / (error + _TINY), spread / (error + _TINY)

    def at(place: float) -> Point:
        growth = -place
        variance = np.zeros_like(error)
        for node, weight in _HERMITE:
            ratio = np.minimum(np.abs(growth * (unit_mean + node * unit_spread)), _FAR)
            variance += weight * _FOLDED_VARIANCE[np.rint(ratio * _TABLE_STEPS).astype(np.intp)]
        return Point(
            target=float(np.sum(_folded_mean(growth * mean, growth * spread))),
            mean=float(np.sum(_folded_mean(growth * mean, np.sqrt((growth * spread) ** 2 + noise**2)))),
            variance=dependence * float(np.sum(error**2 * variance)),
            third=0.0,
        )

    return Path(at, -1.0, 0.0)


def _mean_p(sums: BinSums) -> Floats:
    return sums.p / np.maximum(sums.count, 1.0)


def _largest_ratio(gap: Floats, error: Floats) -> float:
    """A place at which every positive gap has come to 0, in spite of rounding."""
    ratio = gap[error > 0.0] / error[error > 0.0]
    return 1e-9 + (1.0 + 1e-12) * float(ratio.max(initial=0.0))


def _noise_ratio(sums: BinSums) -> Floats:
    """Mean deviation of every bin's count over that of a normal variable of its variance; below 1 for rare counts."""
    normal = np.sqrt(2.0 / np.pi * sums.variance)
    return np.where(normal > 1e-100, mean_absolute_gap(sums) / np.maximum(normal, 1e-100), 1.0)


def _folded_mean(gap: Floats, error: Floats) -> Floats:
    """Expectation of |X| for a normal X with mean `gap` and standard deviation `error`, which may be 0."""
    size = np.abs(gap)
    ratio = np.minimum(size / (error + _TINY), _FAR)
    return np.asarray(size * (2.0 * normal_cdf(ratio) - 1.0) + 2.0 * error * normal_pdf(ratio))


# Variance of |X| for a normal X of variance 1, by its mean from 0 to _FAR: the nearest entry errs by 0.4 % at most.
_MEANS = np.arange(_FAR * _TABLE_STEPS + 1.0) / _TABLE_STEPS
_FOLDED_VARIANCE = 1.0 + _MEANS**2 - _folded_mean(_MEANS, np.ones_like(_MEANS)) ** 2
