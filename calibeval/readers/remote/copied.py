"""A remote file that is read once from beginning to end, into a temporary file."""

from __future__ import annotations

import os
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from calibeval.core.errors import FileProblem
from calibeval.readers.remote.file import Checks
from calibeval.readers.remote.store import Facts, Remote
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import Identity, SteadyFile

PIECE = 2**20
REOPENED = sys.platform == "linux"  # elsewhere who opens /dev/fd/3 shares the position of descriptor 3


class Copy:
    """A temporary file. path: by which this process can open it.

    On Linux it loses its name at once, so that it disappears with the process; elsewhere it is removed at the end.
    """

    def __init__(self) -> None:
        if REOPENED:
            with tempfile.TemporaryFile(prefix="calibeval-") as made:
                descriptor = os.dup(made.fileno())
            self.path = f"/dev/fd/{descriptor}"
        else:
            descriptor, self.path = tempfile.mkstemp(prefix="calibeval-")
            weakref.finalize(self, _remove, self.path)
        self.file: IO[bytes] = os.fdopen(descriptor, "wb", closefd=False)  # else the end of the process warns of it
        closing = weakref.finalize(self, _close, self.file, descriptor)
        closing.atexit = False  # a thread may still read it when the process ends


@dataclass(frozen=True, slots=True, eq=False)
class CopiedFile(SteadyFile):
    """The copy, under the name of the remote file. checks: whether the remote file is still the same."""

    copy: Copy
    checks: Checks

    @property
    def etag(self) -> str | None:
        """As the server said it."""
        return self.checks.first.etag

    @property
    def shared(self) -> bool:
        """No: the copy belongs to this process."""
        return False

    def for_library(self) -> Any:
        """The path of the copy."""
        return self.copy.path

    @contextmanager
    def _opened(self) -> Iterator[int]:
        descriptor = os.open(self.copy.path, os.O_RDONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def copied(remote: Remote, first: Facts, limits: Limits) -> CopiedFile:
    """A copy of a remote file. first: what its server said of it.

    Raises: InputError for more bytes than the limits allow, or if it changed while it was read; FileProblem if it
    cannot be read, ends early, or the disk is full.
    """
    checks, copy, size = Checks(remote, first), Copy(), 0
    with remote.stream() as stream:
        while piece := stream.read(PIECE):
            size += len(piece)
            limits.check_expansion(remote.url.name, size, size=size)
            _write(copy.file, piece)
    checks.check()
    if first.size is not None and size != first.size:
        raise FileProblem(f"{remote.url}: the server said that it has {first.size} bytes, but sent {size}")
    seen = os.fstat(copy.file.fileno())
    return CopiedFile(remote.url, Identity(seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns), copy, checks)


def _close(file: IO[bytes], descriptor: int) -> None:
    with suppress(OSError):  # what a full disk did not take is written once more
        file.close()
    os.close(descriptor)


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink()


def _write(file: IO[bytes], piece: bytes) -> None:
    try:
        file.write(piece)
        file.flush()
    except OSError as error:
        place = tempfile.gettempdir()
        raise FileProblem(
            f"{place}: cannot write a temporary file ({error.strerror}); set TMPDIR to use another folder"
        ) from None
