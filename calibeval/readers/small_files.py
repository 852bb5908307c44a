"""Small documents: maps, reports, configurations, lists of names. One door opens all of them, and it never waits."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from calibeval.core.errors import FileProblem, InputError

MOST_BYTES = 2**24
NEVER_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_small(path: Path) -> bytes:
    """The content of a regular file of at most 16 MiB.

    Raises: FileProblem if there is no such file, it is not a regular file, or it cannot be read; InputError if it is
    larger.
    """
    content = read_beginning(path, MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: has more than {MOST_BYTES // 2**20} MiB, which no such file needs")
    return content


def read_beginning(path: Path, most: int) -> bytes:
    """The first bytes of a regular file.

    Raises: FileProblem if there is no such file, it is not a regular file, or it cannot be read.
    """
    try:
        with os.fdopen(_open(path), "rb") as file:
            return file.read(most)
    except FileNotFoundError:
        raise FileProblem(f"{path}: there is no such file") from None
    except FileProblem:
        raise
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError:  # a NUL in the path
        raise FileProblem(f"{path!r}: no file can have such a name") from None


def check_regular(path: Path) -> None:
    """Check that a path leads to a regular file, which can be read without waiting.

    Raises: FileProblem.
    """
    try:
        kind = _what(path.stat().st_mode)
    except FileNotFoundError:
        raise FileProblem(f"{path}: there is no such file") from None
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror or error})") from None
    if kind is not None:
        raise FileProblem(f"{path}: {kind}, but a regular file is needed")


def is_there(path: Path) -> bool:
    """Whether there is anything of that name, be it a link to nowhere, or to itself."""
    return os.path.lexists(path)


def _open(path: Path) -> int:
    """A descriptor of a regular file. The path is looked at first, as opening a device can start it."""
    check_regular(path)
    descriptor = os.open(path, os.O_RDONLY | NEVER_WAITING)
    kind = _what(os.fstat(descriptor).st_mode)
    if kind is not None:  # put there in between
        os.close(descriptor)
        raise FileProblem(f"{path}: {kind}, but a regular file is needed")
    return descriptor


def _what(mode: int) -> str | None:
    """What a thing is that is not a regular file; None for a regular one."""
    if stat.S_ISREG(mode):
        return None
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
