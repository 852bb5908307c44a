"""Confidences in fixed, narrow cells, whose sums add up: equal-mass bins of rows that are not kept.

The width of a cell is 1/4096 of the distance from 1, rounded down to a power of 2. Edges of bins fall on ends of cells.
Between the exact edge and the end of its cell there are only rows of that cell. If these change their bin, the sum of
|gap| over bins changes by at most twice their own gap, which lies between the sum of 1 - confidence of the cell's right
rows and minus the sum of confidence of its wrong rows. Where several edges lie in one cell, rows with gaps of either
sign may move, and both sums count.
"""

from __future__ import annotations

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums, equal_mass_edges, equal_mass_ranks, sums_by_index
from calibeval.core.sums.equal_mass import RowKeys, bits_of, cell_starts, cells_of
from calibeval.core.sums.equal_weight import ROUNDING
from calibeval.core.sums.sums import EqualMass

FINE_BITS = 12
CELLS = 52 << FINE_BITS


def cell_sums_of(keys: RowKeys, weights: Floats | None = None) -> BinSums:
    """The sums of rows in all cells, (CELLS,). keys: see `confidence_keys`."""
    p = (keys >> np.uint64(1)).view(np.float64)
    return sums_by_index(cells_of(bits_of(keys), FINE_BITS), CELLS, p, (keys & np.uint64(1)).astype(bool), weights)


def mass_of_cells(cells: BinSums, bins: int) -> EqualMass:
    """Equal-mass bins whose edges fall on ends of cells, and how far the mean gap may be from that of exact edges.

    >>> keys = np.array([0.5, 0.6, 0.7, 0.8]).view(np.uint64) << np.uint64(1)
    >>> found = mass_of_cells(cell_sums_of(keys), 2)
    >>> found.edges.round(3).tolist(), found.sums.count.tolist(), round(found.bound, 2)
    ([0.0, 0.6, 1.0], [2.0, 2.0], 0.3)
    """
    reached = np.cumsum(cells.count)
    total = float(reached[-1])
    if cells.squared is None:
        ends = np.searchsorted(reached, equal_mass_ranks(int(total), bins), side="right")
    else:
        ends = np.searchsorted(reached, (np.arange(1, bins) / bins - ROUNDING) * total)
    ends, starts = np.minimum(ends, CELLS - 1), cell_starts(FINE_BITS)
    edges = equal_mass_edges(np.minimum((starts[ends + 1] - 1).view(np.float64), 1.0))
    last = np.searchsorted(starts[1:-1].view(np.float64), edges[1:-1], side="right")
    place = np.searchsorted(last, np.arange(CELLS), side="left")
    sums = cells.each(lambda part: np.bincount(place, weights=part, minlength=len(edges) - 1).astype(np.float64))
    split, edges_in = np.unique(ends, return_counts=True)
    right, wrong = (np.maximum(part[split] - cells.yp[split], 0.0) for part in (cells.y, cells.p))
    moved = np.where(edges_in > 1, right + wrong, np.maximum(right, wrong))
    return EqualMass(sums, edges, 2.0 * float(moved.sum()) / total)
