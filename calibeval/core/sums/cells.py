"""Sums in fixed, narrow cells of a probability, which add up over blocks and shards: what smooth curves are made of.

Cells are intervals of equal ratio in min(p, 1 - p), so they are narrow where probabilities crowd near 0 and 1, and in
the middle they are 1/256 wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import totals_by_index, weighed

# Cells for each halving of min(p, 1 - p), and halvings; what is nearer to 0 or 1 than 2**-OCTAVES shares a cell.
CELL_BITS, OCTAVES = 6, 20
HALF = ((OCTAVES - 1) << CELL_BITS) + 1  # cells on each side of 1/2
CELLS = 2 * HALF
_SHIFT = 52 - CELL_BITS
_LEAST = int(np.float64(2.0**-OCTAVES).view(np.int64)) >> _SHIFT


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Additive sums of probabilities p and outcomes y in {0, 1}, one entry for each of the CELLS cells.

    count: rows, or the sum of their weights. p, y: sums of p and y, times the weights. squares: sum of squared weights.
    """

    count: Floats
    p: Floats
    y: Floats
    squares: Floats

    def __add__(self, other: Cells) -> Cells:
        return Cells(self.count + other.count, self.p + other.p, self.y + other.y, self.squares + other.squares)

    def merged(self, most: int) -> Cells:
        """At most `most` cells in ascending order, none empty: neighbours are joined to about equal counts."""
        there = np.flatnonzero(self.count > 0.0)
        reached = np.cumsum(self.count[there])
        share = np.ceil(reached / reached[-1:] * most * (1.0 - 1e-12))
        starts = np.flatnonzero(np.diff(share, prepend=-1.0))
        parts = (part[there] for part in (self.count, self.p, self.y, self.squares))
        return Cells(*(np.add.reduceat(part, starts) if len(starts) else part for part in parts))


def cell_sums(p: Floats, y: npt.NDArray[np.bool_], weights: Floats | None = None) -> Cells:
    """The sums of rows. p: (n,) in [0, 1]. y: (n,), whether the outcome is 1. weights: (n,); None: all count the same.

    >>> cells = cell_sums(np.array([0.2, 0.2, 1.0]), np.array([True, False, True])).merged(9)
    >>> cells.count.tolist(), cells.p.tolist(), cells.y.tolist()
    ([2.0, 1.0], [0.4, 1.0], [1.0, 1.0])
    """
    index = cell_index(p) + CELLS * y
    count, total, _ = (part.reshape(2, CELLS) for part in totals_by_index(index, 2 * CELLS, *weighed(p, weights)))
    rows = count.sum(axis=0)
    squares = rows if weights is None else totals_by_index(index % CELLS, CELLS, weights * weights)[0]
    return Cells(rows, total.sum(axis=0), count[1], squares)


def cell_limits() -> tuple[Floats, Floats]:
    """The least and the largest probability of each cell, (CELLS,) each.

    >>> low, high = cell_limits()
    >>> p = np.array([0.0, 1e-9, 0.3, 0.5, 0.7, 1.0])
    >>> bool(((low[cell_index(p)] <= p) & (p <= high[cell_index(p)])).all())
    True
    """
    ends = ((np.arange(HALF + 1, dtype=np.int64) + _LEAST) << _SHIFT).view(np.float64)
    low, high = np.append(0.0, ends[1:-1]), np.minimum(ends[1:], 0.5)
    return np.concatenate((low, (1.0 - high)[::-1])), np.concatenate((high, (1.0 - low)[::-1]))


def cell_index(p: Floats) -> npt.NDArray[np.intp]:
    """The cell of each probability; larger probabilities are never in lower cells."""
    near = np.ascontiguousarray(np.minimum(p, 1.0 - p), np.float64)
    place = np.clip((near.view(np.int64) >> _SHIFT) - _LEAST, 0, HALF - 1)
    return np.asarray(np.where(p <= 0.5, place, CELLS - 1 - place), np.intp)
