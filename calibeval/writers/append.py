"""Files that grow line by line: only a regular file that has no other name is written to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from calibeval.core.errors import FileProblem

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT
# Neither follows a link nor waits for whoever might read a pipe.
_NEVER = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def appending(path: Path) -> Iterator[IO[bytes]]:
    """The file, made where it is missing, with what is written added at its end.

    Raises: FileProblem for a link, a file with a second name, or anything that is not a regular file, because it could
    belong to somebody else; or if it cannot be written.
    """
    try:
        check_own(path)
        with os.fdopen(os.open(path, _FLAGS | _NEVER | getattr(os, "O_CLOEXEC", 0), 0o666), "ab") as file:
            _check(path, os.fstat(file.fileno()))
            yield file
    except FileProblem:
        raise
    except OSError as error:
        raise FileProblem(f"{path}: cannot be written ({error.strerror or error})") from None


def check_own(path: Path) -> None:
    """Check that a name is free, or that of a regular file which has no other.

    Raises: FileProblem.
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise FileProblem(f"{path}: cannot be written ({error.strerror or error})") from None
    _check(path, found)


def _check(path: Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        wrong = "is a link"
    elif not stat.S_ISREG(found.st_mode):
        wrong = "is not a regular file"
    elif found.st_nlink > 1:
        wrong = "has a second name elsewhere"
    else:
        return
    raise FileProblem(f"{path}: {wrong}, so it is not written to; remove it")
