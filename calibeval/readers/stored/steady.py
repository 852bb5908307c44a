"""A file that must not change while it is read: each read compares its size, time and inode with the first."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.regular import opened


class Identity(NamedTuple):
    """What changes when a file is replaced, or written to. device, inode: None where another machine gave them."""

    device: int | None
    inode: int | None
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class SteadyFile:
    """A regular file, with its identity at the time it was found.

    It is opened anew for each read, so that thousands of shards do not need as many descriptors. A remote file is a
    subclass, which overrides how bytes are read.
    """

    path: Place
    identity: Identity

    @classmethod
    def of(cls, path: Path) -> SteadyFile:
        """The file at a path, which may be a link.

        Raises: FileProblem if it is missing, cannot be opened, or is no regular file: a pipe would be waited for.
        """
        with opened(path) as descriptor:
            return cls(path, _identity(descriptor))

    def __reduce__(self) -> tuple[Callable[..., SteadyFile], tuple[Any, ...]]:
        """As another process takes it, perhaps of another machine, which numbers devices and inodes otherwise."""
        return SteadyFile, (Path(str(self.path)).absolute(), self.identity._replace(device=None, inode=None))

    @property
    def name(self) -> str:
        """The file's name without its folder, for messages."""
        return self.path.name

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.identity.size

    @property
    def near(self) -> bool:
        """Whether bytes that were read once can be read again at little cost."""
        return True

    @property
    def etag(self) -> str | None:
        """What a server says that changes with the content."""
        return None

    @property
    def shared(self) -> bool:
        """Whether other processes can read it, too."""
        return True

    def for_library(self) -> Any:
        """What a library opens that takes a path or a file object."""
        return self.path

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes as a stream, from the beginning.

        Raises: InputError if the file has changed since it was first seen, before or while the stream was open.
        """
        with self._opened() as descriptor:
            self._check(descriptor)
            with os.fdopen(descriptor, "rb", closefd=False) as stream, self._in_words():
                yield stream
            self._check(descriptor)

    def fill(self, buffers: list[memoryview], starts: list[int], until: int = 0) -> None:
        """Fill each buffer with the bytes from its place in the file on.

        until: where the values end of which these bytes are a part, so that a remote file knows what may be read ahead.
        Raises: as `open`.
        """
        del until
        with self._opened() as descriptor:
            self._check(descriptor)
            with self._in_words():
                for buffer, start in zip(buffers, starts, strict=True):
                    fill_from(descriptor, buffer, start, self.name)
            self._check(descriptor)

    def check(self) -> None:
        """See that the file is what it was, for readers that open it by its path.

        Raises: as `open`.
        """
        with self._opened() as descriptor:
            self._check(descriptor)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        if not isinstance(self.path, Path):
            raise TypeError(f"{self.path} is opened by its own class")
        with opened(self.path) as descriptor:
            yield descriptor

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Errors of the disk in our words; a seek to before the beginning is the fault of what the file says."""
        try:
            yield
        except OSError as error:
            if error.errno in (None, errno.EINVAL) or isinstance(error, FileProblem):
                raise
            raise FileProblem(f"{self.path}: cannot be read ({error.strerror or error})") from None

    def _check(self, descriptor: int) -> None:
        seen = _identity(descriptor)
        if self.identity.inode is None:
            seen = seen._replace(device=None, inode=None)
        if seen == self.identity:
            return
        if self.identity.inode is not None:
            raise changed(self.name)
        raise InputError(
            f"{self.path}: {platform.node()} sees another file under this path: of {seen.size} bytes, changed at "
            f"{seen.modified} ns, but {self.identity.size} and {self.identity.modified} were expected"
        )


def fill_from(descriptor: int, buffer: memoryview, start: int, name: str) -> None:
    """Fill a buffer with the bytes of an open file, from a place on.

    Raises: InputError if the file ends before.
    """
    filled = 0
    while filled < len(buffer):
        more = os.preadv(descriptor, [buffer[filled:]], start + filled)
        if not more:
            raise changed(name)
        filled += more


def changed(name: str) -> InputError:
    """The error about a file that is no longer what it was."""
    return InputError(f"{name}: the file changed while it was read. Run again once nothing writes to it.")


def _identity(descriptor: int) -> Identity:
    seen = os.fstat(descriptor)
    return Identity(seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
