"""Batches of any size as chunks of one size, so that sums do not depend on the batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.evaluation.running_facts import Chunk


class Rechunked:
    """Rows that wait until they fill a chunk. size: the number of rows of one.

    >>> waiting, sizes = Rechunked(2), []
    >>> for rows in (1, 4):
    ...     batch = Chunk(np.zeros((rows, 3)), np.zeros(rows, int), np.ones(rows, bool))
    ...     waiting.feed(batch, lambda chunk: sizes.append(len(chunk.labels)))
    >>> sizes, len(waiting)
    ([2, 2], 1)
    """

    def __init__(self, size: int) -> None:
        self._size, self._filled = size, 0
        self._scores: npt.NDArray[Any] | None = None
        self._rest: Chunk | None = None

    def __len__(self) -> int:
        """The number of rows that wait."""
        return self._filled

    def feed(self, batch: Chunk, take: Callable[[Chunk], None]) -> None:
        """Further rows. take: is given every chunk that they fill, whose arrays are overwritten later."""
        start, rows = 0, len(batch.labels)
        while start < rows:
            stop = min(start + self._size - self._filled, rows)
            part = _between(batch, start, stop)
            if stop - start == self._size:  # need not be copied
                take(part)
            else:
                self._keep(part)
                if self._filled == self._size:
                    take(self.rest())
                    self._filled = 0
            start = stop

    def rest(self) -> Chunk:
        """The rows that wait."""
        if self._scores is None or self._rest is None:
            raise AssertionError("there are none")
        return _between(self._rest, 0, self._filled)

    def copy(self) -> Rechunked:
        """The same rows, in arrays of their own."""
        other = Rechunked(self._size)
        if self._filled:
            other.feed(self.rest(), _take_none)
        return other

    def _keep(self, part: Chunk) -> None:
        if self._rest is None or self._filled == 0:
            self._rest = self._room(part)
        wider = np.result_type(self._rest.scores.dtype, part.scores.dtype)
        if wider != self._rest.scores.dtype:
            self._rest = self._rest._replace(scores=self._rest.scores.astype(wider))
            self._scores = self._rest.scores
        here = slice(self._filled, self._filled + len(part.labels))
        for own, more in zip(self._rest, part, strict=True):
            if own is not None and more is not None:
                np.copyto(own[here], more)
        self._filled = here.stop

    def _room(self, part: Chunk) -> Chunk:
        """Arrays for a chunk; those of the one before are used again if they fit."""
        shape, kept = (self._size, *part.scores.shape[1:]), self._scores
        if kept is None or kept.shape != shape or kept.dtype != part.scores.dtype:
            self._scores = kept = np.empty(shape, part.scores.dtype)
        weights: Floats | None = None if part.weights is None else np.empty(self._size)
        codes: Codes | None = None if part.codes is None else np.empty(self._size, np.intp)
        return Chunk(kept, np.empty(self._size, np.int64), np.empty(self._size, bool), weights, codes)


def _take_none(_: Chunk) -> None:
    raise AssertionError("fewer rows than a chunk wait")


def _between(chunk: Chunk, start: int, stop: int) -> Chunk:
    part = slice(start, stop)
    weights = None if chunk.weights is None else chunk.weights[part]
    codes = None if chunk.codes is None else chunk.codes[part]
    return Chunk(chunk.scores[part], chunk.labels[part], chunk.keep[part], weights, codes)
