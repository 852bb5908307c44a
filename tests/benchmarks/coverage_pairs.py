"""Size, coverage and power of comparisons, by simulation: python -m tests.benchmarks.coverage_pairs --quick.

Two models state probabilities for the same rows of a population whose true ones are known: the true difference of every
metric is known, too. Printed are Markdown tables: of each pair of models, how often 0 was excluded and how often the
interval held the true difference, in percent, nominal level 95 %. Where the true difference is 0, or nearly, what is
excluded is the size. "other rows" compares a saved report with a sample of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product

import numpy as np

from calibeval import Predictions, compare, evaluate
from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import bin_index
from tests.benchmarks.coverage_samples import EDGES, Pool, softmax

METRICS = ("ece", "aece", "oe", "cwce", "accuracy", "confidence_gap", "nll", "brier")
PAIRS = (
    ("sharp", "blunt"),
    ("over 3", "under 3"),
    ("over 3", "mixed 3"),
    ("over 6", "mixed 6"),
    ("over 3", "nearly"),
    ("sharp", "over 3"),
    ("over 3", "over 6"),
    ("over 3", "mixed 6"),
)


def confidences(chance: Floats) -> dict[str, Floats]:
    """What each model says of rows on which the chance to be right is this."""
    ranks = np.argsort(np.argsort(chance)) * 40 // len(chance)
    means = np.bincount(ranks, weights=chance) / np.bincount(ranks)
    # Gaps of this sign cancel within no bin: it is that of the bin that the confidence falls into.
    sign = np.where(bin_index(chance, EDGES) % 2 == 0, 1.0, -1.0)
    return {
        "sharp": chance,
        "blunt": means[ranks],
        "over 3": chance + 0.03,
        "under 3": chance - 0.03,
        "nearly": chance + 0.031,
        "over 6": chance + 0.06,
        "mixed 3": chance + 0.03 * sign,
        "mixed 6": chance + 0.06 * sign,
    }


def pools(k: int, rows: int = 40_000) -> dict[str, Pool]:
    """The population as each model states it; the true probabilities are those of the sharp one."""
    true = softmax(2.0 * np.random.default_rng(k).normal(size=(rows, k)))
    top, chance = true.argmax(axis=1), true.max(axis=1)
    found = {}
    for name, wanted in confidences(chance).items():
        confidence = np.clip(wanted, 1.02 / k, 0.999)
        stated = true * ((1.0 - confidence) / (1.0 - chance))[:, None]
        stated[np.arange(rows), top] = confidence
        found[name] = Pool(stated, true)
    return found


def sample(pool: Pool, rows: Floats, labels: Floats) -> Predictions:
    return Predictions(probs=pool.stated[rows], labels=labels)


def drawn(true: Floats, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rows, and labels by their true probabilities."""
    rows = rng.integers(0, len(true), n)
    beyond = rng.random((n, 1)) > true[rows].cumsum(axis=1)
    return rows, np.minimum(beyond.sum(axis=1), true.shape[1] - 1)


def measure(base: Pool, candidate: Pool, n: int, replicates: int, *, paired: bool) -> dict[str, tuple[float, float]]:
    """For every metric, how often 0 was excluded and how often the truth was covered."""
    rng = np.random.default_rng(n)
    truths = [pool.truths().values for pool in (base, candidate)]
    seen: dict[str, list[tuple[bool, bool]]] = {}
    for _ in range(replicates):
        rows, labels = drawn(base.true, n, rng)
        one = sample(base, rows, labels)
        if not paired:
            rows, labels = drawn(base.true, n, rng)
        found = compare(one if paired else evaluate(one), [sample(candidate, rows, labels)])
        for name in METRICS:
            difference = found[name]
            if difference.low is None or difference.high is None:
                continue
            truth = truths[1][name] - truths[0][name]
            inside = difference.low - 1e-12 <= truth <= difference.high + 1e-12
            seen.setdefault(name, []).append((difference.excludes_zero, inside))
    return {name: (float(np.mean(rows, axis=0)[0]), float(np.mean(rows, axis=0)[1])) for name, rows in seen.items()}


def table(k: int, n: int, replicates: int, told: Callable[[str], None], *, paired: bool) -> None:
    """One table: pairs of models by metrics."""
    told(f"\n{k} classes, n = {n:,}, {'same' if paired else 'other'} rows, {replicates} replicates\n")
    told(f"| pair | true ECE | {' | '.join(METRICS)} |")
    told(f"|---|---|{'---|' * len(METRICS)}")
    every = pools(k)
    for base, candidate in PAIRS:
        cell = measure(every[base], every[candidate], n, replicates, paired=paired)
        errors = " / ".join(f"{every[name].truths().values['ece']:.4f}" for name in (base, candidate))
        numbers = [f"{100 * cell[m][0]:.1f} / {100 * cell[m][1]:.1f}" if m in cell else "" for m in METRICS]
        told(f"| {base} – {candidate} | {errors} | {' | '.join(numbers)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="40 replicates, n = 1000, k = 10, same rows only")
    parser.add_argument("--rows", type=int, nargs="+", default=None, help="sizes n instead of 1000 and 5000")
    parser.add_argument("--classes", type=int, nargs="+", default=None, help="numbers k instead of 3 and 10")
    options = parser.parse_args()
    replicates = 40 if options.quick else options.replicates
    sizes = options.rows or ([1000] if options.quick else [1000, 5000])
    classes = options.classes or ([10] if options.quick else [3, 10])
    for paired in (True,) if options.quick else (True, False):
        for k, n in product(classes, sizes):
            table(k, n, replicates, lambda line: print(line, flush=True), paired=paired)


if __name__ == "__main__":
    main()
