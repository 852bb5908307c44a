"""Sums of chunks of rows on their device, and what else a report needs of rows that are not kept."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calibeval.core.data.best_first import FIRST_ROWS, LEAST_CLASSES, RowOrder
from calibeval.core.evaluation.doubts import rows_looked_at
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_facts import Facts
from calibeval.core.evaluation.running_groups import RunningGroups
from calibeval.core.sums.engine import edges_of
from calibeval.core.sums.running_sample import RunningSample
from calibeval.core.sums.sample import Sample, sample_size
from calibeval.devices.choice import chosen_places
from calibeval.devices.groups import TensorGroups
from calibeval.devices.keys import TensorKeys
from calibeval.devices.rows import row_results
from calibeval.devices.second import TensorSecond
from calibeval.devices.totals import Sort, Totals


class ChunkSums:
    """The sums of all chunks so far: the same parts as those of `Running`, on the device.

    facts: of all rows. device: where they are. first: the number of rows before them. uneven: whether they have
    different weights.
    """

    def __init__(self, facts: Facts, device: torch.device, *, first: int, uneven: bool) -> None:
        kinds, k = facts.kinds, facts.kinds.k or 0
        self._facts, self._rows = facts, first
        edges, compared = edges_of(kinds, facts.settings.bins)
        inner = torch.as_tensor(compared[1:-1], dtype=torch.float64, device=device)
        sort = Sort(kinds.kind, k, edges, compared, inner, uneven, kinds.positive, facts.classes)
        self.totals, self.keys, self.sample = Totals(sort, device), TensorKeys(facts.exact), RunningSample(k)
        self._order = RowOrder(k, kinds.kind)
        self._order.falls = self._order.rises = k >= LEAST_CLASSES
        self._looked = rows_looked_at(k) if kinds.kind == "probs" else 0
        self.groups = None
        if facts.grouped:
            self.groups = TensorGroups(RunningGroups(facts.settings.group, k, compared), sort, device)
        self.second = TensorSecond(facts.second, sort, device, kinds.precision) if facts.second else None
        self.zeros = torch.zeros(2, dtype=torch.int64, device=device)

    def copy(self) -> ChunkSums:
        """The same sums, to which rows can be added."""
        other = copy.copy(self)
        other.totals, other.keys, other.sample = self.totals.copy(), self.keys.copy(), self.sample.copy()
        other.groups = None if self.groups is None else self.groups.copy()
        other.second = None if self.second is None else self.second.copy()
        other.zeros = self.zeros.clone()
        return other

    def take(
        self,
        scores: Tensor,
        labels: Tensor,
        stored: Tensor,
        weights: Tensor | None = None,
        codes: Tensor | None = None,
    ) -> None:
        """Add up a chunk. scores: (b, k). labels, stored, weights, codes: (b,), stored being their numbers."""
        self._look(scores, stored)
        rows = row_results(scores, labels, self._facts.kinds.kind)
        self.totals.add(rows, labels, stored, weights)
        self.keys.add(rows.confidence, rows.correct, weights, codes)
        if self.groups is not None and codes is not None:
            self.groups.add(rows, labels, codes, weights)
        if self.second is not None:
            self.second.add(rows, labels, weights)
        self._add_sample(scores, labels, weights, codes)
        self._rows += len(labels)

    def in_memory(self) -> Running:
        """The sums as the core takes them, without numbers of rows."""
        found = Running(self._facts)
        found.total = self.totals.sums()
        found.keys = self.keys.in_memory(found.keys)
        found.curves.cells = self.totals.cells()
        found.sample = RunningSample(self._facts.kinds.k or 0)
        found.second = None if self.second is None else self.second.in_memory()
        found.groups = None if self.groups is None else self.groups.in_memory()
        for i, part in enumerate(self.sample.parts):
            given: Any = part
            coded: Any = self.sample.codes[i] if self.sample.codes else None
            scores = given.scores.float() if given.scores.dtype is torch.bfloat16 else given.scores
            weights = None if given.weights is None else given.weights.cpu().numpy()
            found.sample.take(
                part._replace(scores=scores.cpu().numpy(), labels=given.labels.cpu().numpy(), weights=weights),
                None if coded is None else coded.cpu().numpy().astype(np.intp),
            )
        zeros, looked = self.zeros.tolist()
        found.looks.support, found.looks.order = self.totals.support(), self._order
        found.looks.zeros, found.looks.looked = zeros, looked
        return found

    def _add_sample(self, scores: Tensor, labels: Tensor, weights: Tensor | None, codes: Tensor | None) -> None:
        """Choose rows for the temperature: those that `RunningSample.add` chooses."""
        first, b = self._rows, len(labels)
        n = first + b
        size = sample_size(n, scores.shape[1])
        own = chosen_places(first, b, n, size, scores.device)
        if not len(own):
            return
        part: Any = (scores[own], labels[own], first + own.cpu().numpy(), None if weights is None else weights[own])
        coded: Any = None if codes is None else codes[own]
        self.sample.take(Sample(*part), coded)
        if self.sample.held > 2 * size:
            self.sample.shrink(n)

    def _look(self, scores: Tensor, stored: Tensor) -> None:
        """See whether scores are in the same order in all rows, and how many of the first rows hold a zero."""
        if self._looked:
            early = stored < self._looked
            self.zeros += torch.stack((((scores == 0).any(1) & early).sum(), early.sum()))
        for piece in (scores[:FIRST_ROWS], scores[FIRST_ROWS:]):
            if not self._order.possible:
                return
            if len(piece):
                self._order = self._order.joined(_order_of(piece, self._order))


def _order_of(piece: Tensor, before: RowOrder) -> RowOrder:
    """The order of the rows of a piece. before: of those before it."""
    found, values = RowOrder(piece.shape[1], before.kind), piece.to(torch.float64)
    falls, rises = (values[:, 1:] <= values[:, :-1]).all(), (values[:, 1:] >= values[:, :-1]).all()
    found.falls, found.rises, found.alike = torch.stack((falls, rises, (values == values[0]).all())).tolist()
    if found.possible:
        p = values if before.kind == "probs" else values.exp() if before.kind == "log_probs" else values.softmax(1)
        found.first, found.total, found.rows = values[0].cpu().numpy(), p.sum(0).cpu().numpy(), len(values)
    return found
