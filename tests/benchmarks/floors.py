"""The exp floor: one exponential and one addition for every score, compiled for this processor or for an older one."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np

NATIVE, AVX2 = "native", "x86-64-v3"  # values of -march
COMPILER_FLAGS = ("-O3", "-ffast-math", "-fopenmp-simd", "-fPIC", "-c")  # without linking, see below
CACHED_SCORES = 2**16  # of the control with two threads, in the cache of each processor

Floor = Callable[[np.ndarray], object]


def exp_floor() -> tuple[Floor, str]:
    """A function that takes the exponentials of float32 scores and adds them up, and how it does that."""
    function = _of(NATIVE)
    if function is not None:
        return partial(_c_floor, function[0]), f"one exponential and one addition per score in C, {function[1]}"
    return (
        _numpy_floor,
        "one exponential and one addition per score in numpy's float32, in blocks (there is no C compiler)",
    )


def older_floor() -> Floor | None:
    """The floor as it is on processors with AVX2, but without AVX-512; None where it cannot be compiled."""
    function = _of(AVX2)
    return None if function is None else partial(_c_floor, function[0])


def least_of_three(floor: Floor, scores: np.ndarray) -> Callable[[int], float]:
    """A function that returns the CPU seconds of the fastest of three floors in a row of so many rows of the scores.

    The first may find the caches as another program has left them, and a floor that is too high flatters.
    """

    def seconds(rows: int) -> float:
        found = []
        for _ in range(3):
            start = time.process_time()
            floor(scores[:rows])
            found.append(time.process_time() - start)
        return min(found)

    return seconds


def threaded_floor(threads: int, scores: int) -> Callable[[int], None]:
    """Exponentials of about so many scores, shared by threads, each of which has its numbers in its cache."""
    function = _of(NATIVE)
    pool = ThreadPoolExecutor(threads)
    blocks = [np.zeros(CACHED_SCORES, np.float32) for _ in range(threads)]
    repeats = max(1, scores // (CACHED_SCORES * threads))

    def work(block: np.ndarray) -> None:
        for _ in range(repeats):
            _numpy_floor(block) if function is None else _c_floor(function[0], block)

    return lambda _: list(pool.map(work, blocks)) and None


@cache
def _of(march: str) -> tuple[Callable[..., float], str] | None:
    """The compiled function and whether it is vectorised; None if it cannot be compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    for libraries, words in ((["-lmvec", "-lm"], "vectorised"), (["-lm"], "perhaps not vectorised")):
        function = _compiled([compiler, f"-march={march}", *COMPILER_FLAGS], libraries) if compiler else None
        if function is not None:
            return function, words
    return None


def _compiled(compiler: list[str], libraries: list[str]) -> Callable[..., float] | None:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "exp_floor.so"
        source = Path(__file__).with_name("exp_floor.c")
        object_file = library.with_suffix(".o")
        # A library linked with -ffast-math would make this process round subnormal numbers to 0 from then on.
        for command in (
            [*compiler, str(source), "-o", str(object_file)],
            [compiler[0], "-shared", str(object_file), "-o", str(library), *libraries],
        ):
            if subprocess.run(command, check=False, capture_output=True).returncode:
                return None
        function = ctypes.CDLL(str(library)).exp_floor
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_void_p, ctypes.c_size_t]
    return function


def _c_floor(function: Callable[..., float], scores: np.ndarray) -> float:
    return function(scores.ctypes.data, scores.size)


def _numpy_floor(scores: np.ndarray) -> float:
    flat, total, step = scores.reshape(-1), 0.0, 2**16
    block = np.empty(step, np.float32)
    for start in range(0, len(flat), step):
        piece = flat[start : start + step]
        total += float(np.exp(piece, out=block[: len(piece)]).sum())
    return total
