"""Regular files: one door opens all of them, and it never waits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calibeval.core.errors import FileProblem
from calibeval.readers.stored.place import as_shown, with_two_slashes

NEVER_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a regular file, for reading. The path is looked at first, as opening a device can start it.

    Raises: FileProblem if there is no such file, it is not a regular file, or it cannot be opened.
    """
    with _in_words(path):
        _check(path, path.stat())
        descriptor = os.open(path, os.O_RDONLY | NEVER_WAITING)
    try:
        _check(path, os.fstat(descriptor))  # another may have been put there in between
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Errors of the system in our words."""
    try:
        yield
    except FileProblem:
        raise
    except FileNotFoundError:
        meant = with_two_slashes(str(path))
        hint = "" if meant is None else f'; a URL has two slashes, as in "{as_shown(meant)}"'
        raise FileProblem(f"{path}: there is no such file{hint}") from None
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError:  # a NUL in the path
        raise FileProblem(f"{str(path)!r}: no file can have such a name") from None


def _check(path: Path, seen: os.stat_result) -> None:
    if not stat.S_ISREG(seen.st_mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(seen.st_mode), "a device")
        raise FileProblem(f"{path}: {kind}, but a regular file is needed")
