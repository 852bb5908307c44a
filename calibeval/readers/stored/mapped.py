"""Arrays in the .npy layout inside a file: their header, and how they are loaded or memory-mapped."""

from __future__ import annotations

import math
import mmap
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import InputError
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.spool import FileRows

UNMAPPED_BYTES = 2**16  # larger arrays are mapped, which keeps the file open


class ArrayHeader(NamedTuple):
    """The header of a `.npy` stream, and the number of bytes before the values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    @property
    def nbytes(self) -> int:
        """Size of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def view(self, buffer: Any) -> npt.NDArray[Any]:
        """The values as an array over a buffer that begins with them."""
        flat = np.frombuffer(buffer, self.dtype, math.prod(self.shape)) if self.nbytes else np.empty(0, self.dtype)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


def load_values(path: Path, start: int, header: ArrayHeader, limits: Limits) -> RowSource:
    """Uncompressed values of a file: few are read at once, more are memory-mapped, too many for memory read in blocks.

    start: the byte at which the values begin.
    Raises: InputError if the file is shorter than its header says.
    """
    if header.nbytes > limits.max_memory and not header.fortran and header.shape:
        with path.open("rb") as file:
            return FileRows(file, start, header.shape, header.dtype)
    with path.open("rb") as file:
        if header.nbytes > UNMAPPED_BYTES:
            return header.view(_map(file, start, header.nbytes))
        file.seek(start)
        data = file.read(header.nbytes)
    if len(data) < header.nbytes:
        raise InputError(f"{path.name}: the file is shorter than its header says")
    return header.view(data)


def _map(file: IO[bytes], start: int, length: int) -> memoryview:
    """A read-only view of a part of the file."""
    if length == 0:
        return memoryview(b"")
    page = start % mmap.ALLOCATIONGRANULARITY
    try:
        mapped = mmap.mmap(file.fileno(), length + page, offset=start - page, access=mmap.ACCESS_READ)
    except (ValueError, OSError) as error:
        raise InputError(f"{Path(file.name).name}: the file is shorter than its header says ({error})") from None
    return memoryview(mapped)[page:]
