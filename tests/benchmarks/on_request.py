"""What all metrics cost beside those of every report: python -m tests.benchmarks.on_request --quick.

Prints a section of docs/benchmarks.md. CPU seconds of one thread, with those of the system; whole processes read a
stored .npz file.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from calibeval import Predictions, evaluate
from tests.benchmarks import dumps
from tests.benchmarks.timing import (
    Contender,
    Timed,
    interleaved,
    machine,
    one_thread,
    ratio,
    say,
    show,
    size_name,
    table,
    target_row,
)

SIZES, QUICK_SIZES = ((1_000_000, 10), (4_000_000, 10)), ((50_000, 10),)
USUAL, ALL = "default report", "`--metrics all`"
MOST = 5.0


def main() -> None:
    """Print the section."""
    one_thread("tests.benchmarks.on_request")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small dump, two rounds: does it run?")
    parser.add_argument("--rounds", type=int, help="5 by default")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    with tempfile.TemporaryDirectory() as folder:
        print(section(Path(folder), QUICK_SIZES if arguments.quick else SIZES, rounds))


def section(folder: Path, sizes: tuple[tuple[int, int], ...], rounds: int) -> str:
    """The section of the page."""
    measured_on, rows, targets = machine(), [], []
    for n, k in sizes:
        say(size_name(n, k))
        logits, labels = dumps.make(folder, n, k).load()
        inside = _inside(logits, labels, rounds)
        path = folder / f"{n}x{k}.npz"
        np.savez(path, logits=logits, labels=labels)
        for where, found in (("in the process", inside), ("whole process", _processes(path, rounds))):
            usual, every = found[USUAL], found[ALL]
            times = ratio(every, usual)
            rows.append([size_name(n, k), where, show(usual.median), show(every.median), f"{show(times)}×"])
            targets.append(target_row(f"{size_name(n, k)}, {where}", MOST, times, at_least=False))
        path.unlink()
    how = (
        f"CPU seconds of one thread, medians of {rounds} rounds in turns; logits in float32. Beyond 2^19 rows, metrics "
        "of single rows are those of cells."
    )
    measured = table(["size", "where", USUAL, ALL, "ratio"], rows)
    return f"{measured_on} {how}\n\n{measured}\n\n{table(['ratio', 'target', 'reached', ''], targets)}"


def _inside(logits: np.ndarray, labels: np.ndarray, rounds: int) -> dict[str, Timed]:
    def run(rows: int, metrics: str | None) -> None:
        evaluate(Predictions(logits=logits[:rows], labels=labels[:rows]), metrics=metrics)

    contenders = [Contender(USUAL, lambda rows: run(rows, None)), Contender(ALL, lambda rows: run(rows, "all"))]
    return interleaved(contenders, len(labels), rounds)


def _processes(path: Path, rounds: int) -> dict[str, Timed]:
    found = {USUAL: Timed(), ALL: Timed()}
    for _ in range(rounds):
        for name, more in ((USUAL, []), (ALL, ["--metrics", "all"])):
            before = _of_children()
            command = [sys.executable, "-m", "calibeval", "report", str(path), "--json", "--quiet", *more]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            found[name].seconds.append(_of_children() - before)
            say(f"{name}: {found[name].seconds[-1]:.3f} s")
    return found


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
