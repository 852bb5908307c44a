"""Atomic writes: a temporary file in the same folder is written, synced and renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from calibeval.core.errors import FileProblem


def write_file(path: Path, content: bytes) -> None:
    """Write or replace a file; an interruption leaves the old file or the new one, never a part of it.

    Raises: FileProblem if the folder does not exist or cannot be written, or the disk is full.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that replaces the one at path only when it is complete; after an error nothing has changed.

    Raises: FileProblem if the folder does not exist or cannot be written, or the disk is full.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(_usual_mode(path))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except FileProblem:  # from a file that is read during the writing
        raise
    except OSError as error:
        raise FileProblem(f"{path}: cannot be written ({error.strerror or error})") from None


def make_folder(path: Path) -> None:
    """Create the folder, with its parents, unless it exists.

    Raises: FileProblem if it cannot be created, or is a file.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(f"{path}: the folder cannot be created ({error.strerror or error})") from None


def _usual_mode(path: Path) -> int:
    """The permissions of the file to be replaced, or the default ones of a new file."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
