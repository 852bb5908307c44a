"""The sums behind smooth curves, collected while the scores are read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calibeval.core.data.columns import kept_labels
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.row_source import Kind
from calibeval.core.evaluation.group_joints import compared
from calibeval.core.report.curve import SmoothCurve
from calibeval.core.sums.cells import Cells, cell_sums
from calibeval.core.sums.engine import chunk_rows
from calibeval.core.sums.sums import RowScores


class Curves(Protocol):
    """Smooth curves of a dump; None where there are too few rows for one."""

    def top(self) -> SmoothCurve | None:
        """The curve of correctness on confidence."""

    def positive(self) -> SmoothCurve | None:
        """The curve of the label on P(positive class); None unless there are two classes."""

    def of_classes(self, predictions: Predictions, classes: Sequence[int]) -> dict[int, SmoothCurve | None]:
        """The curve of each of these classes against the rest. predictions: of the dump."""


class CurveCells:
    """Cells of the confidence against correctness, and for two classes of P(positive class) against the label.

    `told` takes the results of the rows, block by block, in their order.
    """

    def __init__(self, predictions: Predictions, also: Callable[[RowScores], None] | None = None) -> None:
        """predictions: which the rows belong to. also: who else is told about the rows."""
        self._labels = kept_labels(predictions) if predictions.k == 2 else None
        self._seen, self._also, self._class = 0, also, predictions.positive
        self._top: Cells | None = None
        self._positive: Cells | None = None

    def told(self, rows: RowScores) -> None:
        """The results of the next rows."""
        if self._also is not None:
            self._also(rows)
        known, n = rows.cells, len(rows.confidence)
        if known is not None:
            top, positive = known["top"], known.get("positive")
        else:
            top, positive = cell_sums(rows.confidence, rows.correct, rows.weights), None
            if self._labels is not None:
                positive = positive_cells(rows, self._labels[self._seen : self._seen + n] == self._class)
        self._top = _added(self._top, top)
        self._positive = self._positive if positive is None else _added(self._positive, positive)
        self._seen += n

    def top(self) -> SmoothCurve | None:
        """The curve of correctness on confidence."""
        return SmoothCurve.of(self._top)

    def positive(self) -> SmoothCurve | None:
        """The curve of the label on P(positive class); None unless there are two classes."""
        return SmoothCurve.of(self._positive)

    def of_classes(self, predictions: Predictions, classes: Sequence[int]) -> dict[int, SmoothCurve | None]:
        """The curve of each of these classes against the rest, from one more pass over the scores."""
        return class_curves(predictions, classes)


def positive_cells(rows: RowScores, label: npt.NDArray[np.bool_]) -> Cells:
    """The cells of P(positive class), of two. label: whether the label of each row is that class."""
    p = np.where(label == rows.correct, rows.confidence, 1.0 - rows.confidence)  # it is predicted where equal
    return cell_sums(p, label, rows.weights)


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
