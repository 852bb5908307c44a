"""Reports of a folder of cases beside reading its files alone: python -m tests.benchmarks.many_cases --quick.

Prints a section of docs/benchmarks.md. Twenty images of smooth random scores lie in compressed files under many names,
which are links, so that the disk holds twenty.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from calibeval.cli.main import main as calibeval_main
from tests.benchmarks.timing import machine, peak, say, show, table, target_row

ROOT = Path(__file__).resolve().parents[2]
MODULE = "tests.benchmarks.many_cases"
FILES, CASES, QUICK_CASES = 20, 200, 25
SHAPE, QUICK_SHAPE = (19, 512, 512), (5, 64, 48)
COARSE = 9  # points of a side of the grid between which scores are interpolated
MIB, MOST_OVER_READING, MOST_GROWTH = 2**20, 3.0, 40.0
ROUNDS = 3
WITHOUT = {"CALIBEVAL_KERNEL": "numpy"}


class Ran(NamedTuple):
    """A process: wall and CPU seconds, its peak in MiB, and what it printed."""

    wall: float
    cpu: float
    peak: float
    printed: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="25 small cases: does it run?")
    parser.add_argument("--cases", type=int, help="200 by default")
    parser.add_argument("--rounds", type=int, help="3 by default")
    parser.add_argument(
        "--shape", type=int, nargs=3, metavar=("K", "H", "W"), help="classes, height and width of a case"
    )
    parser.add_argument("--brief", action="store_true", help="only reading, and reports in one thread")
    parser.add_argument("--folder", type=Path, help="where the cases are made; a temporary folder by default")
    parser.add_argument("--read", nargs="+", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--report", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read or arguments.report:
        code = read(arguments.read) if arguments.read else calibeval_main(arguments.report)
        sys.stderr.write(f"{peak()}\n")
        sys.exit(code)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        count = arguments.cases or (QUICK_CASES if arguments.quick else CASES)
        rounds = arguments.rounds or (1 if arguments.quick else ROUNDS)
        k, *space = arguments.shape or (QUICK_SHAPE if arguments.quick else SHAPE)
        shape = k, space[0], space[1]
        print(section(Path(folder), count, rounds, shape, quick=arguments.quick, brief=arguments.brief))


def section(
    folder: Path, count: int, rounds: int, shape: tuple[int, int, int], *, quick: bool, brief: bool = False
) -> str:
    """The section of the page. brief: without reports in two threads, and without the kernel."""
    measured_on = machine()
    all_of_them, few = (made(folder / str(many), many, shape) for many in (count, FILES))
    reading, one, two, plain, small = (
        "reading and unpacking the files alone",
        "`report --jobs 1`",
        "`report --jobs 2`",
        "`report --jobs 1`, without the compiled kernel",
        f"`report --jobs 1` of {FILES} cases",
    )
    commands: dict[str, tuple[Sequence[str], dict[str, str]]] = {
        reading: ([sys.executable, "-m", MODULE, "--read", *map(str, all_of_them)], {}),
        one: (report(all_of_them, 1), {}),
        two: (report(all_of_them, 2), {}),
        plain: (report(all_of_them, 1), WITHOUT),
        small: (report(few, 1), {}),
    }
    if brief:
        commands = {name: commands[name] for name in (reading, one, small)}
    found: dict[str, list[Ran]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (command, extra) in commands.items():
            found[name].append(ran(command, extra))
            say(f"{name}: {found[name][-1].cpu:.2f} s")
    best = {name: min(every, key=lambda ran: ran.cpu) for name, every in found.items()}
    if not brief and best[one].printed != best[two].printed:
        raise AssertionError("the report depends on the number of threads")
    rows = []
    for name, own in best.items():
        beside = show(own.cpu / best[reading].cpu) if name != small else ""
        each = f"{own.cpu / (FILES if name == small else count) * 1e3:.3g}"
        rows.append([name, show(own.cpu), each, beside, show(own.wall), f"{own.peak:.0f}"])
    grown = best[one].peak - best[small].peak
    over = best[one].cpu / best[reading].cpu
    targets = [
        target_row("`report --jobs 1` over reading alone", MOST_OVER_READING, over, at_least=False),
        target_row(
            f"memory of {count:,} cases beyond that of {FILES}", MOST_GROWTH, grown, at_least=False, unit=" MiB"
        ),
    ]
    k, *space = shape
    size = f"{' × '.join(map(str, space))} pixels and {k} classes"
    parts = [
        (
            f"{measured_on} {count:,} cases of {size} in compressed `.npz` files ({FILES} files under {count:,} "
            f"names), {4 * np.prod(shape) / MIB:.0f} MiB each as float32; whole processes, the least CPU time of "
            f"{rounds} {'round' if rounds == 1 else 'rounds in which they take turns'}."
            + ("" if brief else " One thread or two: the reports are the same bytes.")
        ),
        table(("process", "CPU, s", "CPU a case, ms", "vs reading", "wall, s", "peak, MiB"), rows),
        table(("what", "target", "reached", "met"), targets),
    ]
    if quick:
        parts.insert(0, "**A quick run with small cases: the targets are meant for the full one.**")
    return "\n\n".join(parts)


def made(folder: Path, count: int, shape: tuple[int, int, int]) -> tuple[Path, Path]:
    """Folders of scores and of labels, of so many cases."""
    folders, rng, (k, *space) = (folder / "scores", folder / "labels"), np.random.default_rng(0), shape
    for one in folders:
        one.mkdir(parents=True)
    for number in range(min(FILES, count)):
        coarse, more = rng.normal(size=(2, k, COARSE, COARSE))
        z, effect = smooth(3.0 * coarse, *space), smooth(more, *space)
        e, drawn = np.exp(z - z.max(axis=0)), z + effect
        np.savez_compressed(folders[0] / f"case{number:06d}.npz", probabilities=e / e.sum(axis=0))
        np.savez_compressed(folders[1] / f"case{number:06d}.npz", labels=drawn.argmax(axis=0).astype(np.uint8))
    for number in range(FILES, count):
        for one in folders:
            os.link(one / f"case{number % FILES:06d}.npz", one / f"case{number:06d}.npz")
    return folders


def smooth(coarse: np.ndarray, height: int, width: int) -> np.ndarray:
    """Interpolated values, (k, height, width) in float32, of a coarse grid (k, m, m)."""
    down, right = (_weights(size) for size in (height, width))
    return (down @ coarse @ right.T).astype(np.float32)


def _weights(size: int) -> np.ndarray:
    """The weights of the points of the grid, (size, COARSE): linear between neighbours."""
    place = np.linspace(0.0, COARSE - 1.0, size)[:, None]
    return np.maximum(1.0 - np.abs(place - np.arange(COARSE)), 0.0)


def report(folders: tuple[Path, Path], jobs: int) -> list[str]:
    """The command."""
    scores, labels = map(str, folders)
    options = ["--labels", labels, "--jobs", str(jobs), "--json", "--quiet"]
    return [sys.executable, "-m", MODULE, "--report", "report", scores, *options]


def ran(command: Sequence[str], extra: dict[str, str]) -> Ran:
    """Run a command of Python, which tells its peak at its end."""
    before, start = used(), time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **extra})
    return Ran(time.perf_counter() - start, used() - before, float(done.stderr.split()[-1]), done.stdout)


def used() -> float:
    """The CPU seconds of the processes that have ended."""
    both = resource.getrusage(resource.RUSAGE_CHILDREN)
    return both.ru_utime + both.ru_stime


def read(folders: Sequence[Path]) -> int:
    """Read and unpack all files of the folders."""
    for one in folders:
        for file in sorted(one.iterdir()):
            with np.load(file) as arrays:
                for name in arrays.files:
                    arrays[name].shape  # noqa: B018 - it is unpacked
    return 0


if __name__ == "__main__":
    main()
