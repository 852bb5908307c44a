"""What is computed of each chunk alone, so that threads can do it; the results are added up in the order of chunks."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.block import Block
from calibeval.core.evaluation.running_facts import Facts
from calibeval.core.evaluation.running_looks import ChunkCells, chunk_cells
from calibeval.core.sums.by_group import RowTotals
from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.piece import piece_of
from calibeval.core.sums.second_pass import SecondSums, sums_of
from calibeval.core.sums.sums import RowScores, Sums


class Ready(NamedTuple):
    """The rows of a chunk that count, as a block. keep: which of its stored rows they are. stored: the rows before."""

    block: Block
    codes: Codes | None
    keep: npt.NDArray[np.bool_]
    stored: int

    @property
    def whole(self) -> bool:
        """Whether all of them count."""
        return len(self.keep) == len(self.block.labels)


class Worked(NamedTuple):
    """A chunk with its sums, keys, results of rows, cells of curves, and sums of a second look.

    together: if all rows are of one group, the sums of their results; then `rows` may be empty.
    """

    ready: Ready
    sums: Sums
    keys: RowKeys
    rows: RowScores
    cells: ChunkCells
    second: SecondSums | None
    together: RowTotals | None = None

    def let_go(self) -> Worked:
        """The same of rows of one group, without the results of single rows."""
        nothing = self.rows.at(np.empty(0, np.intp))
        return self._replace(sums=replace(self.sums, rows=None), rows=nothing, together=RowTotals.of_one(self.rows))


def worked(ready: Ready, facts: Facts, edges: Floats, compared: Floats) -> Worked:
    """The sums of a chunk. edges, compared: of equal-width bins. Raises: BadValues."""
    block, kinds = ready.block, facts.kinds
    sums, keys, *_ = piece_of(kinds, block, edges, compared, keep_rows=True)
    rows, second = sums.rows, None
    if rows is None:
        raise AssertionError("rows were asked for")
    if facts.second and kinds.k is not None and kinds.k > 1:
        second = sums_of(block, kinds.kind, compared, facts.second, precision=kinds.precision)
    return Worked(ready, sums, keys, rows, chunk_cells(block, keys, kinds, facts.classes), second)
