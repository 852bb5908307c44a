"""Measure by simulation how often the intervals cover the truth: python -m tests.benchmarks.coverage --quick.

A population is a finite pool of rows with stated and true class probabilities. Replicates draw rows from it with
replacement and labels from the true probabilities, so that the true value of every metric is known exactly. Printed
are Markdown tables over all cells (rows x classes x maps from stated to true probabilities), nominal level 95 %.

Beside the intervals of calibeval stands what the percentile bootstrap would give. It resamples the gaps of the bins
from normal distributions with the variances that the rows show, which is what resampled rows come to in bins of more
than a few; bins, and of three and more classes these too, are taken for independent.

A cell that covers less than 93 %, or less than 95 % of a perfect model's errors, is measured anew, on other and more
samples, and only these count: the least of many cells is else mostly the unluckiest.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.metric import is_thin
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import MCE_LEAST_COUNT
from tests.benchmarks.coverage_samples import LOGIT_MAPS, WAVE_MAPS, Sample, Sampler, Truths, make_pool

CONFIDENCE = 0.95
RESAMPLES = 200
# What covers less than that is looked at twice; of a perfect model more is asked.
LEAST_SHARE, LEAST_PERFECT = 0.93, 0.95


MEASURED = ("ece", "aece", "oe", "rmsce", "cwce", "mce", "nll", "brier", "accuracy", "confidence_gap")
# Of a perfect model these are 0.
ERRORS = ("ece", "aece", "oe", "rmsce", "cwce", "mce", "confidence_gap")


class Cell(NamedTuple):
    """What was measured of one metric in one cell. bootstrap, bootstrap_width: of the percentile bootstrap."""

    metric: str
    k: int
    n: int
    map: str
    truth: float
    replicates: int
    coverage: float
    width: float
    bootstrap: float | None
    bootstrap_width: float | None


class Seen(NamedTuple):
    """Of one sample and metric: whether the interval, and the bootstrap's, hold the truth, and their widths."""

    inside: float
    width: float
    bootstrap: float
    bootstrap_width: float


def resampled(sums: BinSums, rng: np.random.Generator) -> Floats:
    """Gaps of bins as bootstrap samples would have them, (RESAMPLES, m)."""
    spread = np.sqrt(np.maximum(sums.surplus_squares - sums.surplus**2 / np.maximum(sums.count, 1.0), 0.0))
    moved = rng.standard_normal((RESAMPLES, sums.surplus.size), dtype=np.float32)
    return np.asarray(sums.surplus.ravel() + spread.ravel() * moved)


def bootstrapped(name: str, sample: Sample, rng: np.random.Generator) -> tuple[float, float] | None:
    """The percentile bootstrap's interval of a calibration error; None for means, where it is the normal one."""
    n, top = sample.n, sample.top
    if name == "ece":
        values = np.abs(resampled(top, rng)).sum(axis=1) / n
    elif name == "aece":
        values = np.abs(resampled(sample.mass.sums, rng)).sum(axis=1) / n
    elif name == "oe":
        mean = top.p / np.maximum(top.count, 1.0)
        values = np.maximum(-resampled(top, rng), 0.0) @ mean / n
    elif name == "rmsce":
        values = np.sqrt((resampled(top, rng) ** 2 / np.maximum(top.count, 1.0)).sum(axis=1) / n)
    elif name == "cwce":
        # Two classes mirror each other, so that the mean over both is the error of one.
        one = sample.classes.row(1) if len(sample.classes.count) == 2 else sample.classes
        values = np.abs(resampled(one, rng)).sum(axis=1) / (n * one.count.size / one.count.shape[-1])
    elif name == "mce":
        large = top.count >= MCE_LEAST_COUNT
        values = (np.abs(resampled(top, rng)) / np.maximum(top.count, 1.0))[:, large].max(axis=1)
    else:
        return None
    low, high = np.percentile(values, [50.0 * (1.0 - CONFIDENCE), 50.0 * (1.0 + CONFIDENCE)])
    return float(low), float(high)


def look(name: str, sample: Sample, sums: Sums, truths: Truths, rng: np.random.Generator) -> Seen | None:
    """What one sample says of one metric; None where it has no interval. sums: of the sample."""
    interval = None if METRICS[name].binned and is_thin(sums) else METRICS[name].interval(sums, CONFIDENCE)
    if interval is None:
        return None
    large = sample.top.count >= MCE_LEAST_COUNT
    truth = float(truths.bin_gaps[large].max()) if name == "mce" else truths.values[name]
    low, high = bootstrapped(name, sample, rng) or interval[:2]
    inside, inside_too = (a - 1e-12 <= truth <= b + 1e-12 for a, b in ((interval.low, interval.high), (low, high)))
    return Seen(float(inside), interval.high - interval.low, float(inside_too), high - low)


def measure(
    sampler: Sampler, truths: Truths, n: int, replicates: int, seed: Sequence[int], metrics: Sequence[str]
) -> dict[str, tuple[int, Seen]]:
    """Of each metric, the number of samples that had an interval, and the means of what they said."""
    rng, other = np.random.default_rng(list(seed)), np.random.default_rng([*seed, 1])
    seen: dict[str, list[Seen]] = {}
    for _ in range(replicates):
        sample = sampler.draw(n, rng)
        sums = sample.sums()
        for name in metrics:
            if (found := look(name, sample, sums, truths, other)) is not None:
                seen.setdefault(name, []).append(found)
    return {name: (len(every), Seen(*np.mean(every, axis=0).tolist())) for name, every in seen.items()}


def cells(
    sampler: Sampler, truths: Truths, n: int, name: str, replicates: tuple[int, int], metrics: Sequence[str]
) -> Iterator[Cell]:
    """Every metric in one cell. replicates: at first, and where that shows too little coverage."""
    k = sampler.stated.shape[1]
    found = measure(sampler, truths, n, replicates[0], (n, 0), metrics)
    low = [metric for metric, (_, means) in found.items() if means.inside < least(metric, name)]
    if low and replicates[1]:
        found |= measure(sampler, truths, n, replicates[1], (n, 1), low)
    for metric, (count, means) in found.items():
        truth = float(truths.bin_gaps.max()) if metric == "mce" else truths.values[metric]
        drawn = bootstrapped_is_another(metric)
        yield Cell(
            metric,
            k,
            n,
            name,
            truth,
            count,
            means.inside,
            means.width,
            means.bootstrap if drawn else None,
            means.bootstrap_width if drawn else None,
        )


def least(metric: str, name: str) -> float:
    """The coverage below which a cell is measured anew. name: of the map."""
    return LEAST_PERFECT if name == "perfect" and metric in ERRORS else LEAST_SHARE


def bootstrapped_is_another(metric: str) -> bool:
    """Whether the percentile bootstrap differs from the normal interval of a mean."""
    return metric in ("ece", "aece", "oe", "rmsce", "cwce", "mce")


def tables(found: Sequence[Cell]) -> Iterator[str]:
    """The lines of a table over all cells, of one by n, and of a list of those that cover too little."""
    yield (
        "| metric | cells | lowest | median | highest | cells ≥ 93 % | perfect model | bootstrap, median "
        "| bootstrap, lowest |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for metric in dict.fromkeys(cell.metric for cell in found):
        own = [cell for cell in found if cell.metric == metric]
        shares = 100.0 * np.array([cell.coverage for cell in own])
        perfect = [100.0 * cell.coverage for cell in own if cell.map == "perfect" and metric in ERRORS]
        bootstrap = [100.0 * cell.bootstrap for cell in own if cell.bootstrap is not None]
        columns = [f"{value:.1f}" for value in (shares.min(), np.median(shares), shares.max())]
        columns.append(f"{100 * np.mean(shares >= 93):.0f} %")
        columns.append(f"{min(perfect):.1f}" if perfect else "–")
        columns += [f"{np.median(bootstrap):.1f}", f"{min(bootstrap):.1f}"] if bootstrap else ["–", "–"]
        yield f"| {metric} | {len(own)} | {' | '.join(columns)} |"
    sizes = sorted({cell.n for cell in found})
    yield f"\n| metric | {' | '.join(f'n = {n:,}' for n in sizes)} |\n|---|{'---|' * len(sizes)}"
    for metric in dict.fromkeys(cell.metric for cell in found):
        columns = (of_size([cell for cell in found if (cell.metric, cell.n) == (metric, n)]) for n in sizes)
        yield f"| {metric} | {' | '.join(columns)} |"
    yield "\nCells below 93 %:\n"
    for cell in sorted(found, key=lambda cell: cell.coverage):
        if cell.coverage < LEAST_SHARE:
            yield (
                f"- {cell.metric}, k = {cell.k}, n = {cell.n:,}, {cell.map}: {100 * cell.coverage:.1f} "
                f"({cell.replicates} samples)"
            )


def of_size(own: Sequence[Cell]) -> str:
    """Medians over the cells of one n: coverage, and width in points; behind a slash the bootstrap's."""
    told = f"{100 * np.median([cell.coverage for cell in own]):.1f}"
    width = f"{100 * np.median([cell.width for cell in own]):.2f}"
    drawn = [cell for cell in own if cell.bootstrap is not None and cell.bootstrap_width is not None]
    if drawn:
        told += f" / {100 * np.median([cell.bootstrap or 0.0 for cell in drawn]):.1f}"
        width += f" / {100 * np.median([cell.bootstrap_width or 0.0 for cell in drawn]):.2f}"
    return f"{told} ({width})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--again", type=int, default=2000, help="samples of cells that covered too little")
    parser.add_argument("--quick", action="store_true", help="n = 500 and 2000, k = 2 and 10 only")
    parser.add_argument("--rows", type=int, nargs="+", default=None, help="sizes n instead of the default ones")
    parser.add_argument("--classes", type=int, nargs="+", default=None, help="numbers k, as --rows")
    parser.add_argument("--metrics", nargs="+", choices=MEASURED, default=MEASURED)
    parser.add_argument("--maps", nargs="+", choices=[*LOGIT_MAPS, *WAVE_MAPS], default=[*LOGIT_MAPS, *WAVE_MAPS])
    parser.add_argument("--cells", action="store_true", help="print every cell as well")
    parser.add_argument("--read", type=Path, nargs="+", default=None, help="saved files: print their tables only")
    parser.add_argument("--save", type=Path, default=None, help="a JSON file for the results of all cells")
    options = parser.parse_args()
    if options.read:
        saved = (row for path in options.read for row in json.loads(path.read_text(encoding="utf-8")))
        print("\n".join(tables([Cell(**row) for row in saved])))
        return
    sizes = options.rows or ([500, 2000] if options.quick else [500, 2000, 10_000, 50_000])
    classes = options.classes or ([2, 10] if options.quick else [2, 10, 100])
    found: list[Cell] = []
    for k, name in product(classes, options.maps):
        pool = make_pool(k, name)
        sampler, truths = Sampler.of(pool), pool.truths()
        for n in sizes:
            now = list(cells(sampler, truths, n, name, (options.replicates, options.again), options.metrics))
            found += now
            if options.cells:
                told = ", ".join(f"{c.metric} {100 * c.coverage:.1f} ({c.width:.4f})" for c in now)
                print(f"k={k} n={n} {name}: {told}", flush=True)
    print("\n".join(tables(found)))
    if options.save is not None:
        save(found, options.save)


def save(found: Sequence[Cell], path: Path) -> None:
    """Write all cells, one a line, rounded to six digits."""
    lines = (
        json.dumps({k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in c._asdict().items()}) for c in found
    )
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
