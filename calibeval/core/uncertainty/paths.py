"""Confidence intervals for a sum of absolute gaps, by inverting a test along one path of populations.

A plug-in calibration error includes the noise of every bin, so bootstrap intervals around it are biased upwards and may
never contain the true value. Here, the gaps of the bins are moved along a path: from all zero, through the measured
gaps, to larger ones. For each point of the path, the distribution of the plug-in value is known in closed form, and the
interval contains the calibration errors of the points under which the measured value is plausible. Coverage was
measured by simulation (tests/benchmarks/coverage.py); a path is only one curve through many unknown gaps, so there is
no worst-case guarantee.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.floors import mean_absolute_gap
from calibeval.core.uncertainty.inversion import Numbers, Path, PointFields
from calibeval.core.uncertainty.special import normal_cdf, normal_pdf, student_quantile

# Beyond this ratio of a gap to its standard error, the absolute value has no effect.
_FAR = 9.0
# Four pseudo-rows of true probabilities, so that a bin with equal outcomes does not get a variance of 0.
PSEUDO_ROWS = 4.0
# Clearly under-confident bins are moved towards zero by at most this number of standard errors.
_SLACK = 2.0
# The last place of a path in standard errors, and the share of the independent variance that is always kept.
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


class Joint(NamedTuple):
    """How the gaps of bins vary together if rows depend on each other, estimated from groups of rows.

    error: standard error of every gap (sum of y - p), in the shape of the sums. correlation: between all bins, in the
    order of the flattened sums, with 0 on the diagonal. freedom: degrees of freedom of the errors.
    """

    error: Floats
    correlation: Floats
    freedom: float

    def quantile(self, probability: float) -> float:
        """Student's quantile, which replaces the normal one, because errors are estimated from few groups."""
        return student_quantile(probability, self.freedom)

    def among(self, filled: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """The correlation between the filled bins, and its elementwise square."""
        places = np.flatnonzero(filled)
        correlation = self.correlation[np.ix_(places, places)]
        return correlation, correlation * correlation

    def calibrated(self, sums: BinSums) -> Joint:
        """The joint variation with the same dependence between rows if the probabilities of these sums were true."""
        scale = np.sqrt(sums.variance) / np.maximum(gap_errors(sums), _TINY)
        return self._replace(error=self.error * np.where(sums.count > 0, scale, 0.0))

    def of_class(self, index: int) -> Joint:
        """The part of one class, for class-wise sums."""
        m = self.error.shape[1]
        own = slice(index * m, (index + 1) * m)
        return Joint(self.error[index], self.correlation[own, own], self.freedom)


def gap_errors(sums: BinSums) -> Floats:
    """Standard error of every gap (sum of y - p), shrunk towards that of true probabilities by four pseudo-rows.

    The squares are not centred, so they include the variance of the number of rows in the bin.
    """
    if sums.squared is not None:
        return gap_errors(sums.equivalent) * sums.unit
    rows = np.maximum(sums.count, 1.0)
    least = sums.surplus**2 / rows
    squares = np.maximum(sums.surplus_squares, least)
    # The pseudo-rows vary like true probabilities, but around the measured gap, as far as it is more than noise.
    pseudo = sums.variance + np.maximum(least - sums.variance / rows, 0.0)
    return np.sqrt((squares * sums.count + PSEUDO_ROWS * pseudo) / (sums.count + PSEUDO_ROWS))


def folded_path(
    sums: BinSums, n: float, dependence: float, joint: Joint | None = None, means: Floats | None = None
) -> Path:
    """The path of mean |gap|: every gap moves by the same number of standard errors, and stops at 0.

    sums: (m,), or (k, m) for the mean over k classes, with the independent variance multiplied by `dependence`.
    joint: for dependent rows; then `dependence` has no effect. means: of the gaps (`mean_absolute_gap`), if known.
    """
    counts = np.atleast_2d(sums.count)
    first_of_class = np.flatnonzero(np.diff(np.nonzero(counts > 0)[0], prepend=-1))
    filled, divisor = sums.count > 0, float(n * len(counts))
    errors = gap_errors(sums) if joint is None else joint.error
    error, size = errors[filled] / divisor, np.abs(sums.surplus[filled]) / divisor
    among, sign = None if joint is None else joint.among(filled), np.sign(sums.surplus[filled])
    scale = error + _TINY
    # For rare counts, a normal variable with the same variance has too large a mean deviation.
    noise = error * _noise_ratio(sums, means)[filled]
    relative_noise = noise / scale
    squares, cubes = error**2, error**3

    def moments(places: Numbers) -> PointFields:
        gap = np.maximum(size - np.expand_dims(places, -1) * error, 0.0)
        ratio = np.minimum(gap / scale, _FAR)
        inside, density = 2.0 * normal_cdf(ratio) - 1.0, 2.0 * normal_pdf(ratio)
        unit, square = ratio * inside + density * relative_noise, ratio * ratio
        variance = squares * np.maximum(1.0 + square - unit**2, 0.0)
        folded = ratio * inside + density
        third = ratio * (square + 3.0) * inside + (square + 2.0) * density - 3.0 * folded * (1.0 + square)
        independent, third_moment = _over_bins(variance), _over_bins(cubes * (third + 2.0 * folded**3))
        target, mean = _over_bins(gap), _over_bins(gap * inside + noise * density)
        if among is not None:
            total, factor = _joint_variance(independent, error * inside * sign, error * density, among)
            return target, mean, total, factor**2 * third_moment
        # The uncentred squares include the variance of the error itself; for one class it is target^2 / n.
        surplus = _over_bins(np.add.reduceat(gap, first_of_class, axis=-1) ** 2) / n
        variance_of_sum = dependence * np.maximum(independent - surplus, _LEAST_SHARE * independent)
        return target, mean, variance_of_sum, dependence**1.5 * third_moment

    return Path(moments, _FARTHEST, _largest_ratio(size, error), len(size))


def overconfidence_path(sums: BinSums, n: float, z: float, joint: Joint | None = None) -> Path:
    """The path of mean confidence times overconfidence, from (m,) top-label sums.

    Over-confident bins move as on `folded_path`. Under-confident bins can become over-confident only within their
    error: away from 0 they rise by at most z standard errors, towards 0 by at most two and never above 0.
    joint: for dependent rows.
    """
    filled = sums.count > 0
    errors = gap_errors(sums) if joint is None else joint.error
    over, error = overconfidence(sums, n)[filled], (_mean_p(sums) * errors)[filled] / n
    among = None if joint is None else joint.among(filled)
    scale = error + _TINY

    def moments(places: Numbers) -> PointFields:
        steps = np.expand_dims(places, -1)
        risen = over + np.minimum(np.abs(steps), np.where(steps > 0.0, _SLACK, z)) * error
        under = np.where(steps > 0.0, np.minimum(risen, 0.0), risen)
        gap = np.where(over > 0.0, np.maximum(over - steps * error, 0.0), under)
        ratio = np.clip(gap / scale, -_FAR, _FAR)
        below, density = normal_cdf(ratio), normal_pdf(ratio)
        first, square = ratio * below + density, ratio * ratio
        second = (square + 1.0) * below + ratio * density
        third = ratio * (square + 3.0) * below + (square + 2.0) * density - 3.0 * first * second + 2.0 * first**3
        target, third_moment = _over_bins(np.maximum(gap, 0.0)), _over_bins(error**3 * third)
        independent = _over_bins(error**2 * np.maximum(second - first**2, 0.0))
        mean = _over_bins(np.where(ratio < _FAR, error * first, gap))
        if among is not None:
            total, factor = _joint_variance(independent, error * below, error * density, among)
            return target, mean, total, factor**2 * third_moment
        return target, mean, np.maximum(independent - target**2 / n, _LEAST_SHARE * independent), third_moment

    return Path(moments, _FARTHEST, max(_largest_ratio(over, error), _SLACK), len(over))


def overconfidence(sums: BinSums, n: float) -> Floats:
    """Mean confidence times overconfidence of every bin, negative if under-confident; the OE sums the positive ones."""
    return -_mean_p(sums) * sums.surplus / n


def single_bin_bound(sums: BinSums, n: float, z: float, joint: Joint | None = None) -> float:
    """The largest upper end, z standard errors above the measured value, of a single bin's contribution to the OE."""
    errors = gap_errors(sums) if joint is None else joint.error
    return float(np.max(overconfidence(sums, n) + z * _mean_p(sums) * errors / n, initial=0.0))


def pooled_path(
    sums: BinSums, n: float, dependence: float, joint: Joint | None = None, means: Floats | None = None
) -> Path:
    """The path of the mean over k classes on which gaps are random draws that grow proportionally.

    On `folded_path`, many gaps below their standard errors move too little. Here the gaps of one bin, divided by the
    square root of their counts, have the mean and variance that the classes show beyond noise. sums: (k, m). joint: for
    dependent rows; then `dependence` has no effect. means: as for `folded_path`.
    """
    filled, divisor = sums.count > 0, float(n * len(sums.count))
    root, error = np.sqrt(sums.divisor), gap_errors(sums) if joint is None else joint.error
    among = None if joint is None else joint.among(filled)
    scaled, mass = sums.surplus / root, np.maximum(sums.count.sum(axis=0), 1.0)
    centre = np.sum(sums.count * scaled, axis=0) / mass
    excess = np.sum(sums.count * ((scaled - centre) ** 2 - (error / root) ** 2), axis=0) / mass
    mean = (centre * root)[filled] / divisor
    spread = (np.sqrt(np.maximum(excess, 0.0)) * root)[filled] / divisor
    noise = (error * _noise_ratio(sums, means))[filled] / divisor
    error = error[filled] / divisor
    unit_mean, unit_spread = mean / (error + _TINY), spread / (error + _TINY)
    drawn = [unit_mean + node * unit_spread for node, _ in _HERMITE]
    steps, squares = [np.abs(one) * _TABLE_STEPS for one in drawn], error**2

    def moments(places: Numbers) -> PointFields:
        growth = -np.expand_dims(places, -1)
        shape = np.broadcast_shapes(growth.shape, error.shape)
        variance = np.zeros(shape)
        for step, of_node in zip(steps, _NODE_VARIANCE, strict=True):
            place = np.minimum(np.abs(growth) * step, _FAR * _TABLE_STEPS)
            variance += of_node.take(np.rint(place, out=place).astype(np.intp))
        independent = _over_bins(squares * variance)
        total = dependence * independent
        if among is not None:
            slope, bend = np.zeros((2, *shape))
            for one, (_, weight) in zip(drawn, _HERMITE, strict=True):
                ratio = np.minimum(np.abs(growth * one), _FAR)
                slope += weight * np.sign(growth * one) * (2.0 * normal_cdf(ratio) - 1.0)
                bend += weight * 2.0 * normal_pdf(ratio)
            total, _ = _joint_variance(independent, error * slope, error * bend, among)
        target = _over_bins(_folded_mean(growth * mean, growth * spread))
        noisy = _over_bins(_folded_mean(growth * mean, np.sqrt((growth * spread) ** 2 + noise**2)))
        return target, noisy, total, np.zeros_like(total)

    return Path(moments, -1.0, 0.0, len(mean))


def _joint_variance(
    independent: Numbers, slope: Floats, bend: Floats, among: tuple[Floats, Floats]
) -> tuple[Numbers, Numbers]:
    """Variance of a sum of functions of correlated normal variables, and its ratio to that of independent ones.

    independent: the variance without correlation. slope, bend: the first terms of a Hermite series: expectations of the
    first and second derivative of each function, times the first and second power of the standard error.
    """
    correlation, squared = among
    size = np.abs(slope)
    # Correlated bins may show gaps of opposite signs only by noise; then these do not cancel.
    linear = np.maximum(_over_bins(slope @ correlation * slope), _over_bins(size @ correlation * size))
    off_diagonal = linear + 0.5 * _over_bins(bend @ squared * bend)
    total = np.maximum(independent + off_diagonal, _LEAST_SHARE * independent)
    return total, total / np.maximum(independent, _TINY)


def _over_bins(values: Floats) -> Numbers:
    """The sum over the bins."""
    total: Numbers = np.add.reduce(values, axis=-1)
    return total


def _mean_p(sums: BinSums) -> Floats:
    return sums.p / sums.divisor


def _largest_ratio(gap: Floats, error: Floats) -> float:
    """A place at which every positive gap has reached 0, in spite of rounding."""
    ratio = gap[error > 0.0] / error[error > 0.0]
    return 1e-9 + (1.0 + 1e-12) * float(ratio.max(initial=0.0))


def _noise_ratio(sums: BinSums, means: Floats | None) -> Floats:
    """Mean deviation of every bin's count, relative to a normal variable with its variance; below 1 for rare counts."""
    normal = np.sqrt(2.0 / np.pi * sums.variance)
    means = mean_absolute_gap(sums) if means is None else means
    return np.where(normal > 1e-100, means / np.maximum(normal, 1e-100), 1.0)


def _folded_mean(gap: Floats, error: Floats) -> Floats:
    """Expectation of |X| for a normal X with mean `gap` and standard deviation `error`, which may be 0."""
    size = np.abs(gap)
    ratio = np.minimum(size / (error + _TINY), _FAR)
    return np.asarray(size * (2.0 * normal_cdf(ratio) - 1.0) + 2.0 * error * normal_pdf(ratio))


# Variance of |X| for a normal X with variance 1, by its mean from 0 to _FAR: the nearest entry is off by at most 0.4 %.
_MEANS = np.arange(_FAR * _TABLE_STEPS + 1.0) / _TABLE_STEPS
_FOLDED_VARIANCE = 1.0 + _MEANS**2 - _folded_mean(_MEANS, np.ones_like(_MEANS)) ** 2
_NODE_VARIANCE = tuple(weight * _FOLDED_VARIANCE for _, weight in _HERMITE)
