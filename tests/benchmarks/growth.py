"""How time and memory grow, and a dump larger than memory: python -m tests.benchmarks.growth --quick.

Prints a section of docs/benchmarks.md. --full makes the dump on disk larger than this machine's memory: a sparse
file, which takes up little room, with blocks of real rows at intervals.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.cli.main import main as calibeval_main
from tests.benchmarks import dumps
from tests.benchmarks.timing import MIB, extra_peak, machine, one_thread, peak, say, show, size_name, table, target_row

ROOT = Path(__file__).resolve().parents[2]
MODULE = "tests.benchmarks.growth"

ROWS, QUICK_ROWS, ROWS_K = (10**4, 10**5, 10**6, 10**7), (10**4, 10**5), 10
CLASSES = (2, 4, 10, 16, 17, 50, 100, 1000, 2000)  # the engine changes its layout between 16 and 17
SCORES, QUICK_SCORES = 2 * 10**7, 10**6
ROUNDS = 5

OVER_MEMORY = 1.3
MODEST_GIB, QUICK_GIB = 4.0, 0.25
REAL_SHARE = 16  # one block in so many holds real rows, the others are holes: logits that all tie
MOST_MIB, BYTES_A_ROW = 32, 8


class Grown(NamedTuple):
    """One size: CPU seconds, and MiB beyond the input (None where the system does not tell)."""

    n: int
    k: int
    seconds: float
    extra: float | None


class OutOfCore(NamedTuple):
    """A report on a file: sizes in bytes, wall and CPU seconds, peak of the process in MiB."""

    n: int
    k: int
    size: int
    on_disk: int
    limit: int
    labels: int
    wall: float
    cpu: float
    peak: float
    start: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--full", action="store_true", help="a file of 1.3 times the memory")
    parser.add_argument("--gib", type=float, help="size of the file on disk in GiB; 4 by default")
    parser.add_argument("--classes", type=int, default=1000, help="classes of the file on disk")
    parser.add_argument("--max-memory", type=int, default=256 * MIB, help="limit for the file on disk, in bytes")
    parser.add_argument("--folder", type=Path, help="where the dumps are made; a temporary folder by default")
    parser.add_argument("--measure", nargs=4, metavar=("LOGITS", "LABELS", "N", "K"), help=argparse.SUPPRESS)
    parser.add_argument("--report", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.report:
        print_report(arguments.report)
        return
    one_thread(MODULE)
    if arguments.measure:
        logits, labels, n, k = arguments.measure
        print_measured(dumps.Dump(Path(logits), Path(labels), int(n), int(k)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        print(section(Path(folder), arguments))


def section(folder: Path, arguments: argparse.Namespace) -> str:
    """The section of the page."""
    quick = arguments.quick
    measured_on = machine()
    by_rows = [grown(folder, n, ROWS_K) for n in (QUICK_ROWS if quick else ROWS)]
    scores = QUICK_SCORES if quick else SCORES
    by_classes = [grown(folder, scores // k, k) for k in CLASSES]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gib = arguments.gib or (QUICK_GIB if quick else MODEST_GIB)
    size = int(OVER_MEMORY * memory) if arguments.full else int(gib * 2**30)
    large = out_of_core(folder, size, arguments.classes, min(arguments.max_memory, size // 2))
    targets = [_memory_target(one) for one in (*by_rows, *by_classes) if one.extra is not None]
    limit = (large.limit + large.labels) / MIB + MOST_MIB
    what = f"file of {size / 2**30:.1f} GiB: memory beyond the imports"
    targets.append(target_row(what, limit, large.peak - large.start, at_least=False, unit=" MiB"))
    parts = [
        (
            f"{measured_on} CPU seconds of one thread, the fastest of {ROUNDS}; extra memory is the peak beyond the "
            "input. Every metric and floor, without intervals."
        ),
        f"### By number of rows, {ROWS_K} classes\n\n{_table(by_rows)}",
        f"### By number of classes, {scores / 1e6:g} million scores\n\n{_table(by_classes)}",
        f"### A file {'larger than memory' if arguments.full else 'read block by block'}\n\n{_words(large, memory)}",
        f"### Targets\n\n{table(('what', 'target', 'reached', 'met'), targets)}",
    ]
    if quick:
        parts.insert(0, "**A quick run at small sizes.**")
    return "\n\n".join(parts)


def grown(folder: Path, n: int, k: int) -> Grown:
    """Time and memory of one size, in a process of its own."""
    dump = dumps.make(folder, n, k)
    found = _child("--measure", str(dump.logits), str(dump.labels), str(n), str(k))
    dump.logits.unlink()
    dump.labels.unlink()
    say(f"{size_name(n, k)}: {found}")
    return Grown(n, k, found["seconds"], found["extra"])


def print_measured(dump: dumps.Dump) -> None:
    """What `grown` reads; everything is loaded and warm before memory is looked at."""
    predictions = Predictions(logits=(data := dump.load())[0], labels=data[1])
    evaluate(predictions.select(np.arange(min(dump.n, 1000))), level=None)
    extra = extra_peak(lambda: evaluate(predictions, level=None))
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        evaluate(predictions, level=None)
        seconds.append(time.process_time() - start)
    print(json.dumps({"seconds": min(seconds), "extra": extra}))


def out_of_core(folder: Path, size: int, k: int, limit: int) -> OutOfCore:
    """`calibeval report` of a sparse `.npy` of about so many bytes, with the labels beside it."""
    n = size // (4 * k)
    scores, labels = sparse(folder, n, k)
    say(f"report of {size_name(n, k)}, {size / 2**30:.1f} GiB")
    names = [str(scores), "--labels", str(labels), "--kind", "logits"]
    start = time.perf_counter()
    found = _child("--report", "report", *names, f"--max-memory={limit}", "--json", "--quiet")
    wall = time.perf_counter() - start
    say(f"{found}, {wall:.1f} s")
    return OutOfCore(
        n=n,
        k=k,
        size=scores.stat().st_size,
        on_disk=scores.stat().st_blocks * 512,
        limit=limit,
        labels=labels.stat().st_size,
        wall=found["wall"],
        cpu=found["cpu"],
        peak=found["peak"],
        start=found["start"],
    )


def sparse(folder: Path, n: int, k: int) -> tuple[Path, Path]:
    """A `.npy` of n rows, one block in REAL_SHARE real and the others holes, and its labels."""
    scores, labels = folder / "scores.npy", folder / "labels.npy"
    real, outcomes = next(dumps.blocks(max(1, dumps.BLOCK // k), k, seed=1))
    every = np.random.default_rng(2).integers(0, k, n, np.int16)
    with scores.open("wb") as file:
        header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": (n, k)}
        np.lib.format.write_array_header_1_0(file, header)
        offset = file.tell()
        file.truncate(offset + 4 * n * k)
        for first in range(0, n - len(real) + 1, len(real) * REAL_SHARE):
            file.seek(offset + 4 * first * k)
            file.write(real.data)
            every[first : first + len(real)] = outcomes
    np.save(labels, every)
    if scores.stat().st_blocks * 512 > scores.stat().st_size // 2:
        say("this folder's file system keeps no holes: the file takes up its whole size")
    return scores, labels


def print_report(words: list[str]) -> None:
    """What `out_of_core` reads: memory once everything is imported, then at the most, and the time in between."""
    import_all()
    start, wall, cpu = peak(), time.perf_counter(), time.process_time()
    shown = io.StringIO()
    with redirect_stdout(shown):
        code = calibeval_main(words)
    if code:
        raise SystemExit(code)
    json.loads(shown.getvalue())
    found = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak": peak(), "start": start}
    print(json.dumps(found))


def import_all() -> None:
    """Import what a report imports late, by a report of two rows."""
    evaluate(Predictions(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0]))


def _child(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", MODULE, *words]
    child = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if child.returncode:
        raise SystemExit(f"{' '.join(words[:2])} failed with exit code {child.returncode}")
    return dict(json.loads(child.stdout.strip().splitlines()[-1]))


def _table(sizes: list[Grown]) -> str:
    rows = [
        [
            size_name(one.n, one.k),
            show(one.seconds),
            show(one.seconds / one.n * 1e9),
            show(one.seconds / one.n / one.k * 1e9),
            "" if one.extra is None else f"{one.extra:.0f}",
        ]
        for one in sizes
    ]
    return table(("size", "CPU s", "ns per row", "ns per score", "extra MiB"), rows)


def _memory_target(one: Grown) -> list[str]:
    limit = MOST_MIB + BYTES_A_ROW * one.n / MIB
    what = f"{size_name(one.n, one.k)}: extra memory"
    return target_row(what, limit, one.extra or 0.0, at_least=False, unit=" MiB")


def _words(large: OutOfCore, memory: int) -> str:
    rows = [
        ["file", f"{large.size / 2**30:.1f} GiB ({large.n} rows × {large.k} classes)"],
        ["actually on disk", f"{show(large.on_disk / 2**30)} GiB (the rest are holes, which read as equal logits)"],
        ["memory of the machine", f"{memory / 2**30:.1f} GiB"],
        ["`--max-memory`", f"{large.limit / MIB:.0f} MiB"],
        ["labels, kept in memory", f"{show(large.labels / MIB)} MiB"],
        ["peak of the whole process", f"{large.peak:.0f} MiB, {large.start:.0f} MiB of it imports"],
        ["wall, all processors", f"{large.wall:.1f} s, with the checksum of the file"],
        ["CPU", f"{large.cpu:.1f} s"],
        ["rows per second", f"{large.n / large.wall:,.0f}"],
        ["scores per second", f"{large.n * large.k / large.wall / 1e6:,.0f} million"],
    ]
    return table(("`calibeval report` of a `.npy`", ""), rows)


if __name__ == "__main__":
    main()
