"""Intervals of numbers of segmentations: images, or the groups that they belong to, are the independent units.

Of gaps that are added up over bins, the path of `uncertainty.paths` is inverted, with errors from the sums of units;
where bins count in another way, with those of the parts without each unit. Of every other number, the delete-one-unit
jackknife gives the standard error, and Student's quantile with Satterthwaite's degrees of freedom the interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import reason
from calibeval.core.dense.image_sums import ImageSums
from calibeval.core.dense.values import DenseNumber
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.floors import cube_root_quantile
from calibeval.core.uncertainty.intervals import cwce_interval, ece_interval
from calibeval.core.uncertainty.inversion import invert
from calibeval.core.uncertainty.joints import MOST_JOINT_CELLS
from calibeval.core.uncertainty.paths import Joint, folded_path, gap_errors
from calibeval.core.uncertainty.special import student_quantile

LEAST_UNITS = 10  # effective ones; fewer cannot show how much units differ
FEW_UNITS = reason("too_few_groups", f"fewer than {LEAST_UNITS} images, or groups of them, have such pixels")


class Ends(NamedTuple):
    """The ends of an interval."""

    low: float
    high: float


def joint_of_units(totals: Floats, sums: BinSums, clusters: Clusters) -> Joint | None:
    """How the gaps of bins vary together. totals: (j, cells), the gap sums of units; None if there are too many cells.

    Each error is at least that of independent pixels.
    """
    if totals.shape[1] > MOST_JOINT_CELLS:
        return None
    sizes = clusters.sizes
    centred = np.outer(sizes / sizes.sum(), sums.surplus.ravel())
    np.subtract(totals, centred, out=centred)
    centred *= clusters.scale[:, None]
    covariance = centred.T @ centred
    least = gap_errors(sums)
    error = np.sqrt(np.maximum(np.diagonal(covariance).reshape(least.shape), least**2))
    flat = np.maximum(error.ravel(), 1e-300)
    correlation = covariance / flat[:, None] / flat[None, :]
    np.fill_diagonal(correlation, 0.0)
    return Joint(error, correlation, clusters.freedom)


def gap_ends(bins: Floats, sums: BinSums, level: float, *, of_class: bool = False) -> Ends | None:
    """The interval of a sum of gaps over bins, pooled.

    bins: (j, 3, m) of units, or (j, 3, k, m) of the classes. sums: of all units. of_class: whether they are of the
    probability of one class. None if there are too many cells, or
    fewer than ten effective units with pixels here.
    """
    by_class = sums.count.ndim == 2
    sizes = bins[:, 0, 0].sum(axis=-1) if by_class else bins[:, 0].sum(axis=-1)
    there = sizes > 0.0
    clusters = Clusters(sizes[there])
    if clusters.effective < LEAST_UNITS:
        return None
    own = bins if there.all() else bins[there]
    totals = (own[:, 2] - own[:, 1]).reshape(len(own), -1)
    joint, n = joint_of_units(totals, sums, clusters), float(sizes.sum())
    if joint is None:
        return None
    found = cwce_interval(sums, n, level, joint) if by_class else ece_interval(sums, n, level, joint, of_class=of_class)
    return Ends(found.low, found.high)


def parts_ends(number: DenseNumber, units: ImageSums, level: float) -> Ends | None:
    """The interval of a pooled number that has parts, None for others. units: the sums of units.

    The path of the parts is inverted as that of gaps, with errors and correlations by the delete-one-unit jackknife.
    None with fewer than ten effective units, too many cells, or parts that rest on too few units.
    """
    own, parts = units.present, number.parts
    clusters = Clusters(own.n)
    if parts is None or clusters.effective < LEAST_UNITS or rests_on_few(number, own):
        return None
    whole = parts(own.whole)[0]
    if len(whole) > MOST_JOINT_CELLS:
        return None
    joint = joint_of_parts(own.each_left_out(parts), clusters.freedom)
    path, value, upper = folded_path(as_gaps(whole), 1.0, 1.0, joint), float(np.abs(whole).sum()), 0.5 * (1.0 + level)
    null = path.at(path.null)
    floor = null.mean + math.sqrt(null.variance) * cube_root_quantile(joint.quantile(upper), null.half_skew)
    noise = value <= floor
    found = invert(path, value, joint.quantile(upper), low=not noise)
    return Ends(0.0 if noise else max(found.low, 0.0), min(found.high, 1.0))


def rests_on_few(number: DenseNumber, units: ImageSums) -> bool:
    """Whether a part that needs it has pixels of fewer than ten units."""
    return number.rests is not None and bool((np.count_nonzero(number.rests(units) > 0.0, axis=0) < LEAST_UNITS).any())


def joint_of_parts(left: Floats, freedom: float) -> Joint:
    """How parts vary together. left: (j, cells), the parts without each unit."""
    j = len(left)
    centred = left - left.mean(axis=0)
    centred *= math.sqrt((j - 1.0) / j)
    covariance = centred.T @ centred
    error = np.sqrt(np.diagonal(covariance))
    flat = np.maximum(error, 1e-150)
    correlation = covariance / flat[:, None] / flat[None, :]
    np.fill_diagonal(correlation, 0.0)
    return Joint(error, correlation, freedom)


def as_gaps(parts: Floats) -> BinSums:
    """Parts, (cells,), as bins with these gaps, of one row all together: only what varies with units is noise.

    >>> as_gaps(np.array([0.25, -0.5])).surplus.tolist()
    [0.25, -0.5]
    """
    nothing = np.zeros_like(parts)
    return BinSums(np.ones_like(parts), nothing, nothing, parts, nothing)


def jackknife_ends(
    value: Callable[[ImageSums], Floats], units: ImageSums, whole: float, level: float, bounds: Ends
) -> Ends | None:
    """The interval of a pooled number. units: the sums of units. whole: the number. bounds: it cannot lie beyond these.

    None with fewer than ten effective units, or if the number exists only with some unit.
    """
    own = units.present
    clusters = Clusters(own.n)
    if clusters.effective < LEAST_UNITS or not math.isfinite(whole):
        return None
    left = own.each_left_out(value)
    if np.isnan(left).any():
        return None
    return _ends(whole, left, clusters, level, bounds)


def mean_ends(values: Floats, codes: Codes, level: float, bounds: Ends, weights: Floats | None = None) -> Ends | None:
    """The interval of the mean over images. values: (j,), NaN where undefined. codes: (j,), the unit of each image.

    weights: (j,), by which images count; None: all the same.
    None with fewer than ten effective units that have a value.

    >>> [round(end, 3) for end in mean_ends(np.arange(10.0), np.arange(10), 0.95, Ends(-9.0, 99.0))]
    [2.334, 6.666]
    """
    there = np.isfinite(values) if weights is None else np.isfinite(values) & (weights > 0.0)
    if not there.any():
        return None
    own, numbers = values[there], np.unique(codes[there], return_inverse=True)[1]
    counts = None if weights is None else weights[there]
    sizes = np.bincount(numbers, weights=counts).astype(np.float64)
    clusters = Clusters(sizes)
    if clusters.effective < LEAST_UNITS:
        return None
    totals = np.bincount(numbers, weights=own if counts is None else own * counts)
    left = (totals.sum() - totals) / (sizes.sum() - sizes)
    whole = float(own.mean()) if counts is None else float(totals.sum() / sizes.sum())
    return _ends(whole, left, clusters, level, bounds)


def _ends(whole: float, left: Floats, clusters: Clusters, level: float, bounds: Ends) -> Ends:
    j = len(left)
    error = math.sqrt((j - 1.0) / j * float(((left - left.mean()) ** 2).sum()))
    half = student_quantile(0.5 * (1.0 + level), clusters.freedom) * error
    return Ends(max(whole - half, bounds.low), min(whole + half, bounds.high))
