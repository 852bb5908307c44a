"""The zip archives behind `.npz` and `.pt`: members with their place in the file, odd ones refused."""

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
    """One member: what the archive's index says of it, and where its bytes begin in the file."""

    info: zipfile.ZipInfo
    start: int

    @property
    def stored(self) -> bool:
        """Whether its bytes lie in the file as they are."""
        return self.info.compress_type == zipfile.ZIP_STORED

    def extent(self, hint: str = "") -> Extent:
        """The bytes of a stored member, with their checksum."""
        return Extent(self.info.filename, self.start, self.info.file_size, self.info.CRC, hint)


def read_members(file: SteadyFile) -> list[Member]:
    """The members of an archive.

    Raises: InputError if it is damaged, or holds what no writer of arrays writes: two members of one name, encrypted
    members, other compression than deflate, members that reach beyond the file, or more than 10,000 of them.
    """
    with file.open() as stream:
        try:
            infos = zipfile.ZipFile(stream).infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            kind = file.path.suffix
            raise InputError(f"{file.name}: no zip archive as {kind} files are, or damaged ({error})") from None
        if len(infos) > MOST_MEMBERS:
            raise InputError(f"{file.name}: {len(infos)} members, but at most {MOST_MEMBERS} are read")
        members = _located(stream, file, infos)
    if not members:
        raise InputError(f"{file.name}: the archive holds no arrays")
    return list(members.values())


def _located(stream: IO[bytes], file: SteadyFile, infos: Sequence[zipfile.ZipInfo]) -> dict[str, Member]:
    """The members by name, each with its place in the file."""
    members: dict[str, Member] = {}
    for info in infos:
        if info.filename in members:
            raise InputError(f"{file.name}: two members are called {info.filename!r}")
        if info.flag_bits & ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{file.name}: member {info.filename!r} is encrypted or compressed in an unknown way")
        members[info.filename] = _member(stream, file, info)
    return members


def _member(stream: IO[bytes], file: SteadyFile, info: zipfile.ZipInfo) -> Member:
    """The member behind its local header, whose lengths may differ from the index."""
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
