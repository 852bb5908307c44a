"""Pairs of confidence and correctness from the sums of narrow cells, of rows that were not kept.

The cells are those of `key_cells.py`. A row that is alone in its cell is known exactly, and so are a right and a wrong
row that share one, and rows of confidence 1. Of other cells, the numbers of right and wrong rows and their mean
confidences are known.
"""

from __future__ import annotations

import numpy as np

from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.equal_mass import cell_starts
from calibeval.core.sums.key_cells import FINE_BITS
from calibeval.core.sums.pairs import Pairs

APART = 1e-12  # of two known confidences: rounding of sums stays far below it


def pairs_of_sums(cells: BinSums, slack: float = 0.0) -> Pairs:
    """Pairs with the wrong and the right rows of each cell; cells have no weights.

    slack: how far apart two neighbouring confidences may be and still tie.

    >>> from calibeval.core.sums.key_cells import cell_sums_of
    >>> keys = (np.array([0.5, 0.75, 0.75]).view(np.uint64) << np.uint64(1)) | np.array([0, 1, 1], np.uint64)
    >>> found = pairs_of_sums(cell_sums_of(keys))
    >>> found.confidence.tolist(), found.counts.tolist(), found.correct.tolist()
    ([0.5, 0.75], [1.0, 2.0], [False, True])
    """
    there = np.flatnonzero(cells.count > 0.0)
    starts = cell_starts(FINE_BITS)
    low = starts[there].view(np.float64)
    high = np.minimum((starts[there + 1] - 1).view(np.float64), 1.0)
    right = cells.y[there]
    counts = np.stack([cells.count[there] - right, right])
    totals = np.stack([cells.p[there] - cells.yp[there], cells.yp[there]])
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.clip(totals / counts, low, high)
    known = (cells.count[there] == 1.0) | (cells.p[there] == cells.count[there])  # one row, or all of confidence 1
    apart = (counts == 1.0).all(axis=0) & (np.abs(means[1] - means[0]) > max(2.0 * slack, APART))
    order = np.where(apart, means, np.array([[0.0], [1.0]]))  # in a cell, wrong rows come first, or the smaller one
    filled = np.flatnonzero(counts.T.ravel() > 0.0)
    cell, flat = filled // 2, order.T.ravel()[filled]
    place = np.lexsort((flat, cell))
    filled, cell = filled[place], cell[place]
    mean = means.T.ravel()[filled]
    alone = (known | apart)[cell]
    low, high = np.where(alone, mean, low[cell]), np.where(alone, mean, high[cell])
    ends = (np.diff(cell, append=-1) != 0) | apart[cell]
    narrow = high - low <= slack
    close = narrow[:-1] & narrow[1:] & (np.abs(np.diff(mean)) <= slack)
    ends[:-1] &= ~close
    return Pairs(
        mean,
        filled % 2 == 1,
        slack=slack,
        counts=counts.T.ravel()[filled],
        tied=np.flatnonzero(ends),
        low=low,
        high=high,
        of_sums=True,
    )
