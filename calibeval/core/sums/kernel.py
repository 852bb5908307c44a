"""Which kernel computes the sums of rows: the compiled one, if it was built, else numpy.

Both give the same numbers but for rounding, within 1e-12 of each other. The compiled one gives the same bits on every
processor. `CALIBEVAL_KERNEL=numpy` forces numpy, `native` refuses to go on without the compiled one, and `native:avx2`
chooses an instruction set. Without fused multiply-add the compiled one is slower, and used only if it is asked for.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from calibeval.core.errors import UsageError
from calibeval.core.sums.native_sources import AGAIN, cut_short, why_not

VARIABLE, NUMPY, NATIVE = "CALIBEVAL_KERNEL", "numpy", "native"
SETS = ("avx512", "avx2", "neon", "baseline")  # for which it is compiled, on one processor or another
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
    first, colon, name = asked.partition(":")
    if first != NATIVE or (colon and not name):
        raise UsageError(
            f"{VARIABLE} is {asked!r}, but it must be {NUMPY!r} or {NATIVE!r}, or that with an instruction set, as in "
            f"'{NATIVE}:avx2'"
        )
    for kernel in there:
        if name in ("", kernel.name):
            return kernel
    words = ", ".join(f"{NATIVE}:{kernel.name}" for kernel in there) or NUMPY
    why = missing() or (_NO_SUCH if name in SETS else f"no instruction set is called {name}")
    raise UsageError(f"{VARIABLE} is {asked!r}, but this installation has {words} only: {why}")


@cache
def available() -> tuple[Kernel, ...]:
    """The compiled kernels for this processor, the fastest first; none if they cannot be used."""
    module = _built()
    if module is None or isinstance(module, str) or why_not(module) is not None:
        return ()
    return tuple(Kernel(module, which, name) for which, name in enumerate(module.names()))


def missing() -> str | None:
    """Why there is no compiled kernel, and what would help; None: there is one."""
    if available():
        return None
    module = _built()
    if module is None or isinstance(module, str):
        return module or _NOT_BUILT
    return why_not(module) or _NO_SUCH


@cache
def _built() -> ModuleType | str | None:
    """The compiled module, or why it cannot be loaded; None: there is none."""
    found = find_spec(f"{__package__}._native")
    if found is None:
        return None
    cut = cut_short(Path(found.origin or ""))
    if cut is not None:
        return cut
    try:
        from calibeval.core.sums import _native  # noqa: PLC0415 - it may not be there
    except ImportError as error:
        return f"the compiled kernel cannot be loaded ({error}); {AGAIN}"
    return _native
