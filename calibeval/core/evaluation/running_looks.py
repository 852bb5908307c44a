"""What a report says of rows besides their sums, gathered while they come: curves, classes, doubts."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from calibeval.core.data.best_first import FIRST_ROWS, RowOrder
from calibeval.core.data.block import Block
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import Kind
from calibeval.core.evaluation.curves import class_cells
from calibeval.core.evaluation.doubts import rows_looked_at
from calibeval.core.report.curve import SmoothCurve
from calibeval.core.sums.cells import Cells
from calibeval.core.sums.curve_cells import curve_cells
from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.reweighted import reweighted_cells

ChunkCells = dict[str | int, Cells]


def chunk_cells(block: Block, keys: RowKeys, kinds: Predictions, classes: Sequence[int]) -> ChunkCells:
    """The cells of a block of rows, as in `RunningCurves`. keys: of the rows. classes: the chosen ones."""
    found: ChunkCells = curve_cells(kinds, block, keys)
    if classes:
        found.update((name, own) for name, own in class_cells(block, kinds.kind, classes).items())
    return found


class RunningCurves:
    """Cells of the confidence, of P(positive class) of two, and of chosen classes of more: see `Curves`.

    cells: of the first two by the names "top" and "positive", of the others by the numbers of the classes.
    """

    def __init__(self) -> None:
        self.cells: ChunkCells = {}

    def add(self, cells: ChunkCells) -> None:
        """Further rows; see `chunk_cells`."""
        for name, own in cells.items():
            self._add(name, own)

    def copy(self) -> RunningCurves:
        """The same cells, to which rows can be added."""
        other = copy.copy(self)
        other.cells = {**self.cells}
        return other

    def join(self, other: RunningCurves) -> None:
        """Add the rows of another one."""
        self.add(other.cells)

    def reweight(self, factor: float) -> None:
        """Multiply each weight by the factor; rows without weights have weight 1."""
        self.cells = {name: reweighted_cells(cells, factor) for name, cells in self.cells.items()}

    def top(self) -> SmoothCurve | None:
        """The curve of correctness on confidence."""
        return SmoothCurve.of(self.cells.get("top"))

    def positive(self) -> SmoothCurve | None:
        """The curve of the label on P(positive class); None unless there are two classes."""
        return SmoothCurve.of(self.cells.get("positive"))

    def of_classes(self, predictions: Predictions, classes: Sequence[int]) -> dict[int, SmoothCurve | None]:  # noqa: ARG002
        """The curve of each of these classes against the rest."""
        return {one: SmoothCurve.of(self.cells.get(one)) for one in classes}

    def _add(self, name: str | int, cells: Cells) -> None:
        self.cells[name] = self.cells[name] + cells if name in self.cells else cells


class RunningLooks:
    """Labels by class, the order of the scores in the rows, and probabilities of exactly 0 among the first rows.

    support: (k,), how often each class is the label. zeros, looked: rows with such a probability, and rows looked at.
    """

    def __init__(self, k: int | None, kind: Kind) -> None:
        self.support = np.zeros(k or 0, np.int64)
        self.order = RowOrder(k or 0, kind)
        self.zeros = self.looked = 0
        self._left = rows_looked_at(k) if kind == "probs" and k else 0

    def add(self, block: Block, keep: npt.NDArray[np.bool_]) -> None:
        """A block of rows with scores of all classes. keep: whether each stored row is one of them, not ignored."""
        k = len(self.support)
        self.support = self.support + np.bincount(block.labels, minlength=k)
        for piece in (block.scores[:FIRST_ROWS], block.scores[FIRST_ROWS:]):
            if self.order.possible:
                self.order = copy.copy(self.order)
                self.order.add(piece)
        if self._left:
            share = int(np.count_nonzero(keep[: self._left]))
            self.zeros += int(np.count_nonzero((block.scores[:share] == 0).any(axis=1)))
            self.looked += share
            self._left = max(self._left - len(keep), 0)

    def closed(self, support: npt.NDArray[np.int64], zeros: int, looked: int) -> None:
        """What was seen of rows that are not there any more, of which it is known that they are in no order."""
        self.support, self.zeros, self.looked = support, zeros, looked
        self._left = max(self._left - looked, 0)
        self.order.falls = self.order.rises = False

    def copy(self) -> RunningLooks:
        """The same, to which rows can be added."""
        return copy.copy(self)

    def join(self, other: RunningLooks) -> None:
        """Add the rows of another one."""
        self.support = self.support + other.support
        self.order = self.order.joined(other.order)
        self.zeros, self.looked = self.zeros + other.zeros, self.looked + other.looked
        self._left = max(self._left - other.looked, 0)
