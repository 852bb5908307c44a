"""Files that appear whole: written beside their final name, synced, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from calibeval.core.errors import FileProblem


def write_file(path: Path, content: bytes) -> None:
    """Write or replace a file; an interruption leaves the old file or the new one, never half of one.

    Raises: FileProblem if the folder does not exist or cannot be written, or the disk is full.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, check: Callable[[Path], None] | None = None) -> Iterator[IO[bytes]]:
    """A file to write, which takes its name only when all has been written; after an error nothing has changed.

    check: looks at the file when all has been written, and raises where it must not take its name.
    Raises: FileProblem if the folder does not exist or cannot be written, or the disk is full.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if check is not None:
                check(Path(temporary))
            Path(temporary).chmod(_usual_mode(path))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except FileProblem:  # of a file that is read meanwhile
        raise
    except OSError as error:
        raise FileProblem(f"{path}: cannot be written ({error.strerror or error})") from None


def make_folder(path: Path) -> None:
    """The folder, made where it is missing.

    Raises: FileProblem if it cannot be made, or is a file.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(f"{path}: cannot be made a folder ({error.strerror or error})") from None


def _usual_mode(path: Path) -> int:
    """The permissions of the file to be replaced, or those that a new file gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
