"""Temporary files that tell whose they are: those of this process, and those that a killed one has left."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import zlib
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

# Files of this process that do not yet have their name; whoever ends the process removes them.
PENDING: set[str] = set()

_MARKER = "calibeval"
_LEFT = re.compile(rf"\.{_MARKER}-(?P<machine>[0-9a-f]{{8}})-(?P<owner>[0-9]{{1,10}})-[0-9a-f]{{8}}\.tmp$")
_LONGEST = 180  # bytes of the name that a file will get; a file's own name has at most 255
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def new(path: Path) -> tuple[int, Path]:
    """A new file beside the one that it will replace, as a descriptor, and its path.

    It is locked for as long as the descriptor is open, so that nobody takes it for a file that was left, not even where
    processes have other numbers, as in containers.
    """
    temporary = _pending(path.parent, path)
    try:
        descriptor = os.open(temporary, _FLAGS, 0o600)
    except BaseException:
        PENDING.discard(str(temporary))
        raise
    if fcntl is not None:
        with contextlib.suppress(OSError):  # not every file system has locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor, temporary


def new_folder(parent: Path, name: str) -> Path:
    """A new folder in another one, where what will be called by the name is written first."""
    temporary = _pending(parent, Path(name))
    try:
        temporary.mkdir()
    except BaseException:
        PENDING.discard(str(temporary))
        raise
    return temporary


def forget(temporary: Path) -> None:
    """The file has its name, or is no more."""
    PENDING.discard(str(temporary))


def remove_pending() -> None:
    """Remove the files of this process that do not yet have their name."""
    for temporary in [*PENDING]:
        with contextlib.suppress(OSError):
            if os.path.isdir(temporary):  # noqa: PTH112 - as little as possible happens while a process ends
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                os.unlink(temporary)  # noqa: PTH108 - likewise


def remove_left(path: Path) -> None:
    """Remove what killed processes have left beside a file that they wanted to write.

    A file stays if its owner may still be running: on another machine, with its number alive, or with its lock held.
    """
    start = _start(path)
    with contextlib.suppress(OSError), os.scandir(path.parent) as there:
        for entry in there:
            found = _LEFT.fullmatch(entry.name, len(start) - 1) if entry.name.startswith(start) else None
            if found and entry.is_file(follow_symlinks=False) and found["machine"] == _machine():
                _remove(path.parent / entry.name, int(found["owner"]))


def _remove(left: Path, owner: int) -> None:
    """Remove a file that was left, unless its owner is running."""
    if str(left) in PENDING or (owner != os.getpid() and _runs(owner)):
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(left, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
        finally:
            os.close(descriptor)


def _runs(owner: int) -> bool:
    """Whether there is a process of that number."""
    if os.name != "posix":  # pragma: no cover - there, a signal of 0 would end it
        return True
    try:
        os.kill(owner, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _pending(folder: Path, path: Path) -> Path:
    """A new path in a folder for what will have the name of another one, noted before it exists.

    A signal may come at any moment.
    """
    temporary = folder / f"{_start(path)}{_MARKER}-{_machine()}-{os.getpid()}-{os.urandom(4).hex()}.tmp"
    PENDING.add(str(temporary))
    return temporary


def _start(path: Path) -> str:
    """How the names of the temporary files for a file begin."""
    name = os.fsencode(path.name)
    short = path.name if len(name) <= _LONGEST else f"{os.fsdecode(name[:_LONGEST])}-{zlib.crc32(name):08x}"
    return f".{short}."


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode('utf-8', 'surrogateescape')):08x}"
