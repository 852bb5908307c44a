"""Coverage, width and power of the class-wise error: python -m tests.benchmarks.coverage_classes --samples 150.

Populations have known true probabilities, so the true CWCE is known. Printed is a Markdown table of the paired
difference of two models, beside what the two intervals put together would give. Nominal level 95 %; widths in points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.comparison.compare import compare
from calibeval.core.data.arrays import Floats
from tests.benchmarks.coverage_pairs import drawn
from tests.benchmarks.coverage_samples import Pool, softmax

Stated = Callable[[Floats, np.random.Generator], Floats]  # from true logits to stated ones

ROWS = 40_000


def sharper(factor: float) -> Stated:
    """Logits times a factor: above 1, the model is over-confident."""
    return lambda logits, _: logits * factor


def noisy(factor: float, noise: float) -> Stated:
    """Logits with noise, times a factor."""
    return lambda logits, rng: factor * (logits + noise * rng.normal(size=logits.shape))


def biased(height: float) -> Stated:
    """A bias for each class."""
    return lambda logits, rng: logits + height * rng.normal(size=logits.shape[1])


class Case(NamedTuple):
    """Two models of k classes, and sizes of samples. spread: standard deviation of the true logits."""

    name: str
    k: int
    rows: tuple[int, ...]
    base: Stated
    candidate: Stated
    spread: float = 2.5


PAIRS = (
    Case("twins", 10, (1000, 5000), noisy(1.25, 0.3), noisy(1.25, 0.3)),
    Case("T 1.4, T 1.15", 10, (2000,), sharper(1.4), sharper(1.15)),
    Case("T 1.3, perfect", 10, (2000,), sharper(1.3), sharper(1.0)),
    Case("T 1.15, worse", 10, (1000, 2000), sharper(1.15), noisy(1.15, 1.0)),
    Case("over, under", 10, (2000, 10_000), sharper(1.25), sharper(0.81)),
    Case("class bias, over", 10, (10_000,), biased(0.4), sharper(1.25)),
    Case("perfect, other perfect", 10, (2000,), sharper(1.0), sharper(1.0)),
    Case("twins", 100, (2000,), noisy(1.25, 0.3), noisy(1.25, 0.3), 3.0),
    Case("T 1.4, T 1.15", 100, (2000,), sharper(1.4), sharper(1.15), 3.0),
    Case("T 1.3, perfect", 100, (2000,), sharper(1.3), sharper(1.0), 3.0),
    Case("over, under", 3, (2000,), sharper(1.25), sharper(0.81)),
    Case("T 1.4, T 1.15", 3, (2000,), sharper(1.4), sharper(1.15)),
    Case("twins", 3, (1000,), noisy(1.25, 0.3), noisy(1.25, 0.3)),
    Case("over, under", 4, (2000,), sharper(1.25), sharper(0.81)),
    Case("over, under", 6, (2000,), sharper(1.25), sharper(0.81)),
    Case("accurate: twins", 10, (500, 2000, 10_000), noisy(1.2, 0.5), noisy(1.2, 0.5), 12.0),
    Case("accurate: T 1.6, T 1.1", 10, (500, 2000, 10_000), sharper(1.6), sharper(1.1), 12.0),
    Case("accurate: over, under", 10, (2000, 10_000), sharper(1.3), sharper(0.75), 12.0),
)


class Tally:
    """Coverage, mean width and power over samples."""

    def __init__(self, truth: float) -> None:
        self.truth = truth
        self.seen: list[tuple[bool, float, bool]] = []

    def add(self, low: float | None, high: float | None) -> None:
        if low is not None and high is not None:
            self.seen.append((low - 1e-12 <= self.truth <= high + 1e-12, high - low, not low <= 0.0 <= high))

    def __str__(self) -> str:
        if not self.seen:
            return "none"
        covered, width, power = np.mean(self.seen, axis=0)
        return f"{100 * covered:.0f} ({100 * width:.3g}) {100 * power:.0f}"


def paired(case: Case, n: int, samples: int) -> str:
    """A row of the table of pairs."""
    rng = np.random.default_rng(case.k)
    logits = case.spread * rng.normal(size=(ROWS, case.k))
    true = softmax(logits)
    pools = [Pool(softmax(stated(logits, rng)), true) for stated in (case.base, case.candidate)]
    values = [pool.truths().values["cwce"] for pool in pools]
    now, before, reasons = (Tally(values[1] - values[0]), Tally(values[1] - values[0]), set())
    rng = np.random.default_rng(n)
    for _ in range(samples):
        rows, labels = drawn(true, n, rng)
        base, candidate = (Predictions(probs=pool.stated[rows], labels=labels) for pool in pools)
        found = compare(base, [candidate], only=["cwce"])["cwce"]
        now.add(found.low, found.high)
        reasons |= set() if found.reason is None else {found.reason.code}
        apart = compare(evaluate(base), [candidate], only=["cwce"])["cwce"]
        before.add(apart.low, apart.high)
    told = f" ({', '.join(sorted(map(str, reasons)))})" if reasons else ""
    return f"| {case.name}, K = {case.k}, n = {n:,} | {100 * now.truth:+.2f} | {before} | {now}{told} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=150)
    parser.add_argument("--only", default="", help="pairs whose name contains this")
    options = parser.parse_args()
    print("| pair | true difference | put together: coverage (width) power | paired |\n|---|---|---|---|")
    for case in PAIRS:
        for n in case.rows:
            if options.only in f"{case.name} K={case.k} n={n}":
                print(paired(case, n, options.samples), flush=True)


if __name__ == "__main__":
    main()
