"""Setting up torch for a command: the device, the threads, and the message for too little memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from calibeval.core.errors import BROKEN_IMPORT, InputError, UsageError, lacks_memory, not_importable
from calibeval.runs.room import check_room

LEAST_WORK = 2**26  # multiplications, about a millisecond on one core
LEAST_ROOM = 2**30  # of addresses, for torch alone
OUT_OF_MEMORY = ("out of memory", "allocate memory", "not enough memory", "alloc_failed")  # what torch's errors say


def pick_device(wanted: str, threads: int) -> str:
    """The device; "auto" means a GPU if torch can use one. Also sets the number of torch's threads.

    Raises: UsageError where torch is not installed, or cannot be imported, or has no GPU to use; InputError if this
    process may not use enough memory for torch.
    """
    needs_torch()
    import torch

    torch.set_num_threads(min(threads, os.cpu_count() or 1))  # more threads would only wait for each other
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UsageError("--device cuda, but torch finds no GPU; say --device cpu or --device auto")
    return "cuda" if there and wanted != "cpu" else "cpu"


def needs_torch() -> None:
    """Check that torch is installed, and that this process may use enough memory for it.

    Raises: UsageError; InputError or MemoryError for too little memory.
    """
    check_room(LEAST_ROOM)
    try:
        import torch  # noqa: F401 - whether it can be had is the question
    except BROKEN_IMPORT as error:
        if lacks_memory(error):
            raise MemoryError from None
        raise not_importable(error, "finetune", "torch", "torch") from None


def threads_that_wait() -> None:
    """Let threads that wait for each other sleep, unless the user chose otherwise; call it before torch is imported.

    OpenMP's threads spin by default: on a busy machine they take more time to wait than to work.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def few_threads(work: int) -> None:
    """Use one thread if a batch takes so few multiplications that threads would wait longer than they work."""
    import torch

    if work < LEAST_WORK:
        torch.set_num_threads(1)


@contextmanager
def memory_is_told() -> Iterator[None]:
    """Turn torch's out-of-memory errors into an InputError."""
    try:
        yield
    except RuntimeError as error:
        if not any(words in str(error).lower() for words in OUT_OF_MEMORY):
            raise
        raise InputError(
            "the device does not have enough memory for this training; lower --batch-size, --hidden or --trials, "
            "or use another --device"
        ) from None
