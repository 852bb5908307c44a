"""Arrays that may be larger than memory: kept in a temporary file on disk, and read block by block."""

from __future__ import annotations

import math
import os
import tempfile
import weakref
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.stored.steady import fill_from


class SpooledRows:
    """Rows of a C-ordered array in a temporary file without a name, read when needed.

    file: the open file, which may be closed afterwards.
    """

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self.shape, self.dtype = shape, dtype
        self._row = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive rows, read from the file."""
        start, stop, _ = rows.indices(self.shape[0])
        count = max(stop - start, 0)
        data = np.empty(count * self._row, np.uint8)
        if data.nbytes:
            fill_from(self._descriptor, data.data, start * self._row, "the temporary copy")
        return data.view(self.dtype).reshape(count, *self.shape[1:])


class Spool:
    """Collects pieces of an array along its first axis: in memory up to a limit, beyond it in a temporary file.

    The file loses its name as soon as it is created, so that it disappears with the process.
    expected: about how many rows will come. They get their place at once, and are copied once; if more come, twice.
    """

    def __init__(self, max_memory: int, expected: int = 0) -> None:
        self._max_memory, self._expected = max_memory, expected
        self._place: npt.NDArray[Any] | None = None
        self._placed = 0
        self._pieces: list[npt.NDArray[Any]] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self._rows = 0
        self._dtype: np.dtype[Any] | None = None
        self._shape: tuple[int, ...] = ()

    def add(self, piece: npt.NDArray[Any]) -> None:
        """Add a piece; all have the same type and, apart from the first axis, the same shape.

        Raises: InputError for a piece that does not match the first; FileProblem if the temporary file cannot grow.
        """
        if self._dtype is None:
            self._dtype, self._shape = piece.dtype, piece.shape[1:]
        if piece.dtype != self._dtype or piece.shape[1:] != self._shape:
            raise InputError(f"{piece.shape[1:]} {piece.dtype} follows {self._shape} {self._dtype}")
        self._rows += len(piece)
        self._held += piece.nbytes
        if not self._put(piece):
            self._pieces.append(np.ascontiguousarray(piece))
        if self._held > self._max_memory or self._file is not None:
            self._write()

    def source(self) -> RowSource:
        """All rows that were added.

        Raises: InputError if there are none.
        """
        if self._dtype is None:
            raise InputError("there are no rows")
        if self._file is None:
            held = self._all_held()
            return held[0] if len(held) == 1 else np.concatenate(held)
        with self._file as file:
            file.flush()
            return SpooledRows(file, (self._rows, *self._shape), self._dtype)

    def _put(self, piece: npt.NDArray[Any]) -> bool:
        """Copy a piece to its place, if there is one for it."""
        if self._expected > len(piece) and self._rows == len(piece):
            shape = (self._expected, *piece.shape[1:])
            if math.prod(shape) * piece.itemsize <= self._max_memory:
                self._place = np.empty(shape, piece.dtype)
        if self._place is None or self._pieces or self._placed + len(piece) > len(self._place):
            return False
        self._place[self._placed : self._placed + len(piece)] = piece
        self._placed += len(piece)
        return True

    def _all_held(self) -> list[npt.NDArray[Any]]:
        return ([] if self._place is None else [self._place[: self._placed]]) + self._pieces

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="calibeval-")  # noqa: SIM115 - it lives as long as its rows
                weakref.finalize(self, self._file.close)  # a table may be read again, with another spool
            for piece in self._all_held():
                self._file.write(np.ascontiguousarray(piece).data)
        except OSError as error:
            place = tempfile.gettempdir()
            raise FileProblem(
                f"{place}: cannot write a temporary file ({error.strerror}); set TMPDIR to use another folder"
            ) from None
        self._pieces.clear()
        self._place, self._placed = None, 0
        self._held = 0
