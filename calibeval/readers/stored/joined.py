"""Rows of several sources as one: shards of a dump, batches of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource


class JoinedRows:
    """Rows of several sources, one after the other.

    >>> JoinedRows([np.array([[1], [2]]), np.array([[3]])])[1:3].tolist()
    [[2], [3]]
    """

    def __init__(self, sources: Sequence[RowSource]) -> None:
        self._sources = list(sources)
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
