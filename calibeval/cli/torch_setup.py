"""torch, as a command wants it: the device and the threads."""

from __future__ import annotations

from calibeval.core.errors import UsageError


def pick_device(wanted: str, threads: int) -> str:
    """The device: "auto" is a GPU where torch can use one. Sets the number of torch's threads.

    Raises: UsageError where torch is not installed, or has no GPU to use.
    """
    try:
        import torch
    except ImportError:
        raise UsageError("finetune needs torch: pip install 'calibeval[torch]'") from None
    torch.set_num_threads(threads)
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UsageError("--device cuda, but torch finds no GPU; say --device cpu or --device auto")
    return "cuda" if there and wanted != "cpu" else "cpu"
