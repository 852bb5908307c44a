"""Scores of a dump that lie on a device: their sums are taken there, and what else is needed of them is copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.cells import Cells
from calibeval.core.sums.curve_cells import curve_cells
from calibeval.core.sums.piece import Piece, piece_of
from calibeval.core.sums.sample import Sample, sample_size
from calibeval.devices import sums
from calibeval.devices.checks import is_matrix, surely_right
from calibeval.devices.choice import chosen_places
from calibeval.devices.pieces import PieceSums, on_device
from calibeval.devices.rows import row_results
from calibeval.devices.totals import Sort, Totals

PIECE_ROWS = 2**22  # rows whose keys leave the device together
TYPES = {torch.float16: np.float16, torch.bfloat16: np.float32, torch.float32: np.float32, torch.float64: np.float64}


def scores_of(tensor: Tensor) -> TensorScores | None:
    """The scores in a tensor, which stay where they are; None if their shape or type is no plain one."""
    return TensorScores(tensor) if is_matrix(tensor) else None


class TensorScores:
    """Rows of a tensor, (n, k), as a `RowSource` that takes its own sums: see `calibeval.core.sums.engine`.

    Rows are copied when they are read. When more than all of them have been, they are copied once and kept.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()
        self.shape: tuple[int, ...] = tuple(tensor.shape)
        self.dtype: np.dtype[Any] = np.dtype(TYPES[tensor.dtype])
        self.held = True  # any rows can be read, in any order
        self._read = 0
        self._kept: npt.NDArray[Any] | None = None

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive rows, in memory."""
        kept = self._all(len(range(*rows.indices(self.shape[0]))))
        return _in_memory(self._tensor[rows]) if kept is None else kept[rows]

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """The rows of these numbers, in this order, in memory."""
        kept = self._all(len(rows))
        if kept is not None:
            return np.asarray(kept[rows])
        return _in_memory(self._tensor[on_device(rows.astype(np.int64), self._tensor.device)])

    def pieces(
        self, predictions: Predictions, edges: Floats, compared: Floats, *, keep_rows: bool, sampled: bool, curves: bool
    ) -> Iterator[Piece]:
        """The sums of consecutive rows of these predictions, whose scores these are: as the engine takes them.

        Rows that are not known to be right are read and added up in memory, where errors find their words.
        """
        kind, weights, first = predictions.kind, _weights(predictions), 0
        sort, device = self._sort(predictions, edges, compared, () if curves else None), self._tensor.device
        part = PieceSums(sort, device, keep_rows=keep_rows)
        for stored in self._chunks(predictions):
            with torch.inference_mode(mode=False), torch.no_grad():
                scores = self._rows(stored)
                right = bool(surely_right(kind, scores, predictions.tolerance).all())  # waits for the device
                if right:
                    w = None if weights is None else weights[stored]
                    part.add(scores, predictions.labels[stored].astype(np.int64), stored, w)
                    part.samples += [self._sample(predictions, scores, stored, first, weights)] if sampled else []
            if part.rows and (not right or part.rows >= PIECE_ROWS):
                yield part.piece()
                part = PieceSums(sort, device, keep_rows=keep_rows)
            if not right:
                block = predictions.block(int(stored[0]), int(stored[-1]) + 1)
                found = piece_of(predictions, block, edges, compared, keep_rows=keep_rows)
                there = sampled and found.sums.excess is not None
                yield found._replace(
                    sample=Sample.of_block(block, first, predictions.n) if there else None,
                    cells=curve_cells(predictions, block, found.keys) if curves else None,
                )
            first += len(stored)
        if part.rows:
            yield part.piece()

    def class_cells(self, predictions: Predictions, classes: Sequence[int]) -> dict[int, Cells]:
        """The cells of the probabilities of these classes, of predictions whose scores these are, known to be right."""
        nothing, weights = np.zeros(2), _weights(predictions)
        device = self._tensor.device
        totals = Totals(self._sort(predictions, nothing, nothing, tuple(classes)), device)
        with torch.inference_mode(mode=False), torch.no_grad():
            for stored in self._chunks(predictions):
                labels = on_device(predictions.labels[stored].astype(np.int64), device)
                w = None if weights is None else on_device(weights[stored], device)
                totals.add_curves(row_results(self._rows(stored), labels, predictions.kind), labels, w)
        cells = totals.cells()
        return {one: cells[one] for one in classes}

    def _sort(self, predictions: Predictions, edges: Floats, compared: Floats, classes: tuple[int, ...] | None) -> Sort:
        inner = torch.as_tensor(compared[1:-1], dtype=torch.float64, device=self._tensor.device)
        weighted = _weights(predictions) is not None
        return Sort(predictions.kind, self.shape[1], edges, compared, inner, weighted, predictions.positive, classes)

    def _chunks(self, predictions: Predictions) -> Iterator[Indices]:
        """The numbers of the rows of each chunk that are not ignored."""
        n, k = self.shape
        size = max(1, min(sums.CHUNK_SCORES // k, sums.CHUNK_ROWS))
        for start in range(0, n, size):
            stored = _counted(predictions, start, min(start + size, n))
            if len(stored):
                yield stored

    def _all(self, wanted: int) -> npt.NDArray[Any] | None:
        """All rows in memory, once more than that have been read. wanted: the number of rows that are now."""
        self._read += wanted
        if self._kept is None and self._read > self.shape[0]:
            self._kept = _in_memory(self._tensor)
        return self._kept

    def _rows(self, stored: Indices) -> Tensor:
        """Ascending rows, on the device."""
        start, stop = int(stored[0]), int(stored[-1]) + 1
        scores = self._tensor[start:stop]
        return scores if len(stored) == stop - start else scores[on_device(stored - start, self._tensor.device)]

    def _sample(
        self, predictions: Predictions, scores: Tensor, stored: Indices, first: int, weights: Floats | None
    ) -> Sample:
        """The chosen ones of some rows. scores: of these. first: the number of rows before them."""
        size = sample_size(predictions.n, self.shape[1])
        own = chosen_places(first, len(stored), predictions.n, size, self._tensor.device)
        places = own.cpu().numpy()
        rows = stored[places]
        w = None if weights is None else weights[rows]
        return Sample(_in_memory(scores[own]), predictions.labels[rows], first + places, w)


def _weights(predictions: Predictions) -> Floats | None:
    """The weights of the stored rows; None if all count the same."""
    own = predictions.weights
    return None if own is None or own.even else own.values


def _counted(predictions: Predictions, start: int, stop: int) -> Indices:
    """The numbers of the stored rows start to stop that are not ignored."""
    stored = np.arange(start, stop, dtype=np.intp)
    if not predictions.ignored:
        return stored
    return np.asarray(stored[predictions.labels[start:stop] != predictions.ignore_index], np.intp)


def _in_memory(values: Tensor) -> npt.NDArray[Any]:
    plain = values.float() if values.dtype is torch.bfloat16 else values
    return np.asarray(plain.contiguous().cpu().numpy())
