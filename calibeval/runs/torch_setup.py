"""torch, as a command wants it: the device, the threads, and words for memory that runs out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from calibeval.core.errors import InputError, UsageError, lacks_memory
from calibeval.runs.room import check_room

LEAST_WORK = 2**26  # about a millisecond of one core
LEAST_ROOM = 2**30  # of addresses, for torch alone
OUT_OF_MEMORY = ("out of memory", "allocate memory", "not enough memory", "alloc_failed")  # what torch's errors say


def pick_device(wanted: str, threads: int) -> str:
    """The device: "auto" is a GPU where torch can use one. Sets the number of torch's threads.

    Raises: UsageError where torch is not installed, or has no GPU to use; InputError where it has no room.
    """
    check_room(LEAST_ROOM)
    try:
        import torch
    except (ImportError, OSError) as error:
        if lacks_memory(error):
            raise MemoryError from None
        if not isinstance(error, ImportError):
            raise
        raise UsageError("finetune needs torch: pip install 'calibeval[torch]'") from None
    torch.set_num_threads(min(threads, os.cpu_count() or 1))  # more only wait for each other
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UsageError("--device cuda, but torch finds no GPU; say --device cpu or --device auto")
    return "cuda" if there and wanted != "cpu" else "cpu"


def few_threads(work: int) -> None:
    """One thread where a batch takes so few products that threads would wait for each other longer than they work."""
    import torch

    if work < LEAST_WORK:
        torch.set_num_threads(1)


@contextmanager
def memory_is_told() -> Iterator[None]:
    """Make an InputError of torch's errors on memory that is not there."""
    try:
        yield
    except RuntimeError as error:
        if not any(words in str(error).lower() for words in OUT_OF_MEMORY):
            raise
        raise InputError(
            "the device has not enough memory for this training; lower --batch-size, --hidden or --trials, "
            "or say another --device"
        ) from None
