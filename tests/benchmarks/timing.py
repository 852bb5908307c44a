"""What the benchmarks share: paired rounds, peak memory, a description of the machine, Markdown tables."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import cast

import numpy as np

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MIB = 2**20
# Vector instructions by numpy's names, the widest first.
VECTORS = {
    "X86_V4": "AVX-512",
    "AVX512_SKX": "AVX-512",
    "AVX2": "AVX2, without AVX-512",
    "SVE": "SVE",
    "ASIMD": "NEON",
    "X86_V2": "SSE4.2, without AVX2",
}


@dataclass(frozen=True, slots=True)
class Contender:
    """Something to be timed; run(rows) works on the first rows of the data.

    reason: why it cannot run, where it cannot. budget: seconds that all its rounds together may take; one is always
    made. optional: left out if one round would take longer than LIMIT. timed: whether run returns its own seconds, such
    as those of another process.
    """

    name: str
    run: Callable[[int], object]
    reason: str | None = None
    budget: float = 20.0
    optional: bool = True
    timed: bool = False

    def seconds(self, rows: int, clock: Callable[[], float]) -> float:
        """The seconds of one run."""
        start = clock()
        found = self.run(rows)
        return cast("float", found) if self.timed else clock() - start


@dataclass(slots=True)
class Timed:
    """Seconds by round, or why there are none."""

    seconds: list[float] = field(default_factory=list)
    reason: str | None = None

    @property
    def least(self) -> float:
        """The fastest round."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """The median round."""
        return statistics.median(self.seconds)


LIMIT = 60.0


def one_thread(module: str) -> None:
    """Start this module again with one thread for each numerical library, unless it runs so already."""
    if any(os.environ.get(name) != "1" for name in THREAD_VARIABLES):
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")}
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], environment)  # noqa: S606 - itself


def interleaved(
    contenders: Sequence[Contender], rows: int, rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[str, Timed]:
    """Seconds of each contender on so many rows; each round runs all of them in turn, so that ratios are paired."""
    found = {contender.name: Timed(reason=contender.reason) for contender in contenders}
    expected: dict[str, float] = {}
    for contender in contenders:
        timed = found[contender.name]
        if timed.reason is None:
            expected[contender.name] = _extrapolated(contender, rows, clock)
            if contender.optional and expected[contender.name] > LIMIT:
                timed.reason = f"skipped: about {expected[contender.name]:.0f} s"
    for _ in range(rounds):
        for contender in contenders:
            timed = found[contender.name]
            spent = sum(timed.seconds) + expected.get(contender.name, 0.0)
            if timed.reason is not None or (timed.seconds and spent > contender.budget):
                continue
            timed.seconds.append(contender.seconds(rows, clock))
            say(f"{contender.name}: {timed.seconds[-1]:.4f} s")
    return found


def _extrapolated(contender: Contender, rows: int, clock: Callable[[], float]) -> float:
    """Seconds that all rows should take, from 1/40 and 1/20 of them; this warms the contender up, too."""
    contender.run(max(rows // 40, 1))
    seconds = [contender.seconds(part, clock) for part in (max(rows // 40, 1), max(rows // 20, 1))]
    return seconds[1] + 38.0 * max(seconds[1] - seconds[0], 0.0)


def ratio(slow: Timed, fast: Timed) -> float:
    """Median over the rounds of slow's seconds over fast's in the same round."""
    return statistics.median(a / b for a, b in zip(slow.seconds, fast.seconds, strict=False))


def extra_peak(run: Callable[[], object]) -> float | None:
    """MiB by which the memory of this process grows at most while run works; None where no system tells."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is in use now
        before = _status("VmRSS")
        run()
        return max(_status("VmHWM") - before, 0.0)
    except OSError:
        return None


def peak() -> float:
    """The largest memory of this process so far, in MiB. Unlike ru_maxrss it does not count the parent's."""
    return _status("VmHWM")


def _status(field_name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field_name}:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"this system does not tell {field_name}")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def machine() -> str:
    """Date, machine and versions in one sentence; a machine busy with other work says so."""
    parts = [_processor(), f"{cores()} cores", f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("numpy", "torch") if version(name)]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = f" The machine was busy with other work (load {load:.1f})." if load > 0.5 else ""
    return f"Measured {datetime.now(UTC).date()} on {', '.join(parts)}.{busy}"


def version(package: str) -> str | None:
    """The installed version, without its build tag; None if the package is not installed."""
    try:
        return metadata.version(package).split("+")[0]
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    vectors = [words for feature, words in VECTORS.items() if feature in numpy_features()]
    return f"{name} with {vectors[0]}" if vectors else name


def numpy_features() -> frozenset[str]:
    """What numpy uses of this processor, by numpy's names."""
    try:
        found = np._core._multiarray_umath.__cpu_features__
    except AttributeError:
        return frozenset()
    return frozenset(name for name, there in found.items() if there)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def target_row(what: str, limit: float, reached: float, *, at_least: bool, unit: str = "×") -> list[str]:
    """A row of a table of targets: what, target, reached, and whether that is enough."""
    good = reached >= limit if at_least else reached <= limit
    return [what, f"{'≥' if at_least else '≤'} {show(limit)}{unit}", f"{show(reached)}{unit}", "yes" if good else "no"]


def show(value: float) -> str:
    """A number with two or three digits: 0.034, 1.31, 42; tiny ones as 3.1e-12."""
    if value == 0 or 1e-4 <= abs(value) < 0.1:
        return f"{value:.2g}"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def size_name(n: int, k: int) -> str:
    """A size in words: 50k × 1000."""
    for unit, name in ((10**6, "M"), (10**3, "k")):
        if n >= unit and n % (unit // 10) == 0:
            return f"{n / unit:g}{name} × {k}"
    return f"{n} × {k}"


def say(text: str) -> None:
    """Progress, on standard error: standard output is the section of the page."""
    print(text, file=sys.stderr, flush=True)
