"""Coverage of intervals where rows come in groups: python -m tests.benchmarks.coverage_groups.

Rows of a group share an effect that moves all their true probabilities in one direction, and a sharpness of their
scores; groups differ in size. Effects cancel over groups, so that the true value of every metric is known. Printed are
Markdown tables: how often the intervals of independent rows, and those by groups, hold the truth at a nominal 95 %,
and how often a calibrated model exceeds either floor_high, which 5 % should.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from calibeval import Predictions, Report, evaluate
from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import bin_index, equal_width_edges

BINS = 15
METRICS = ("accuracy", "confidence_gap", "ece", "aece", "oe", "cwce", "nll", "brier")
FLOORED = ("confidence_gap", "ece", "aece", "oe", "cwce")
# From stated to true probabilities, before the effect of the group: sharpness of the logits.
MAPS = {"perfect": 1.0, "over": 0.75, "under": 1.3}


@dataclass(frozen=True, slots=True)
class Sample:
    """Stated and true probabilities (n, k) before the effect of groups, labels, and the group of every row."""

    stated: Floats
    base: Floats
    labels: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]

    def reports(self) -> dict[str, Report]:
        predictions = Predictions(probs=self.stated, labels=self.labels, columns={"group": self.group})
        return {"rows": evaluate(predictions), "groups": evaluate(predictions, group="group")}


def softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def draw(groups: int, size: int, k: int, name: str, effect: float, rng: np.random.Generator) -> Sample:
    """Groups of about `size` rows. effect: 0 for none, to 1 for the largest."""
    sizes = 1 + rng.poisson(size - 1, groups) * rng.integers(1, 4, groups) // 2
    group = np.repeat(np.arange(groups), sizes)
    scale = rng.uniform(1.5, 3.5, groups)[group]
    logits = scale[:, None] * rng.normal(size=(len(group), k))
    stated, base = softmax(logits), softmax(MAPS[name] * logits)
    top = stated.argmax(axis=1)
    toward = -base * base[np.arange(len(top)), top][:, None]
    toward[np.arange(len(top)), top] += base[np.arange(len(top)), top]
    true = base + effect * rng.choice([-1.0, 1.0], groups)[group][:, None] * toward
    labels = (rng.random((len(group), 1)) > true.cumsum(axis=1)).sum(axis=1).clip(0, k - 1)
    return Sample(stated, base, labels, group)


def truths(k: int, name: str) -> dict[str, float]:
    """The true value of every metric, from many groups; effects cancel."""
    sample = draw(4000, 60, k, name, 0.0, np.random.default_rng(k))
    stated, base = sample.stated, sample.base
    rows = np.arange(len(stated))
    top = stated.argmax(axis=1)
    confidence, hit, edges = stated[rows, top], base[rows, top], equal_width_edges(BINS)
    bins = bin_index(confidence, edges)
    gap = np.bincount(bins, weights=hit - confidence, minlength=BINS)
    mean = np.bincount(bins, weights=confidence, minlength=BINS) / np.maximum(np.bincount(bins, minlength=BINS), 1)
    mass = np.searchsorted(np.quantile(confidence, np.arange(1, BINS) / BINS), confidence)
    cells = bin_index(stated, edges) + BINS * np.arange(k)
    class_gap = np.bincount(cells.ravel(), weights=(base - stated).ravel(), minlength=BINS * k)
    found = {
        "accuracy": hit.mean(),
        "confidence_gap": np.mean(confidence - hit),
        "ece": np.abs(gap).sum() / len(rows),
        "aece": np.abs(np.bincount(mass, weights=hit - confidence)).sum() / len(rows),
        "oe": np.sum(mean * np.maximum(-gap, 0.0)) / len(rows),
        "cwce": np.abs(class_gap).sum() / (k * len(rows)),
        "nll": -np.sum(base * np.log(stated)) / len(rows),
        "brier": 1.0 + np.sum(stated**2 - 2.0 * base * stated) / len(rows),
    }
    return {metric: float(value) for metric, value in found.items()}


def measure(
    groups: int, size: int, k: int, name: str, effect: float, replicates: int
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Shares of replicates, by unit and metric: intervals that hold the truth, and values above floor_high."""
    truth, rng = truths(k, name), np.random.default_rng([groups, size, k, int(100 * effect)])
    held: dict[tuple[str, str], list[bool]] = {}
    above: dict[tuple[str, str], list[bool]] = {}
    for _ in range(replicates):
        for unit, report in draw(groups, size, k, name, effect, rng).reports().items():
            for metric in METRICS:
                m = report[metric]
                if m.low is not None and m.high is not None:
                    held.setdefault((unit, metric), []).append(m.low - 1e-9 <= truth[metric] <= m.high + 1e-9)
                if m.value is not None and m.floor_high is not None:
                    above.setdefault((unit, metric), []).append(abs(m.value) > m.floor_high)
    return {key: float(np.mean(v)) for key, v in held.items()}, {key: float(np.mean(v)) for key, v in above.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--groups", type=int, nargs="+", default=[10, 20, 40, 100])
    parser.add_argument("--size", type=int, default=60, help="rows of a group")
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--effects", type=float, nargs="+", default=[0.0, 0.3, 0.8])
    options = parser.parse_args()
    exceeded = []
    print(f"| map | groups | effect | {' | '.join(METRICS)} |")
    print(f"|---|---|---|{'---|' * len(METRICS)}")
    for name, groups, effect in product(MAPS, options.groups, options.effects):
        held, above = measure(groups, options.size, options.classes, name, effect, options.replicates)
        cells = [_pair(held, metric) for metric in METRICS]
        print(f"| {name} | {groups} | {effect} | {' | '.join(cells)} |", flush=True)
        if name == "perfect":
            cells = [_pair(above, metric) for metric in FLOORED]
            exceeded.append(f"| {groups} | {effect} | {' | '.join(cells)} |")
    print("\nCalibrated models above floor_high, %: by rows, by groups\n")
    print(f"| groups | effect | {' | '.join(FLOORED)} |\n|---|---|{'---|' * len(FLOORED)}")
    print("\n".join(exceeded))


def _pair(shares: dict[tuple[str, str], float], metric: str) -> str:
    """Both shares in percent: by rows, by groups."""
    known = [shares.get((unit, metric)) for unit in ("rows", "groups")]
    return ", ".join("–" if share is None else f"{100 * share:.0f}" for share in known)


if __name__ == "__main__":
    main()
