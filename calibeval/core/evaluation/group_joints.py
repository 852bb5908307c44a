"""How the gaps of bins vary together, estimated from the sums of groups of rows: the basis of intervals by groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import Kind, RowSource
from calibeval.core.sums.binning import BinSums, bin_index, rounded
from calibeval.core.sums.by_group import ClassTotals, RowTotals
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.joints import MOST_JOINT_CELLS, FitTotals, Joints
from calibeval.core.uncertainty.paths import Joint, gap_errors

PART_SCORES, PART_CELLS = 2**18, 2**21


def joints_of(sums: Sums, rows: RowScores, codes: Codes, predictions: Predictions, *, by_class: bool = True) -> Joints:
    """The joint variation of the equal-width, equal-mass and class-wise bins, estimated from groups.

    sums: of these predictions; rows: their results. codes: (n,) in [0, j), the group of every row that is not ignored.
    by_class: whether to include class-wise bins; without them, the scores are not read.
    """
    weights = None if rows.weights is None else rows.weights * sums.scale
    clusters = Clusters.of(codes, weights)
    in_order = _InOrder.of(codes, clusters)
    gaps = rows.correct - rows.confidence
    gaps = gaps if weights is None else gaps * weights

    def joint(binned: BinSums, limits: Floats) -> Joint | None:
        m = len(binned.count)
        if m > MOST_JOINT_CELLS:
            return None
        bins = bin_index(rows.confidence, limits)
        covariance = np.zeros((m, m))
        for first, last, chosen in in_order.ranges(m):
            cells = (codes[chosen] - first) * m + bins[chosen]
            totals = np.bincount(cells, weights=gaps[chosen], minlength=(last - first) * m)
            covariance += in_order.products(np.asarray(totals, np.float64).reshape(-1, m), first, last, binned.surplus)
        return _joint(covariance, binned, clusters)

    totals = RowTotals.of(rows, codes, len(clusters.sizes), weights)
    top, mass = joint(sums.top, sums.compared), joint(sums.mass, sums.mass_edges)
    binned = sums.classes if by_class else None
    few = binned is not None and binned.count.size <= MOST_JOINT_CELLS
    classes = (
        _class_joint(binned, sums.compared, in_order, predictions, weights) if few and binned is not None else None
    )
    return Joints(clusters, totals, top, mass, classes, fit=FitTotals.of(sums.optimum, codes.take, weights))


def joint_of(totals: Floats, sums: BinSums, clusters: Clusters) -> Joint:
    """How the gaps of bins vary together. totals: (j, cells), the gap sums by group. sums: of all rows."""
    in_order, (count, cells) = (
        _InOrder(np.empty(0, np.intp), np.empty(0, np.intp), clusters, clusters.scale),
        totals.shape,
    )
    covariance, step = np.zeros((cells, cells)), max(1, PART_CELLS // cells)
    for first in range(0, count, step):
        last = min(first + step, count)
        covariance += in_order.products(totals[first:last], first, last, sums.surplus)
    return _joint(covariance, sums, clusters)


def _joint(covariance: Floats, sums: BinSums, clusters: Clusters) -> Joint:
    """The covariance as standard errors and correlations; each error is at least that of independent rows.

    Otherwise a bin with a single group whose gap happens to be small would seem to be known precisely.
    """
    least = gap_errors(sums)
    error = np.sqrt(np.maximum(np.diagonal(covariance).reshape(least.shape), least**2))
    flat = np.maximum(error.ravel(), 1e-300)
    correlation = covariance / flat[:, None] / flat[None, :]
    np.fill_diagonal(correlation, 0.0)
    return Joint(error, correlation, clusters.freedom)


@dataclass(frozen=True, slots=True, eq=False)
class _InOrder:
    """Rows sorted by group. order: row numbers in that order; ends: (j + 1,), the boundaries of the j groups.

    clusters: the sizes of the groups. scale: see Clusters.
    """

    order: Codes
    ends: Codes
    clusters: Clusters
    scale: Floats

    @classmethod
    def of(cls, codes: Codes, clusters: Clusters) -> _InOrder:
        ends = np.concatenate(([0], np.cumsum(np.bincount(codes))))
        return cls(np.argsort(codes, kind="stable"), ends, clusters, clusters.scale)

    def ranges(self, cells: int) -> Iterator[tuple[int, int, Codes]]:
        """Ranges of groups (first, last) whose totals over this many cells need little memory; their rows."""
        step, count = max(1, PART_CELLS // cells), len(self.ends) - 1
        for first in range(0, count, step):
            last = min(first + step, count)
            yield first, last, self.order[self.ends[first] : self.ends[last]]

    def products(self, totals: Floats, first: int, last: int, gap: Floats) -> Floats:
        """The contribution of these groups to the covariance of the gap sums, from their totals (groups, cells)."""
        sizes, scale = self.clusters.sizes[first:last, None], self.scale[first:last, None]
        own = scale * (totals - sizes * (gap.ravel() / self.clusters.sizes.sum()))
        return np.asarray(own.T @ own)


def _class_joint(
    sums: BinSums, edges: Floats, in_order: _InOrder, predictions: Predictions, weights: Floats | None
) -> Joint:
    """How class-wise gaps vary together; this reads the scores once more, group by group."""
    k, cells = sums.count.shape[0], sums.count.size
    stored = np.flatnonzero(predictions.labels != predictions.ignore_index) if predictions.ignored else None
    scores, step = _readable(predictions, in_order.order), max(1, PART_SCORES // k)
    covariance = np.zeros((cells, cells))
    for first, last, chosen in in_order.ranges(cells):
        totals = ClassTotals(last - first, k, edges)
        codes = np.repeat(np.arange(last - first), np.diff(in_order.ends[first : last + 1]))
        for begin in range(0, len(chosen), step):
            rows = chosen[begin : begin + step] if stored is None else stored[chosen[begin : begin + step]]
            p = compared(_read(scores, rows), predictions.kind)
            w = None if weights is None else weights[chosen[begin : begin + step]]
            totals.add(p, predictions.labels[rows].astype(np.intp), codes[begin : begin + step], w)
        covariance += in_order.products(totals.totals, first, last, sums.surplus)
    return _joint(covariance, sums, in_order.clusters)


def compared(scores: npt.NDArray[Any], kind: Kind) -> Floats:
    """The probabilities as they are compared with the edges of bins, (n, k)."""
    return rounded(probabilities(scores, kind), kind)


def _readable(predictions: Predictions, order: Codes) -> RowSource:
    """The scores in a form that can be read in that order: streamed sources can only serve ascending rows."""
    ascending = bool((order[1:] > order[:-1]).all())
    if ascending or isinstance(predictions.scores, np.ndarray):
        return predictions.scores
    return predictions.scores[0 : predictions.rows]


def _read(scores: RowSource, rows: Codes) -> npt.NDArray[Any]:
    if isinstance(scores, np.ndarray):
        return np.asarray(scores[rows])
    return np.asarray(scores[int(rows[0]) : int(rows[-1]) + 1][rows - rows[0]])
