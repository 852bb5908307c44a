"""Bins that the order of rows makes: chunks of so many rows, midpoints between parts of equal size, and ranks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums, sums_by_index


class Chunks(NamedTuple):
    """Rows from the least confident up, in chunks of equal size, of which the tool leaves out the last.

    sums: (m,) of the chunks that count. edges: (m + 1,). dropped: the rows of the last chunk. all_chunks: the root of
    the mean squared gap of all chunks. tied: whether a chunk ends between a right and a wrong row of equal confidence.
    """

    sums: BinSums
    edges: Floats
    dropped: int
    all_chunks: float
    tied: bool


def chunks(confidence: Floats, outcome: npt.NDArray[np.bool_], size: int) -> Chunks | None:
    """Chunks of rows in ascending order; the rows that remain belong to the last. None with fewer rows than a chunk.

    Source: `calib_err` of Humanity's Last Exam, which is that of hendrycks/outlier-exposure.

    >>> found = chunks(np.array([0.25, 0.5, 0.5, 0.75, 1.0]), np.array([0, 1, 0, 1, 1], bool), 2)
    >>> found.sums.count.tolist(), found.dropped, found.tied, round(found.all_chunks, 6)
    ([2.0], 3, True, 0.102062)
    """
    n = len(confidence)
    count = n // size
    if not count:
        return None
    ends = np.append(np.arange(1, count) * size, n)
    index = np.minimum(np.arange(n) // size, count - 1)
    every = sums_by_index(index, count, confidence, outcome)
    gap = every.surplus / every.divisor
    inner = ends[:-1]
    split = inner[confidence[inner - 1] == confidence[inner]]
    tied = False
    for value in np.unique(confidence[split]):
        first, last = np.searchsorted(confidence, value), np.searchsorted(confidence, value, side="right")
        right = int(outcome[first:last].sum())
        tied = tied or bool(0 < right < last - first)
    kept = BinSums(*(column[:-1] for column in (every.count, every.p, every.pp, every.y, every.yp)))
    edges = np.append(confidence[0], confidence[ends[:-1] - 1])
    all_chunks = float(np.sqrt((every.count / n * gap**2).sum()))
    return Chunks(kept, edges, int(every.count[-1]), all_chunks, tied)


def midpoint_edges(ascending: Floats, bins: int) -> Floats:
    """Upper edges halfway between the parts of sorted confidences, the first n % bins with a row more; the last is 1.

    Equal ones are merged, so that ties stay together and there may be fewer bins.
    Source: `get_equal_bins` of uncertainty-calibration 0.1.4.

    >>> midpoint_edges(np.array([0.25, 0.5, 0.75, 0.75, 0.75]), 3).tolist()
    [0.625, 0.75, 1.0]
    """
    n = len(ascending)
    parts = min(bins, n)
    sizes = np.full(parts, n // parts)
    sizes[: n % parts] += 1
    ends = np.cumsum(sizes)[:-1]
    return np.unique(np.append((ascending[ends - 1] + ascending[ends]) / 2.0, 1.0))


def between_midpoints(confidence: Floats, outcome: npt.NDArray[np.bool_], bins: int) -> tuple[BinSums, Floats]:
    """The sums and edges of bins (lower, upper] between these edges. confidence: ascending."""
    upper = midpoint_edges(confidence, bins)
    index = np.searchsorted(upper, confidence)
    return sums_by_index(index, len(upper), confidence, outcome), np.append(0.0, upper)


def rank_edges(ascending: Floats, bins: int) -> Floats:
    """Upper edges that are the confidences at ranks i n / bins, rounded half to even; the last is 1. Equal ones merged.

    Source: `_get_adaptive_bins` of robustness_metrics.

    >>> rank_edges(np.array([0.25, 0.5, 0.5, 0.75, 0.875]), 2).tolist()
    [0.5, 1.0]
    """
    n = len(ascending)
    ranks = np.minimum(np.round(np.linspace(0, n, bins, endpoint=False)).astype(np.intp), n - 1)
    return np.unique(np.append(ascending[ranks[1:]], 1.0))


def between_ranks(confidence: Floats, outcome: npt.NDArray[np.bool_], bins: int) -> tuple[BinSums, Floats]:
    """The sums and edges of bins [lower, upper) between these edges, 1 in one of its own. confidence: ascending."""
    upper = rank_edges(confidence, bins)
    index = np.searchsorted(upper, confidence, side="right")
    ones = bool(confidence[-1] >= 1.0)
    sums = sums_by_index(index, len(upper) + ones, confidence, outcome)
    return sums, np.concatenate(([0.0], upper, [1.0] if ones else []))
