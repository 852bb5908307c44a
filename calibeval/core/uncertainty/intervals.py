"""Confidence intervals of all metrics from additive sums: deterministic, and at a cost that does not depend on n."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from calibeval.core.errors import InputError, UsageError
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.all_rows import error_of_sum, in_one_bin, reach_by_groups
from calibeval.core.uncertainty.debiased_interval import debiased_interval
from calibeval.core.uncertainty.floors import CERTAIN, HIGH, Floor, cube_root_quantile, gap_floor, mean_absolute_gap
from calibeval.core.uncertainty.inversion import Ends, Point, centre_on, invert
from calibeval.core.uncertainty.paths import (
    Joint,
    folded_path,
    overconfidence,
    overconfidence_path,
    pooled_path,
    single_bin_bound,
)
from calibeval.core.uncertainty.small_counts import Reach, Shift, class_reach_of, error_of_mean, exact_ends, shift_of
from calibeval.core.uncertainty.special import clopper_pearson, normal_quantile, student_tail
from calibeval.core.uncertainty.thin_bins import overconfidence_bound

MCE_LEAST_COUNT = 30
ROUNDED = 1e-13  # of a mean square, at most
LEAST_BIN_ROWS = 5  # sums over fewer rows are far from normal

# The outcomes of k classes are mutually exclusive; twice the independent variance bounds that of any sum of their gaps.
_CLASS_DEPENDENCE = 2.0


class Interval(NamedTuple):
    """Ends of a confidence interval, and the bias-corrected value in it; None if there is no bias."""

    low: float
    high: float
    corrected: float | None


def ece_interval(
    sums: BinSums, n: float, level: float, joint: Joint | None = None, *, of_class: bool = False
) -> Interval:
    """Confidence interval of the expected calibration error, with equal-width or equal-mass bins (AECE).

    The target is the value of the population on the same bins. The plug-in value may lie outside: it is biased upwards,
    and the interval of a perfect model starts at 0. In [0, 1].
    sums: (m,). n: number of rows, at least 1. level: in (0, 1), as in all functions here.
    joint: how the gaps vary together, if rows depend on each other. of_class: whether p is the probability of a class,
    not that of the top label.
    Raises: InputError if n is below 1; UsageError if level is not in (0, 1).
    Source: own method; coverage 92-99 % at a nominal 95 % from 100 rows on, tests/benchmarks/scenarios.py.

    >>> sums = BinSums(*(np.array([x]) for x in (1000.0, 900.0, 810.0, 700.0, 630.0)))
    >>> [round(x, 3) for x in ece_interval(sums, 1000, 0.95)]
    [0.171, 0.229, 0.2]
    """
    z, value = _two_sided(level, joint), float(np.abs(sums.surplus).sum()) / _rows(n)
    upper = 0.5 * (1.0 + level)
    # An error of all bins is never smaller than that of all rows, which is known better.
    if joint is not None:
        reach: Shift | Reach = reach_by_groups(sums, n, joint, level, of_class=of_class)
        floor = joint_floor(sums, n, joint, upper)
    else:
        reach = class_reach_of(sums, n, level) if of_class else shift_of(sums, n, level)
        floor = gap_floor(sums, n, upper)
    noise = value <= floor.high
    ends = invert(folded_path(sums, n, 1.0, joint), value, z, low=not noise)
    low = 0.0 if noise else min(ends.low, max(value - reach.slack, 0.0))
    whole = sums.whole()
    together = None if joint is None else in_one_bin(sums, joint)
    of_all = centre_on(folded_path(whole, n, 1.0, together), abs(float(whole.surplus[0])) / n)
    return _bounded(Ends(low, max(ends.centre, of_all), max(ends.high, reach.largest_gap)))


def oe_interval(sums: BinSums, n: float, level: float, joint: Joint | None = None) -> Interval:
    """Confidence interval of the overconfidence error; conservative if no bin is over-confident. In [0, 1].

    sums: (m,), top-label. n: number of rows, at least 1. joint: as for ece_interval.
    Raises: as ece_interval. Source: as ece_interval.

    >>> sums = BinSums(*(np.array([x]) for x in (1000.0, 900.0, 810.0, 700.0, 630.0)))
    >>> [round(x, 3) for x in oe_interval(sums, 1000, 0.95)]
    [0.154, 0.208, 0.18]
    """
    z = _two_sided(level, joint)
    value = float(np.maximum(overconfidence(sums, _rows(n)), 0.0).sum())
    ends = invert(overconfidence_path(sums, n, z, joint), value, z)
    # The path moves all bins. If only one of many is over-confident, the bound of that bin alone is larger.
    high = max(ends.high, single_bin_bound(sums, n, z, joint))
    # It is never smaller than the same sum over all bins, in which under-confident bins count as negative.
    if joint is not None:
        error = error_of_sum(sums, joint, sums.p / sums.divisor) / n
        return _bounded(ends._replace(high=max(high, float(overconfidence(sums, n).sum()) + z * error)))
    signed = _signed_overconfidence(sums, n, z, shift_of(sums, n, level))
    return _bounded(ends._replace(high=max(high, signed, overconfidence_bound(sums, n, level))))


def cwce_interval(
    sums: BinSums, n: float, level: float, joint: Joint | None = None, spread: float | None = None
) -> Interval:
    """Confidence interval of the class-wise calibration error, the mean over the classes. In [0, 1].

    Two classes mirror each other, so it is the mean of both ECE intervals (quantiles of fully dependent values add up).
    For three or more it is the hull of two paths, which covers 99 %; the lower end is 0 unless the value exceeds its
    noise floor at that level. If it does, and `spread` is known, it is the narrower one of the debiased sum. Where a
    class has fewer than 20 rows it is an approximation.
    sums: (k, m), k >= 2. n: number of rows, at least 1. joint: as for ece_interval; then nothing is assumed about
    classes. spread: the variance of a row's weighted gaps, see `debiased_interval`.
    Raises: as ece_interval, and InputError if sums hold fewer than 2 classes. Source: as ece_interval.

    >>> rows = (np.full((2, 1), x) for x in (1000.0, 500.0, 250.0, 500.0, 250.0))
    >>> cwce_interval(BinSums(*rows), 1000, 0.95)[0]
    0.0
    """
    if sums.count.ndim != 2 or len(sums.count) < 2:
        raise InputError(f"sums have shape {sums.count.shape}, but class-wise sums are (k, m) with k >= 2")
    classes = len(sums.count)
    if classes == 2:
        parts = [None if joint is None else joint.of_class(k) for k in (0, 1)]
        first, second = (ece_interval(sums.row(k), n, level, parts[k], of_class=True) for k in (0, 1))
        corrected = 0.5 * ((first.corrected or 0.0) + (second.corrected or 0.0))
        return Interval(0.5 * (first.low + second.low), 0.5 * (first.high + second.high), corrected)
    z, value = _two_sided(level, joint), float(np.abs(sums.surplus).sum()) / (_rows(n) * classes)
    upper = 0.5 * (1.0 + level)
    means = mean_absolute_gap(sums)
    noise = value < (gap_floor(sums, n, upper, means) if joint is None else joint_floor(sums, n, joint, upper)).high
    if spread is not None and joint is None and not noise:
        return _bounded(Ends(*debiased_interval(sums, n, spread, level)))
    folded = invert(folded_path(sums, n, _CLASS_DEPENDENCE, joint, means), value, z, low=not noise, centre=False)
    pooled = invert(pooled_path(sums, n, _CLASS_DEPENDENCE, joint, means), value, z, low=not noise)
    low = 0.0 if noise else min(folded.low, pooled.low)
    # The pooled path gives the centre with the smaller bias and error.
    return _bounded(Ends(low, pooled.centre, max(folded.high, pooled.high)))


def mce_interval(sums: BinSums, level: float) -> Interval | None:
    """Confidence interval of the largest |gap| over the bins with at least 30 rows; None if there is no such bin.

    From simultaneous Clopper-Pearson intervals, hence conservative: from the largest lower to the largest upper end of
    |accuracy - confidence|, each moved by the error of the bin's mean confidence. In [0, 1]. sums: (m,).
    Raises: UsageError if level is not in (0, 1).
    Source: Clopper & Pearson, Biometrika 26:404 (1934), with Bonferroni's correction.

    >>> sums = BinSums(*(np.array([x]) for x in (100.0, 90.0, 81.0, 50.0, 45.0)))
    >>> low, high, _ = mce_interval(sums, 0.95)
    >>> round(low, 3), round(high, 3)
    (0.298, 0.502)
    """
    _two_sided(level)
    large = np.flatnonzero(sums.effective >= MCE_LEAST_COUNT * (1.0 - 1e-9))  # 30 equal weights are 30
    if not large.size:
        return None
    found = sums.at(large)
    each = 1.0 - (1.0 - level) / large.size
    low, high = clopper_pearson(np.minimum(found.y / found.unit, found.effective), found.effective, each)
    mean, error = found.p / found.count, _two_sided(each) * error_of_mean(found)
    nearest = np.maximum(np.maximum(low - mean, mean - high) - error, 0.0)
    farthest = np.maximum(high - mean, mean - low) + error
    return Interval(float(nearest.max()), min(float(farthest.max()), 1.0), None)


def mean_interval(
    total: float,
    total_of_squares: float,
    n: float,
    level: float,
    *,
    least: float = 0.0,
    most: float = math.inf,
) -> Interval | None:
    """Normal interval of the mean of n values, from their sum and the sum of their squares.

    None if n is 1, or the squares exceed the range of float64.

    least, most: bounds of all values, and so of the interval: NLL and Brier score are never negative.
    Raises: InputError if n is below 1; UsageError if level is not in (0, 1).

    >>> [round(x, 3) for x in mean_interval(10.0, 30.0, 10, 0.95)[:2]]
    [0.076, 1.924]
    """
    z = _two_sided(level)
    if _rows(n) <= 1:
        return None
    mean = total / n
    if not math.isfinite(total_of_squares):
        return None
    error = math.sqrt(spread_of(total, total_of_squares, n) / (n - 1))
    return Interval(max(mean - z * error, least), min(mean + z * error, most), None)


def spread_of(total: float, total_of_squares: float, n: float) -> float:
    """The mean squared deviation of n values, from their sum and the sum of their squares.

    0 where it is no more than the rounding of these: its square root would show in half of the digits.

    >>> spread_of(3.0, 5.0, 2), spread_of(0.3, 0.03 + 1e-17, 3)
    (0.25, 0.0)
    """
    mean, square = total / n, total_of_squares / n
    if not math.isfinite(square):
        return square
    found = square - mean * mean
    return found if found > ROUNDED * square else 0.0


def exact_interval(successes: float, n: float, level: float) -> Interval:
    """Clopper and Pearson's exact confidence interval of a share, such as the accuracy. In [0, 1].

    successes: whole, from 0 to n. Raises: InputError if n is below 1 or successes are not in 0 ... n; UsageError if
    level is not in (0, 1).
    Source: Clopper & Pearson, Biometrika 26:404 (1934).

    >>> [round(x, 3) for x in exact_interval(8, 10, 0.95)[:2]]
    [0.444, 0.975]
    """
    if not 0.0 <= successes <= _rows(n) * (1.0 + 1e-12):
        raise InputError(f"successes are {successes}, but must lie in 0 ... {n}")
    return Interval(*exact_ends(successes, n, level), None)


def share_interval(share: float, n: float, z: float) -> Interval:
    """Wilson's interval of a share on n rows; n may be an effective sample size."""
    weight = z * z / n
    centre = (share + 0.5 * weight) / (1.0 + weight)
    half = z * math.sqrt(share * (1.0 - share) / n + weight / (4.0 * n)) / (1.0 + weight)
    return Interval(max(centre - half, 0.0), min(centre + half, 1.0), None)


def joint_floor(sums: BinSums, n: float, joint: Joint, level: float = HIGH) -> Floor:
    """Noise floor of the ECE, or of the class-wise error, if rows depend on each other.

    The gaps vary around 0 as under true probabilities, times the increase by dependence that the groups show. The
    quantile is Student's. sums: (m,) or (k, m). level: of the quantile, in (0.5, 1).
    """
    path = folded_path(sums.calibrated(), n, 1.0, joint.calibrated(sums))
    return _floor(path.at(path.null), joint, level)


def joint_oe_floor(sums: BinSums, n: float, joint: Joint) -> Floor:
    """Noise floor of the overconfidence error if rows depend on each other. sums: (m,), top-label."""
    calibrated = sums.calibrated()
    path = overconfidence_path(calibrated, n, 1.0, joint.calibrated(sums))
    return _floor(path.at(path.null), joint, HIGH)


def joint_p_value(sums: BinSums, n: float, joint: Joint) -> float:
    """Probability that calibrated groups show an ECE at least this large, if rows depend on each other."""
    path = folded_path(sums.calibrated(), n, 1.0, joint.calibrated(sums))
    return student_tail(path.at(path.null).score(float(np.abs(sums.surplus).sum()) / n), joint.freedom)


def _signed_overconfidence(sums: BinSums, n: float, z: float, shift: Shift) -> float:
    """The upper end of the sum over all bins of mean confidence times overconfidence, with its sign.

    With few errors, it is what the exact interval of the accuracy allows; each further error costs the mean confidence.
    """
    total = float(overconfidence(sums, n).sum())
    if shift.few:
        return total + shift.confidence * (shift.accuracy - shift.least)
    squares = float((sums.p / sums.divisor) ** 2 @ sums.surplus_squares) / n**2
    worth = n if sums.squared is None else n**2 / float(sums.squared.count.sum())
    return total + z * math.sqrt(max(squares - total**2 / worth, 0.0))


def _floor(point: Point, joint: Joint, level: float) -> Floor:
    ends = (
        point.mean + math.sqrt(point.variance) * cube_root_quantile(joint.quantile(one), point.half_skew)
        for one in (level, CERTAIN)
    )
    return Floor(point.mean, *(min(max(point.mean, end), 1.0) for end in ends))


def _bounded(ends: Ends) -> Interval:
    low, centre, high = (min(max(end, 0.0), 1.0) for end in ends)
    return Interval(low, high, centre)


def _rows(n: float) -> float:
    if n < 1:
        raise InputError(f"n is {n}, but an interval needs at least 1 row")
    return n


def _two_sided(level: float, joint: Joint | None = None) -> float:
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}, but it must lie inside (0, 1)")
    upper = 0.5 * (1.0 + level)
    return normal_quantile(upper) if joint is None else joint.quantile(upper)
