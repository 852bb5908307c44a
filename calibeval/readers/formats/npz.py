"""`.npz` and `.npy`: stored members are read in place, compressed ones are unpacked; Python objects are never read."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import FileProblem, InputError, first_line
from calibeval.readers.formats.archive import Member, read_members
from calibeval.readers.stored.header import Header
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.rows import in_memory, values_in_file
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored

PIECE_BYTES, SMALL_BYTES = 2**24, 2**20
LAST_CHARACTER = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)
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


class Stream(NamedTuple):
    """A `.npy` stream: its header, and the number of bytes before the values."""

    header: Header
    offset: int


def read_npy(file: SteadyFile, limits: Limits) -> Contents:
    """The one array of a `.npy` file under the key "" (nothing).

    Raises: InputError for a broken or impossible header, or a file shorter or longer than its header says.
    """
    with file.open() as stream:
        header, offset = read_header(stream, file.name)
    _check_length(header, offset, file.size, file.name, "file")
    stored = _stored(header, _Loader(file, None, Stream(header, offset), limits, file.name))
    if stored.refusal is not None:
        stored.load()
    return Contents({"": stored})


def read_npz(file: SteadyFile, limits: Limits) -> Contents:
    """The arrays of a `.npz` file.

    Raises: InputError for a broken archive, unusual members, impossible headers, or sizes that do not match.
    """
    members = read_members(file)
    limits.check_expansion(file.name, sum(m.info.file_size for m in members), size=file.size)
    arrays: dict[str, Stored] = {}
    with file.open() as stream:
        for member in members:
            key = member.info.filename.removesuffix(".npy")
            if key == member.info.filename or key in arrays:
                raise InputError(f"{file.name}: member {member.info.filename!r} is not a .npy array")
            place = f"{file.name}: {key}"
            header, offset = _member_header(stream, member, place)
            _check_length(header, offset, member.info.file_size, place, "member")
            arrays[key] = _stored(header, _Loader(file, member, Stream(header, offset), limits, place))
    return Contents(arrays, tuple(member.extent() for member in members if member.stored))


def _check_length(header: Header, offset: int, size: int, place: str, whole: str) -> None:
    """Refuse a stream that holds more or fewer bytes than its header says; pickled objects may have any length."""
    if not header.dtype.hasobject and offset + header.nbytes != size:
        raise InputError(
            f"{place}: the header describes {header.nbytes} bytes of values, but the {whole} holds {size - offset}"
        )


def _stored(header: Header, load: _Loader) -> Stored:
    why = header.refusal
    if why is not None:
        return Stored.refused(header.shape, header.dtype, load.place, why)
    return Stored(header.shape, header.dtype, load)


@dataclass(frozen=True, slots=True)
class _Loader:
    """Loads one array when called: where it lies if it is stored, unpacked if it is compressed.

    member: of the archive; None for a file that is one array. place: file and key, for messages.
    """

    file: SteadyFile
    member: Member | None
    stream: Stream
    limits: Limits
    place: str

    def __call__(self) -> RowSource:
        found = self._values()
        if self.stream.header.dtype.kind != "U":
            return found
        texts = found if isinstance(found, np.ndarray) else found[0 : found.shape[0]]
        check_characters(texts, self.place)
        return texts

    def _values(self) -> RowSource:
        header, offset = self.stream
        if self.member is None or self.member.stored:
            start = 0 if self.member is None else self.member.start
            limits = self.limits if header.dtype.kind in "fiub" else Limits(max_memory=2**63)
            return values_in_file(self.file, start + offset, header, limits)
        try:
            with self.file.open() as file:
                file.seek(self.member.start)  # ZipFile would read the archive's whole index again for each member
                return self._unpacked(zipfile.ZipExtFile(file, "r", self.member.info))
        except FileProblem:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise InputError(f"{self.file.name}: {self.member.info.filename} is damaged ({error})") from None

    def _unpacked(self, member: zipfile.ZipExtFile) -> RowSource:
        """Unpack the values, in pieces if they may not fit in memory."""
        header, offset = self.stream
        row = header.nbytes // max(header.shape[0] if header.shape else 1, 1)
        with member:
            member.read(offset)
            if header.nbytes <= self.limits.max_memory or not header.in_rows or not row:
                return in_memory(header, self._whole(member, header.nbytes))
            from calibeval.readers.stored.spool import Spool

            spool = Spool(self.limits.max_memory)
            rows = max(1, PIECE_BYTES // row)
            for start in range(0, header.shape[0], rows):
                count = min(rows, header.shape[0] - start)
                data = member.read(count * row)
                self._expect(len(data) == count * row)
                spool.add(np.frombuffer(data, header.dtype).reshape(count, *header.shape[1:]))
            self._expect(not member.read(1))
        return spool.source()

    def _whole(self, member: zipfile.ZipExtFile, size: int) -> npt.NDArray[np.uint8]:
        """The rest of the member, unpacked in small pieces, so that it is in memory once."""
        data = bytearray()
        while len(data) < size and (piece := member.read(min(SMALL_BYTES, size - len(data)))):
            data += piece
        self._expect(len(data) == size and not member.read(1))
        found = np.frombuffer(data, np.uint8)
        found.setflags(write=False)
        return found

    def _expect(self, right: bool) -> None:
        if not right:
            raise InputError(f"{self.place} is not as long as its header says")


def check_characters(texts: npt.NDArray[Any], place: str) -> None:
    r"""Refuse text of fixed width that contains something that is not a character.

    Raises: InputError.

    >>> check_characters(np.array(["a", "\ud800"]), "a.npz: ids")
    Traceback (most recent call last):
    calibeval.core.errors.InputError: a.npz: ids: entry 1 holds 0xD800, which is not a character
    """
    if not texts.size or not texts.dtype.itemsize:
        return
    flat = np.ascontiguousarray(texts.reshape(-1)).astype(texts.dtype.newbyteorder("="), copy=False)
    points = flat.view(np.uint32).reshape(len(flat), -1)
    odd = np.argwhere((points > LAST_CHARACTER) | ((points >= SURROGATES[0]) & (points <= SURROGATES[1])))
    if len(odd):
        row, column = odd[0].tolist()
        raise InputError(f"{place}: entry {row} holds 0x{points[row, column]:X}, which is not a character")


def _member_header(stream: IO[bytes], member: Member, place: str) -> Stream:
    stream.seek(member.start)
    try:
        with zipfile.ZipExtFile(stream, "r", member.info) as unpacked:
            return read_header(cast("IO[bytes]", unpacked), place)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{place}: damaged ({error})") from None


def read_header(file: IO[bytes], place: str) -> Stream:
    """The header of a `.npy` stream.

    Raises: InputError if it is broken, or describes an impossible array.
    """
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except HEADER_ERRORS as error:
        raise InputError(f"{place}: not a .npy array, or its header is damaged ({first_line(error)})") from None
    return Stream(Header.checked(shape, dtype, place, fortran=fortran), file.tell())
