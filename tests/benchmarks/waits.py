"""What people wait for, as CPU seconds of whole processes in turns; `startup` prints it.

`-o` beside the plain report, `.pt` beside the same `.npz`, a CSV beside polars, and `report` beside an older checkout.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.benchmarks import dumps
from tests.benchmarks.timing import THREAD_VARIABLES, Timed, ratio, say, show, size_name, table, target_row, version

MOST_PAGE, MOST_PT, MOST_CSV, MOST_OF_BASE = 1.5, 1.1, 1.3, 0.7
PAGES = ((1000, 10), (5000, 10), (50_000, 100))
TENSORS = ((1000, 10), (1_000_000, 10), (50_000, 1000))
OF_BASE = ((1000, 10), (1_000_000, 10), (50_000, 1000), (10_000_000, 2))
TABLES, QUICK_TABLES = ((200_000, 100), (1_000_000, 10)), ((20_000, 100),)
CALIBEVAL = (sys.executable, "-m", "calibeval")
READ = """
import sys, time
from calibeval.readers.load import load
from calibeval.readers.remote.find import steady_file
from calibeval.readers.stored.limits import Limits
from pathlib import Path
path, limits = Path(sys.argv[1]), Limits()
cpu, wall = time.process_time(), time.perf_counter()
load(steady_file(path, limits, whole=True), limits).arrays["logits"].load()
print(time.process_time() - cpu, time.perf_counter() - wall)
"""
POLARS = """
import sys, time, polars
cpu, wall = time.process_time(), time.perf_counter()
polars.read_csv(sys.argv[1])
print(time.process_time() - cpu, time.perf_counter() - wall)
"""


class Pair(NamedTuple):
    """Two commands, of which the first may take `most` times as long as the second."""

    what: str
    first: Sequence[str]
    second: Sequence[str]
    most: float
    second_at: Path | None = None  # the checkout whose code the second command runs


class Both(NamedTuple):
    """CPU seconds of both commands by round."""

    first: Timed
    second: Timed


def waits(folder: Path, rounds: int, *, quick: bool, base: Path | None, polars: str | None) -> str:
    """The tables. base: an older checkout. polars: a Python that has it; None: no comparison with it."""
    pairs = _pairs(folder, base, quick=quick)
    found = {pair.what: measured(pair, rounds) for pair in pairs}
    rows = [
        [what, show(both.first.least), show(both.second.least), f"{show(ratio(*both))}×"]
        for what, both in found.items()
    ]
    targets = [target_row(pair.what, pair.most, ratio(*found[pair.what]), at_least=False) for pair in pairs]
    if polars is not None:
        for n, k in QUICK_TABLES if quick else TABLES:
            for clock, both in zip(("CPU", "wall"), _parsed(_csv(folder, n, k), polars, rounds), strict=True):
                what = f"CSV of {size_name(n, k)} over polars' parse, {clock}"
                rows.append([what, show(both.first.least), show(both.second.least), f"{show(ratio(*both))}×"])
                targets.append(target_row(what, MOST_CSV, ratio(*both), at_least=False))
    told = (
        f"CPU seconds of whole processes with one numerical thread, bytecode cached, in {rounds} rounds in which both "
        "take turns; ratios are medians over the rounds. Tables are timed inside their processes, without imports."
    )
    parts = [told, table(("first over second", "first, s", "second, s", "ratio"), rows)]
    return "\n\n".join([*parts, table(("what", "target", "reached", "met"), targets)])


def polars_python(asked: str | None) -> str | None:
    """The Python whose polars is compared: that which was asked for, or this one, if it has polars."""
    return asked or (sys.executable if version("polars") else None)


def _pairs(folder: Path, base: Path | None, *, quick: bool) -> list[Pair]:
    pairs = []
    for n, k in PAGES[: 1 if quick else None]:
        plain = [*CALIBEVAL, "report", str(npz(folder, n, k))]
        page = [*plain, "-o", str(folder / f"page-{n}x{k}")]
        pairs.append(Pair(f"`report` of {size_name(n, k)} with `-o`, over without", page, plain, MOST_PAGE))
    for n, k in (TENSORS if version("torch") else ())[: 1 if quick else None]:
        commands = [[*CALIBEVAL, "report", str(path), "--json"] for path in (_pt(folder, n, k), npz(folder, n, k))]
        pairs.append(Pair(f"`report` of {size_name(n, k)}, `.pt` over `.npz`", *commands, MOST_PT))
    for n, k in (OF_BASE if base is not None else ())[: 1 if quick else None]:
        command = [*CALIBEVAL, "report", str(npz(folder, n, k)), "--json"]
        pairs.append(
            Pair(f"`report --json` of {size_name(n, k)}, over that of before", command, command, MOST_OF_BASE, base)
        )
    return pairs


def measured(pair: Pair, rounds: int) -> Both:
    """CPU seconds of both commands; a round before the others fills the caches."""
    found = Both(Timed(), Timed())
    for number in range(rounds + 1):
        for timed, command, at in zip(found, (pair.first, pair.second), (None, pair.second_at), strict=True):
            seconds = cpu_seconds(command, at)
            if number:
                timed.seconds.append(seconds)
                say(f"{pair.what}: {seconds:.3f} s")
    return found


def cpu_seconds(command: Sequence[str], code: Path | None = None) -> float:
    """CPU seconds of a process and its children. code: the checkout that it imports; None: this one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(command, environment(code))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def environment(code: Path | None = None) -> Mapping[str, str]:
    """One numerical thread, bytecode that is kept, and the code of a checkout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    here = Path(__file__).parents[2]
    return {**kept, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONPATH": str((code or here).resolve())}


def _run(command: Sequence[str], variables: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory() as elsewhere:
        return subprocess.run(
            command, check=True, capture_output=True, cwd=elsewhere, env=variables, encoding="utf-8"
        ).stdout


def _parsed(path: Path, polars: str, rounds: int) -> tuple[Both, Both]:
    """CPU and wall seconds that calibeval and polars need for a table, both with the threads that they choose."""
    cpu, wall = Both(Timed(), Timed()), Both(Timed(), Timed())
    ours = {name: value for name, value in environment().items() if name not in THREAD_VARIABLES}
    theirs = {name: value for name, value in ours.items() if name != "PYTHONPATH"}
    for _ in range(rounds):
        for which, (python, code, variables) in enumerate(((sys.executable, READ, ours), (polars, POLARS, theirs))):
            seconds = [float(one) for one in _run((python, "-c", code, str(path)), variables).split()]
            cpu[which].seconds.append(seconds[0])
            wall[which].seconds.append(seconds[1])
            say(f"{path.name}: {seconds[0]:.3f} CPU s, {seconds[1]:.3f} s")
    return cpu, wall


def npz(folder: Path, n: int, k: int) -> Path:
    """A stored `.npz` of this size."""
    path = folder / f"{n}x{k}.npz"
    if not path.exists():
        logits, labels = dumps.make(folder, n, k).load()
        np.savez(path, logits=logits, labels=labels)
    return path


def _pt(folder: Path, n: int, k: int) -> Path:
    import torch  # noqa: PLC0415 - only where it is there

    path = folder / f"{n}x{k}.pt"
    logits, labels = dumps.make(folder, n, k).load()
    torch.save({"logits": torch.from_numpy(logits), "labels": torch.from_numpy(labels)}, path)
    return path


def _csv(folder: Path, n: int, k: int) -> Path:
    """A table with six decimals for each score."""
    path = folder / f"{n}x{k}.csv"
    logits, labels = dumps.make(folder, n, k).load()
    start = time.perf_counter()
    with path.open("w", encoding="ascii") as file:
        file.write(",".join([f"logit_{i}" for i in range(k)]) + ",label\n")
        for row, label in zip(logits, labels.tolist(), strict=True):
            file.write(",".join([f"{value:.6f}" for value in row.tolist()]) + f",{label}\n")
    say(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, written in {time.perf_counter() - start:.0f} s")
    return path
