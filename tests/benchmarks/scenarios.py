"""Coverage of intervals where they are likely to break: python -m tests.benchmarks.scenarios --quick.

Every scenario is a population whose true errors are known (scenario_populations). Replicates are sums of its samples,
and intervals are those of reports. A cell is one scenario, metric and n; printed are, for each kind of scenario and n,
the least coverage over its cells, and all cells below 93 %, with the misses on either side.

A cell that covers less than 93 % is measured anew, on other and more samples, and only these count: the least of many
cells is else mostly the unluckiest.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Collection, Iterator, Sequence
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.metric import Metric, is_thin
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import MCE_LEAST_COUNT, Interval
from tests.benchmarks.atoms import Atoms, Truth, samples, truth_of
from tests.benchmarks.scenario_populations import SCENARIOS, Scenario

LEVEL = 0.95
SIZES = (100, 200, 500, 1000, 5000, 50_000)
MEASURED = (
    "ece", "aece", "oe", "mce", "rmsce", "ece_positive", "cwce", "confidence_gap", "accuracy", "nll", "brier",
)  # fmt: skip
LOW = 0.93
_SLACK = 1e-12


class Cell(NamedTuple):
    """What was measured of one metric, in the samples that had an interval.

    below, above: shares of samples whose interval ends below, or begins above, the truth. value_error, corrected_error:
    root mean squared errors of the measured value and of the corrected one.
    """

    kind: str
    scenario: str
    n: int
    metric: str
    truth: float
    replicates: int
    coverage: float
    below: float
    above: float
    width: float
    value_error: float | None = None
    corrected_error: float | None = None


def true_value(name: str, truth: Truth, atoms: Atoms, sums: Sums) -> float:
    """The true value on the same bins: those of the sample for AECE, and those with enough rows for MCE."""
    if name == "mce":
        return float(truth.bin_gaps[sums.top.count >= MCE_LEAST_COUNT].max())
    return truth.of_mass(atoms, sums.mass_edges) if name == "aece" else truth.values[name]


def interval_of(metric: Metric, sums: Sums) -> Interval | None:
    """The interval that a report has."""
    try:
        return metric.interval(sums, LEVEL)
    except NotComputable:
        return None


def measure(scenario: Scenario, n: int, replicates: int, seed: int, metrics: Collection[str]) -> Iterator[Cell]:
    """All metrics of one scenario at one n."""
    atoms = scenario.make()
    truth = truth_of(atoms, scenario.bins)
    rng = np.random.default_rng([zlib.crc32(f"{scenario.kind}/{scenario.name}".encode()), n, seed])
    names = [name for name in MEASURED if name in metrics and (name == "mce" or name in truth.values)]
    seen: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
    for sums in samples(atoms, n, scenario.bins, replicates, rng):
        thin = is_thin(sums)
        for name in names:
            metric = METRICS[name]
            if (metric.binned and thin) or (name == "nll" and not np.isfinite(truth.values["nll"])):
                continue
            found = interval_of(metric, sums)
            if found is not None:
                corrected = np.nan if found.corrected is None else found.corrected
                true = true_value(name, truth, atoms, sums)
                seen[name].append((true, found.low, found.high, metric.value(sums), corrected))
    for name, rows in seen.items():
        if rows:
            yield Cell(scenario.kind, scenario.name, n, name, *summary(np.array(rows)))


def summary(rows: Floats) -> tuple[float, int, float, float, float, float, float, float | None]:
    """The last fields of a cell. rows: (samples, 5), of the truth, both ends, the value and the corrected one."""
    true, low, high, value, corrected = rows.T
    begins_above, ends_below = (float(np.mean(missed)) for missed in (true < low - _SLACK, true > high + _SLACK))
    errors = (float(np.sqrt(np.mean((one - true) ** 2))) for one in (value, corrected))
    of_value, of_corrected = errors
    return (
        float(true.mean()),
        len(rows),
        1.0 - begins_above - ends_below,
        ends_below,
        begins_above,
        float((high - low).mean()),
        of_value,
        of_corrected if np.isfinite(of_corrected) else None,
    )


def cells(scenario: Scenario, n: int, replicates: tuple[int, int], metrics: Collection[str]) -> list[Cell]:
    """All metrics of one scenario at one n; those that cover too little are measured anew."""
    found = {cell.metric: cell for cell in measure(scenario, n, replicates[0], 0, metrics)}
    low = [name for name, cell in found.items() if cell.coverage < LOW]
    if low and replicates[1]:
        found |= {cell.metric: cell for cell in measure(scenario, n, replicates[1], 1, low)}
    return [*found.values()]


def tables(found: Sequence[Cell]) -> Iterator[str]:
    """The lines of a table of the least coverage by kind and n, of one by metric and n, and of a list of low cells."""
    sizes = sorted({cell.n for cell in found})
    for head, field in (("scenarios", "kind"), ("metric", "metric")):
        yield f"| {head} | {' | '.join(f'n = {n:,}' for n in sizes)} |\n|---|{'---|' * len(sizes)}"
        for name in dict.fromkeys(getattr(cell, field) for cell in found):
            own = [cell for cell in found if getattr(cell, field) == name]
            yield f"| {name} | {' | '.join(least([c for c in own if c.n == n]) for n in sizes)} |"
        yield ""
    yield f"Cells below {100 * LOW:.0f} % (ends below the truth, begins above it):\n"
    for cell in sorted(found, key=lambda cell: cell.coverage):
        if cell.coverage < LOW:
            yield (
                f"- {cell.metric}, n = {cell.n:,}, {cell.kind}, {cell.scenario}: {100 * cell.coverage:.1f} "
                f"({100 * cell.below:.1f}, {100 * cell.above:.1f}; {cell.replicates} samples)"
            )


def least(own: Sequence[Cell]) -> str:
    """The least coverage and its metric; a dash without cells."""
    if not own:
        return "–"
    worst = min(own, key=lambda cell: cell.coverage)
    return f"{100 * worst.coverage:.1f} ({worst.metric})"


def _work(task: tuple[int, int, tuple[int, int], tuple[str, ...]]) -> list[Cell]:
    place, n, replicates, metrics = task
    return cells(SCENARIOS[place], n, replicates, metrics)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--again", type=int, default=1000, help="samples of cells that covered too little")
    parser.add_argument("--quick", action="store_true", help="n = 200 and 1000, 20 samples: does it run?")
    parser.add_argument("--rows", type=int, nargs="+", default=None, help="sizes n instead of the default ones")
    parser.add_argument("--kinds", nargs="+", default=None, help="these kinds only, such as accurate")
    parser.add_argument("--metrics", nargs="+", choices=MEASURED, default=MEASURED)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--read", type=Path, nargs="+", default=None, help="saved files: print their tables only")
    parser.add_argument("--save", type=Path, default=None, help="a JSON file for the results of all cells")
    options = parser.parse_args()
    if options.read:
        rows = (row for path in options.read for row in json.loads(path.read_text(encoding="utf-8")))
        print("\n".join(tables([Cell(*row) for row in rows])))
        return
    sizes = options.rows or ([200, 1000] if options.quick else SIZES)
    replicates = (20, 0) if options.quick else (options.replicates, options.again)
    chosen = [i for i, one in enumerate(SCENARIOS) if options.kinds is None or one.kind in options.kinds]
    tasks = [(place, n, replicates, tuple(options.metrics)) for place in chosen for n in sizes]
    with Pool(options.jobs) as pool:
        found = [cell for part in pool.imap(_work, tasks) for cell in part]
    print("\n".join(tables(found)))
    if options.save is not None:
        lines = (json.dumps([float(f"{x:.6g}") if isinstance(x, float) else x for x in cell]) for cell in found)
        options.save.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
