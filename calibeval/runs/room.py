"""A limit of this process's memory that is too low for what is to be imported."""

from __future__ import annotations

from calibeval.core.errors import InputError


def room() -> int | None:
    """The bytes of addresses that this process may use; None where there is no limit."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def check_room(least: int) -> None:
    """Check that the process may use as much.

    Libraries that find too little may end the process by themselves: OpenBLAS with exit code 1, which is that of a
    failed gate, torch by a signal.
    Raises: InputError.
    """
    limit = room()
    if limit is not None and limit < least:
        raise InputError(
            f"a process may use {limit // 2**20} MiB of addresses here (ulimit -v), but this needs {least // 2**20} MiB"
        )
