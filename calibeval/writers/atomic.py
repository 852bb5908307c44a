"""Atomic writes: a temporary file in the same folder is written, synced and renamed; a pipe is written to."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from calibeval.core.errors import FileProblem, UsageError
from calibeval.writers import temporary as temporaries
from calibeval.writers.places import descriptor_of, is_stream

Check = Callable[[Path], None]


def write_file(path: Path, content: bytes) -> None:
    """Write or replace a file; an interruption leaves the old file or the new one, never a part of it.

    Raises: FileProblem if the folder does not exist or cannot be written, or the disk is full.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, check: Check | None = None) -> Iterator[IO[bytes]]:
    """A file to write that replaces the one at path only when it is complete; after an error nothing has changed.

    A pipe or a device is not replaced: the complete content is written to it.
    check: looks at the complete file, and raises if it must not take its name.
    Raises: FileProblem if the folder does not exist or cannot be written, or the disk is full.
    """
    _check_name(path)
    try:
        with _through(path, check) if is_stream(path) else _renamed(path, check) as file:
            yield file
    except FileProblem:  # from a file that is read during the writing
        raise
    except OSError as error:
        raise FileProblem(f"{path}: cannot be written ({error.strerror or error})") from None


@contextmanager
def _renamed(path: Path, check: Check | None) -> Iterator[IO[bytes]]:
    """A temporary file beside the path, which takes its name in the end."""
    temporaries.remove_left(path)
    descriptor, temporary = temporaries.new(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(temporary)
        temporary.chmod(_usual_mode(path))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        temporaries.forget(temporary)


@contextmanager
def _through(path: Path, check: Check | None) -> Iterator[IO[bytes]]:
    """A file without a name, whose content goes to a pipe or a device in the end."""
    with tempfile.TemporaryFile(prefix="calibeval-") as file:
        yield file
        file.flush()
        if check is not None:
            check(Path(f"/dev/fd/{file.fileno()}"))
        file.seek(0)
        with _opened(path) as stream:
            shutil.copyfileobj(file, stream)


def _opened(path: Path) -> IO[bytes]:
    """A pipe or a device to write to; an open descriptor of this process if the path names one."""
    descriptor = descriptor_of(path)
    if descriptor is None:
        return os.fdopen(os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0)), "wb")
    for stream in (sys.stdout, sys.stderr):  # what they hold was written before
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    return os.fdopen(os.dup(descriptor), "wb")


def _check_name(path: Path) -> None:
    """Refuse a NUL in a path, and characters that names of files cannot hold.

    Raises: FileProblem.
    """
    try:
        possible = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise FileProblem(f"{path!s:.80}: no file can have this name")


def make_folder(path: Path) -> None:
    """Create the folder, with its parents, unless it exists.

    Raises: FileProblem if it cannot be created, or is a file.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(f"{path}: the folder cannot be created ({error.strerror or error})") from None


@contextmanager
def filling(path: Path) -> Iterator[Path]:
    """A folder to fill; what is in it is in the folder of this path once all is there, and after an error nothing is.

    Raises: UsageError for a folder that holds something; FileProblem if it cannot be created, or is a file.
    """
    _check_name(path)
    there = path.is_dir()
    if path.is_file():
        raise FileProblem(f"{path}: is a file, but a folder is needed")
    if there and any(path.iterdir()):
        raise UsageError(f"{path}: holds files, which could be overwritten; name a new folder, or an empty one")
    make_folder(path.parent)
    try:
        temporary = temporaries.new_folder(path if there else path.parent, path.name)
    except OSError as error:
        raise FileProblem(f"{path}: the folder cannot be created ({error.strerror or error})") from None
    try:
        yield temporary
        if there:
            for one in sorted(temporary.iterdir()):
                one.rename(path / one.name)
            temporary.rmdir()
        else:
            temporary.rename(path)
    except FileProblem:  # from a file that is read during the writing
        raise
    except OSError as error:
        raise FileProblem(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        temporaries.forget(temporary)


def _usual_mode(path: Path) -> int:
    """The permissions of the file to be replaced, or the default ones of a new file."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
