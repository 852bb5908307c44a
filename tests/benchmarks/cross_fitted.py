"""Coverage of intervals after a map that is fitted out of fold: python -m tests.benchmarks.cross_fitted --quick.

A population with known true probabilities states logits that are 1.6 times too large and biased by class. A sample is
recalibrated in five folds; the true value is that of the five maps on the population, on average for NLL and Brier, and
of the mean gap of their bins for the calibration errors. In percent: coverage, and how often the truth is above ("U").
"""

from __future__ import annotations

import argparse

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import bin_index
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.before_after import Plan, recalibrated
from calibeval.recalibrate.fitting.cross_fit import cross_fit
from tests.benchmarks.coverage_pairs import drawn
from tests.benchmarks.coverage_samples import BINS, EDGES, softmax

METRICS = ("ece", "oe", "confidence_gap", "nll", "brier")
CELLS = (
    ("temperature", 5, (200, 500, 1000, 5000)),
    ("vector", 5, (500, 1000)),
    ("platt", 2, (500, 1000)),
    ("beta", 2, (500, 1000)),
    ("isotonic", 2, (500, 1000)),
)


def truths(maps: tuple[Map, ...], stated: Floats, true: Floats) -> dict[str, float]:
    """The true values of maps on the population, (rows, k) each."""
    rows = np.arange(len(true))
    gaps, promised, counts = np.zeros((3, BINS))
    nll = brier = gap = 0.0
    for one in maps:
        scores = np.asarray(one(stated))
        p = scores if (scores >= 0.0).all() and np.allclose(scores.sum(axis=1), 1.0) else softmax(scores)
        confidence, hit = p.max(axis=1), true[rows, p.argmax(axis=1)]
        bins = bin_index(confidence, EDGES)
        gaps += np.bincount(bins, weights=confidence - hit, minlength=BINS) / len(maps)
        promised += np.bincount(bins, weights=confidence, minlength=BINS)
        counts += np.bincount(bins, minlength=BINS)
        gap += float(np.mean(confidence - hit)) / len(maps)
        with np.errstate(divide="ignore", invalid="ignore"):
            nll -= float(np.mean(np.sum(np.where(true > 0.0, true * np.log(p), 0.0), axis=1))) / len(maps)
        brier += float(np.mean(1.0 + np.sum(p**2 - 2.0 * true * p, axis=1))) / len(maps)
    n, mean = len(true), promised / np.maximum(counts, 1)
    ece, oe = np.abs(gaps).sum() / n, np.sum(mean * np.maximum(gaps, 0.0)) / n
    return {"ece": float(ece), "oe": float(oe), "confidence_gap": gap, "nll": nll, "brier": brier}


def coverage(method: str, k: int, n: int, replicates: int) -> dict[str, tuple[float, float]]:
    """For every metric, how often the interval held the truth, and how often the truth was above it."""
    population, rng = np.random.default_rng(k), np.random.default_rng(n)
    logits = 2.0 * population.normal(size=(20_000, k))
    true, stated = softmax(logits), 1.6 * logits + 0.2 * np.arange(k)
    seen: dict[str, list[tuple[bool, bool]]] = {name: [] for name in METRICS}
    for seed in range(replicates):
        rows, labels = drawn(true, n, rng)
        sample, plan = Predictions(logits=stated[rows], labels=labels), Plan(method, "nll", None, seed, None, folds=5)
        truth = truths(cross_fit(sample, 5, method, seed=seed).maps, stated, true)
        after, _ = recalibrated(sample, plan, lambda one: evaluate(one).dumps[0])
        for name in METRICS:
            low, high = after.metrics[name].low, after.metrics[name].high
            if low is not None and high is not None:
                seen[name].append((low <= truth[name] <= high, truth[name] > high))
    return {name: tuple(np.mean(found, axis=0).tolist()) for name, found in seen.items() if found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="40 samples, temperature only")
    parser.add_argument("--methods", nargs="+", default=None, choices=[cell[0] for cell in CELLS])
    options = parser.parse_args()
    methods = ["temperature"] if options.quick else options.methods or [cell[0] for cell in CELLS]
    print(f"| map | k | n | {' | '.join(METRICS)} |")
    print(f"|---|---|---|{'---|' * len(METRICS)}")
    for method, k, sizes in CELLS:
        for n in sizes if method in methods else ():
            found = coverage(method, k, n, 40 if options.quick else options.replicates)
            numbers = [f"{100 * found[m][0]:.1f} (U {100 * found[m][1]:.1f})" if m in found else "" for m in METRICS]
            print(f"| {method} | {k} | {n:,} | {' | '.join(numbers)} |", flush=True)


if __name__ == "__main__":
    main()
