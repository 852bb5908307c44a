"""The zip archives behind `.npz` and `.pt`: their members, with positions in the file; unusual members are refused."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from calibeval.core.errors import InputError
from calibeval.readers.stored.digest import Extent

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


def read_members(path: Path) -> list[Member]:
    """The members of an archive.

    Raises: InputError if it is damaged, or has what no writer of arrays produces: two members of the same name,
    encrypted members, compression other than deflate, members that extend past the end of the file, or more than
    10,000 members.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(
            f"{path.name}: not a zip archive, as a {path.suffix} file must be, or damaged ({error})"
        ) from None
    if len(infos) > MOST_MEMBERS:
        raise InputError(f"{path.name}: there are {len(infos)} members, but at most {MOST_MEMBERS} are read")
    with path.open("rb") as file:
        members = _located(file, path, infos)
    if not members:
        raise InputError(f"{path.name}: the archive holds no arrays")
    return list(members.values())


def _located(file: IO[bytes], path: Path, infos: Sequence[zipfile.ZipInfo]) -> dict[str, Member]:
    """The members by name, each with its position in the file."""
    size = path.stat().st_size
    members: dict[str, Member] = {}
    for info in infos:
        if info.filename in members:
            raise InputError(f"{path.name}: two members are called {info.filename!r}")
        if info.flag_bits & ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{path.name}: member {info.filename!r} is encrypted or compressed in an unknown way")
        members[info.filename] = _member(file, path, size, info)
    return members


def _member(file: IO[bytes], path: Path, size: int, info: zipfile.ZipInfo) -> Member:
    """The member whose bytes follow its local header; the lengths in that header may differ from the index."""
    offset = info.header_offset if 0 <= info.header_offset < size else size  # the index may hold 2^64 - 1
    file.seek(offset)
    raw = file.read(LOCAL_HEADER.size)
    if len(raw) < LOCAL_HEADER.size or raw[:4] != b"PK\x03\x04":
        raise InputError(f"{path.name}: {info.filename} has a damaged local header")
    *_, name_length, extra_length = LOCAL_HEADER.unpack(raw)
    start = offset + LOCAL_HEADER.size + int(name_length) + int(extra_length)
    member = Member(info, start)
    if start + info.compress_size > size or (member.stored and info.compress_size != info.file_size):
        raise InputError(f"{path.name}: {info.filename} has a size that does not fit the file")
    return member
