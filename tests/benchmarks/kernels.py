"""The compiled kernel of every instruction set beside numpy, the exp floor and torchmetrics.

    python -m tests.benchmarks.kernels [--quick] [--rounds N] [--folder DUMPS]

Prints a section of docs/benchmarks.md. CPU seconds of one thread, but wall seconds where two threads are compared with
one; float32 scores and labels are in memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from calibeval.core.sums.kernel import NATIVE, NUMPY, VARIABLE, available
from tests.benchmarks import dumps, peers
from tests.benchmarks.floors import exp_floor, least_of_three, older_floor, threaded_floor
from tests.benchmarks.older import PEER, REPORT, SUMS, Older, by_kernel, tasks
from tests.benchmarks.timing import (
    Contender,
    Timed,
    cores,
    interleaved,
    machine,
    numpy_features,
    one_thread,
    ratio,
    say,
    show,
    size_name,
    table,
    target_row,
)

SIZES = ((50_000, 1000), (1_000_000, 100), (1_000_000, 10), (10_000_000, 2))
QUICK_SIZES = ((2_000, 1000), (20_000, 100), (50_000, 10), (200_000, 2))
FLOOR, OLD_FLOOR, OLD_PEER = "exp floor", "exp floor, AVX2", "torchmetrics without AVX-512"
OLD_NUMPY = "numpy without AVX-512"
AVX2, BASELINE = f"{NATIVE}:avx2", f"{NATIVE}:baseline"
MOST_FLOORS = {1000: 4.0, 100: 5.0, 10: 9.0, 2: 17.0}
MOST_NANOSECONDS = {10: 60.0, 2: 22.0}  # a row: reached if either of the two is
LEAST_SPEEDUP = {1000: 60.0, 100: 45.0, 10: 14.0, 2: 18.0}
LEAST_FROM_TWO_THREADS = 1.7
PEER_BUDGET = 20.0  # seconds of all rounds of torchmetrics
SLOW_BUDGET = 4.0  # of one that does without FMA
CONTROL_SCORES = 2**27  # exponentials in a round of the control: as long as a report takes


class Size(NamedTuple):
    """What was measured at one size; threads: wall seconds by what was done, with one thread and with two."""

    n: int
    k: int
    times: dict[str, Timed]
    threads: dict[str, tuple[Timed, Timed]]


def main() -> None:
    """Print the section."""
    one_thread("tests.benchmarks.kernels")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, two rounds: does it run?")
    parser.add_argument("--rounds", type=int, help="rounds at each size; 5 by default")
    parser.add_argument("--folder", type=Path, help="where the dumps are kept; a temporary folder by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(section(folder, arguments.rounds or (2 if arguments.quick else 5), quick=arguments.quick))


def section(folder: Path, rounds: int, *, quick: bool) -> str:
    """The section of the page."""
    measured_on, words = machine(), exp_floor()[1]
    sizes = [measure(folder, n, k, rounds) for n, k in (QUICK_SIZES if quick else SIZES)]
    parts = [
        (
            f"{measured_on} The ratios hold for this processor. CPU time of one thread; float32 logits and int64 "
            f"labels in memory. The programs take turns in {rounds} rounds (slow ones in fewer); ratios are medians "
            f"over the rounds. The exp floor is {words}; in every round, it is the fastest of three in a row."
        ),
        (
            '"Sums" are all that a report is computed from, with exact equal-mass bins, but without the temperature, '
            'which "report" adds, with metrics and floors. torchmetrics computes accuracy, ECE, MCE and class-wise '
            "errors."
        ),
    ]
    if has_avx512():
        parts.append(
            "What is said of AVX2, of numpy without AVX-512 and of torchmetrics without AVX-512 stands for the many "
            "processors that have AVX2 only, on which numpy does not vectorise exponentials in float64: the exp floor "
            "beside them is compiled without AVX-512, and the two libraries run in a process that is told to do "
            "without it. On such a processor itself, all of these may differ."
        )
    parts += [f"### Kernels, {size_name(size.n, size.k)}\n\n{_size_table(size)}" for size in sizes]
    parts.append(f"### Targets of the kernels\n\n{table(('what', 'target', 'reached', 'met'), _targets(sizes))}")
    if any(size.threads for size in sizes):
        parts.append(
            "Two threads are compared with one by wall time. The control is the exp floor on numbers in the cache of "
            "each thread, in the same rounds: it shows what two processors of this machine had to give."
        )
        parts.append(table(("two threads over one, wall", "target", "reached", "met"), _threads_rows(sizes)))
    if quick:
        parts.insert(0, "**A quick run at small sizes: the targets are meant for the full ones.**")
    return "\n\n".join(parts)


def measure(folder: Path, n: int, k: int, rounds: int) -> Size:
    """Times of all contenders at one size."""
    say(f"--- kernels: {size_name(n, k)}")
    dump = dumps.make(folder, n, k)
    logits, labels = dump.load()
    before = os.environ.get(VARIABLE)
    with ExitStack() as stack:
        older = stack.enter_context(Older(dump)) if has_avx512() else None
        times = interleaved(list(_contenders(logits, labels, older)), n, rounds)
    threads = _threads(logits, labels, rounds) if cores() > 1 else {}
    os.environ[VARIABLE] = before or ""
    return Size(n, k, times, threads)


def _contenders(logits: np.ndarray, labels: np.ndarray, older: Older | None) -> Iterator[Contender]:
    """Floors, sums and reports by every kernel, and torchmetrics."""
    floor, old_floor, work = exp_floor()[0], older_floor(), tasks(logits, labels)
    yield Contender(FLOOR, least_of_three(floor, logits), optional=False, timed=True)
    if old_floor is not None and has_avx512():
        yield Contender(OLD_FLOOR, least_of_three(old_floor, logits), optional=False, timed=True)
    for task in (SUMS, REPORT):
        for kernel in kernels():
            run = by_kernel(kernel, work[task])
            yield Contender(f"{task}: {kernel}", run, budget=kernel_budget(kernel), optional=False)
        if older is not None:
            yield Contender(f"{task}: {OLD_NUMPY}", older.run(task), optional=False, timed=True)
    peer = peers.contender(peers.TORCHMETRICS, logits, labels)
    yield Contender(PEER, peer.run, peer.reason, PEER_BUDGET)
    if older is not None:
        yield Contender(OLD_PEER, older.run(PEER), peer.reason, PEER_BUDGET, timed=True)


def kernels() -> list[str]:
    """Every kernel of this processor, as CALIBEVAL_KERNEL chooses it: the fastest first, numpy last."""
    return [*(f"{NATIVE}:{kernel.name}" for kernel in available()), NUMPY]


def kernel_budget(kernel: str) -> float:
    """Seconds that all rounds of a kernel may take."""
    return SLOW_BUDGET if kernel == BASELINE else 20.0


def _threads(logits: np.ndarray, labels: np.ndarray, rounds: int) -> dict[str, tuple[Timed, Timed]]:
    """Wall seconds of one thread and of two, by the fastest kernel, and of the control."""
    runs: dict[str, list[Callable[[int], object]]] = {
        task: [by_kernel(kernels()[0], tasks(logits, labels, jobs)[task]) for jobs in (1, 2)] for task in (SUMS, REPORT)
    }
    runs["control"] = [threaded_floor(threads, CONTROL_SCORES) for threads in (1, 2)]
    contenders = [Contender(f"{name}, {i + 1} threads", run) for name, two in runs.items() for i, run in enumerate(two)]
    found = interleaved(contenders, len(labels), rounds, clock=time.perf_counter)
    return {name: (found[f"{name}, 1 threads"], found[f"{name}, 2 threads"]) for name in runs}


def has_avx512() -> bool:
    """Whether numpy uses AVX-512 here."""
    return not {"X86_V4", "AVX512_SKX"}.isdisjoint(numpy_features())


def _beside(name: str, times: dict[str, Timed]) -> tuple[Timed, Timed]:
    """The floor and torchmetrics that a contender is held against: those without AVX-512, if it has none itself."""
    old = name.endswith((AVX2, BASELINE, OLD_NUMPY, OLD_PEER)) and OLD_FLOOR in times
    return (times[OLD_FLOOR], times[OLD_PEER]) if old else (times[FLOOR], times[PEER])


def _size_table(size: Size) -> str:
    rows = []
    for name, timed in size.times.items():
        if not timed.seconds:
            rows.append([name, timed.reason or "", "", "", "", ""])
            continue
        floor, peer = _beside(name, size.times)
        own = name.startswith((SUMS, REPORT))
        rows.append(
            [
                name,
                show(1e3 * timed.least),
                show(1e3 * timed.median),
                show(1e9 * timed.least / size.n),
                f"{show(ratio(timed, floor))}×",
                f"{show(ratio(peer, timed))}×" if own and peer.seconds else "",
            ]
        )
    header = ("", "fastest, ms", "median, ms", "ns a row", "vs its exp floor", "its torchmetrics over it")
    return table(header, rows)


def _targets(sizes: list[Size]) -> list[list[str]]:
    """Those of the fastest kernel, and of the one for AVX2."""
    rows = []
    for size in sizes:
        for kernel in dict.fromkeys([kernels()[0], *([AVX2] if AVX2 in kernels() else [])]):
            name = f"{SUMS}: {kernel}"
            timed, (floor, peer) = size.times[name], _beside(name, size.times)
            what = f"{size_name(size.n, size.k)}: {name}"
            rows.append(_floor_row(f"{what}, time over its exp floor", size, timed, floor))
            if peer.seconds:
                times = ratio(peer, timed)
                rows.append(target_row(f"{what}, torchmetrics over it", LEAST_SPEEDUP[size.k], times, at_least=True))
    return rows


def _floor_row(what: str, size: Size, timed: Timed, floor: Timed) -> list[str]:
    """Met if the ratio is small enough or, with few classes, the time of a row."""
    what, target, reached, met = target_row(what, MOST_FLOORS[size.k], ratio(timed, floor), at_least=False)
    if size.k not in MOST_NANOSECONDS:
        return [what, target, reached, met]
    most, nanoseconds = MOST_NANOSECONDS[size.k], 1e9 * timed.least / size.n
    either = "yes" if met == "yes" or nanoseconds <= most else "no"
    return [what, f"{target}, or ≤ {show(most)} ns a row", f"{reached}, {show(nanoseconds)} ns", either]


def _threads_rows(sizes: list[Size]) -> list[list[str]]:
    rows = []
    for size in sizes:
        for name, (one, two) in size.threads.items():
            what, reached = f"{size_name(size.n, size.k)}: {name}", ratio(one, two)
            row = target_row(what, LEAST_FROM_TWO_THREADS, reached, at_least=True)
            rows.append([what, "", row[2], ""] if name == "control" else row)
    return rows


if __name__ == "__main__":
    main()
