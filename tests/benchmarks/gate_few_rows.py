"""How many rows decide where there are too few for an interval: python -m tests.benchmarks.gate_few_rows.

A gate names that number from the accuracy alone (FARTHER in core/gating/prospect.py). First, how far above 0 the
intervals of calibrated models end, in standard deviations of a row over the root of the rows, below which 80 of 100
samples lie: 2.8 without the noise of bins. Then the number that 60 rows name for the ECE, and what fresh samples of
that size decide, of a calibrated model and of one twice as bad as the limit.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter

import numpy as np

import calibeval
from calibeval import Predictions
from calibeval.core.metrics.table import METRICS

MODELS = ((2, 1.0), (2, 3.0), (3, 2.0), (10, 3.0), (10, 1.0), (50, 3.0))
REACHED = ("ece", "aece", "rmsce", "cwce", "confidence_gap")


def sample(rng: np.random.Generator, n: int, k: int, spread: float, sharper: float = 1.0) -> Predictions:
    """Rows of a model with logits of this spread, stated more sharply than they are true."""
    logits = spread * rng.normal(size=(n, k))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(0, k - 1)
    return Predictions(logits=sharper * logits, labels=labels)


def reaches(count: int, rows: list[int]) -> None:
    """How far intervals of calibrated models reach."""
    print(f"| classes, spread | rows | {' | '.join(REACHED)} |\n|---|---|{'---|' * len(REACHED)}")
    for k, spread in MODELS:
        for n in rows:
            found = []
            for i in range(count):
                report = calibeval.evaluate(sample(np.random.default_rng([1, k, n, i]), n, k, spread))
                share = report["accuracy"].value
                row = math.sqrt(share * (1.0 - share) / n)
                ends = [(METRICS[m].coarse(row, k), report[m]) for m in REACHED]
                found.append([max(abs(one.low), one.high) / unit for unit, one in ends])
            shown = np.quantile(found, 0.8, axis=0)
            print(f"| {k}, {spread:g} | {n:,} | {' | '.join(f'{x:.1f}' for x in shown)} |", flush=True)


def advice(count: int) -> None:
    """What samples of the named size decide."""
    print("| classes | limit | rows named by 60: median | a calibrated model passes | ECE | that fails |")
    print("|---|---|---|---|---|---|")
    for k, spread in ((3, 2.0), (10, 3.0)):
        for limit in (0.05, 0.03):
            rule, rng = {"metric": "ece", "max": limit}, np.random.default_rng([2, k])
            named = [calibeval.gate(sample(rng, 60, k, spread), rule)["ece"].decisive.rows_needed for _ in range(15)]
            n = round(np.median(named))
            stated = np.arange(1.0, 4.0, 0.05)
            errors = [calibeval.evaluate(sample(rng, 40_000, k, spread, s))["ece"].value for s in stated]
            sharper, error = next((s, e) for s, e in zip(stated, errors, strict=True) if e > 2 * limit)
            shares = []
            for one in (1.0, sharper):
                found = Counter(calibeval.gate(sample(rng, n, k, spread, one), rule).verdict for _ in range(count))
                shares.append(100 * found["pass" if one == 1.0 else "fail"] / count)
            print(f"| {k} | {limit:g} | {n:,} | {shares[0]:.0f} % | {error:.3f} | {shares[1]:.0f} % |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--rows", type=int, nargs="+", default=[700, 2500])
    asked = parser.parse_args()
    reaches(asked.samples, asked.rows)
    advice(asked.samples)


if __name__ == "__main__":
    main()
