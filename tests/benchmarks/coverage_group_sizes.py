"""Coverage of intervals by groups of unequal sizes, and of bad groups: python -m tests.benchmarks.coverage_group_sizes.

Two classes. Every group moves the logits of all its rows by an effect of its own, so that even a calibrated model is
off in every group; "one in ten bad" is a model that is right everywhere else. Sizes do not depend on effects, so that
the truth is that of single rows. Printed are Markdown tables, of single models and of two models on the same rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibeval import Predictions, compare, evaluate
from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.sums.binning import bin_index, equal_width_edges

BINS = 15
METRICS = ("accuracy", "confidence_gap", "ece", "aece", "oe", "rmsce", "nll", "brier")
PAIRED = ("confidence_gap", "ece", "nll", "brier")
Effects = Callable[[np.random.Generator, int], Floats]
Sizes = Callable[[np.random.Generator], Codes]


class Rows(NamedTuple):
    """Confidence, its true probability, confidence of a second model, whether rows are right, and groups; (n,) each."""

    stated: Floats
    true: Floats
    other: Floats
    right: Floats
    group: Codes

    def of(self, *, second: bool) -> Predictions:
        """One model's dump. The guess is the same for both; the class is of no importance."""
        guess = np.arange(len(self.stated)) % 2
        stated = self.other if second else self.stated
        p, label = np.where(guess == 1, stated, 1.0 - stated), np.where(self.right > 0, guess, 1 - guess)
        return Predictions(probs=p, labels=label, columns={"group": self.group})


def logistic(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def normal(rng: np.random.Generator, groups: int) -> Floats:
    return rng.normal(0.0, 0.8, groups)


def bad(rng: np.random.Generator, groups: int) -> Floats:
    return np.where(rng.random(groups) < 0.1, -2.0, 0.0)


def equal(groups: int, size: int = 50) -> Sizes:
    return lambda _: np.full(groups, size)


def log_normal(groups: int) -> Sizes:
    return lambda rng: np.maximum(1, np.round(50 * np.exp(rng.normal(0.0, 1.3, groups) - 0.845))).astype(np.intp)


def drawn(rng: np.random.Generator, sizes: Codes, effects: Effects, sure: float = 0.0) -> Rows:
    """Rows of groups of these sizes. sure: is added to all logits; from 3 to 5, 1 % to 0.1 % of the rows are wrong."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    z = np.abs(rng.normal(1.5, 1.0, len(group))) + sure
    other = logistic(np.abs(1.3 * z + rng.normal(0.0, 0.3, len(group))))
    true = logistic(z + effects(rng, len(sizes))[group])
    return Rows(logistic(z), true, other, (rng.random(len(group)) < true).astype(float), group)


def copies(rng: np.random.Generator, groups: int, each: int) -> Rows:
    """Independent rows, each several times."""
    return Rows(*(np.repeat(part, each) for part in drawn(rng, np.ones(groups, np.intp), normal)))


def blobs(rng: np.random.Generator, images: int) -> Rows:
    """Images of 1000 pixels with one unsure region each, which is right or wrong as a whole."""
    n = 1000 * images
    group, unsure = np.repeat(np.arange(images), 1000), np.arange(n) % 1000 < 200
    stated = np.where(unsure, rng.uniform(0.55, 0.75, images)[group], 0.99)
    whole = (rng.random(images) < 0.65)[group]
    right = np.where(unsure, whole, rng.random(n) < 0.99).astype(float)
    return Rows(stated, np.where(unsure, 0.65, 0.99), 1.0 - 0.7 * (1.0 - stated), right, group)


DESIGNS: dict[str, Callable[[np.random.Generator], Rows]] = {
    "20 of 50 rows": lambda rng: drawn(rng, equal(20)(rng), normal),
    "20, log-normal": lambda rng: drawn(rng, log_normal(20)(rng), normal),
    "60, log-normal": lambda rng: drawn(rng, log_normal(60)(rng), normal),
    "200, log-normal": lambda rng: drawn(rng, log_normal(200)(rng), normal),
    "60, log-normal, one in ten bad": lambda rng: drawn(rng, log_normal(60)(rng), bad),
    "200, log-normal, one in ten bad": lambda rng: drawn(rng, log_normal(200)(rng), bad),
    "60 of 50 rows, one in ten bad": lambda rng: drawn(rng, equal(60)(rng), bad),
    "12 of 500 rows": lambda rng: drawn(rng, equal(12, 500)(rng), normal),
    "2000 pairs": lambda rng: drawn(rng, equal(2000, 2)(rng), normal),
    "60 of 50 rows, 1 % errors": lambda rng: drawn(rng, equal(60)(rng), normal, 3.0),
    "60, log-normal, 1 % errors": lambda rng: drawn(rng, log_normal(60)(rng), normal, 3.0),
    "60 of 50 rows, 0.2 % errors": lambda rng: drawn(rng, equal(60)(rng), normal, 4.5),
    "200 of 5 rows, 0.2 % errors": lambda rng: drawn(rng, equal(200, 5)(rng), normal, 4.5),
    "60 of 5 rows, 0.2 % errors": lambda rng: drawn(rng, equal(60, 5)(rng), normal, 4.5),
    "200 of 50 rows, 0.2 % errors": lambda rng: drawn(rng, equal(200)(rng), normal, 4.5),
    "300 rows, 10 copies each": lambda rng: copies(rng, 300, 10),
    "20 images, one unsure region": lambda rng: blobs(rng, 20),
    "60 images, one unsure region": lambda rng: blobs(rng, 60),
}


def truths(rows: Rows, *, second: bool) -> dict[str, float]:
    """The values of every metric of a large population."""
    c, t = rows.other if second else rows.stated, rows.true
    places = bin_index(c, equal_width_edges(BINS))
    mass = np.searchsorted(np.quantile(c, np.arange(1, BINS) / BINS), c)

    def gaps(bins: Codes) -> Floats:
        return np.asarray(np.bincount(bins, weights=t - c, minlength=BINS)) / len(c)

    share = np.maximum(np.bincount(places, minlength=BINS), 1) / len(c)
    mean = np.bincount(places, weights=c, minlength=BINS) / len(c) / share
    return {
        "accuracy": float(t.mean()),
        "confidence_gap": float(np.mean(c - t)),
        "ece": float(np.abs(gaps(places)).sum()),
        "aece": float(np.abs(gaps(mass)).sum()),
        "oe": float(np.sum(mean * np.maximum(-gaps(places), 0.0))),
        "rmsce": float(np.sqrt(np.sum(gaps(places) ** 2 / share))),
        "nll": float(np.mean(-t * np.log(c) - (1.0 - t) * np.log(1.0 - c))),
        "brier": float(np.mean(2.0 * t * (1.0 - c) ** 2 + 2.0 * (1.0 - t) * c**2)),
    }


def population(design: str) -> Rows:
    """Many samples of a design in one; groups are told apart by their sample."""
    rng = np.random.default_rng(99)
    parts = [DESIGNS[design](rng) for _ in range(300)]
    return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), choices=list(DESIGNS))
    options = parser.parse_args()
    print(f"| groups | effective | {' | '.join(METRICS)} | {' | '.join(f'Δ {one}' for one in PAIRED)} |")
    print(f"|---|---|{'---|' * (len(METRICS) + len(PAIRED))}")
    for number, design in enumerate(options.designs):
        every = population(design)
        one, two = truths(every, second=False), truths(every, second=True)
        held: dict[str, list[bool]] = {}
        worth, rng = [], np.random.default_rng([7, number])
        for _ in range(options.replicates):
            rows = DESIGNS[design](rng)
            sizes = np.bincount(rows.group).astype(float)
            worth.append(sizes.sum() ** 2 / (sizes @ sizes))
            base, candidate = rows.of(second=False), rows.of(second=True)
            report = evaluate(base, group="group")
            for name in METRICS:
                m = report[name]
                if m.low is not None and m.high is not None:
                    held.setdefault(name, []).append(m.low - 1e-9 <= one[name] <= m.high + 1e-9)
            compared = compare(base, [candidate], group="group", metrics=PAIRED)
            for name in PAIRED:
                d = compared[name]
                if d.low is not None and d.high is not None:
                    inside = d.low - 1e-9 <= two[name] - one[name] <= d.high + 1e-9
                    held.setdefault(f"Δ {name}", []).append(inside)
        shares = [held.get(name) for name in (*METRICS, *(f"Δ {name}" for name in PAIRED))]
        cells = ["–" if found is None else f"{100 * np.mean(found):.0f}" for found in shares]
        print(f"| {design} | {np.mean(worth):.0f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
