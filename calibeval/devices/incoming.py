"""Tensors on a device at the door of an accumulator: checked there, with one answer from the device for a batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibeval.core.data.arrays import Floats
from calibeval.core.data.class_names import number_of
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import Kind, as_column
from calibeval.core.data.weights import MOST_RATIO
from calibeval.core.errors import InputError
from calibeval.core.evaluation.batches import FARTHEST, Batch
from calibeval.core.evaluation.running import Running
from calibeval.devices import sums
from calibeval.devices.checks import FLOATS, all_right, is_matrix, surely_right
from calibeval.devices.sums import TensorSums

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)

WAITING = 4  # batches that wait have at most a quarter of the rows of a chunk


class TensorBatch(NamedTuple):
    """Rows that count, on their device. scores: (b, k). labels: (b,), int64. weights: (b,), float64; None without.
    groups: what names the groups of these rows, in memory; None without.

    sort: a batch of the same sort with one row. stored: (b,), their numbers among the rows of the batch; None if all
    count. rows: the number of stored rows. zero: the number of those left out because of their weight. even: the weight
    of all rows that count; None if they differ. sure: whether all values are surely right; else nobody has looked at
    them, and labels are whole numbers of any type.
    """

    sort: Batch
    scores: Tensor
    labels: Tensor
    weights: Tensor | None
    groups: npt.NDArray[Any] | None
    stored: Tensor | None
    rows: int
    zero: int
    even: float | None
    sure: bool = True

    def begin(self, running: Running) -> TensorSums:
        """Sums of no rows, for such batches. running: of the rows before them."""
        uneven = running.uneven or (self.weights is not None and self.even is None)
        with torch.inference_mode(mode=False):
            return TensorSums(running.facts, self.scores, first=running.counts.n, uneven=uneven)

    def apart(self) -> Mapping[str, Any]:
        """A copy of its scores, by their kind, and of its labels. It has no weights and groups, and all rows count."""
        return {self.sort.rows.kind: self.scores.clone(), "labels": self.labels.clone()}


class Door:
    """Where batches come in. options: of `Predictions`, the same for all batches."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._sorts: dict[tuple[Kind, int, torch.dtype, bool, bool], Batch] = {}

    def batch(
        self, kind: Kind, scores: object, labels: object, weights: object, groups: object, *, first: bool = True
    ) -> TensorBatch | None:
        """The batch; None unless all its values are surely right, and lie on a device that adds them up.

        What is not known to be right here is looked at row by row in memory, where errors find their words. A batch of
        few rows is looked at later, with others, as every answer of a device takes time.
        first: whether there are no rows yet; such a batch is looked at now.
        """
        if not (isinstance(scores, Tensor) and self._suits(kind, scores)):
            return None
        if not first and weights is None and groups is None and self._options.get("ignore_index") is None:
            found = self._unseen(kind, scores, labels)
            if found is not None:
                return found
        with torch.inference_mode(mode=False), torch.no_grad():
            return self._batch(kind, scores, labels, weights, groups)

    def _unseen(self, kind: Kind, scores: Tensor, labels: object) -> TensorBatch | None:
        """A batch that can be looked at later; None if it cannot."""
        n, k = scores.shape
        sort = self._sorts.get((kind, k, scores.dtype, False, False))
        if sort is None or n * WAITING > sums.chunk_size(k) or not isinstance(labels, Tensor):
            return None
        if labels.dtype not in WHOLE or labels.shape != scores.shape[:1] or labels.device != scores.device:
            return None
        return TensorBatch(sort, scores.detach(), labels, None, None, None, n, 0, 1.0, sure=False)

    def _batch(self, kind: Kind, scores: Tensor, labels: object, weights: object, groups: object) -> TensorBatch | None:
        given, own = _column(labels, scores, WHOLE), None
        if weights is not None:
            own = _column(weights, scores, (*FLOATS, *WHOLE))
        try:
            named = None if groups is None else as_column("groups", groups, {len(scores)})
        except InputError:
            return None
        if given is None or (weights is not None and own is None):
            return None
        return self._checked(kind, scores.detach(), given, own, named)

    def _suits(self, kind: Kind, scores: Tensor) -> bool:
        names = self._options.get("class_names") or ()
        told = self._options.get("labels_are")
        by_name = told == "names" or (told is None and any(number_of(str(name)) is not None for name in names))
        return is_matrix(scores) and kind != "confidence" and not by_name and not self._options.get("renormalize")

    def _checked(
        self, kind: Kind, scores: Tensor, given: Tensor, weights: Tensor | None, groups: npt.NDArray[Any] | None
    ) -> TensorBatch | None:
        n, k = scores.shape
        sort = self._sort(kind, scores, weighted=weights is not None, grouped=groups is not None)
        ignore, w = self._options.get("ignore_index"), None if weights is None else weights.to(torch.float64)
        labels = given.to(torch.int64)
        if w is None and ignore is None:
            right = all_right(kind, scores, labels, sort.rows.tolerance)
            return TensorBatch(sort, scores, labels, None, groups, None, n, 0, 1.0) if right else None
        right = (labels >= 0) & (labels < k)
        kept = torch.ones_like(right) if ignore is None else labels != ignore
        by_label = kept
        if w is not None:
            kept = kept & (w > 0)
        doubts = [(~right & by_label).any(), (~surely_right(kind, scores, sort.rows.tolerance) & kept).any()]
        facts = [kept.sum(), by_label.sum(), *doubts]
        if w is not None:
            facts += [(~(w.isfinite() & (w >= 0))).any(), torch.where(kept, w, math.inf).amin(), w.amax()]
        count, labelled, *wrong = torch.stack([fact.to(torch.float64) for fact in facts]).tolist()  # the one answer
        least = most = 1.0
        if w is not None:
            *wrong, least, most = wrong
        far = w is not None and (most > MOST_RATIO * least or least < 1.0 / FARTHEST or most > FARTHEST)
        if any(wrong) or not count or far:
            return None
        stored, zero = None, 0
        if count < n:
            stored = kept.nonzero().squeeze(1)
            scores, labels, w = scores[stored], labels[stored], None if w is None else w[stored]
            zero, groups = int(labelled - count), None if groups is None else groups[stored.cpu().numpy()]
        return TensorBatch(sort, scores, labels, w, groups, stored, n, zero, least if least == most else None)

    def _sort(self, kind: Kind, scores: Tensor, *, weighted: bool, grouped: bool) -> Batch:
        """A batch of the same sort with one row. It is made once: batches of one sort follow each other."""
        key = (kind, scores.shape[1], scores.dtype, weighted, grouped)
        if key not in self._sorts:
            row = torch.zeros((1, scores.shape[1]), dtype=scores.dtype)
            row[0, 0] = 1.0
            options: dict[str, Any] = {name: self._options.get(name) for name in ("class_names", "ignore_index")}
            first: dict[str, Any] = {kind: row, "labels": [0 if options["ignore_index"] != 0 else 1]}
            rows = Predictions(**first, **options, labels_are="positions", weights=[1.0] if weighted else None)
            one: Floats | None = np.ones(1) if weighted else None
            names = np.zeros(1) if grouped else None
            self._sorts[key] = Batch(rows, np.empty((0, scores.shape[1])), np.ones(1, bool), one, names, 0)
        return self._sorts[key]


def _column(values: object, scores: Tensor, types: tuple[torch.dtype, ...]) -> Tensor | None:
    """Numbers of these types, one a row, on the device of the scores; None for anything else."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" and values.dtype.isnative:
        try:
            values = torch.from_numpy(np.require(values, requirements=["C", "W"]))
        except TypeError:  # a type that torch lacks
            return None
    if not isinstance(values, Tensor) or values.dtype not in types or values.layout is not torch.strided:
        return None
    if values.shape != scores.shape[:1] or values.device.type == "meta":
        return None
    return values.detach().to(scores.device, non_blocking=True)
