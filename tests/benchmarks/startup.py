"""How long whole processes take: python -m tests.benchmarks.startup --quick --base OLDER_CHECKOUT.

Prints a section of docs/benchmarks.md. The processes take turns, so that ratios are paired: start-up in wall seconds,
and in CPU seconds what is compared in `waits`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.timing import (
    THREAD_VARIABLES,
    Timed,
    machine,
    ratio,
    say,
    show,
    size_name,
    table,
    target_row,
    version,
)
from tests.benchmarks.waits import npz, polars_python, waits

LARGE, QUICK_LARGE, SMALL = (50_000, 1000), (5_000, 1000), (1000, 10)
BARE, TORCH, NUMPY = "bare interpreter", "`python -c 'import torch'`", "`python -c 'import numpy'`"
HELP, REPORT_SMALL = "`calibeval --help`", f"`report` of {size_name(*SMALL)}, `--json`"
MOST_HELP, MOST_SMALL = 10.0, 18.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small dump, three rounds: does it run?")
    parser.add_argument("--rounds", type=int, help="15 by default")
    parser.add_argument("--base", type=Path, help="an older checkout whose reports are timed as well")
    parser.add_argument("--polars", help="a Python with polars, if this one has none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rounds, quick = arguments.rounds or (3 if arguments.quick else 15), arguments.quick
        print(section(Path(folder), rounds, quick=quick), end="\n\n")
        polars = polars_python(arguments.polars)
        print(waits(Path(folder), rounds, quick=quick, base=arguments.base, polars=polars))


def section(folder: Path, rounds: int, *, quick: bool) -> str:
    """The section of the page."""
    measured_on = machine()
    large = QUICK_LARGE if quick else LARGE
    report_large = f"`report` of {size_name(*large)}, stored `.npz`, `--json`"
    small_file, large_file = (npz(folder, *size) for size in (SMALL, large))
    calibeval = [sys.executable, "-m", "calibeval"]
    commands = {
        BARE: [sys.executable, "-c", "pass"],
        HELP: [*calibeval, "--help"],
        REPORT_SMALL: [*calibeval, "report", str(small_file), "--json"],
        report_large: [*calibeval, "report", str(large_file), "--json"],
        NUMPY: [sys.executable, "-c", "import numpy"],
        TORCH: [sys.executable, "-c", "import torch"],
    }
    if version("torch") is None:
        del commands[TORCH]
    times = processes(commands, rounds)
    rows = [
        [name, show(timed.least), show(timed.median), f"{show(ratio(timed, times[BARE]))}×"]
        for name, timed in times.items()
    ]
    targets = [
        target_row(f"{name} over a bare interpreter", limit, ratio(times[name], times[BARE]), at_least=False)
        for name, limit in ((HELP, MOST_HELP), (REPORT_SMALL, MOST_SMALL))
    ]
    if TORCH in times:
        reached = ratio(times[report_large], times[TORCH])
        targets.append(target_row(f"{report_large} over {TORCH}", 1.0, reached, at_least=False))
    parts = [
        (
            f"{measured_on} Wall seconds of whole processes, in {rounds} rounds in which they take turns; "
            "ratios are medians over the rounds."
        ),
        table(("process", "fastest, s", "median, s", "vs bare interpreter"), rows),
        _checksum_words(large_file),
        table(("what", "target", "reached", "met"), targets),
    ]
    if quick:
        parts.insert(0, "**A quick run with a small dump: the targets are meant for the full one.**")
    return "\n\n".join(parts)


def processes(commands: dict[str, Sequence[str]], rounds: int) -> dict[str, Timed]:
    """Wall seconds of each command; a round before the others warms the disk cache up."""
    environment = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    times = {name: Timed() for name in commands}
    with tempfile.TemporaryDirectory() as elsewhere:
        for number in range(rounds + 1):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True, cwd=elsewhere, env=environment)
                if number:
                    times[name].seconds.append(time.perf_counter() - start)
                    say(f"{name}: {times[name].seconds[-1]:.3f} s")
    return times


def _checksum_words(path: Path) -> str:
    """What hashing costs, which runs beside the work on the numbers."""
    data = path.read_bytes()
    start = time.process_time()
    hashlib.sha256(data)
    middle = time.process_time()
    zlib.crc32(data)
    end = time.process_time()
    return (
        f"Each `report` also computes the SHA-256 of its file and verifies the checksums inside it, in a separate "
        f"thread: for the largest file {middle - start:.2f} s and {end - middle:.2f} s "
        f"({len(data) / 1e9 / (middle - start):.1f} and {len(data) / 1e9 / (end - middle):.1f} GB/s)."
    )


if __name__ == "__main__":
    main()
