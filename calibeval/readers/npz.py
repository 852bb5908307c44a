"""`.npz` and `.npy`: stored members are mapped in place, compressed ones are unpacked; objects are refused."""

from __future__ import annotations

import math
import mmap
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from calibeval.core.errors import InputError
from calibeval.core.row_source import RowSource
from calibeval.readers.digest import Extent
from calibeval.readers.limits import Limits
from calibeval.readers.spool import FileRows, Spool
from calibeval.readers.stored import Contents, Stored

LOCAL_HEADER = struct.Struct("<4s5H3I2H")
PIECE_BYTES = 2**24


class Header(NamedTuple):
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
        """The values as an array over a buffer that starts at the values."""
        flat = np.frombuffer(buffer, self.dtype, math.prod(self.shape)) if self.nbytes else np.empty(0, self.dtype)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


def read_npy(path: Path, limits: Limits) -> Contents:
    """The one array of a `.npy` file, mapped, under the key "" (nothing).

    Raises: InputError for a broken header, objects, or a file shorter or longer than its header says.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = read_header(file, path.name)
        if header.offset + header.nbytes != size:
            raise InputError(
                f"{path.name}: the header promises {header.nbytes} bytes of values, "
                f"but the file holds {size - header.offset}"
            )
    stored = Stored(header.shape, header.dtype, lambda: load_values(path, header.offset, header, limits))
    return Contents({"": stored})


def read_npz(path: Path, limits: Limits) -> Contents:
    """The arrays of a `.npz` file.

    Raises: InputError for a broken archive, odd members, objects, or sizes that do not fit.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path.name}: no .npz file, or a damaged one ({error})") from None
    members = _members(archive, path)
    arrays: dict[str, Stored] = {}
    extents: list[Extent] = []
    expanded = 0
    for key, info in members.items():
        header = _member_header(archive, info, f"{path.name}: {key}")
        if header.offset + header.nbytes != info.file_size:
            raise InputError(
                f"{path.name}: {key}: the header promises {header.nbytes} bytes of values, "
                f"but the member holds {info.file_size - header.offset}"
            )
        expanded += info.file_size
        start = _data_offset(path, info)
        arrays[key] = Stored(header.shape, header.dtype, _Loader(path, archive, info, header, start, limits))
        if info.compress_type == zipfile.ZIP_STORED:
            extents.append(Extent(info.filename, start, info.file_size, info.CRC))
    limits.check_expansion(path.name, expanded, size=path.stat().st_size)
    return Contents(arrays, tuple(extents))


@dataclass(frozen=True, slots=True)
class _Loader:
    """Loads one member when called: where it lies if it is stored, unpacked if it is compressed."""

    path: Path
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    header: Header
    start: int
    limits: Limits

    def __call__(self) -> RowSource:
        if self.info.compress_type == zipfile.ZIP_STORED:
            return load_values(self.path, self.start + self.header.offset, self.header, self.limits)
        try:
            return self._unpacked()
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise InputError(f"{self.path.name}: {self.info.filename} is damaged ({error})") from None

    def _unpacked(self) -> RowSource:
        """The values unpacked, in pieces of rows where they may be too many for memory."""
        header, row = self.header, self.header.nbytes // max(self.header.shape[0] if self.header.shape else 1, 1)
        with self.archive.open(self.info) as member:
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
            raise InputError(f"{self.path.name}: {self.info.filename} is not as long as it says")


def load_values(path: Path, start: int, header: Header, limits: Limits) -> RowSource:
    """The values that lie in the file as they are: mapped, or read block by block where they are too many for memory.

    start: where the values begin.
    Raises: InputError if the file is shorter than it says.
    """
    if header.nbytes > limits.max_memory and not header.fortran and header.shape:
        return FileRows(path.open("rb"), start, header.shape, header.dtype)
    with path.open("rb") as file:
        return header.view(_map(file, start, header.nbytes))


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The archive's members by key; anything that no `.npz` writer writes is refused."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy")
        if key == info.filename or info.is_dir():
            raise InputError(f"{path.name}: member {info.filename!r} is no .npy array")
        if key in members:
            raise InputError(f"{path.name}: two members are called {info.filename!r}")
        if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{path.name}: member {info.filename!r} is encrypted or compressed in an unknown way")
        members[key] = info
    if not members:
        raise InputError(f"{path.name}: the archive holds no arrays")
    return members


def _member_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: str) -> Header:
    try:
        with archive.open(info) as member:
            return read_header(member, place)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{place}: damaged ({error})") from None


def read_header(file: IO[bytes], place: str) -> Header:
    """The header of a `.npy` stream.

    Raises: InputError if it is broken, or announces Python objects, which would have to be unpickled.
    """
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, SyntaxError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise InputError(f"{place}: no .npy array, or a damaged header ({error})") from None
    if dtype.hasobject:
        raise InputError(
            f"{place}: the array holds Python objects, which would mean running a pickle, and calibeval never does. "
            "Save plain numbers or text."
        )
    if any(size < 0 for size in shape) or math.prod(shape) * max(dtype.itemsize, 1) >= 2**62:
        raise InputError(f"{place}: the header announces the impossible shape {shape}")
    return Header(shape, dtype, fortran, file.tell())


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin: behind its local header, whose lengths may differ from the index."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        raw = file.read(LOCAL_HEADER.size)
    if len(raw) < LOCAL_HEADER.size or raw[:4] != b"PK\x03\x04":
        raise InputError(f"{path.name}: {info.filename} has a damaged local header")
    *_, name_length, extra_length = LOCAL_HEADER.unpack(raw)
    start = info.header_offset + LOCAL_HEADER.size + int(name_length) + int(extra_length)
    if start + info.compress_size > path.stat().st_size:
        raise InputError(f"{path.name}: {info.filename} ends behind the end of the file")
    return start


def _map(file: IO[bytes], start: int, length: int) -> memoryview:
    """A read-only view of a part of the file."""
    if length == 0:
        return memoryview(b"")
    page = start % mmap.ALLOCATIONGRANULARITY
    try:
        mapped = mmap.mmap(file.fileno(), length + page, offset=start - page, access=mmap.ACCESS_READ)
    except (ValueError, OSError) as error:
        raise InputError(f"{Path(file.name).name}: the file is shorter than it says ({error})") from None
    return memoryview(mapped)[page:]
