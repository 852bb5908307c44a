"""The sums behind smooth curves, collected while the scores are read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.row_source import Kind
from calibeval.core.evaluation.group_joints import compared
from calibeval.core.report.curve import SmoothCurve
from calibeval.core.sums.cells import Cells, cell_sums
from calibeval.core.sums.curve_cells import POSITIVE, TOP, CellsByName
from calibeval.core.sums.engine import chunk_rows


class Curves(Protocol):
    """Smooth curves of a dump; None where there are too few rows for one."""

    def top(self) -> SmoothCurve | None:
        """The curve of correctness on confidence."""

    def positive(self) -> SmoothCurve | None:
        """The curve of the label on P(positive class); None unless there are two classes."""

    def of_classes(self, predictions: Predictions, classes: Sequence[int]) -> dict[int, SmoothCurve | None]:
        """The curve of each of these classes against the rest. predictions: of the dump."""


class CurveCells:
    """Cells of the confidence against correctness, and for two classes of P(positive class) against the label."""

    def __init__(self) -> None:
        self._top: Cells | None = None
        self._positive: Cells | None = None

    def add(self, cells: CellsByName) -> None:
        """The cells of the next rows; see `curve_cells`."""
        self._top = _added(self._top, cells[TOP])
        self._positive = _added(self._positive, cells[POSITIVE]) if POSITIVE in cells else None

    def top(self) -> SmoothCurve | None:
        """The curve of correctness on confidence."""
        return SmoothCurve.of(self._top)

    def positive(self) -> SmoothCurve | None:
        """The curve of the label on P(positive class); None unless there are two classes."""
        return SmoothCurve.of(self._positive)

    def of_classes(self, predictions: Predictions, classes: Sequence[int]) -> dict[int, SmoothCurve | None]:
        """The curve of each of these classes against the rest, from one more pass over the scores."""
        return class_curves(predictions, classes)


def class_curves(predictions: Predictions, classes: Sequence[int]) -> dict[int, SmoothCurve | None]:
    """The curve of each of these classes against the rest, from one more pass over the scores."""
    own: Callable[..., dict[int, Cells]] | None = getattr(predictions.scores, "class_cells", None)
    if own is not None:  # they lie where they can be added up
        return {one: SmoothCurve.of(cells) for one, cells in own(predictions, classes).items()}
    found: dict[int, Cells | None] = dict.fromkeys(classes)
    for block in predictions.blocks(chunk_rows(predictions)):
        for one, cells in class_cells(block, predictions.kind, classes).items():
            found[one] = _added(found[one], cells)
    return {one: SmoothCurve.of(cells) for one, cells in found.items()}


def class_cells(block: Block, kind: Kind, classes: Sequence[int]) -> dict[int, Cells]:
    """The cells of the probabilities of these classes."""
    p = compared(np.asarray(block.scores), kind)
    return {one: cell_sums(p[:, one], block.labels == one, block.weights) for one in classes}


def _added(total: Cells | None, more: Cells) -> Cells:
    return more if total is None else total + more
