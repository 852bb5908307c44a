"""How often tests without bins reject calibrated models: python -m tests.benchmarks.p_of_calibrated --quick.

Outcomes are drawn from the stated confidences. Printed is a Markdown table of the percentage of samples with a p below
5 % and below 1 %, and how far the distribution of p is from uniform (the distance of Kolmogorov and Smirnov).
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums.pairs import Pairs

TESTS: dict[str, Any] = {name: REQUESTED[name] for name in ("ecce", "ks", "spiegelhalter")}
KINDS = ("spread", "near 1", "uniform", "101 values", "21 values", "3 values")


def stated(kind: str, n: int, rng: np.random.Generator) -> Floats:
    """Confidences of n rows."""
    if kind == "near 1":
        return 1.0 - rng.beta(0.3, 6.0, n)
    if kind == "uniform":
        return rng.random(n)
    if kind == "3 values":
        return rng.choice([0.6, 0.8, 0.95], n)
    spread = rng.beta(5.0, 2.0, n)
    steps = {"spread": None, "101 values": 100, "21 values": 20}[kind]
    return spread if steps is None else np.round(spread * steps) / steps


def told(p: Floats) -> str:
    """The shares below both levels, with a mark where they are off by more than two standard errors; the distance."""
    parts = []
    for level in (0.05, 0.01):
        share = float(np.mean(p < level))
        off = abs(share - level) > 2.0 * math.sqrt(level * (1.0 - level) / len(p))
        parts.append(f"{100 * share:.2f}{' !' if off else ''}")
    ordered, places = np.sort(p), np.arange(len(p) + 1) / len(p)
    distance = max(float((places[1:] - ordered).max()), float((ordered - places[:-1]).max()))
    return f"{' / '.join(parts)} ({distance:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--rows", type=int, nargs="+", default=[300, 1000, 10_000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    samples, sizes = (50, [300]) if given.quick else (given.samples, given.rows)
    print(f"Percent below 5 % / 1 % (distance from uniform), {samples:,} samples each\n")
    print(f"| confidences | n | {' | '.join(TESTS)} |\n|---|---|{'---|' * len(TESTS)}")
    for kind in given.kinds:
        for n in sizes:
            rng, found = np.random.default_rng((7, n)), []
            for _ in range(samples):
                confidence = stated(kind, n, rng)
                pairs = Pairs.of(confidence, rng.random(n) < confidence)
                found.append([test.tested(pairs).p for test in TESTS.values()])
            columns = " | ".join(told(p) for p in np.array(found).T)
            print(f"| {kind} | {n:,} | {columns} |", flush=True)


if __name__ == "__main__":
    main()
