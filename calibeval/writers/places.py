"""What is at the path of an output: nothing, a file, a pipe or a device, or something that must not be written to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_MOST_LINKS = 40
_REFUSED = {stat.S_IFDIR: "a folder", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a disk"}


def wrong_kind(path: Path) -> str | None:
    """What is at the path, if it can neither be replaced nor written to: a folder, a socket, a disk."""
    mode = _mode(path)
    return None if mode is None or descriptor_of(path) is not None else _REFUSED.get(stat.S_IFMT(mode))


def is_stream(path: Path) -> bool:
    """Whether the path leads to a pipe or a device, or names an open descriptor, as /dev/stdout does."""
    mode = _mode(path)
    return mode is not None and (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or descriptor_of(path) is not None)


def descriptor_of(path: Path) -> int | None:
    """The open descriptor of this process that the path names, also by links: /dev/stdout, /dev/fd/63."""
    own = {"/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd"}
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if folder in own and path.name.isascii() and path.name.isdigit():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = Path(folder, path.readlink())
    return None


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of what the path leads to; None if there is nothing."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def resolved(path: Path) -> str:
    """Where the path leads, with links resolved; also of a link to itself, at which `Path.resolve` fails."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return str(path)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None
