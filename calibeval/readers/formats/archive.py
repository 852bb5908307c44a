"""The zip archives behind `.npz` and `.pt`: their members, with positions in the file; unusual members are refused."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from calibeval.core.errors import InputError
from calibeval.readers.stored.digest import Extent
from calibeval.readers.stored.steady import SteadyFile

LOCAL_HEADER = struct.Struct("<4s5H3I2H")
ENCRYPTED = 0x1
MOST_MEMBERS = 10_000


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its entry in the archive's index, and the position in the file where its bytes begin."""

    info: zipfile.ZipInfo
    start: int

    @property
    def stored(self) -> bool:
        """Whether its bytes are in the file uncompressed."""
        return self.info.compress_type == zipfile.ZIP_STORED

    def extent(self, hint: str = "") -> Extent:
        """The bytes of a stored member, with their checksum."""
        return Extent(self.info.filename, self.start, self.info.file_size, self.info.CRC, hint)


def read_members(file: SteadyFile) -> list[Member]:
    """The members of an archive.

    Raises: InputError if it is damaged, or has what no writer of arrays produces: two members of the same name,
    encrypted members, compression other than deflate, members that extend past the end of the file, or more than
    10,000 members.
    """
    with file.open() as stream:
        try:
            infos = zipfile.ZipFile(stream).infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            kind = file.path.suffix
            raise InputError(
                f"{file.name}: not a zip archive, as a {kind} file must be, or damaged ({error})"
            ) from None
        if len(infos) > MOST_MEMBERS:
            raise InputError(f"{file.name}: there are {len(infos)} members, but at most {MOST_MEMBERS} are read")
        members = _located(stream, file, infos)
    if not members:
        raise InputError(f"{file.name}: the archive holds no arrays")
    return list(members.values())


def _located(stream: IO[bytes], file: SteadyFile, infos: Sequence[zipfile.ZipInfo]) -> dict[str, Member]:
    """The members by name, each with its position in the file."""
    members: dict[str, Member] = {}
    for info in infos:
        if info.filename in members:
            raise InputError(f"{file.name}: two members are called {info.filename!r}")
        if info.flag_bits & ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{file.name}: member {info.filename!r} is encrypted or compressed in an unknown way")
        members[info.filename] = member_of(stream, file, info)
    return members


def member_of(stream: IO[bytes], file: SteadyFile, info: zipfile.ZipInfo) -> Member:
    """The member whose bytes follow its local header; the lengths in that header may differ from the index."""
    size = file.size
    offset = info.header_offset if 0 <= info.header_offset < size else size  # the index may hold 2^64 - 1
    stream.seek(offset)
    raw = stream.read(LOCAL_HEADER.size)
    if len(raw) < LOCAL_HEADER.size or raw[:4] != b"PK\x03\x04":
        raise InputError(f"{file.name}: {info.filename} has a damaged local header")
    *_, name_length, extra_length = LOCAL_HEADER.unpack(raw)
    start = offset + LOCAL_HEADER.size + int(name_length) + int(extra_length)
    member = Member(info, start)
    if start + info.compress_size > size or (member.stored and info.compress_size != info.file_size):
        raise InputError(f"{file.name}: {info.filename} has a size that does not fit the file")
    return member
