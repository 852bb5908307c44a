"""Bin edges, and the additive sums from which every binned metric, floor and interval is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.row_source import Kind
from calibeval.core.errors import InputError, UsageError

FEW_TOTALS = 1024
GRID = 2.0**-45  # probabilities that are computed from logits are rounded to its multiples before they are binned
ROUNDER = 192.0  # numbers from 128 to 256 are multiples of GRID, so adding and subtracting it rounds
COMPARED_EDGES = 100  # up to this many edges, comparing with each is faster than a binary search; must fit an int8

PARTS = ("count", "p", "pp", "y", "yp")  # the sums of `BinSums` that each has


@dataclass(frozen=True, slots=True, eq=False)
class BinSums:
    """Additive sums of probabilities p and outcomes y in {0, 1}, one entry per bin on the last axis.

    For top-label metrics, p is the confidence and y is whether the prediction is correct, shape (m,);
    for class-wise metrics, p is the probability of class k and y is whether the label is k, shape (k, m).
    Sums of two disjoint sets of rows add up to the sums of their union.

    count: number of rows. p, pp: sums of p and p squared. y, yp: sums of y and of y times p.
    With weights, count is the sum of the weights w and every other sum is over w times the term; `squared` holds the
    same sums with w squared, of which second moments are made, and rows the number of rows. Without, both are None.
    """

    count: Floats
    p: Floats
    pp: Floats
    y: Floats
    yp: Floats
    squared: BinSums | None = field(default=None, kw_only=True)
    rows: Floats | None = field(default=None, kw_only=True)

    @property
    def surplus(self) -> Floats:
        """Sum of y - p: positive if outcomes are more frequent than predicted."""
        return self.y - self.p

    @property
    def surplus_squares(self) -> Floats:
        """Sum of (y - p) squared; of w (y - p) squared, with weights."""
        own = self.squared or self
        return own.y - 2.0 * own.yp + own.pp

    @property
    def centred_squares(self) -> Floats:
        """Sum of squares of (y - p) minus its mean in the bin, at least 0; 0 in an empty bin."""
        if self.squared is None:
            return np.maximum(self.surplus_squares - self.surplus**2 / self.divisor, 0.0)
        mean = self.surplus / self.divisor
        centred = self.surplus_squares - 2.0 * mean * self.squared.surplus + mean * mean * self.squared.count
        return np.maximum(centred, 0.0)

    @property
    def variance(self) -> Floats:
        """Sum of p (1 - p): the variance of the sum of y if the probabilities are true."""
        own = self.squared or self
        return np.maximum(own.p - own.pp, 0.0)

    @property
    def divisor(self) -> Floats:
        """The count, and 1 in empty bins."""
        if self.squared is None:
            return np.maximum(self.count, 1.0)
        return np.where(self.count > 0.0, self.count, 1.0)

    @property
    def unit(self) -> Floats | float:
        """The weight that stands for one row in every bin, so that count / unit is the effective number; 1 without.

        Source: Kish, Survey Sampling, Wiley 1965: (sum of w)^2 / (sum of w^2) rows.
        """
        if self.squared is None:
            return 1.0
        unit = np.minimum(self.squared.count / self.divisor, self.count)
        return np.where(unit > 0.0, unit, self.divisor)  # rounding may leave nothing of tiny squares

    @property
    def effective(self) -> Floats:
        """The number of rows, or with weights the number of rows of equal weights that would say as much, in each bin.

        >>> from calibeval.core.sums.binning import sums_by_index
        >>> one_and_two = sums_by_index(np.array([0, 0]), 1, np.ones(2), np.ones(2, bool), np.array([1.0, 2.0]))
        >>> one_and_two.effective.round(9).tolist()
        [1.8]
        """
        return self.count if self.squared is None else self.count / self.unit

    @property
    def equivalent(self) -> BinSums:
        """The sums of as many rows of weight 1 as the rows of every bin are worth, with the same means and variances.

        The gap of a bin is its gap times `unit`. Without weights, these sums.
        """
        if self.squared is None:
            return self
        unit = self.unit
        count, p, y = (part / unit for part in (self.count, self.p, self.y))
        pp = p - self.variance / unit**2
        return BinSums(count, p, pp, y, yp=0.5 * (y + pp - self.surplus_squares / unit**2))

    def __add__(self, other: BinSums) -> BinSums:
        return BinSums(
            self.count + other.count,
            self.p + other.p,
            self.pp + other.pp,
            self.y + other.y,
            self.yp + other.yp,
            squared=None if self.squared is None or other.squared is None else self.squared + other.squared,
            rows=None if self.rows is None or other.rows is None else self.rows + other.rows,
        )

    def each(self, change: Callable[[Floats], Floats]) -> BinSums:
        """These sums with the same change of each array."""
        return BinSums(
            *(change(part) for part in (self.count, self.p, self.pp, self.y, self.yp)),
            squared=None if self.squared is None else self.squared.each(change),
            rows=None if self.rows is None else change(self.rows),
        )

    def scaled(self, factor: float) -> BinSums:
        """The sums as if every weight were multiplied by the factor."""
        first = (self.count, self.p, self.pp, self.y, self.yp)
        squared = None if self.squared is None else self.squared.scaled(factor * factor)
        return BinSums(*(part * factor for part in first), squared=squared, rows=self.rows)

    def calibrated(self) -> BinSums:
        """The sums if outcomes were as frequent as predicted, in every bin."""
        squared = None if self.squared is None else self.squared.calibrated()
        return BinSums(self.count, self.p, self.pp, self.p, self.pp, squared=squared, rows=self.rows)

    def turned(self, bins: npt.NDArray[np.bool_]) -> BinSums:
        """The sums in which some bins count the other outcome, of probability 1 - p."""
        squared = None if self.squared is None else self.squared.turned(bins)
        p, y = self.count - self.p, self.count - self.y
        other = (p, p - self.p + self.pp, y, y - self.p + self.yp)
        own = (self.p, self.pp, self.y, self.yp)
        parts = (np.where(bins, one, two) for one, two in zip(other, own, strict=True))
        return BinSums(self.count, *parts, squared=squared, rows=self.rows)

    def whole(self) -> BinSums:
        """The sums of all bins, as one bin."""
        return self.each(lambda part: part.sum(keepdims=True))

    def at(self, bins: npt.NDArray[np.intp]) -> BinSums:
        """The sums of some bins of (m,) sums, in this order."""
        return self.each(lambda part: part[bins])

    def row(self, index: int) -> BinSums:
        """The sums of one class: entry `index` of the first axis."""
        return self.each(lambda part: part[index])


def equal_width_edges(bins: int) -> Floats:
    """The bins + 1 edges i/bins of equal-width bins on [0, 1], as float64 quotients.

    Raises: UsageError if bins is not a positive integer.

    >>> equal_width_edges(4).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if bins < 1:
        raise UsageError(f"bins is {bins}, but at least 1 bin is needed")
    return np.arange(bins + 1, dtype=np.float64) / bins


def on_grid(p: Floats, out: Floats | None = None) -> Floats:
    """Probabilities rounded to multiples of 2^-45, so that sums of the same numbers in another order give equal ones.

    >>> bool(on_grid(np.array([1 / 3]))[0] == on_grid(np.array([np.nextafter(1 / 3, 1)]))[0])
    True
    """
    out = np.add(p, ROUNDER, out=out)
    return np.subtract(out, ROUNDER, out=out)


def is_computed(kind: Kind) -> bool:
    """Whether probabilities are computed from the scores, and therefore rounded."""
    return kind in ("logits", "log_probs")


def rounded(p: Floats, kind: Kind, out: Floats | None = None) -> Floats:
    """Probabilities as they are compared with the edges of bins: on the grid if they are computed from the scores."""
    return on_grid(p, out=out) if is_computed(kind) else p


def bin_index(p: Floats, edges: Floats) -> npt.NDArray[np.intp]:
    """The bin of each p: bins are (lower, upper], and 0 belongs to the first bin.

    p: any shape, in [0, 1]. edges: (m + 1,), ascending, from 0 to 1.

    >>> bin_index(np.array([0.0, 0.5, 0.6, 1.0]), equal_width_edges(2)).tolist()
    [0, 0, 1, 1]
    """
    inner = edges[1:-1]
    if len(inner) > COMPARED_EDGES:
        return np.searchsorted(inner, p, side="left")
    index = np.zeros(p.shape, np.int8)
    for edge in inner.tolist():
        index += p > edge
    return index.astype(np.intp)


def bin_sums(p: npt.ArrayLike, y: npt.ArrayLike, edges: npt.ArrayLike) -> BinSums:
    """Sums per bin of probabilities p with outcomes y.

    p: (n,) in [0, 1]. y: (n,) of 0 and 1. edges: (m + 1,), ascending, from 0 to 1.
    Raises: InputError if p and y differ in length, or y has other values than 0 and 1.

    >>> bin_sums([0.6, 0.8, 0.9, 1.0], [1, 0, 1, 1], edges=[0, 0.5, 1]).y.tolist()
    [0.0, 3.0]
    """
    probs, outcomes = np.asarray(p, np.float64), np.asarray(y, np.float64)
    limits = np.asarray(edges, np.float64)
    if probs.shape != outcomes.shape:
        raise InputError(f"p has shape {probs.shape}, but y has shape {outcomes.shape}")
    if not np.isin(outcomes, (0.0, 1.0)).all():
        raise InputError("y has other values than 0 and 1")
    return sums_by_index(bin_index(probs, limits), len(limits) - 1, probs, outcomes.astype(bool))


def sums_by_index(
    bins: npt.NDArray[np.intp], m: int, p: Floats, y: npt.NDArray[np.bool_], weights: Floats | None = None
) -> BinSums:
    """Sums of rows with known bins.

    bins: (n,) in [0, m). p: (n,). y: (n,), whether the outcome is 1. weights: (n,); None: every row counts the same.
    """
    if weights is not None:
        one, squared = (_sums(bins, m, p, y, w) for w in (weights, weights * weights))
        return replace(one, squared=squared, rows=totals_by_index(bins, m, None)[0])
    return _sums(bins, m, p, y, None)


def _sums(bins: npt.NDArray[np.intp], m: int, p: Floats, y: npt.NDArray[np.bool_], weights: Floats | None) -> BinSums:
    # Outcomes are part of a doubled index, which saves two weighted counts.
    parts = totals_by_index(bins + m * y, 2 * m, *weighed(p, weights))
    count, total, squares = (part.reshape(2, m) for part in parts)
    return BinSums(count.sum(axis=0), total.sum(axis=0), squares.sum(axis=0), count[1], total[1])


def weighed(p: Floats, weights: Floats | None) -> tuple[Floats | None, Floats, Floats]:
    """What `totals_by_index` adds up for the number of rows, p, and p squared, each times the weight of its row."""
    return (None, p, p * p) if weights is None else (weights, weights * p, weights * p * p)


def totals_by_index(index: npt.NDArray[np.intp], size: int, *weights: Floats | None) -> list[Floats]:
    """For each array of weights, its sums over each index in [0, size); for None, the number of entries.

    >>> [t.tolist() for t in totals_by_index(np.array([0, 2, 2]), 3, None, np.array([0.5, 1.0, 2.0]))]
    [[1.0, 0.0, 2.0], [0.5, 0.0, 3.0]]
    """
    turns = 1
    if size <= FEW_TOTALS:
        # Successive additions to the same index stall the processor, so entries alternate between four copies.
        turns = 4
        index = index + (np.arange(len(index)) & (turns - 1)) * size
    counts = (np.bincount(index, weights=w, minlength=turns * size) for w in weights)
    return [np.asarray(c, np.float64).reshape(turns, size).sum(axis=0) for c in counts]


def equal_mass_ranks(n: int, bins: int) -> npt.NDArray[np.int64]:
    """Ranks, in ascending order of confidence, of the rows whose confidences are the inner edges.

    The i-th inner edge is the confidence at position ceil(i n / bins) - 1 (counted from 0), i = 1 .. bins - 1.

    >>> equal_mass_ranks(10, 4).tolist()
    [2, 4, 7]
    """
    steps = np.arange(1, bins, dtype=np.int64)
    return -(-steps * n // bins) - 1


def equal_mass_edges(inner: Floats, slack: float = 0.0) -> Floats:
    """Edges of equal-mass bins from 0 to 1, given the confidences at `equal_mass_ranks`; equal edges are merged.

    slack: confidences that differ by no more are treated as equal, and edges are raised by it. Rounding to a grid may
    set apart what differs by the order of a sum, but never by more than one step.

    >>> equal_mass_edges(np.array([0.5, 0.5, 1.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    edges = np.concatenate(([0.0], np.minimum(inner + slack, 1.0)))
    kept = edges[1:][edges[1:] > edges[:-1] + slack]
    return np.concatenate(([0.0], kept[kept < 1.0], [1.0]))
