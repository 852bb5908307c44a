"""Noise floor and interval of the root mean square calibration error, from the squared gaps of bins.

The weighted sum of squared gaps is a sum of scaled chi-square variables. Its first moments are known in closed form and
depend on the true gaps almost only through the error itself, so of all errors in this package it has the best founded
interval. As for the others (`paths`), the interval contains the errors under which the measured value is plausible.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.all_rows import in_one_bin, reach_by_groups
from calibeval.core.uncertainty.count_moments import largest_rare_square
from calibeval.core.uncertainty.floors import CERTAIN, HIGH, Floor, cube_root_quantile
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.inversion import Numbers, Path, PointFields, centre_on, invert
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paths import PSEUDO_ROWS, Joint, gap_errors
from calibeval.core.uncertainty.small_counts import shift_of
from calibeval.core.uncertainty.special import log_gamma, normal_quantile
from calibeval.core.uncertainty.thin_bins import square_bounds

# A bin with a gap below its noise still moves a little.
_LEAST_SHARE = 0.1
_TINY = 1e-300


def mean_square(sums: BinSums) -> float:
    """Mean squared gap, (accuracy - confidence)^2, over bins, weighted by their rows; its square root is the RMSCE.

    Raises: InputError if no row was summed.

    >>> mean_square(BinSums(*(np.array([x]) for x in (4.0, 3.0, 2.25, 1.0, 0.75))))
    0.25
    """
    rows = float(sums.count.sum())
    if rows == 0:
        raise InputError("there are no rows to measure")
    return float(np.sum(sums.surplus**2 / sums.divisor)) / rows


def rms_interval(sums: BinSums, n: float, level: float, joint: Joint | None = None) -> Interval:
    """Interval of the root mean square calibration error, in [0, 1].

    sums: (m,). n: number of rows, at least 1. level: in (0, 1). joint: how the gaps vary together, if rows depend on
    each other.
    Source: own inversion of the distribution of the squared error; for another method see Sun et al., arXiv 2408.08998.

    >>> sums = BinSums(*(np.array([x]) for x in (1000.0, 900.0, 810.0, 700.0, 630.0)))
    >>> [round(x, 3) for x in rms_interval(sums, 1000, 0.95)]
    [0.172, 0.229, 0.199]
    """
    z, square = Level(level, None if joint is None else joint.freedom).z, mean_square(sums)
    # The root is never smaller than |gap| of all rows, which is known better.
    value, whole = math.sqrt(square), sums.whole()
    noise = value <= rms_floor(sums, n, joint, 0.5 * (1.0 + level)).high
    ends = invert(squared_path(sums, n, joint), square, z, low=not noise)
    low, centre, high = (min(end, 1.0) for end in ends)
    together = None if joint is None else in_one_bin(sums, joint)
    centre_of_all = min(centre_on(squared_path(whole, n, together), mean_square(whole)), 1.0)
    if joint is not None:
        reach = reach_by_groups(sums, n, joint, level)
        low = 0.0 if noise else min(low, max(value - reach.slack, 0.0))
        return Interval(low, min(max(high, reach.largest_gap), 1.0), max(centre, centre_of_all))
    shift = shift_of(sums, n, level)
    # A bin with few rows weighs much, because its gap is squared before it is weighted.
    least, most = (math.sqrt(end) for end in square_bounds(sums, n, level, square, centre * centre))
    low = 0.0 if noise else min(low, least, max(value - shift.slack, 0.0))
    return Interval(low, max(high, most, shift.largest_gap), max(centre, centre_of_all))


def rms_floor(sums: BinSums, n: float, joint: Joint | None = None, level: float = HIGH) -> Floor:
    """Noise floor of the root mean square calibration error.

    sums: (m,). n, joint: as for rms_interval. level: of the quantile, in (0.5, 1).

    >>> floor = rms_floor(BinSums(*(np.array([x]) for x in (1000.0, 900.0, 810.0, 900.0, 810.0))), 1000)
    >>> round(floor.expected, 4), round(floor.high, 4)
    (0.0076, 0.0184)
    """
    filled = sums.count > 0
    share = sums.count[filled] / n
    if joint is None:
        noise = sums.variance[filled] / n**2
        spread = float(np.sum((2.0 * noise**2 + _fourth_cumulant(sums)[filled] / n**4) / share**2))
        z, far = normal_quantile(level), normal_quantile(CERTAIN)
    else:
        calibrated = joint.calibrated(sums)
        noise = (calibrated.error[filled] / n) ** 2
        extra = _together(np.zeros_like(noise), noise, share, calibrated, filled)
        spread = float(np.sum(2.0 * (noise / share) ** 2) + extra)
        z, far = joint.quantile(level), joint.quantile(CERTAIN)
    mean, variance = float(np.sum(noise / share)), spread
    if mean <= _TINY or variance <= _TINY:
        return Floor(*[math.sqrt(mean)] * 3)
    shape = mean**2 / variance
    # The square root of a gamma variable with the same mean and variance.
    expected = math.sqrt(mean / shape) * math.exp(float(log_gamma(np.array(shape + 0.5)) - log_gamma(np.array(shape))))
    third = float(np.sum(8.0 * (noise / share) ** 3)) / variance**1.5
    half_skew = min(0.5 * max(third, 2.0 / math.sqrt(shape)), 1.5)
    high, certain = (
        max(mean + math.sqrt(variance) * cube_root_quantile(one, half_skew), largest_rare_square(sums, n, tail))
        for one, tail in ((z, 1.0 - level), (far, 1.0 - CERTAIN))
    )
    return Floor(expected, *(min(max(expected, math.sqrt(max(one, 0.0))), 1.0) for one in (high, certain)))


def squared_path(sums: BinSums, n: float, joint: Joint | None = None) -> Path:
    """The path on which squared gaps, minus their noise, grow proportionally from 0.

    The first field of its points is the root mean square error; the others are moments of its square as measured.
    """
    filled = sums.count > 0
    share = sums.count[filled] / n
    gap = sums.surplus[filled] / n
    if joint is None:
        centred, rows = sums.centred_squares[filled], sums.effective[filled]
        noise = (centred * rows + PSEUDO_ROWS * sums.variance[filled]) / (rows + PSEUDO_ROWS) / n**2
    else:
        noise = (np.maximum(joint.error, gap_errors(sums))[filled] / n) ** 2
    direction = np.maximum(gap**2 - noise, _LEAST_SHARE * noise)
    constant, floor = 2.0 * np.sum((noise / share) ** 2), float(np.sum(noise / share))

    def moments(places: Numbers) -> PointFields:
        squares = np.expand_dims(places, -1) ** 2 * direction
        target = np.add.reduce(squares / share, axis=-1)
        variance = constant + np.add.reduce(4.0 * squares * noise / share**2, axis=-1)
        third = np.add.reduce((8.0 * noise**3 + 24.0 * squares * noise**2) / share**3, axis=-1)
        if joint is None:  # the number of rows in a bin is also random
            variance = variance + np.maximum(np.add.reduce(squares**2 / share**3, axis=-1) - target**2, 0.0) / n
        else:
            extra = _together(np.sqrt(squares), noise, share, joint, filled)
            third = third * ((variance + extra) / np.maximum(variance, _TINY)) ** 2
            variance = variance + extra
        return np.sqrt(target), target + floor, variance, third

    return Path(moments, -1.0, 0.0, len(gap))


def _together(gap: Floats, noise: Floats, share: Floats, joint: Joint, filled: npt.NDArray[np.bool_]) -> Numbers:
    """What correlation between bins adds to the variance of the sum of squares; never negative."""
    correlation, squared = joint.among(filled)
    single, double = noise / share, gap * np.sqrt(noise) / share
    total: Numbers = 2.0 * single @ squared @ single + 4.0 * np.add.reduce(
        double @ np.abs(correlation) * double, axis=-1
    )
    return total


def _fourth_cumulant(sums: BinSums) -> Floats:
    """The fourth cumulant of the count of every bin, from the binomial count with the same mean and variance."""
    unit = sums.unit
    mean = np.maximum(np.minimum(sums.p, sums.count - sums.p) / unit, _TINY)
    variance = sums.variance / unit**2
    chance = np.clip(1.0 - variance / mean, 0.0, 1.0)
    return np.asarray(variance * (1.0 - 6.0 * chance * (1.0 - chance)) * unit**4)
