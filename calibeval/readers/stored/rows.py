"""Values where they lie in a file, read when asked for: a mapped file would end the process if somebody cut it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import InputError
from calibeval.readers.stored.header import Header
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

AT_ONCE = 2**22  # an array of fewer bytes is read whole, and of a remote file all that memory has room for
GAP = 2**16  # reading so many bytes that nobody needs costs less than another read


class FileRows:
    """Rows that lie in a file in their order, perhaps with gaps, or a table that lies there column by column.

    start: where the values begin.
    """

    def __init__(self, file: SteadyFile, start: int, header: Header) -> None:
        self._file, self._start, self._header = file, start, header
        self.in_files = file.shared  # where others can read them
        self._by_columns = header.in_columns and not header.in_rows
        self.shape, self.dtype = header.shape, header.dtype
        self._end = start + header.nbytes if header.in_rows or self._by_columns else 0

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive rows.

        Raises: InputError if the file has changed since it was opened.
        """
        begin, stop, _ = rows.indices(self.shape[0])
        count = max(stop - begin, 0)
        if self._by_columns:
            return self._columns(begin, count)
        room, found = self._room(count)
        if room.nbytes:
            self._file.fill([room], [self._start + begin * self._header.strides[0]], self._end)
        return np.ascontiguousarray(found)

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """The rows of these numbers, in this order, with one opening of the file.

        Raises: as for consecutive rows.
        """
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        if not found.size:
            return found
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        if self._by_columns:
            first = int(ascending[0])
            found[order] = self._columns(first, int(ascending[-1]) - first + 1)[ascending - first]
            return found
        step = self._header.strides[0]
        cuts = np.flatnonzero(np.diff(ascending) * step > GAP + step) + 1
        runs = [(int(run[0]), int(run[-1]) + 1) for run in np.split(ascending, cuts)]
        rooms = [self._room(stop - begin) for begin, stop in runs]
        self._file.fill([room for room, _ in rooms], [self._start + begin * step for begin, _ in runs])
        ends = [*cuts.tolist(), len(ascending)]
        at = 0
        for (_, piece), (begin, _), end in zip(rooms, runs, ends, strict=True):
            found[order[at:end]] = piece[ascending[at:end] - begin]
            at = end
        return found

    def narrowed(self, start: int, stop: int) -> RowSource:
        """The rows start to stop."""
        return SomeRows(self, start, stop)

    def _room(self, count: int) -> tuple[memoryview, npt.NDArray[Any]]:
        """Memory for consecutive rows as they lie in the file, as bytes and as an array."""
        shape, row = (count, *self.shape[1:]), math.prod(self.shape[1:]) * self.dtype.itemsize
        data = np.empty((count - 1) * self._header.strides[0] + row if count and row else 0, np.uint8)
        return data.data, np.ndarray(shape, self.dtype, data, strides=self._header.strides)

    def _columns(self, begin: int, count: int) -> npt.NDArray[Any]:
        """Rows of an array whose first axis runs fastest: a piece of each column."""
        columns = math.prod(self.shape[1:])
        width = count * self.dtype.itemsize
        data = np.empty(columns * width, np.uint8)
        if data.nbytes:
            length = self.shape[0] * self.dtype.itemsize
            first = self._start + begin * self.dtype.itemsize
            pieces = [data.data[i * width : (i + 1) * width] for i in range(columns)]
            self._file.fill(pieces, [first + i * length for i in range(columns)])
        return data.view(self.dtype).reshape((*reversed(self.shape[1:]), count)).T


class SomeRows:
    """Consecutive rows of another source."""

    def __init__(self, source: FileRows, start: int, stop: int) -> None:
        self._source, self._start = source, start
        self.shape, self.dtype = (stop - start, *source.shape[1:]), source.dtype

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Some of the rows."""
        start, stop, _ = rows.indices(self.shape[0])
        return self._source[self._start + start : self._start + max(start, stop)]


def values_in_file(file: SteadyFile, start: int, header: Header, limits: Limits) -> RowSource:
    """The values that lie in the file as they are: read at once if few, else block by block.

    start: where the values begin.
    Raises: InputError if the file has changed, or its values lie in an order that cannot be read in blocks and are too
    many for memory.
    """
    plain = header.rows_apart or header.in_columns
    near = file.near or (limits.in_files and file.shared)
    at_once = min(AT_ONCE, limits.max_memory) if near else limits.max_memory
    if header.nbytes > at_once and plain and header.shape:
        return FileRows(file, start, header)
    span = sum((size - 1) * stride for size, stride in zip(header.shape, header.strides, strict=True))
    data = np.empty(span + header.dtype.itemsize if header.nbytes else 0, np.uint8)
    if data.nbytes > limits.max_memory:
        raise InputError(
            f"{file.name}: {data.nbytes} bytes in an order that cannot be read in blocks, over the limit of "
            f"{limits.max_memory} for memory: save a contiguous copy, or raise --max-memory"
        )
    if data.nbytes:
        file.fill([data.data], [start])
    return in_memory(header, data)


def in_memory(header: Header, data: bytes | npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Values whose bytes are in memory as they lie in the file."""
    return np.ndarray(header.shape, header.dtype, data, strides=header.strides)
