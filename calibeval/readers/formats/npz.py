"""`.npz` and `.npy`: stored members are memory-mapped, compressed ones are unpacked; Python objects are refused."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.formats.archive import Member, read_members
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.mapped import ArrayHeader, load_values
from calibeval.readers.stored.spool import Spool
from calibeval.readers.stored.stored import Contents, Stored

PIECE_BYTES = 2**24
# The errors that numpy's header parser, which evaluates a literal, raises for damaged headers.
HEADER_ERRORS = (
    ValueError,
    EOFError,
    SyntaxError,
    TypeError,
    RecursionError,
    MemoryError,
    OverflowError,
    tokenize.TokenError,
)


def read_npy(path: Path, limits: Limits) -> Contents:
    """The one array of a `.npy` file, memory-mapped, under the empty key "".

    Raises: InputError for a broken header, objects, or a file shorter or longer than its header says.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = read_header(file, path.name)
        if header.offset + header.nbytes != size:
            raise InputError(
                f"{path.name}: the header says {header.nbytes} bytes of values, "
                f"but the file holds {size - header.offset}"
            )
    stored = Stored(header.shape, header.dtype, lambda: load_values(path, header.offset, header, limits))
    return Contents({"": stored})


def read_npz(path: Path, limits: Limits) -> Contents:
    """The arrays of a `.npz` file.

    Raises: InputError for a broken archive, unusual members, Python objects, or sizes that do not match.
    """
    members = read_members(path)
    limits.check_expansion(path.name, sum(m.info.file_size for m in members), size=path.stat().st_size)
    arrays: dict[str, Stored] = {}
    with zipfile.ZipFile(path) as archive:
        for member in members:
            key = member.info.filename.removesuffix(".npy")
            if key == member.info.filename or key in arrays:
                raise InputError(f"{path.name}: member {member.info.filename!r} is not a .npy array")
            header = _member_header(archive, member.info, f"{path.name}: {key}")
            if header.offset + header.nbytes != member.info.file_size:
                raise InputError(
                    f"{path.name}: {key}: the header says {header.nbytes} bytes of values, "
                    f"but the member holds {member.info.file_size - header.offset}"
                )
            arrays[key] = Stored(header.shape, header.dtype, _Loader(path, member, header, limits))
    return Contents(arrays, tuple(member.extent() for member in members if member.stored))


@dataclass(frozen=True, slots=True)
class _Loader:
    """Loads one member when called: memory-mapped if it is stored, unpacked if it is compressed."""

    path: Path
    member: Member
    header: ArrayHeader
    limits: Limits

    def __call__(self) -> RowSource:
        if self.member.stored:
            return load_values(self.path, self.member.start + self.header.offset, self.header, self.limits)
        try:
            return self._unpacked()
        except FileProblem:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise InputError(f"{self.path.name}: {self.member.info.filename} is damaged ({error})") from None

    def _unpacked(self) -> RowSource:
        """The unpacked values, unpacked in pieces if they may not fit in memory."""
        row = self.header.nbytes // max(self.header.shape[0] if self.header.shape else 1, 1)
        with self.path.open("rb") as file:
            file.seek(self.member.start)  # ZipFile would read the archive's index again for each member
            return self._from(zipfile.ZipExtFile(file, "r", self.member.info), row)

    def _from(self, member: zipfile.ZipExtFile, row: int) -> RowSource:
        """The values from an unpacking stream; row: the bytes of one row."""
        header = self.header
        with member:
            member.read(header.offset)
            if header.nbytes <= self.limits.max_memory or header.fortran or not row:
                data = member.read(header.nbytes)
                self._expect(len(data) == header.nbytes and not member.read(1))
                return header.view(data)
            spool = Spool(self.limits.max_memory)
            rows = max(1, PIECE_BYTES // row)
            for start in range(0, header.shape[0], rows):
                count = min(rows, header.shape[0] - start)
                data = member.read(count * row)
                self._expect(len(data) == count * row)
                spool.add(np.frombuffer(data, header.dtype).reshape(count, *header.shape[1:]))
            self._expect(not member.read(1))
        return spool.source()

    def _expect(self, right: bool) -> None:
        if not right:
            raise InputError(f"{self.path.name}: {self.member.info.filename} is not as long as its header says")


def _member_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: str) -> ArrayHeader:
    try:
        with archive.open(info) as member:
            return read_header(member, place)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{place}: damaged ({error})") from None


def read_header(file: IO[bytes], place: str) -> ArrayHeader:
    """The header of a `.npy` stream.

    Raises: InputError if it is broken, or the array holds Python objects, which would have to be unpickled.
    """
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except HEADER_ERRORS as error:
        raise InputError(f"{place}: not a .npy array, or its header is damaged ({error})") from None
    if dtype.hasobject:
        raise InputError(
            f"{place}: the array holds Python objects. Reading them would run a pickle, which calibeval never does. "
            "Save plain numbers or text."
        )
    if any(size < 0 for size in shape) or math.prod(shape) * max(dtype.itemsize, 1) >= 2**62:
        raise InputError(f"{place}: the header says the impossible shape {shape}")
    return ArrayHeader(shape, dtype, fortran, file.tell())
