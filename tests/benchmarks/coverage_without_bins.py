"""Coverage of intervals of errors without bins: python -m tests.benchmarks.coverage_without_bins --quick.

A population is a pool of confidences with a known accuracy for each, so that the true value of every metric is known.
Samples draw rows from it with replacement. Printed is a Markdown table of how often the intervals hold the true value,
at a nominal 95 %, and how often the difference of two models on the same rows is called one where the true values are
equal.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from calibeval import Predictions, compare
from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.along_path import AlongPath
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.drawn_paths import Samples
from calibeval.core.uncertainty.heat import heat, smoothed_error

ROWS, LEVEL = 50_000, 0.95
DRAWN: dict[str, AlongPath] = {name: metric for name, metric in REQUESTED.items() if isinstance(metric, AlongPath)}
STATED: dict[str, Callable[[np.random.Generator], Floats]] = {
    "spread": lambda rng: rng.beta(5, 2, ROWS),
    "accurate": lambda rng: 1.0 - rng.beta(0.25, 10, ROWS),
    "very accurate": lambda rng: 1.0 - rng.beta(0.2, 40, ROWS),
    "21 values": lambda rng: np.round(rng.beta(5, 2, ROWS) * 20) / 20,
    "3 values": lambda rng: rng.choice([0.55, 0.75, 0.95], ROWS),
}
# Sharpness and shift of the true log-odds.
SHARPNESS = {
    "calibrated": (1.0, 0.0),
    "slightly over": (0.85, 0.0),
    "over": (0.6, -0.2),
    "strongly over": (0.4, -0.7),
    "under": (1.4, 0.2),
}
CELLS = [
    *(("spread", name) for name in (*SHARPNESS, "wave", "constant")),
    *(("accurate", name) for name in ("calibrated", "slightly over", "over")),
    ("very accurate", "over"),
    *(("21 values", name) for name in ("calibrated", "slightly over", "strongly over")),
    *(("3 values", name) for name in ("calibrated", "over")),
]


class Population(NamedTuple):
    """Confidences, ascending, and the accuracy of each, (ROWS,)."""

    stated: Floats
    true: Floats

    @classmethod
    def of(cls, kind: str, name: str) -> Population:
        stated = np.sort(np.clip(STATED[kind](np.random.default_rng(0)), 0.0, 1.0))
        if name == "wave":
            return cls(stated, np.clip(stated + 0.05 * np.sin(9.0 * stated), 0.0, 1.0))
        if name == "constant":
            return cls(stated, np.full(ROWS, 0.7))
        inside = np.clip(stated, 1e-9, 1.0 - 1e-9)
        sharpness, shift = SHARPNESS[name]
        true = 1.0 / (1.0 + np.exp(-sharpness * np.log(inside / (1.0 - inside)) - shift))
        return cls(stated, stated if name == "calibrated" else true)

    def truth(self, name: str) -> float:
        """The true value of a metric."""
        if name == "smece":
            return float(smoothed_error(heat(self.stated, (self.true - self.stated) / ROWS)))
        own, places, count = np.unique(self.stated, return_inverse=True, return_counts=True)
        rows = count.astype(np.float64)
        samples = Samples(rows[None, :], own, (np.bincount(places, self.true) / rows)[None, :])
        return float(DRAWN[name].numbers_of(Pairs.of(self.stated, self.true > 0.5))(samples)[0])

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Any]:
        rows = rng.integers(0, ROWS, n)
        return self.stated[rows], rng.random(n) < self.true[rows]


def coverage(kind: str, name: str, n: int, samples: int, metrics: Sequence[str]) -> list[str]:
    """Of each metric: in how many percent of samples the truth is inside, below and above, and the mean width."""
    population, rng = Population.of(kind, name), np.random.default_rng(n)
    truths = {metric: population.truth(metric) for metric in metrics}
    seen: dict[str, list[tuple[bool, bool, float]]] = {metric: [] for metric in metrics}
    for _ in range(samples):
        pairs = Pairs.of(*population.draw(n, rng))
        for metric, truth in truths.items():
            found = DRAWN[metric].interval_of(pairs, LEVEL)
            if found is not None:
                seen[metric].append((truth < found.low - 1e-9, truth > found.high + 1e-9, found.high - found.low))
    told = []
    for own in seen.values():
        below, above, width = np.mean(own, axis=0)
        told.append(f"{100 * (1 - below - above):.1f} ({100 * width:.2f})")
    return told


def difference(kind: str, n: int, samples: int, metrics: Sequence[str]) -> list[str]:
    """Of each metric: how many percent of differences are called one at 5 %, where the true values are equal."""
    rng = np.random.default_rng(n + 1)
    called = dict.fromkeys(metrics, 0)
    for _ in range(samples):
        one, other, right = models(kind, n, rng)
        columns = {"row": np.arange(n)}
        dumps = (
            Predictions(confidence=own, correct=hit, columns=columns)
            for own, hit in zip((one, other), right, strict=True)
        )
        found = compare(*dumps, metrics=[*metrics])
        for metric in metrics:
            called[metric] += found[metric].excludes_zero
    return [f"{100 * count / samples:.1f}" for count in called.values()]


PAIRED = {
    "both calibrated, one blunt": "ks ecce mcb smece",
    "over and under by 3 points, same labels": "ks ecce mcb smece dsc",
    "twins over by 6 points, other noise": "ks ecce mcb smece dsc",
}


def models(kind: str, n: int, rng: np.random.Generator) -> tuple[Floats, Floats, tuple[Any, Any]]:
    """The confidences of two models on the same rows, and which rows each has right.

    The blunt model says the mean confidence of the rows of its group, so that it is as calibrated as the other.
    """
    if kind == "both calibrated, one blunt":
        truth = rng.beta(5, 2, n)
        blunt, groups = truth.copy(), np.round(truth * 3)
        for group in np.unique(groups):
            blunt[groups == group] = truth[groups == group].mean()
        right = rng.random(n) < truth
        return truth, blunt, (right, right)
    truth = rng.uniform(0.55, 0.9, n)
    if kind.startswith("over and under"):
        right = rng.random(n) < truth
        return truth + 0.03, truth - 0.03, (right, right)
    shared, own, other = rng.random((3, n))
    mine, theirs = (np.where(rng.random(n) < 0.5, shared, draw) < truth for draw in (own, other))
    return truth + 0.06, truth + 0.06, (mine, theirs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--rows", type=int, nargs="+", default=[300, 1000, 5000])
    parser.add_argument("--metrics", nargs="+", choices=[*DRAWN], default=[*DRAWN])
    parser.add_argument("--kinds", nargs="+", choices=[*STATED], default=[*STATED], help="confidences")
    parser.add_argument("--quick", action="store_true", help="few samples of 300 rows")
    parser.add_argument("--only", choices=["coverage", "differences"], default=None)
    given = parser.parse_args()
    samples, sizes = (5, [300]) if given.quick else (given.samples, given.rows)
    head = " | ".join(given.metrics)
    if given.only != "differences":
        print(f"Coverage in percent (mean width in points), {samples} samples each\n")
        print(f"| confidences | accuracy | n | {head} |\n|---|---|---|{'---|' * len(given.metrics)}")
        cells = [cell for cell in CELLS if cell[0] in given.kinds]
        for kind, name in cells[:2] if given.quick else cells:
            for n in sizes:
                told = " | ".join(coverage(kind, name, n, samples, given.metrics))
                print(f"| {kind} | {name} | {n:,} | {told} |", flush=True)
    if given.only != "coverage":
        print(f"\nDifferences called one at 5 % where there is none, in percent, {samples} samples each\n")
        print(f"| models | n | {head} |\n|---|---|{'---|' * len(given.metrics)}")
        for kind, known in PAIRED.items():
            for n in sizes:
                own = [metric for metric in given.metrics if metric in known.split()]
                told = dict(zip(own, difference(kind, n, samples, own), strict=True))
                print(f"| {kind} | {n:,} | {' | '.join(told.get(one, '–') for one in given.metrics)} |", flush=True)


if __name__ == "__main__":
    main()
