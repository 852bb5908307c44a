"""Which kernel computes the sums of rows: the compiled one, if it was built, else numpy.

Both give the same numbers but for rounding, within 1e-12 of each other. The compiled one gives the same bits on every
processor. `CALIBEVAL_KERNEL=numpy` forces numpy, `native` refuses to go on without the compiled one, and `native:avx2`
chooses an instruction set. Without fused multiply-add the compiled one is slower, and used only if it is asked for.
"""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType
from typing import NamedTuple

from calibeval.core.errors import UsageError
from calibeval.core.sums.native_sources import why_not

VARIABLE, NUMPY, NATIVE = "CALIBEVAL_KERNEL", "numpy", "native"
SLOW = "baseline"  # computes each fused operation in software: two to four times slower than numpy
_NOT_BUILT = (
    "the compiled kernel is built while calibeval is installed, if there is a compiler for C++ and Python's headers"
)
_NO_SUCH = "this processor lacks the instructions of the others"


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
    """The kernel with its instruction set, for people; of numpy, why a compiled one beside it is not used."""
    kernel = chosen()
    if kernel is not None:
        return f"{NATIVE}, {kernel.name}"
    unusable = None if os.environ.get(VARIABLE) or _built() is None else missing()
    return NUMPY if unusable is None else f"{NUMPY}; {unusable}"


@cache
def _chosen(asked: str) -> Kernel | None:
    if asked == NUMPY:
        return None
    there = available()
    if not asked:
        return next((kernel for kernel in there if kernel.name != SLOW), None)
    first, _, name = asked.partition(":")
    if first != NATIVE:
        raise UsageError(f"{VARIABLE} is {asked!r}, but it must be {NUMPY!r} or {NATIVE!r}")
    for kernel in there:
        if name in ("", kernel.name):
            return kernel
    words = ", ".join(f"{NATIVE}:{kernel.name}" for kernel in there) or NUMPY
    raise UsageError(f"{VARIABLE} is {asked!r}, but this installation has {words} only: {missing() or _NO_SUCH}")


@cache
def available() -> tuple[Kernel, ...]:
    """The compiled kernels for this processor, the fastest first; none if they cannot be used."""
    module = _built()
    if module is None or why_not(module) is not None:
        return ()
    return tuple(Kernel(module, which, name) for which, name in enumerate(module.names()))


def missing() -> str | None:
    """Why there is no compiled kernel, and what would help; None: there is one."""
    if available():
        return None
    module = _built()
    return _NOT_BUILT if module is None else why_not(module) or _NO_SUCH


@cache
def _built() -> ModuleType | None:
    try:
        from calibeval.core.sums import _native  # noqa: PLC0415 - it may not be there
    except ImportError:
        return None
    return _native
