"""Sums of rows that come batch by batch on a device, and leave it when a report is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_facts import Facts
from calibeval.devices.checks import all_right
from calibeval.devices.chunks import ChunkSums

if TYPE_CHECKING:
    from calibeval.devices.incoming import TensorBatch

CHUNK_SCORES, CHUNK_ROWS = 2**24, 2**20  # the most scores and rows of a chunk, which is computed at once


def chunk_size(k: int) -> int:
    """The most rows of a chunk."""
    return max(1, min(CHUNK_SCORES // k, CHUNK_ROWS))


class TensorSums:
    """The sums of rows on a device. Batches wait there until they fill a chunk, as every operation has its own price.

    Nobody has looked at the last ones of those that wait, each of which waits as a whole.
    facts: of all rows. like: scores on the device. first: the number of rows before them. uneven: whether they have
    different weights. rows: the number of stored rows.
    """

    def __init__(self, facts: Facts, like: Tensor, *, first: int, uneven: bool) -> None:
        self._device, self._type, self._uneven = like.device, like.dtype, uneven
        self._even: float | None = None  # the weight of every row so far
        self.rows = self._n = self._zero = 0
        self._facts, self._sums = facts, ChunkSums(facts, like.device, first=first, uneven=uneven)
        self._size, self._filled = chunk_size(like.shape[1]), 0
        self._room: dict[str, Tensor] | None = None
        self._found: Running | None = None  # what was last copied to memory, until more rows come
        self._unseen: list[int] = []  # the numbers of rows of the batches that nobody has looked at

    def takes(self, batch: TensorBatch) -> bool:
        """Whether its rows can be added: of one device and type, and of the same weight or not as those before."""
        alike = bool(batch.scores.device == self._device and batch.scores.dtype == self._type)
        if batch.weights is None or self._uneven:
            return alike
        return alike and batch.even is not None and self._even in (None, batch.even)

    def fits(self, batch: TensorBatch) -> bool:
        """Whether it can be added before the rows that wait are looked at."""
        return not self._unseen or (not batch.sure and self._filled + batch.rows <= self._size)

    def add(self, batch: TensorBatch) -> None:
        """Further rows, which these sums take and which fit."""
        self._found = None
        if self._room is not None and not batch.sure and self._filled + batch.rows <= self._size:
            self._wait(batch)
            return
        with torch.inference_mode(mode=False), torch.no_grad():  # sums that begin in inference mode may go on after it
            if batch.sure:
                self._add(batch)
            else:
                self._take_room()
                self._wait(batch)

    def doubted(self) -> list[Mapping[str, Any]]:
        """Look at the rows that wait: the batches that nobody looked at, unless all are surely right."""
        if not self._unseen or self._room is None:
            return []
        count, kinds = sum(self._unseen), self._facts.kinds
        start = self._filled - count
        with torch.inference_mode(mode=False), torch.no_grad():
            scores, labels = (self._room[name][start : self._filled] for name in ("scores", "labels"))
            right = all_right(kinds.kind, scores, labels, kinds.tolerance)
            if right:
                torch.arange(self.rows - count, self.rows, out=self._room["stored"][start : self._filled])
        sizes, self._unseen, self._found = self._unseen, [], None
        if right:
            return []
        self.rows, self._n, self._filled = self.rows - count, self._n - count, start
        parts = zip(scores.clone().split(sizes), labels.clone().split(sizes), strict=True)
        return [{kinds.kind: one, "labels": own} for one, own in parts]

    def running(self) -> Running:
        """The sums of all rows so far, in memory; further rows may follow."""
        if self._found is None:
            self._found = self._in_memory()
        return self._found

    def _in_memory(self) -> Running:
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

    def _wait(self, batch: TensorBatch) -> None:
        """Let a batch wait that nobody has looked at."""
        count = batch.rows
        if self._room is None:
            self._room = self._rooms(batch.scores)
        here = slice(self._filled, self._filled + count)
        self._room["scores"][here].copy_(batch.scores)
        self._room["labels"][here].copy_(batch.labels)
        self._unseen.append(count)
        self.rows, self._n, self._filled = self.rows + count, self._n + count, here.stop

    def _rooms(self, scores: Tensor) -> dict[str, Tensor]:
        """Where rows without weights and groups wait."""
        numbers = torch.empty((2, self._size), dtype=torch.int64, device=scores.device)
        own = torch.empty((self._size, scores.shape[1]), dtype=scores.dtype, device=scores.device)
        return {"scores": own, "labels": numbers[0], "stored": numbers[1]}

    def _keep(self, part: dict[str, Tensor]) -> None:
        """Copy rows to those that wait."""
        if self._room is None:
            self._room = {name: one.new_empty((self._size, *one.shape[1:])) for name, one in part.items()}
        here = slice(self._filled, self._filled + len(part["labels"]))
        for name, own in self._room.items():
            own[here].copy_(part[name])
        self._filled = here.stop
        if self._filled == self._size:
            self._take_room()

    def _take_room(self) -> None:
        """Add up the rows that wait."""
        if self._filled and self._room is not None:
            self._sums.take(**{name: one[: self._filled] for name, one in self._room.items()})
            self._filled = 0
