"""Coverage of intervals of weighted rows: python -m tests.benchmarks.coverage_weights.

The population has finitely many confidences, so that the true value of every metric is known, for equal-mass bins by
the edges of each sample. Samples are not representative: rows of a stratum are drawn more often than they occur, and
weighted by the inverse, or the weights have nothing to do with the model. Printed are Markdown tables: how often the
intervals hold the truth at a nominal 95 %, and how often a calibrated model exceeds floor_high, which 5 % should.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np

from calibeval import Predictions
from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.table import all_metrics
from calibeval.core.sums.binning import bin_index
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.sums import Sums

BINS = 15
METRICS = ("accuracy", "confidence_gap", "nll", "brier", "ece", "aece", "oe", "rmsce", "ece_positive", "cwce", "mce")
FLOORED = ("confidence_gap", "ece", "aece", "oe", "rmsce")
# Mean log-odds of the confidence, and from stated to true log-odds.
MODELS = {"very accurate": (7.0, 1.0), "accurate": (4.5, 1.0), "calibrated": (2.0, 1.0), "over-confident": (2.0, 0.7)}
# How many times as often rows are drawn that are not sure (confidence below .9), and the deviation of log weights.
SAMPLING = {"unsure x 5": (5.0, 0.0), "sure x 5": (0.2, 0.0), "log-normal": (1.0, 0.8)}


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Atoms: stated confidence, true chance of being right, share of the population, and share of the sample."""

    stated: Floats
    true: Floats
    share: Floats
    drawn: Floats
    noise: float

    @classmethod
    def of(cls, model: str, sampling: str, atoms: int = 400) -> Population:
        centre, slope = MODELS[model]
        times, noise = SAMPLING[sampling]
        odds = np.abs(centre + 1.5 * np.quantile(np.random.default_rng(0).normal(size=100_000), _steps(atoms)))
        stated, true = (1.0 / (1.0 + np.exp(-factor * odds)) for factor in (1.0, slope))
        drawn = np.where(stated < 0.9, times, 1.0)
        return cls(stated, true, np.full(atoms, 1.0 / atoms), drawn / drawn.sum(), noise)

    def sample(self, n: int, rng: np.random.Generator) -> Sums:
        atom = rng.choice(len(self.stated), n, p=self.drawn)
        weights = (self.share / self.drawn)[atom] * np.exp(self.noise * rng.normal(size=n))
        predicted, right = rng.integers(0, 2, n), rng.random(n) < self.true[atom]
        positive = np.where(predicted == 1, self.stated[atom], 1.0 - self.stated[atom])
        labels = np.where(right, predicted, 1 - predicted)
        return summarise(Predictions(probs=positive, labels=labels, weights=weights), BINS)

    def truth(self, sums: Sums) -> dict[str, float]:
        """The true value of every metric, on the bins of a sample."""
        c, a, m = self.stated, self.true, self.share
        positive = [(m / 2, c, a), (m / 2, 1.0 - c, 1.0 - a)]  # of class 1, predicted and not
        p, y, mass = (np.concatenate([part[i] for part in positive]) for i in (1, 2, 0))
        width = _gaps(c, a, m, sums.compared)
        large = np.flatnonzero(sums.top.effective >= 30)
        of_class = float(np.abs(_gaps(p, y, mass, sums.compared)[0]).sum())
        return {
            "accuracy": float(m @ a),
            "confidence_gap": float(m @ (c - a)),
            "nll": float(m @ -(a * np.log(c) + (1 - a) * np.log(1 - c))),
            "brier": 2 * float(m @ (a * (1 - c) ** 2 + (1 - a) * c**2)),
            "ece": float(np.abs(width[0]).sum()),
            "aece": float(np.abs(_gaps(c, a, m, sums.mass_edges)[0]).sum()),
            "oe": float((width[1] * np.maximum(width[0], 0.0)).sum()),
            "rmsce": float(np.sqrt((width[0] ** 2 / np.maximum(width[2], 1e-300)).sum())),
            "ece_positive": of_class,
            "cwce": of_class,
            "mce": float(np.max(np.abs(width[0] / np.maximum(width[2], 1e-300))[large], initial=0.0)),
        }


def _steps(atoms: int) -> Floats:
    return (np.arange(atoms) + 0.5) / atoms


def _gaps(p: Floats, y: Floats, mass: Floats, edges: Floats) -> tuple[Floats, Floats, Floats]:
    """Of every bin: share times gap, mean probability, and share."""
    bins, m = bin_index(p, edges), len(edges) - 1
    gap, total, share = (np.bincount(bins, weights=w, minlength=m) for w in (mass * (p - y), mass * p, mass))
    return gap, total / np.maximum(share, 1e-300), share


@dataclass(frozen=True, slots=True)
class Cell:
    """Shares of samples, in percent, by metric, and the mean effective number of rows."""

    covered: dict[str, float]
    above: dict[str, float]
    effective: float


def cell(model: str, sampling: str, n: int, samples: int) -> Cell:
    population = Population.of(model, sampling)
    rng = np.random.default_rng([n, *map(ord, model + sampling)])
    held = {name: [0, 0] for name in METRICS}
    above, effective = dict.fromkeys(FLOORED, 0), 0.0
    for _ in range(samples):
        sums = population.sample(n, rng)
        truth, found = population.truth(sums), all_metrics(sums, 0.95, only=METRICS)
        effective += sums.n / samples
        for name, metric in found.items():
            if metric.low is not None and metric.high is not None:
                held[name][0] += 1
                held[name][1] += metric.low - 1e-12 <= truth[name] <= metric.high + 1e-12
            if name in above and metric.value is not None and metric.floor_high is not None:
                above[name] += abs(metric.value) > metric.floor_high
    covered = {name: 100.0 * hit / count for name, (count, hit) in held.items() if count}
    return Cell(covered, {name: 100.0 * count / samples for name, count in above.items()}, effective)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--n", type=int, nargs="+", default=[300, 1000, 5000])
    parser.add_argument("--models", nargs="+", default=[*MODELS], choices=[*MODELS])
    parser.add_argument("--sampling", nargs="+", default=[*SAMPLING], choices=[*SAMPLING])
    asked = parser.parse_args()
    print("| model | weights | rows | count as |", " | ".join(METRICS), "|", " | ".join(f"> {x}" for x in FLOORED), "|")
    print("|" + "---|" * (4 + len(METRICS) + len(FLOORED)))
    for model, sampling, n in product(asked.models, asked.sampling, asked.n):
        found = cell(model, sampling, n, asked.samples)
        cells = [f"{found.covered[name]:.0f}" if name in found.covered else "–" for name in METRICS]
        over = [f"{found.above[name]:.0f}" if MODELS[model][1] == 1.0 else "" for name in FLOORED]
        print(f"| {model} | {sampling} | {n} | {found.effective:.0f} |", " | ".join(cells + over), "|", flush=True)


if __name__ == "__main__":
    main()
