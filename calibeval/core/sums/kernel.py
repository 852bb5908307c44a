"""Which kernel computes the sums of rows: the compiled one, if it was built, or numpy.

Both give the same numbers but for rounding, within 1e-12 of each other. The compiled one gives the same bits on every
processor. `CALIBEVAL_KERNEL=numpy` and `CALIBEVAL_KERNEL=native` choose, and `native:avx2` chooses an instruction set.
"""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType
from typing import NamedTuple

from calibeval.core.errors import UsageError

VARIABLE, NUMPY, NATIVE = "CALIBEVAL_KERNEL", "numpy", "native"


class Kernel(NamedTuple):
    """A compiled kernel. which: its position among those of this processor. name: of its instruction set."""

    module: ModuleType
    which: int
    name: str


def chosen() -> Kernel | None:
    """The compiled kernel that is used; None: numpy. Raises: UsageError if the variable asks for what is not there."""
    return _chosen(os.environ.get(VARIABLE, ""))


def kernel_name() -> str:
    """The kernel as records hold it: `numpy` or `native`, whose bits are those of every instruction set."""
    return NUMPY if chosen() is None else NATIVE


def kernel_words() -> str:
    """The kernel with its instruction set, for people."""
    kernel = chosen()
    return NUMPY if kernel is None else f"{NATIVE}, {kernel.name}"


@cache
def _chosen(asked: str) -> Kernel | None:
    if asked in ("", NUMPY):
        return None
    first, _, name = asked.partition(":")
    if first != NATIVE:
        raise UsageError(f"{VARIABLE} is {asked!r}, but it must be {NUMPY!r} or {NATIVE!r}")
    there = available()
    for kernel in there:
        if name in ("", kernel.name):
            return kernel
    words = ", ".join(f"{NATIVE}:{kernel.name}" for kernel in there) or NUMPY
    raise UsageError(
        f"{VARIABLE} is {asked!r}, but this installation has {words} only. The compiled kernel is built while "
        "calibeval is installed, if there is a compiler for C++ and Python's headers."
    )


@cache
def available() -> tuple[Kernel, ...]:
    """The compiled kernels for this processor, the fastest first; none if they were not built."""
    try:
        from calibeval.core.sums import _native  # noqa: PLC0415 - it may not be there
    except ImportError:
        return ()
    return tuple(Kernel(_native, which, name) for which, name in enumerate(_native.names()))
