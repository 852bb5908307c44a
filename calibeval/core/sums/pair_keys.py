"""The confidence and correctness of all rows, collected while the scores are read.

Up to 2^19 rows are kept, 8 bytes each. Of more, only what `pair_cells.py` keeps of them: 7 MB. So results do not depend
on the memory limit.
"""

from __future__ import annotations

import numpy as np

from calibeval.core.sums.equal_mass import RowKeys, confidence_keys
from calibeval.core.sums.pair_cells import Filled, PairCells
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import RowScores

EXACT = 2**19


class PairKeys:
    """Takes the keys of rows (`equal_mass.confidence_keys`), block by block; their order does not matter."""

    def __init__(self) -> None:
        self._blocks: list[RowKeys] = []
        self._waiting = 0
        self._cells: PairCells | None = None

    def add(self, keys: RowKeys) -> None:
        """The keys of the next rows."""
        for first in range(0, len(keys), EXACT):
            block = keys[first : first + EXACT]
            if self._waiting + len(block) > EXACT:
                self._emptied()
            self._blocks.append(block)
            self._waiting += len(block)

    def pairs(self, slack: float = 0.0) -> Pairs:
        """The pairs of all rows, without weights and groups. Raises: InputError if there are none.

        >>> found = PairKeys()
        >>> found.add(np.array([0.5, 0.25]).view(np.uint64) << np.uint64(1))
        >>> found.pairs().confidence.tolist()
        [0.25, 0.5]
        """
        if self._cells is None:
            return Pairs.of_keys(np.concatenate(self._blocks) if self._blocks else np.empty(0, np.uint64), slack)
        return of_cells(self._emptied().filled(), slack)

    def _emptied(self) -> PairCells:
        """The cells, with all rows so far."""
        if self._cells is None:
            self._cells = PairCells()
        if self._blocks:
            self._cells.add(np.concatenate(self._blocks))
        self._blocks, self._waiting = [], 0
        return self._cells


def of_cells(cells: Filled, slack: float = 0.0) -> Pairs:
    """Pairs with the wrong and the right rows of each cell; all rows of a cell tie."""
    counts = np.stack([cells.wrong, cells.right]).T.ravel()
    there = np.flatnonzero(counts)
    cell = there // 2
    return Pairs(
        cells.mean.T.ravel()[there],
        there % 2 == 1,
        slack=slack,
        counts=counts[there],
        tied=np.flatnonzero(np.diff(cell, append=-1)),
        low=cells.low[cell],
        high=cells.high[cell],
    )


def pairs_of_rows(rows: RowScores, slack: float = 0.0) -> Pairs:
    """The pairs of rows without weights and groups."""
    return pairs_of_keys(confidence_keys(rows.confidence + 0.0, rows.correct), slack)


def pairs_of_keys(keys: RowKeys, slack: float = 0.0) -> Pairs:
    """The pairs of rows with these keys."""
    found = PairKeys()
    found.add(keys)
    return found.pairs(slack)
