"""Coverage, width and power of the class-wise error: python -m tests.benchmarks.coverage_classes --samples 150.

Populations have known true probabilities, so the true CWCE is known. Printed are Markdown tables: of the interval of
one model, beside the hull of two paths, which is used where the other does not apply; and of the paired difference of
two models, beside what a saved report of the first would give. Nominal level 95 %; widths in points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.comparison.compare import compare
from calibeval.core.data.arrays import Floats
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.intervals import cwce_interval
from tests.benchmarks.coverage_pairs import drawn
from tests.benchmarks.coverage_samples import Pool, make_pool, softmax

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
    Case("perfect, with noise", 10, (2000,), sharper(1.0), noisy(1.0, 0.3)),
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


class Single(NamedTuple):
    """One model of k classes, whose true logits are the stated ones as `make_pool` maps them."""

    k: int
    name: str
    n: int


SINGLES = (
    Single(10, "over", 1000),
    Single(10, "under", 2000),
    Single(10, "class bias", 5000),
    Single(10, "over", 10_000),
    Single(10, "slightly over", 10_000),
    Single(10, "over", 50_000),
    Single(10, "slightly over", 50_000),
    Single(10, "wave", 2000),
    Single(10, "perfect", 2000),
    Single(10, "slightly over", 500),
    Single(3, "class bias", 5000),
    Single(3, "wave", 5000),
    Single(30, "over", 5000),
    Single(100, "over", 500),
    Single(100, "over", 2000),
    Single(100, "slightly over", 2000),
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


def single(case: Single, samples: int) -> str:
    """A row of the table of single models."""
    pool, rng = make_pool(case.k, case.name), np.random.default_rng(case.n)
    now, before, values = Tally(pool.truths().values["cwce"]), Tally(pool.truths().values["cwce"]), []
    for _ in range(samples):
        rows, labels = drawn(pool.true, case.n, rng)
        predictions = Predictions(probs=pool.stated[rows], labels=labels)
        found, sums = evaluate(predictions)["cwce"], summarise(predictions)
        if sums.classes is None or found.value is None:
            raise TypeError("a sample has no class-wise sums")
        hull = cwce_interval(sums.classes, case.n, 0.95)
        now.add(found.low, found.high)
        before.add(hull.low, hull.high)
        values.append(found.value)
    least = 100 * 3.92 * float(np.std(values))
    return f"| {case.name}, K = {case.k}, n = {case.n:,} | {100 * now.truth:.2f} | {before} | {now} | {least:.2g} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=150)
    parser.add_argument("--only", default="", help="models and pairs whose name contains this")
    parser.add_argument("--pairs", action="store_true", help="pairs only")
    options = parser.parse_args()
    if not options.pairs:
        print("| model | CWCE | hull: coverage (width), share above 0 | now | 3.92 sd |\n|---|---|---|---|---|")
    for one in () if options.pairs else SINGLES:
        if options.only in f"{one.name} K={one.k} n={one.n}":
            print(single(one, options.samples), flush=True)
    print("\n| pair | true difference | from a saved report: coverage (width) power | paired |\n|---|---|---|---|")
    for case in PAIRS:
        for n in case.rows:
            if options.only in f"{case.name} K={case.k} n={n}":
                print(paired(case, n, options.samples), flush=True)


if __name__ == "__main__":
    main()
