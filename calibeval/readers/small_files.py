"""Small documents: maps, reports, configurations, lists of names."""

from __future__ import annotations

import os
from pathlib import Path

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.stored.regular import opened

MOST_BYTES = 2**24


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
    with opened(path) as descriptor:
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(most)
        except OSError as error:
            raise FileProblem(f"{path}: cannot be read ({error.strerror or error})") from None


def is_there(path: Path) -> bool:
    """Whether there is anything of that name, be it a link to nowhere, or to itself."""
    return os.path.lexists(path)
