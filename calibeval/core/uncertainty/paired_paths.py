"""Intervals and tests for the difference of two calibration errors, by inverting one test along two paths.

Each model moves along its own path of populations (`paths.py`, `inversion.py`). For every pair of points, the mean and
the variance of the difference of the two plug-in values are known: the joint table of residuals gives the correlation
of the bins of both models on the same rows, and Hermite's expansion carries it through the absolute values. The
interval contains the differences of all pairs of points under which the measured difference is plausible.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.sums.binning import BinSums, totals_by_index
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.inversion import Path
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.pair_grid import accepted_ends, least_surprise
from calibeval.core.uncertainty.paths import Joint, folded_path, gap_errors, overconfidence, overconfidence_path
from calibeval.core.uncertainty.special import normal_cdf, normal_pdf

# Number of points of each path inside its box, where the model's own value is plausible at 99 % (for a level of 95 %),
# and places outside the box, in shares of its width, that a p-value may need.
_INSIDE = 41
_BOX = 2.576 / 1.96
_OUTSIDE = tuple(1.19**i for i in range(1, 9))
_PROBES = 1.3
_ORDERS = 6
_SLACK = 2.0
# Beyond this ratio of a mean to its standard error, the absolute value has no effect.
_FAR = 9.0
_TINY = 1e-300
_PART = 2**16  # rows at a time


class PairedInterval(NamedTuple):
    """Interval of candidate - base, and the p for equality: below 1 - level iff 0 is outside the interval."""

    low: float
    high: float
    p: float


class Shared(NamedTuple):
    """How the gaps of two models' bins vary together.

    correlation: of the bins of one model with those of the other, (m, l). rows: n if computed from uncentred products
    of n rows; None if from centred sums of groups.
    """

    correlation: Floats
    rows: float | None


class PathSide(NamedTuple):
    """One model: its path, its plug-in value, and `slopes`, which gives the expansion of its terms.

    slopes: for (l,) places, the coefficients of order 1 and higher, (orders, l, m).
    """

    path: Path
    value: float
    slopes: Callable[[Floats], Floats]


class _Curve(NamedTuple):
    """A path at (l,) places. slopes: (orders, l, m). score: of the measured value; inside: whether within the box."""

    target: Floats
    mean: Floats
    variance: Floats
    score: Floats
    slopes: Floats
    inside: npt.NDArray[np.bool_]


def ece_side(sums: BinSums, n: float, joint: Joint | None = None) -> PathSide:
    """A model's ECE, or AECE, as one side of a pair. sums: (m,). n: number of rows. joint: of dependent rows."""
    error, size, sign = _errors(sums, joint) / n, np.abs(sums.surplus) / n, np.sign(sums.surplus)

    def slopes(places: Floats) -> Floats:
        return _expansion(sign * np.maximum(size - places[:, None] * error, 0.0), error, folded=True)

    return PathSide(folded_path(sums, n, 1.0, joint), float(size.sum()), slopes)


def oe_side(sums: BinSums, n: float, z: float, joint: Joint | None = None) -> PathSide:
    """A model's OE as one side of a pair. sums: (m,), top-label. z: of the level. n, joint: as for ece_side."""
    over = overconfidence(sums, n)
    error = sums.p / np.maximum(sums.count, 1.0) * _errors(sums, joint) / n

    def slopes(places: Floats) -> Floats:
        place = places[:, None]
        risen = over + np.minimum(np.abs(place), np.where(place > 0.0, _SLACK, z)) * error
        under = np.where(place > 0.0, np.minimum(risen, 0.0), risen)
        moved = np.where(over > 0.0, np.maximum(over - place * error, 0.0), under)
        return _expansion(moved, error, folded=False)

    return PathSide(overconfidence_path(sums, n, z, joint), float(np.maximum(over, 0.0).sum()), slopes)


def shared_rows(
    bins: tuple[Indices, Indices],
    residuals: tuple[Floats, Floats],
    sums: tuple[BinSums, BinSums],
    n: float | None = None,
) -> Shared:
    """How the gaps of two models' bins vary together on the same, independent rows.

    bins, residuals: of both models, (n,) each, in the same order of rows; a residual is outcome - probability.
    sums: of both models, (m,) and (l,). n: effective number of rows, if residuals are multiplied by weights.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> bins, gap, one = np.array([0, 1]), np.array([0.8, -0.9]), bin_sums([0.2, 0.9], [1, 0], [0, 0.5, 1])
    >>> shared_rows((bins, bins), (gap, gap), (one, one)).correlation.round(9).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    shape = len(sums[0].count), len(sums[1].count)
    products = np.zeros(shape[0] * shape[1])
    for start in range(0, len(bins[0]), _PART):
        here = slice(start, start + _PART)
        cell = bins[0][here] * shape[1] + bins[1][here]
        products += totals_by_index(cell, len(products), residuals[0][here] * residuals[1][here])[0]
    return shared_products(products.reshape(shape), sums, len(bins[0]) if n is None else n)


def shared_products(products: Floats, sums: tuple[BinSums, BinSums], n: float) -> Shared:
    """How gaps of bins vary together, from the sums of the products of residuals. products: (m, l). n: of rows."""
    errors = [np.sqrt(np.maximum(own.surplus_squares, 0.0)) for own in sums]
    scale = errors[0][:, None] * errors[1][None, :]
    table = np.divide(products, scale, out=np.zeros(products.shape), where=scale > _TINY)
    return Shared(np.clip(table, -1.0, 1.0), n)


def shared_groups(
    bins: tuple[Indices, Indices],
    residuals: tuple[Floats, Floats],
    sums: tuple[BinSums, BinSums],
    groups: Indices,
    weights: Floats | None = None,
) -> tuple[Joint, Joint, Shared]:
    """How the gaps of the bins of two models vary, alone and together, if only groups are independent.

    bins, residuals, sums: as for shared_rows. groups: (n,) of group numbers in [0, j), each of which occurs.
    weights: (n,), if residuals are multiplied by them.
    Memory: 8 bytes for each group and bin. The error of a gap is at least that of independent rows.
    """
    count = int(groups.max()) + 1
    parts = []
    for index, gaps, own in zip(bins, residuals, sums, strict=True):
        m = len(own.count)
        totals = np.bincount(groups * m + index, weights=gaps, minlength=count * m)
        parts.append(np.asarray(totals.reshape(count, m), np.float64))
    return shared_totals((parts[0], parts[1]), sums, Clusters.of(groups, weights))


def shared_totals(
    totals: tuple[Floats, Floats], sums: tuple[BinSums, BinSums], clusters: Clusters
) -> tuple[Joint, Joint, Shared]:
    """As `shared_groups`. totals: sums of the residuals of both models by group and bin, (j, m) and (j, l)."""
    first, rows = len(sums[0].count), clusters.sizes / clusters.sizes.sum()
    parts = [own - rows[:, None] * one.surplus for own, one in zip(totals, sums, strict=True)]
    centred = np.concatenate(parts, axis=1)
    centred *= clusters.scale[:, None]
    covariance = centred.T @ centred
    least = np.concatenate([gap_errors(own) for own in sums])
    error = np.sqrt(np.maximum(np.diagonal(covariance), least**2))
    correlation = covariance / np.maximum(error[:, None] * error[None, :], _TINY)
    np.fill_diagonal(correlation, 0.0)
    one = Joint(error[:first], correlation[:first, :first], clusters.freedom)
    other = Joint(error[first:], correlation[first:, first:], clusters.freedom)
    return one, other, Shared(correlation[:first, first:], None)


def path_difference(base: PathSide, candidate: PathSide, level: Level, shared: Shared | None) -> PairedInterval:
    """Interval and p of the difference of two calibration errors.

    shared: how the bins of base (rows of the table) vary together with those of candidate (columns); None if the two
    were measured on different rows.
    The interval extends from the smallest to the largest difference over pairs of points, each within its own 99 %
    interval (for a level of 95 %), for which the measured difference is plausible. It is conservative for two models
    that are nearly calibrated and nearly the same: their paths can move apart more than their gaps can.
    Source: own method; size and coverage by simulation, tests/benchmarks/coverage_pairs.py.
    """
    z = level.z
    curves = (_curve(base, z), _curve(candidate, z))
    shift, surprise = _surprises(curves, candidate.value - base.value, shared)
    inside = np.ix_(curves[0].inside, curves[1].inside)
    low, high = accepted_ends(shift[inside], surprise[inside], z)
    own = np.maximum(np.abs(curves[0].score)[:, None], np.abs(curves[1].score)[None, :]) / _BOX
    score = max(least_surprise(sign * shift, surprise, own) for sign in (1.0, -1.0))
    return PairedInterval(low, high, level.agreeing(level.p(score), low, high))


def _errors(sums: BinSums, joint: Joint | None) -> Floats:
    return gap_errors(sums) if joint is None else joint.error


def _expansion(mean: Floats, error: Floats, *, folded: bool) -> Floats:
    """Coefficients of Hermite's expansion of |X| (folded), or of max(X, 0), for a normal X.

    The first is a probability, the others are derivatives of the density; each is multiplied by the error.
    """
    ratio = np.clip(mean / (error + _TINY), -_FAR, _FAR)
    below, density = normal_cdf(ratio), normal_pdf(ratio)
    first = 2.0 * below - 1.0 if folded else below
    density = 2.0 * density if folded else density
    before, current = np.zeros_like(ratio), np.ones_like(ratio)
    orders = [first]
    for order in range(2, _ORDERS + 1):
        orders.append(density * current)
        before, current = current, -ratio * current - (order - 2.0) * before
    return np.stack(orders) * error


def _curve(side: PathSide, z: float) -> _Curve:
    """The path of the side, at places from far outside its box on one side to far outside on the other."""
    places, box = _places(side, z), _BOX * z
    points = side.path.along(places)
    score = np.clip([point.score(side.value) for point in points], -1e6, 1e6)
    inside = np.abs(score) <= box * (1.0 + 1e-6)
    if not inside.any():
        inside[int(np.abs(score).argmin())] = True
    return _Curve(
        target=np.array([point.target for point in points]),
        mean=np.array([point.mean for point in points]),
        variance=np.array([point.variance for point in points]),
        score=score,
        slopes=side.slopes(places),
        inside=inside,
    )


def _places(side: PathSide, z: float) -> Floats:
    """Places in ascending order: evenly spaced inside the box, and increasingly wide outside."""
    box, probes = _BOX * z, _probes(side.path.far, side.path.null)
    scores = np.maximum.accumulate(np.clip([point.score(side.value) for point in side.path.along(probes)], -1e6, 1e6))
    steps = np.array(_OUTSIDE) * box
    outside = np.interp(np.concatenate((-steps, steps)), scores, probes)
    first, last = np.interp([-box, box], scores, probes)
    return np.unique(np.concatenate((np.linspace(first, last, _INSIDE), outside)))


def _probes(far: float, null: float) -> Floats:
    """Places from far to null, dense around 0, which is the place of the measured gaps."""
    reach = max(-2.0 * far, abs(null))
    count = max(2, math.ceil(math.log(reach / 0.1) / math.log(_PROBES)))
    ahead = 0.1 * _PROBES ** np.arange(count + 1.0)
    every = np.concatenate((-ahead[::-1], [0.0], ahead))
    return np.concatenate((every[(every >= 2.0 * far) & (every < null)], [null]))


def _surprises(curves: tuple[_Curve, _Curve], difference: float, shared: Shared | None) -> tuple[Floats, Floats]:
    """For every pair of points, the true difference and the score of the measured difference."""
    base, candidate = curves
    variance = base.variance[:, None] + candidate.variance[None, :]
    total = variance
    if shared is not None:
        together, power, factorial = np.zeros_like(variance), np.ones_like(shared.correlation), 1.0
        for order, (one, other) in enumerate(zip(base.slopes, candidate.slopes, strict=True), 1):
            power, factorial = power * shared.correlation, factorial * order
            together += one @ power @ other.T / factorial
        if shared.rows is not None:
            together -= base.target[:, None] * candidate.target[None, :] / shared.rows
        total = np.maximum(variance - 2.0 * together, 1e-4 * variance)
    surplus = difference - (candidate.mean[None, :] - base.mean[:, None])
    deviation = np.sqrt(np.maximum(total, 1e-200))
    surprise = np.clip(np.where(np.abs(surplus) < 1e-15, 0.0, surplus) / deviation, -1e6, 1e6)
    return candidate.target[None, :] - base.target[:, None], surprise
