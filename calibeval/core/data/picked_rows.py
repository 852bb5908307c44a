"""Some rows of a source, in any order, read only when they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource


class PickedRows:
    """The rows with these numbers; data in a mapped file or on disk stays there until a block is read.

    >>> PickedRows(np.array([[1], [2], [3]]), np.array([2, 0]))[0:2].tolist()
    [[3], [1]]
    """

    def __init__(self, source: RowSource, rows: npt.NDArray[np.integer[Any]]) -> None:
        self._source, self._rows = source, rows
        self.shape: tuple[int, ...] = (len(rows), *source.shape[1:])
        self.dtype: np.dtype[Any] = source.dtype

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive picked rows, read run by run if the source is not an array."""
        wanted = self._rows[rows]
        if isinstance(self._source, np.ndarray):
            return np.asarray(self._source[wanted])
        if not len(wanted):
            return np.empty((0, *self.shape[1:]), self.dtype)
        order = np.argsort(wanted, kind="stable")
        runs = np.split(wanted[order], np.flatnonzero(np.diff(wanted[order]) != 1) + 1)
        pieces = np.concatenate([self._source[int(run[0]) : int(run[-1]) + 1] for run in runs])
        found = np.empty_like(pieces)
        found[order] = pieces
        return found
