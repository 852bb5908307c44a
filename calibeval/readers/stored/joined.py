"""Rows of several sources as one: shards of a dump, batches of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.far_rows import narrowed
from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.row_source import RowSource


class JoinedRows:
    """Rows of several sources, one after the other. held: whether memory would hold them all.

    >>> JoinedRows([np.array([[1], [2]]), np.array([[3]])])[1:3].tolist()
    [[2], [3]]
    """

    def __init__(self, sources: Sequence[RowSource], *, held: bool = False) -> None:
        self._sources, self.held = list(sources), held
        self._starts = np.cumsum([0, *(source.shape[0] for source in sources)]).tolist()
        self.shape: tuple[int, ...] = (self._starts[-1], *sources[0].shape[1:])
        self.dtype: np.dtype[Any] = sources[0].dtype

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive rows, possibly of several sources."""
        start, stop, _ = rows.indices(self.shape[0])
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        pieces = []
        for i in range(max(first, 0), len(self._sources)):
            offset = self._starts[i]
            if offset >= stop:
                break
            pieces.append(self._sources[i][max(start - offset, 0) : min(stop, self._starts[i + 1]) - offset])
        if not pieces:
            return self._sources[0][0:0]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """The rows of these numbers, in this order.

        >>> JoinedRows([np.array([[1], [2]]), np.array([[3]])]).take(np.array([2, 0])).tolist()
        [[3], [1]]
        """
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        which = np.searchsorted(self._starts, rows, side="right") - 1
        for i in np.unique(which).tolist():
            own = np.flatnonzero(which == i)
            found[own] = rows_at(self._sources[i], rows[own] - self._starts[i])
        return found

    @property
    def in_files(self) -> bool:
        """Whether most rows lie in files as they are, where others can read them."""
        return any(getattr(source, "in_files", False) for source in self._sources)

    def narrowed(self, start: int, stop: int) -> RowSource:
        """The rows start to stop, of the sources that hold them."""
        first = max(int(np.searchsorted(self._starts, start, side="right")) - 1, 0)
        last = max(int(np.searchsorted(self._starts, stop, side="left")), first + 1)
        ends = [
            (max(start - self._starts[i], 0), min(stop, self._starts[i + 1]) - self._starts[i])
            for i in range(first, last)
        ]
        parts = [narrowed(self._sources[first + i], *own) for i, own in enumerate(ends)]
        return parts[0] if len(parts) == 1 else JoinedRows(parts)
