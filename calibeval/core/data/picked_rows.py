"""Some rows of a source, in any order, read only when they are needed."""

from __future__ import annotations

from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource


class PickedRows:
    """The rows with these numbers; data on disk stays there until a block is read.

    >>> PickedRows(np.array([[1], [2], [3]]), np.array([2, 0]))[0:2].tolist()
    [[3], [1]]
    """

    def __init__(self, source: RowSource, rows: npt.NDArray[np.integer[Any]]) -> None:
        self._source, self._rows = source, rows
        self.shape: tuple[int, ...] = (len(rows), *source.shape[1:])
        self.dtype: np.dtype[Any] = source.dtype

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive picked rows."""
        return rows_at(self._source, self._rows[rows])


class Takes(Protocol):
    """A source that serves rows by their numbers faster than run by run."""

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """The rows of these numbers, in this order."""
        ...


def rows_at(source: RowSource, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
    """The rows of these numbers, in any order, read run by run where the source knows nothing better.

    >>> rows_at(np.array([[1], [2], [3]]), np.array([2, 0])).tolist()
    [[3], [1]]
    """
    if isinstance(source, np.ndarray):
        return np.asarray(source[rows])
    if hasattr(source, "take"):
        return cast("Takes", source).take(rows)
    if not len(rows):
        return np.empty((0, *source.shape[1:]), source.dtype)
    order = np.argsort(rows, kind="stable")
    runs = np.split(rows[order], np.flatnonzero(np.diff(rows[order]) != 1) + 1)
    pieces = np.concatenate([source[int(run[0]) : int(run[-1]) + 1] for run in runs])
    found = np.empty_like(pieces)
    found[order] = pieces
    return found
