"""The engine beside other libraries and beside the exp floor: python -m tests.benchmarks.engine --quick.

Prints a section of docs/benchmarks.md. CPU seconds, one thread; scores and labels are in memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from calibeval import Predictions, compare, evaluate
from calibeval.core.sums.kernel import kernel_words
from tests.benchmarks import dumps, peers, plain
from tests.benchmarks.floors import Floor, exp_floor, least_of_three
from tests.benchmarks.timing import (
    Contender,
    Timed,
    extra_peak,
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

SIZES = ((50_000, 1000), (1_000_000, 100), (1_000_000, 10), (10_000_000, 2))
QUICK_SIZES = ((5_000, 1000), (50_000, 100), (100_000, 10), (500_000, 2))
# Two classes up to 2e7 rows, as sums in float32 fail first there; and float64 scores, which lose nothing.
AGREEMENT = ((1_000_000, 2, "float32"), (20_000_000, 2, "float32"), (1_000_000, 10, "float64"))
QUICK_AGREEMENT = ((1_000_000, 2, "float32"), (100_000, 10, "float64"))
NETCAL_CLASSES = 10  # netcal is timed at this number of classes only

FLOOR, ALL, INTERVALS = "exp floor", "**calibeval**: every metric and floor", "**calibeval**, with intervals"
MOST_FLOORS = {1000: 6.0, 100: 9.0, 10: 25.0, 2: 25.0}
LEAST_SPEEDUP = {1000: 40.0, 100: 20.0, 10: 10.0, 2: 7.0}
MOST_MIB, BYTES_A_ROW = 32, 8
MOST_DIFFERENCE = {"float32": 1e-6, "float64": 1e-9}
MOST_WITH_INTERVALS, MOST_REPORTS_A_COMPARISON = 1.2, 3.0  # at the number of classes at which these are asked for
COST_CLASSES = 10
ROOT = Path(__file__).resolve().parents[2]


class Size(NamedTuple):
    """What was measured at one size; extra: MiB beyond the input by contender; errors: relative, by contender.

    comparison: a comparison of two dumps over one report.
    """

    n: int
    k: int
    times: dict[str, Timed]
    extra: dict[str, float]
    errors: dict[str, dict[str, float]]
    comparison: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, two rounds: does it run?")
    parser.add_argument("--rounds", type=int, help="rounds at each size; 5 by default")
    parser.add_argument("--folder", type=Path, help="where the dumps are kept; a temporary folder by default")
    parser.add_argument("--extra", metavar="CONTENDER", help=argparse.SUPPRESS)
    parser.add_argument("--dump", nargs=3, metavar=("LOGITS", "LABELS", "K"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    one_thread("tests.benchmarks.engine")
    if arguments.extra:
        logits, labels, k = arguments.dump
        print_extra(arguments.extra, dumps.Dump(Path(logits), Path(labels), 0, int(k)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(section(folder, arguments.rounds or (2 if arguments.quick else 5), quick=arguments.quick))


def section(folder: Path, rounds: int, *, quick: bool) -> str:
    """The section of the page."""
    measured_on = machine()
    floor, floor_words = exp_floor()
    sizes = [measure(folder, n, k, rounds, floor) for n, k in (QUICK_SIZES if quick else SIZES)]
    agreement = [agree(folder, *case) for case in (QUICK_AGREEMENT if quick else AGREEMENT)]
    parts = [
        (
            f"{measured_on} CPU seconds of one thread, softmax included; float32 logits and int64 labels in memory. "
            f"The programs take turns in {rounds} rounds (slow ones in fewer); ratios are medians over the rounds. "
            f"The exp floor is {floor_words}, for this processor; in every "
            f"round, it is the fastest of three in a row. calibeval's kernel: {kernel_words()}."
        ),
        (
            "Errors are relative to the definitions in float64; extra memory is the peak beyond the input. "
            "The other libraries compute fewer metrics, and no floors; for class-wise errors, their own function is "
            "called for each class."
        ),
        *(f"### {size_name(size.n, size.k)}\n\n{_size_table(size)}" for size in sizes),
        f"### Agreement with float64\n\n{_agreement_table(sizes, agreement)}",
        f"### Targets\n\n{table(('what', 'target', 'reached', 'met'), _targets(sizes, agreement))}",
    ]
    if quick:
        parts.insert(0, "**A quick run at small sizes: the targets are meant for the full ones.**")
    return "\n\n".join(parts)


def measure(folder: Path, n: int, k: int, rounds: int, floor: Floor) -> Size:
    """Times, extra memory and errors of all contenders at one size."""
    say(f"--- {size_name(n, k)}")
    dump = dumps.make(folder, n, k)
    logits, labels = dump.load()
    names = [name for name in peers.ORDER if name != peers.NETCAL or k == NETCAL_CLASSES]
    contenders = [
        Contender(FLOOR, least_of_three(floor, logits), optional=False, timed=True),
        *(own(name, logits, labels) for name in (ALL, INTERVALS)),
        *(peers.contender(name, logits, labels) for name in names),
    ]
    times = interleaved(contenders, n, rounds)
    truth = plain.metrics(logits, labels)
    errors = {c.name: differences(c.run(n), truth) for c in contenders if c.name != FLOOR and times[c.name].seconds}
    comparison = comparison_cost(logits, labels, rounds) if k == COST_CLASSES else None
    extra = {name: measure_extra(name, dump) for name in errors}
    known = {name: mib for name, mib in extra.items() if mib is not None}
    return Size(n, k, times, known, errors, comparison)


def own(name: str, logits: np.ndarray, labels: np.ndarray) -> Contender:
    """calibeval as a contender."""
    level = 0.95 if name == INTERVALS else None

    def run(rows: int) -> dict[str, float]:
        report = evaluate(Predictions(logits=logits[:rows], labels=labels[:rows]), level=level, jobs=1)
        return {metric: result.value for metric, result in report.dumps[0].metrics.items() if result.value is not None}

    return Contender(name, run, optional=False)


def comparison_cost(logits: np.ndarray, labels: np.ndarray, rounds: int) -> float:
    """CPU seconds of a comparison with a slightly other model, over those of one report with intervals."""
    base = Predictions(logits=logits, labels=labels)
    noise = np.random.default_rng(0).normal(scale=0.1, size=logits.shape)
    other = Predictions(logits=(0.9 * logits + noise).astype(logits.dtype), labels=labels)
    contenders = [
        Contender("report", lambda _: evaluate(base, jobs=1)),
        Contender("comparison", lambda _: compare(base, [other], jobs=1)),
    ]
    one, two = interleaved(contenders, len(labels), rounds).values()
    return ratio(two, one)


def differences(found: object, truth: Mapping[str, float]) -> dict[str, float]:
    """Relative difference of each metric found that has a definition to be computed from."""
    if not isinstance(found, dict):
        return {}
    return {name: abs(value - truth[name]) / abs(truth[name]) for name, value in found.items() if name in truth}


def agree(folder: Path, n: int, k: int, dtype: str) -> tuple[str, float, str]:
    """A size in words, the largest relative difference of calibeval's metrics from the definitions, and the type."""
    say(f"--- agreement: {size_name(n, k)} {dtype}")
    logits, labels = dumps.make(folder, n, k, dtype).load()
    worst = max(differences(own(ALL, logits, labels).run(n), plain.metrics(logits, labels)).values())
    return f"{size_name(n, k)}, {dtype}", worst, dtype


def measure_extra(name: str, dump: dumps.Dump) -> float | None:
    """MiB that a contender needs beyond the input, in a process of its own; None where the system does not tell."""
    command = [sys.executable, "-m", "tests.benchmarks.engine", "--extra", name]
    command += ["--dump", str(dump.logits), str(dump.labels), str(dump.k)]
    child = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    if child.returncode:
        say(f"{name}: extra memory not measured: {child.stderr.strip().splitlines()[-1:]}")
        return None
    return json.loads(child.stdout.strip().splitlines()[-1])


def print_extra(name: str, dump: dumps.Dump) -> None:
    """What `measure_extra` reads: everything is loaded and warm before memory is looked at."""
    logits, labels = dump.load()
    contender = own(name, logits, labels) if name in (ALL, INTERVALS) else peers.contender(name, logits, labels)
    contender.run(min(len(labels), 1000))
    print(json.dumps(extra_peak(lambda: contender.run(len(labels)))))


def _size_table(size: Size) -> str:
    rows = []
    for name, timed in size.times.items():
        if not timed.seconds:
            rows.append([name, timed.reason or "", "", "", "", "", ""])
            continue
        error = size.errors.get(name, {})
        rows.append(
            [
                name,
                show(timed.least),
                show(timed.median),
                f"{show(ratio(timed, size.times[FLOOR]))}×",
                f"{show(ratio(timed, size.times[ALL]))}×",
                f"{size.extra[name]:.0f}" if name in size.extra else "",
                "" if not error else show(max(error.values())) + f" ({max(error, key=lambda m: error[m])})",
            ]
        )
    header = ("", "fastest, s", "median, s", "vs exp floor", "vs calibeval", "extra MiB", "largest error")
    return table(header, rows)


def _agreement_table(sizes: list[Size], agreement: list[tuple[str, float, str]]) -> str:
    rows = [[f"{size_name(s.n, s.k)}, float32", show(max(s.errors[ALL].values()))] for s in sizes]
    rows += [[words, show(worst)] for words, worst, _ in agreement]
    return table(("size, scores", "largest relative difference of a metric"), rows)


def _targets(sizes: list[Size], agreement: list[tuple[str, float, str]]) -> list[list[str]]:
    rows = []
    for size in sizes:
        name, own_times = size_name(size.n, size.k), size.times[ALL]
        floors = ratio(own_times, size.times[FLOOR])
        rows.append(target_row(f"{name}: time over the exp floor", MOST_FLOORS[size.k], floors, at_least=False))
        least = LEAST_SPEEDUP[size.k]
        limits = {peers.TORCHMETRICS: least, peers.SCIKIT_LEARN: least, peers.TORCHMETRICS_ECE: 1.0}
        rows += [_faster(f"{name}: {peer}", size.times[peer], own_times, limit) for peer, limit in limits.items()]
        limit = MOST_MIB + BYTES_A_ROW * size.n / 2**20
        if ALL in size.extra:
            row = target_row(f"{name}: extra memory", limit, size.extra[ALL], at_least=False, unit=" MiB")
            rows.append(row)
        if size.comparison is not None:
            what, intervals = f"{name}: with intervals, over without", ratio(size.times[INTERVALS], own_times)
            rows.append(target_row(what, MOST_WITH_INTERVALS, intervals, at_least=False))
            what = f"{name}: comparison of two dumps, over one report"
            rows.append(target_row(what, MOST_REPORTS_A_COMPARISON, size.comparison, at_least=False))
        worst = max(size.errors[ALL].values())
        what = f"{name}: difference from float64"
        rows.append(target_row(what, MOST_DIFFERENCE["float32"], worst, at_least=False, unit=""))
    for words, worst, dtype in agreement:
        what = f"{words}: difference from float64"
        rows.append(target_row(what, MOST_DIFFERENCE[dtype], worst, at_least=False, unit=""))
    return rows


def _faster(what: str, peer: Timed, own_times: Timed, limit: float) -> list[str]:
    """A row saying how many times longer a peer takes."""
    if not peer.seconds:
        return [what, f"≥ {show(limit)}×", peer.reason or "", ""]
    return target_row(f"{what}, over calibeval", limit, ratio(peer, own_times), at_least=True)


if __name__ == "__main__":
    main()
