"""The members of an `.eval` archive: a zip of JSON documents, compressed by deflate or zstd."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from calibeval.core.errors import InputError
from calibeval.readers.formats.archive import ENCRYPTED, member_of
from calibeval.readers.formats.json_values import lenient
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

HEADER, SAMPLES = "header.json", "samples/"
DIGEST = "sha256"  # saved sums have a header of the same name, and this
ZIP = b"PK\x03\x04"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, 93)  # the last is zstd
MOST_MEMBERS = 2_000_000
LARGEST = 2**28


class EvalZip:
    """An archive while it is open. samples: the members with samples, in their order."""

    def __init__(self, file: SteadyFile, stream: IO[bytes], limits: Limits) -> None:
        self.file, self.stream = file, stream
        try:
            self.zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise InputError(f"{file.name}: not a zip archive, as a log of inspect is, or cut off ({error})") from None
        infos = self.zip.infolist()
        if len(infos) > MOST_MEMBERS:
            raise InputError(f"{file.name}: there are {len(infos):,} members, but at most {MOST_MEMBERS:,} are read")
        self.samples = [info for info in infos if info.filename.startswith(SAMPLES) and not info.is_dir()]
        if len({info.filename for info in self.samples}) < len(self.samples):
            raise InputError(f"{file.name}: two samples have the same name")
        read = [*self.samples, *(info for info in infos if info.filename == HEADER)]
        limits.check_expansion(file.name, sum(info.file_size for info in read), size=file.size)

    def header(self) -> dict[str, Any]:
        """The document about the whole log; of several, the last one."""
        if HEADER not in self.zip.NameToInfo:
            raise InputError(f'{self.file.name}: holds no "{HEADER}": the evaluation did not end, or this is no log')
        return self.document(self.zip.NameToInfo[HEADER])

    def document(self, info: zipfile.ZipInfo) -> dict[str, Any]:
        """The object in a member.

        Raises: InputError if it is damaged, too large, no object, or compressed in a way that cannot be read here.
        """
        place = f"{self.file.name}: {info.filename[:120]}"
        if info.flag_bits & ENCRYPTED:
            raise InputError(f"{place} is encrypted")
        if info.file_size > LARGEST:
            raise InputError(f"{place} has {info.file_size:,} bytes, but at most {LARGEST:,} are read")
        if info.compress_type not in METHODS:
            raise InputError(f"{place} is compressed by method {info.compress_type}, which is not read")
        found = lenient(self._bytes(info, place), place)
        if not isinstance(found, dict):
            raise InputError(f"{place}: an object is needed")
        return found

    def _bytes(self, info: zipfile.ZipInfo, place: str) -> bytes:
        try:
            with self.zip.open(info) as member:
                return member.read()
        except NotImplementedError:  # zstd, before Python 3.14
            pass
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            raise InputError(f"{place} is damaged ({error})") from None
        text = self._from_zstd(info, place)
        if len(text) != info.file_size or zlib.crc32(text) != info.CRC:
            raise InputError(f"{place} is damaged: its size or checksum is another")
        return text

    def _from_zstd(self, info: zipfile.ZipInfo, place: str) -> bytes:
        """The bytes of a member, one more at most than it should have; before Python 3.14, zipfile cannot read them."""
        try:
            import zstandard
        except ImportError:
            raise InputError(
                f'{place} is compressed by zstd, which needs the extra "logs": pip install "calibeval[logs]"'
            ) from None
        start = member_of(self.stream, self.file, info).start
        self.stream.seek(start)
        reader = zstandard.ZstdDecompressor().stream_reader(
            self.stream.read(info.compress_size), read_across_frames=True
        )
        try:
            return bytes(reader.read(info.file_size + 1))
        except zstandard.ZstdError as error:
            raise InputError(f"{place} is damaged ({error})") from None


@contextmanager
def open_eval(file: SteadyFile, limits: Limits) -> Iterator[EvalZip]:
    """The archive. Raises: InputError if it is none."""
    with file.open() as stream:
        yield EvalZip(file, stream, limits)


def is_eval(file: SteadyFile) -> bool:
    """Whether a file is a zip archive with the header of a log, or the journal of one that did not end."""
    with file.open() as stream:
        if stream.read(4) != ZIP:
            return False
        try:
            names = zipfile.ZipFile(stream).NameToInfo
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            return file.path.suffix.lower() == ".eval"
    return (HEADER in names and DIGEST not in names) or "_journal/start.json" in names
