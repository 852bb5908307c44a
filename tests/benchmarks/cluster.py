"""Reports of many shards in one process and by the workers of a cluster: python -m tests.benchmarks.cluster --quick.

Prints a section of docs/benchmarks.md: 200 shards of 50,000 rows and 100 classes, 4 GB, and a plan for 10^11 rows from
parts that are measured here. What every run prints is compared with the first, except for the command line.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

import calibeval
from calibeval.core.data.far_rows import TASK_SCORES
from calibeval.core.sums.engine import chunk_rows, edges_of, piece_of
from calibeval.core.sums.row_keys import CountedKeys
from calibeval.engines.dask import dask_engine
from tests.benchmarks.timing import cores, machine, say, show, table

ROOT = Path(__file__).resolve().parents[2]
SHARDS, ROWS, CLASSES = 200, 50_000, 100
QUICK_SHARDS, QUICK_ROWS = 8, 20_000
WORKERS = 2
TASKS, QUICK_TASKS = 2000, 200
PLANNED, PLANNED_WORKERS = 10**11, 1000
START_S = 1.5  # CPU seconds that a worker needs to start
NETWORK = 1e9  # bytes a second that the plan assumes to reach the process that asks
LIMITED = ["--max-memory", "256M"]
SERIAL, STREAMED = "one process, one thread", "one process, one thread, `--max-memory 256M`"
KILLED = "`--engine dask`, 2 processes, one of them killed in the middle"
WAYS = {
    SERIAL: ["--jobs", "1"],
    "one process, 2 threads": ["--jobs", "2"],
    "`--engine dask`, 2 processes": ["--jobs", "2", "--engine", "dask"],
    KILLED: ["--jobs", "2", "--engine", "dask"],
    STREAMED: ["--jobs", "1", *LIMITED],
    "`--engine dask`, 2 processes, `--max-memory 256M`": ["--jobs", "2", "--engine", "dask", *LIMITED],
}


class Ran(NamedTuple):
    """A run of the command: seconds, MiB of the process that asks, and what it printed."""

    wall: float
    cpu: float
    peak: float
    printed: str


class Parts(NamedTuple):
    """Measured parts of a plan: CPU seconds for a row, a byte of SHA-256, a task of nothing, and adding a row's sums.

    answer: bytes that a worker sends for a row.
    """

    row: float
    hashed: float
    task: float
    added: float
    answer: float


def main() -> None:
    """Print the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="8 shards of 20,000 rows")
    quick = parser.parse_args().quick
    shards, rows = (QUICK_SHARDS, QUICK_ROWS) if quick else (SHARDS, ROWS)
    with tempfile.TemporaryDirectory(prefix="calibeval-cluster-") as folder:
        say(f"cluster: writing {shards} shards")
        write(Path(folder), shards, rows)
        ran: dict[str, Ran] = {}
        for name, options in WAYS.items():
            kill_after = max(START_S, ran[SERIAL].cpu / 5) if name == KILLED else None
            ran[name] = report(folder, options, kill_after)
        parts = measured(next(Path(folder).iterdir()), rows, QUICK_TASKS if quick else TASKS)
    print(section(ran, parts, shards, rows))


def write(folder: Path, shards: int, rows: int) -> None:
    """Shards of over-confident logits in float32, with labels of one byte."""
    for i in range(shards):
        rng = np.random.default_rng(i)
        logits = rng.standard_normal((rows, CLASSES), np.float32) * 2
        labels = rng.integers(0, CLASSES, rows).astype(np.uint8)
        logits[np.arange(rows), labels] += 3
        np.savez(folder / f"part-{i:05d}-of-{shards:05d}.npz", logits=logits, labels=labels)


def report(folder: str, options: list[str], kill_after: float | None = None) -> Ran:
    """Run the command. kill_after: the CPU seconds of a worker after which it is killed; None: none is."""
    say(f"cluster: report {' '.join(options)}{'' if kill_after is None else ', a worker killed'}")
    command = [sys.executable, "-m", "calibeval", "report", folder, "--json", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen(command, stdout=out, env=environment, cwd=folder + "/..") as process,
    ):
        peak = watched(psutil.Process(process.pid), process, kill_after)
        if process.returncode:
            raise RuntimeError(f"{command} ended with {process.returncode}")
        wall = time.perf_counter() - start
        out.seek(0)
        found = json.loads(out.read())
        found["environment"].pop("command")  # it names --max-memory
        printed = json.dumps(found)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(wall, cpu, peak, printed)


def watched(one: psutil.Process, process: subprocess.Popen[bytes], kill_after: float | None) -> float:
    """Wait for the process; its largest memory in MiB."""
    peak = 0.0
    while process.poll() is None:
        try:
            peak = max(peak, one.memory_info().rss / 2**20)
            if kill_after is not None:
                busy = [child for child in one.children(recursive=True) if used(child) > kill_after]
                if busy:
                    os.kill(busy[0].pid, signal.SIGKILL)
                    say(f"cluster: killed a worker after {used_name(kill_after)} of CPU")
                    kill_after = None
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.05)
    if kill_after is not None:
        say("cluster: no worker was killed, as the run was over before")
    return peak


def used(process: psutil.Process) -> float:
    """CPU seconds of a process."""
    times = process.cpu_times()
    return float(times.user + times.system)


def used_name(seconds: float) -> str:
    """Seconds in words."""
    return f"{show(seconds)} s"


def measured(shard: Path, rows: int, tasks: int) -> Parts:
    """What a plan needs, from one shard and a cluster without work."""
    predictions = calibeval.read(shard)
    edges = edges_of(predictions, 15)
    block = predictions.block(0, min(chunk_rows(predictions), rows))
    b = len(block.labels)
    row = cpu_of(lambda: piece_of(predictions, block, *edges, keep_rows=False)) / b
    piece = piece_of(predictions, block, *edges, keep_rows=False)
    answer = pickle.dumps(piece, protocol=5)
    keys = CountedKeys(rows, iter, 0.0)

    def add() -> None:
        one = pickle.loads(answer)  # noqa: S301 - what was packed above
        keys.put(0, one.keys)
        _ = piece.sums + one.sums

    content = shard.read_bytes()
    hashed = cpu_of(lambda: hashlib.sha256(content)) / len(content)
    with dask_engine(None, WORKERS) as engine:
        list(engine.in_order(abs, range(100)))
        task = cpu_of(lambda: list(engine.in_order(abs, range(tasks))), rounds=3) / tasks
    return Parts(row, hashed, task, cpu_of(add) / b, len(answer) / b)


def cpu_of(work: Callable[[], object], rounds: int = 5) -> float:
    """The least CPU seconds."""
    least = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        least = min(least, time.process_time() - start)
    return least


def section(ran: dict[str, Ran], parts: Parts, shards: int, rows: int) -> str:
    """The section of the page."""
    lines = []
    for name, one in ran.items():
        first = ran[STREAMED if LIMITED[0] in WAYS[name] else SERIAL]
        same = "yes" if one.printed == first.printed else "NO"
        lines.append([name, show(one.wall), show(one.cpu), f"{one.cpu - first.cpu:+.1f}", f"{one.peak:,.0f}", same])
    heads = ["`calibeval report --json`", "wall s", "CPU s", "more CPU s", "MiB of the asking process", "same bytes"]
    size = f"{shards} shards of {rows:,} rows and {CLASSES} classes, float32 `.npz`"
    return f"""{machine()} {size}: {shards * rows * CLASSES * 4 / 1e9:.2g} GB.
CPU seconds are those of all processes with their start. CPU seconds and bytes are compared with those of one thread
under the same limit of memory, which decides last digits of equal-mass bins; wall seconds depend on what else the
{cores()} cores do.

{table(heads, lines)}

A worker that is killed is started again by the cluster, and its unfinished tasks are done once more.

### A plan for 10^11 rows

{plan(parts)}"""


def plan(parts: Parts) -> str:
    """What 10^11 rows would take, from the measured parts."""
    size, tasks = 4 * CLASSES, 2 * PLANNED * CLASSES // TASK_SCORES
    of_row, of_bytes = 2 * parts.row, size * parts.hashed
    sums, hashes = (f"{PLANNED * each / 3600:,.0f} core hours" for each in (of_row, of_bytes))
    answers, sent = PLANNED * parts.answer / 1e12, PLANNED * parts.answer / NETWORK
    asking = parts.added + parts.answer / NETWORK + 2 * parts.task * CLASSES / TASK_SCORES
    lines = [
        ["scores", f"{size} bytes a row", f"{PLANNED * size / 1e12:,.0f} TB"],
        ["sums, in two passes", f"{parts.row * 1e9:,.0f} ns a row", sums],
        ["SHA-256", f"{1e-6 / parts.hashed:,.0f} MB a second", hashes],
        [f"both on {PLANNED_WORKERS:,} cores", "", minutes(PLANNED * (of_row + of_bytes) / PLANNED_WORKERS)],
        ["tasks of 2^27 scores", f"{parts.task * 1e3:.2g} ms each", f"{tasks:,}: {minutes(tasks * parts.task)}"],
        ["partial sums, sent", f"{parts.answer:,.1f} bytes a row", f"{answers:,.2g} TB: {minutes(sent)} at 1 GB/s"],
        ["partial sums, added", f"{parts.added * 1e9:.2g} ns a row", minutes(PLANNED * parts.added)],
        ["labels that are kept", "1 byte a row as uint8", f"{PLANNED / 1e9:,.0f} GB"],
    ]
    workers = max(1, int((of_row + of_bytes) / asking))
    return f"""On paper, from parts that were measured on one core of this machine; nobody ran it. The scores exceed any
memory, so the edges of equal-mass bins take a second pass. One process asks: it hands out tasks, which takes CPU time
of client and scheduler, keeps the labels, and adds partial sums in the order of the rows.

{table(["what", "measured", "all rows"], lines)}

That one process is the limit: with more than about {workers:,} cores the workers wait for it. Where this, or memory for
the labels, is too little, cut the rows into dumps of about 10^9 rows, let each job of an array write
`calibeval sums DUMP -o part.sums`, and report on `part*.sums`: a file of sums does not grow with the rows."""


def minutes(seconds: float) -> str:
    """Seconds as minutes."""
    return f"{seconds / 60:,.0f} min"


if __name__ == "__main__":
    main()
