"""Sums of rows that come batch by batch on a device, and leave it when a report is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_facts import Facts
from calibeval.devices.chunks import ChunkSums

if TYPE_CHECKING:
    from calibeval.devices.incoming import TensorBatch

CHUNK_SCORES, CHUNK_ROWS = 2**24, 2**20  # the most scores and rows of a chunk, which is computed at once


class TensorSums:
    """The sums of rows on a device. Batches wait there until they fill a chunk, as every operation has its own price.

    facts: of all rows. like: scores on the device. first: the number of rows before them. uneven: whether they have
    different weights. rows: the number of stored rows.
    """

    def __init__(self, facts: Facts, like: Tensor, *, first: int, uneven: bool) -> None:
        self._device, self._type, self._uneven = like.device, like.dtype, uneven
        self._even: float | None = None  # the weight of every row so far
        self.rows = self._n = self._zero = 0
        self._sums = ChunkSums(facts, like.device, first=first, uneven=uneven)
        self._size, self._filled = max(1, min(CHUNK_SCORES // like.shape[1], CHUNK_ROWS)), 0
        self._room: dict[str, Tensor] | None = None

    def takes(self, batch: TensorBatch) -> bool:
        """Whether its rows can be added: of one device and type, and of the same weight or not as those before."""
        alike = bool(batch.scores.device == self._device and batch.scores.dtype == self._type)
        if batch.weights is None or self._uneven:
            return alike
        return alike and batch.even is not None and self._even in (None, batch.even)

    def add(self, batch: TensorBatch) -> None:
        """Further rows, which these sums take."""
        with torch.inference_mode(mode=False), torch.no_grad():  # sums that begin in inference mode may go on after it
            self._add(batch)

    def running(self) -> Running:
        """The sums of all rows so far, in memory; further rows may follow."""
        sums = self._sums
        with torch.inference_mode(mode=False), torch.no_grad():
            if self._filled and self._room is not None:
                sums = sums.copy()
                sums.take(**{name: one[: self._filled] for name, one in self._room.items()})
            found = sums.in_memory()
        found.counts.stored, found.counts.n, found.counts.zero = self.rows, self._n, self._zero
        found.even, found.uneven = self._even, self._uneven
        return found

    def _add(self, batch: TensorBatch) -> None:
        last = self.rows + batch.rows
        own = batch.stored
        stored = torch.arange(self.rows, last, device=self._device) if own is None else own + self.rows
        parts, count = {"scores": batch.scores, "labels": batch.labels, "stored": stored}, len(batch.labels)
        if self._uneven and batch.weights is not None:
            parts["weights"] = batch.weights
        if self._sums.groups is not None and batch.groups is not None:
            parts["codes"] = self._sums.groups.coded(batch.groups)
        if batch.weights is not None and not self._uneven:
            self._even = batch.even
        self.rows, self._n, self._zero = last, self._n + count, self._zero + batch.zero
        start = 0
        while start < count:
            stop = min(start + self._size - self._filled, count)
            part = {name: one[start:stop] for name, one in parts.items()}
            if stop - start == self._size:  # need not be copied
                self._sums.take(**part)
            else:
                self._keep(part)
            start = stop

    def _keep(self, part: dict[str, Tensor]) -> None:
        """Copy rows to those that wait."""
        if self._room is None:
            self._room = {name: one.new_empty((self._size, *one.shape[1:])) for name, one in part.items()}
        here = slice(self._filled, self._filled + len(part["labels"]))
        for name, own in self._room.items():
            own[here].copy_(part[name])
        self._filled = here.stop
        if self._filled == self._size:
            self._filled = 0
            self._sums.take(**self._room)
