"""A remote file that must not change while it is read, and of which only the bytes that are needed are read."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from calibeval.core.errors import CalibevalError, FileProblem
from calibeval.readers.remote.pages import PAGE, RUN, Pages
from calibeval.readers.remote.part import OtherPart
from calibeval.readers.remote.store import Facts, Remote
from calibeval.readers.stored.digest import Extent, damaged
from calibeval.readers.stored.place import Url
from calibeval.readers.stored.steady import Identity, SteadyFile, changed

BUFFER = 2**16
BETWEEN_CHECKS = 2**26  # bytes, after which the server is asked whether the file is still the same


@dataclass(frozen=True, slots=True, eq=False)
class RangedFile(SteadyFile):
    """A remote file in ranges. pages: its bytes. checks: whether it is still the same."""

    pages: Pages
    checks: Checks

    @classmethod
    def at(cls, remote: Remote, first: Facts, size: int) -> RangedFile:
        """The file of that size, of which a server said these facts."""
        checks = Checks(remote, first)
        return cls(remote.url, Identity(0, 0, size, 0), Pages(checks.fetch, size, checks.changed), checks)

    def __reduce__(self) -> tuple[Callable[..., SteadyFile], tuple[Any, ...]]:
        """As another process takes it, which reads it with requests of its own."""
        return RangedFile.again, (self.path, self.checks.first, self.size)

    @classmethod
    def again(cls, url: Url, first: Facts, size: int) -> RangedFile:
        """The file, of which a server said these facts before."""
        return cls.at(Remote(url), first, size)

    @property
    def etag(self) -> str | None:
        """As the server said it."""
        return self.checks.first.etag

    @property
    def near(self) -> bool:
        """No: every byte comes over the network."""
        return False

    def for_library(self) -> Any:
        """A file object."""
        return io.BufferedReader(_Positional(self), BUFFER)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes as a stream, from the beginning.

        Raises: InputError if the file turns out to have changed; FileProblem if it cannot be read.
        """
        bytes_of = _Positional(self)
        try:
            with io.BufferedReader(bytes_of, BUFFER) as stream:
                yield cast("IO[bytes]", stream)
        except CalibevalError:
            if bytes_of.error is not None:  # which the reader took for a damaged file
                raise bytes_of.error from None
            raise

    def fill(self, buffers: list[memoryview], starts: list[int], until: int = 0) -> None:
        """Fill each buffer with the bytes from its place in the file on.

        Raises: as `open`.
        """
        for buffer, start in zip(buffers, starts, strict=True):
            self.pages.read_into(buffer, start, max(until, start + len(buffer)))
        if self.checks.are_due(sum(map(len, buffers))):
            self.check()

    def check(self) -> None:
        """See that the server still has the same file. Raises: as `open`."""
        self.checks.check()

    def sha256(self, extents: Sequence[Extent]) -> str | None:
        """The SHA-256 if every byte was read, after the CRC-32 of the extents that were read has been verified.

        The server is asked only if it has sent anything since the last call.
        Raises: as `open`; InputError if a checksum differs.
        """
        used = self.pages.used
        state = (self.pages.requests, used.count)
        if self.checks.settled is not None and self.checks.settled[0] == state:
            return self.checks.settled[1]
        found = used.result(lambda page: self.pages.page(page, RUN // PAGE))
        crcs = [used.crc(extent.start, extent.length, self.pages.page) for extent in extents]
        self.check()
        for extent, crc in zip(extents, crcs, strict=True):
            if crc not in (None, extent.crc):
                raise damaged(self.name, extent)
        self.checks.settled = (self.pages.requests, used.count), found
        return found


def sha256_in_ranges(file: SteadyFile, extents: Sequence[Extent]) -> str | None:
    """The SHA-256 of a file that is read in ranges; see `RangedFile.sha256`."""
    if not isinstance(file, RangedFile):
        raise TypeError(f"{file.name} is not read in ranges")
    return file.sha256(extents)


class Checks:
    """Compares what the server says of a file with what it said first.

    settled: the numbers of requests and of used pages at the last check of a whole file, and its SHA-256 then.
    """

    def __init__(self, remote: Remote, first: Facts) -> None:
        self.first = first
        self.settled: tuple[tuple[int, int], str | None] | None = None
        self._remote, self._read = remote, 0

    def are_due(self, read: int) -> bool:
        """Whether so many more bytes were read that it is time to ask. read: bytes since the last call."""
        self._read += read
        if self._read < BETWEEN_CHECKS:
            return False
        self._read = 0
        return True

    def check(self) -> None:
        """Ask. Raises: InputError if the file has changed; FileProblem if it is no longer there."""
        now = self._remote.facts()
        if (now.size, now.etag) != (self.first.size, self.first.etag):
            raise changed(self._remote.url.name)

    def fetch(self, start: int, stop: int) -> bytes:
        """The bytes from start to stop, with one request.

        Raises: FileProblem if they cannot be read, or others come; InputError if that is since the file has changed.
        """
        try:
            return self._remote.fetch(start, stop, self.first.size or 0)
        except OtherPart as other:
            raise self.changed(str(other)) from None

    def changed(self, came: str = "the server sent another number of bytes than it was asked for") -> CalibevalError:
        """The error for an answer that is not what was asked for: the file changed, or the server is at fault.

        came: the answer, in words.
        """
        now = self._remote.facts()
        if (now.size, now.etag) != (self.first.size, self.first.etag):
            return changed(self._remote.url.name)
        return FileProblem(f"{self._remote.url}: {came}")


class _Positional(io.RawIOBase):
    """The bytes of a file in ranges as a stream. error: what went wrong when they were asked for."""

    def __init__(self, file: RangedFile) -> None:
        super().__init__()
        self._file, self._at = file, 0
        self.error: CalibevalError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.size}[whence]
        if at < 0:
            raise OSError(22, "negative position")
        self._at = at
        return at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        room = memoryview(buffer).cast("B")
        count = max(min(len(room), self._file.size - self._at), 0)
        try:
            self._file.pages.read_into(room[:count], self._at)
        except CalibevalError as error:
            self.error = error
            raise
        self._at += count
        return count
