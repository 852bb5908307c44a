"""Coverage by groups if bins are off in one direction: python -m tests.benchmarks.coverage_one_signed_groups.

An error of many bins is then hardly more than |gap|, and the noise of bins hides it. For comparison, bins that are off
in both directions, a calibrated model, and groups with effects of their own. Printed is a Markdown table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import bin_index, equal_width_edges

METRICS = ("ece", "aece", "rmsce")
LOGITS_OFF, SPREAD = 0.2, 1.5
SHIFTED = "ECE P(pos), logits off by 0.2"


class Design(NamedTuple):
    """off: by how much the confidence is too large, from the confidences of rows and effects of their groups."""

    name: str
    rows: int
    groups: int
    bins: int
    off: Callable[[Floats, Floats], Floats]
    truths: tuple[float, ...]


def _all(size: float) -> Callable[[Floats, Floats], Floats]:
    return lambda p, _: np.full(len(p), size)


def _both_ways(p: Floats, _: Floats) -> Floats:
    return np.where(np.floor(p * 15) % 2 == 0, 0.06, -0.06)


DESIGNS = (
    Design("3 points", 2000, 50, 15, _all(0.03), (0.03,) * 3),
    Design("3 points", 2000, 50, 30, _all(0.03), (0.03,) * 3),
    Design("3 points", 1000, 50, 15, _all(0.03), (0.03,) * 3),
    Design("3 points", 1000, 20, 15, _all(0.03), (0.03,) * 3),
    Design("10 points", 1000, 50, 15, _all(0.1), (0.1,) * 3),
    Design("3 points, effects of 8", 2000, 50, 15, lambda _, effect: 0.03 + 0.08 * effect, (0.03,) * 3),
    Design("calibrated", 1000, 50, 15, _all(0.0), (0.0,) * 3),
    Design("6 points, both ways", 2000, 50, 15, _both_ways, (0.06,)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=200)
    replicates = parser.parse_args().replicates
    print("| off by | rows | groups | bins | metric | coverage | truth above | mean width | corrected - truth |")
    print("|---|---|---|---|---|---|---|---|---|")
    for bins in (15, 30):
        z = np.random.default_rng(0).normal(0.0, SPREAD, 2_000_000)
        p, true = _sigmoid(z), _sigmoid(z - LOGITS_OFF)
        truth = float(np.abs(np.bincount(bin_index(p, equal_width_edges(bins)), weights=p - true)).sum()) / len(z)
        found = [_of_class(seed, bins) for seed in range(replicates)]
        _print(f"{SHIFTED} | 5000 | 100 | {bins} | ece_positive", np.array(found), truth)
    for one in DESIGNS:
        every = np.array([_top(seed, one) for seed in range(replicates)])
        for place, truth in enumerate(one.truths):
            _print(f"{one.name} | {one.rows} | {one.groups} | {one.bins} | {METRICS[place]}", every[:, place], truth)


def _of_class(seed: int, bins: int) -> tuple[float, float, float]:
    rng, codes = np.random.default_rng([1, seed]), np.arange(5000) % 100
    z = rng.normal(0.0, SPREAD, 5000)
    labels, p = (rng.random(5000) < _sigmoid(z - LOGITS_OFF)).astype(int), _sigmoid(z)
    dump = Predictions(probs=np.column_stack([1.0 - p, p]), labels=labels, columns={"group": codes})
    m = evaluate(dump, group="group", bins=bins, metrics=["ece_positive"])["ece_positive"]
    return float(m.low or 0.0), float(m.high or 0.0), float(m.corrected or 0.0)


def _top(seed: int, one: Design) -> list[tuple[float, float, float]]:
    rng, codes = np.random.default_rng([2, seed]), np.arange(one.rows) % one.groups
    p, effect = rng.uniform(0.55, 0.95, one.rows), rng.normal(0.0, 1.0, one.groups)[codes]
    correct = rng.random(one.rows) < np.clip(p - one.off(p, effect), 0.0, 1.0)
    dump = Predictions(confidence=p, correct=correct, columns={"group": codes})
    report = evaluate(dump, group="group", bins=one.bins, metrics=METRICS)
    found = [report[name] for name in METRICS]
    return [(float(m.low or 0.0), float(m.high or 0.0), float(m.corrected or 0.0)) for m in found]


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-z)))


def _print(name: str, found: Floats, truth: float) -> None:
    low, high, corrected = found.T
    covered, above = np.mean((low <= truth + 1e-12) & (truth <= high)), np.mean(high < truth)
    width, bias = np.mean(high - low), np.mean(corrected) - truth
    print(f"| {name} | {100 * covered:.1f} | {100 * above:.1f} | {100 * width:.2f} | {100 * bias:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
