"""Rows in fixed, narrow cells of the confidence: what remains of them where there are more than fit into memory.

A cell has the number of right and of wrong rows, the sums of their confidences, and the least and the largest
confidence. Sums are of whole numbers, in steps of 2^-42 of the confidence, so they are the same whatever the order
and the blocks of the rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.sums.equal_mass import RowKeys, cell_starts

# 2,048 cells for each halving of the distance from 1, counted in bit patterns; the widest are 0.0003 wide.
OCTAVE_BITS = 11
STEP, CARRY = 2.0**42, 40
ABOVE = np.uint64(2**64 - 1)

Whole = npt.NDArray[np.int64]


class Filled(NamedTuple):
    """The cells that have rows, in ascending order, (m,) each, except mean: (2, m).

    wrong, right: numbers of rows. mean: mean confidence of the wrong and of the right ones; the least if there are
    none. low, high: the least and the largest confidence.
    """

    wrong: Floats
    right: Floats
    mean: Floats
    low: Floats
    high: Floats


class PairCells:
    """Takes keys of rows (`equal_mass.confidence_keys`), block by block."""

    def __init__(self) -> None:
        starts = np.unique(cell_starts(OCTAVE_BITS))
        self._starts = starts[:-1].astype(np.uint64) << np.uint64(1)
        cells = len(self._starts)
        # Of wrong and of right rows: how many, and the sum of their steps, as whole multiples of 2^40 and a rest.
        self._rows, self._sums, self._rest = (np.zeros((2, cells), np.int64) for _ in range(3))
        self._low, self._high = np.full(cells, ABOVE), np.zeros(cells, np.uint64)

    def add(self, keys: RowKeys) -> None:
        """More rows, at most 2^19."""
        ordered = np.sort(keys)
        ends = np.searchsorted(ordered, self._starts[1:])
        counts = np.diff(ends, prepend=0, append=len(ordered))
        there = np.flatnonzero(counts)
        if not len(there):
            return
        counts = counts[there]
        first = np.cumsum(counts) - counts
        right = (ordered & np.uint64(1)).astype(np.int64)
        bits = ordered >> np.uint64(1)
        steps = np.rint(bits.view(np.float64) * STEP).astype(np.int64)
        of_right = np.add.reduceat(right, first)
        every, own = np.add.reduceat(steps, first), np.add.reduceat(steps * right, first)
        self._add(there, np.stack([counts - of_right, of_right]), np.stack([every - own, own]))
        self._low[there] = np.minimum(self._low[there], bits[first])
        self._high[there] = np.maximum(self._high[there], bits[first + counts - 1])

    def filled(self) -> Filled:
        """The cells that have rows."""
        there = np.flatnonzero(self._rows.sum(axis=0))
        rows = self._rows[:, there].astype(np.float64)
        low, high = self._low[there].view(np.float64), self._high[there].view(np.float64)
        total = self._sums[:, there] * 2.0**CARRY + self._rest[:, there]
        mean = np.where(rows > 0.0, np.clip(total / (STEP * np.maximum(rows, 1.0)), low, high), low)
        return Filled(rows[0], rows[1], mean, low, high)

    def _add(self, cells: Indices, rows: Whole, steps: Whole) -> None:
        self._rows[:, cells] += rows
        rest = self._rest[:, cells] + steps
        self._sums[:, cells] += rest >> CARRY
        self._rest[:, cells] = rest & (2**CARRY - 1)
