"""Measure by simulation how often the intervals cover the truth: python tests/benchmarks/coverage.py --quick.

A population is a finite pool of rows with stated and true class probabilities. Replicates draw rows from it with
replacement and labels from the true probabilities, so that the true value of every metric is known exactly. Printed
is a Markdown table over all cells (rows x classes x maps from stated to true probabilities), nominal level 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from calibeval.core.metrics.binning import (
    BinSums,
    Floats,
    bin_index,
    bin_sums,
    equal_mass_edges,
    equal_mass_ranks,
    equal_width_edges,
)
from calibeval.core.metrics.intervals import (
    MCE_LEAST_COUNT,
    Interval,
    cwce_interval,
    ece_interval,
    gap_interval,
    mce_interval,
    mean_interval,
    oe_interval,
    wilson_interval,
)

BINS = 15
EDGES = equal_width_edges(BINS)
CONFIDENCE = 0.95
# True logits are stated logits times the sharpness plus a bias per class.
LOGIT_MAPS = {
    "perfect": (1.0, 0.0),
    "slightly over": (0.9, 0.0),
    "over": (0.7, 0.0),
    "strongly over": (0.5, 0.0),
    "under": (1.3, 0.0),
    "class bias": (1.0, 0.4),
    "over, class bias": (0.85, 0.3),
}
# The true top-label probability is the confidence plus height * sin(9 confidence) plus shift.
WAVE_MAPS = {"wave": (0.1, 0.0), "small wave": (0.03, 0.0), "wave, mostly under": (0.06, 0.05)}


@dataclass(frozen=True, slots=True, eq=False)
class Truths:
    """The true value of every metric; bin_gaps holds |gap| of the equal-width bins, of which the MCE is a maximum."""

    values: dict[str, float]
    bin_gaps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Rows of a population: stated and true probabilities, (rows, k) each."""

    stated: Floats
    true: Floats

    @property
    def top(self) -> npt.NDArray[np.intp]:
        return np.asarray(self.stated.argmax(axis=1), np.intp)

    def truths(self) -> Truths:
        rows, k = self.stated.shape
        confidence, hit = self.stated.max(axis=1), self.true[np.arange(rows), self.top]
        bins = bin_index(confidence, EDGES)
        gap = np.bincount(bins, weights=hit - confidence, minlength=BINS) / rows
        count = np.maximum(np.bincount(bins, minlength=BINS), 1) / rows
        mean = np.bincount(bins, weights=confidence, minlength=BINS) / rows / count
        mass_bins = bin_index(confidence, mass_edges(confidence))
        cells = bin_index(self.stated, EDGES) + BINS * np.arange(k)
        class_gap = np.bincount(cells.ravel(), weights=(self.true - self.stated).ravel(), minlength=BINS * k)
        values = {
            "ece": np.abs(gap).sum(),
            "aece": np.abs(np.bincount(mass_bins, weights=hit - confidence)).sum() / rows,
            "oe": np.sum(mean * np.maximum(-gap, 0.0)),
            "cwce": np.abs(class_gap).sum() / (rows * k),
            "nll": -np.sum(self.true * np.log(self.stated)) / rows,
            "brier": 1.0 + np.sum(self.stated**2 - 2.0 * self.true * self.stated) / rows,
            "accuracy": hit.mean(),
            "confidence_gap": np.mean(confidence - hit),
        }
        return Truths({name: float(value) for name, value in values.items()}, np.abs(gap) / count)


def mass_edges(confidence: Floats) -> Floats:
    return equal_mass_edges(np.sort(confidence)[equal_mass_ranks(len(confidence), BINS)])


def softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def make_pool(k: int, name: str) -> Pool:
    rng = np.random.default_rng(k)
    rows = 60_000 if k < 50 else 20_000
    logits = (2.5 if k < 50 else 3.0) * rng.normal(size=(rows, k))
    stated = softmax(logits)
    if name in LOGIT_MAPS:
        sharpness, bias = LOGIT_MAPS[name]
        return Pool(stated, softmax(logits * sharpness + bias * rng.normal(size=k)))
    height, shift = WAVE_MAPS[name]
    confidence = stated.max(axis=1)
    hit = np.clip(confidence + height * np.sin(9.0 * confidence) + shift, 0.01, 0.99)
    true = stated * ((1.0 - hit) / (1.0 - confidence))[:, None]
    true[np.arange(rows), stated.argmax(axis=1)] = hit
    return Pool(stated, true)


def class_sums(stated: Floats, labels: npt.NDArray[np.intp]) -> BinSums:
    n, k = stated.shape
    cells = bin_index(stated, EDGES) + BINS * np.arange(k)
    rows = np.arange(n)

    def total(index: npt.NDArray[np.intp], weights: Floats | None) -> Floats:
        return np.bincount(index.ravel(), weights=weights, minlength=BINS * k).astype(np.float64).reshape(k, BINS)

    own = cells[rows, labels]
    return BinSums(
        total(cells, None),
        total(cells, stated.ravel()),
        total(cells, np.square(stated).ravel()),
        total(own, None),
        total(own, stated[rows, labels]),
    )


def intervals(pool: Pool, n: int, rng: np.random.Generator) -> Iterator[tuple[str, Interval | None, BinSums]]:
    """The intervals of one replicate, each with the sums of its top-label equal-width bins."""
    chosen = rng.integers(0, len(pool.stated), n)
    stated, true = pool.stated[chosen], pool.true[chosen]
    labels = np.minimum((rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1), true.shape[1] - 1)
    confidence, correct = stated.max(axis=1), (labels == stated.argmax(axis=1)).astype(np.float64)
    sums = bin_sums(confidence, correct, EDGES)
    own = stated[np.arange(n), labels]
    nll, brier = -np.log(own), 1.0 - 2.0 * own + np.sum(stated * stated, axis=1)
    found: dict[str, Interval | None] = {
        "ece": ece_interval(sums, n, CONFIDENCE),
        "aece": ece_interval(bin_sums(confidence, correct, mass_edges(confidence)), n, CONFIDENCE),
        "oe": oe_interval(sums, n, CONFIDENCE),
        "cwce": cwce_interval(class_sums(stated, labels), n, CONFIDENCE),
        "mce": mce_interval(sums, CONFIDENCE),
        "nll": mean_interval(float(nll.sum()), float(nll @ nll), n, CONFIDENCE),
        "brier": mean_interval(float(brier.sum()), float(brier @ brier), n, CONFIDENCE),
        "accuracy": wilson_interval(float(correct.sum()), n, CONFIDENCE),
        "confidence_gap": gap_interval(sums, n, CONFIDENCE),
    }
    for name, interval in found.items():
        yield name, interval, sums


def measure(pool: Pool, n: int, replicates: int, seed: int) -> dict[str, tuple[float, float]]:
    """Coverage and mean width of every metric in one cell."""
    truths, rng = pool.truths(), np.random.default_rng(seed)
    seen: dict[str, list[tuple[bool, float]]] = {}
    for _ in range(replicates):
        for name, interval, sums in intervals(pool, n, rng):
            if interval is None:
                continue
            large = sums.count >= MCE_LEAST_COUNT
            truth = float(truths.bin_gaps[large].max()) if name == "mce" else truths.values[name]
            inside = interval.low - 1e-12 <= truth <= interval.high + 1e-12
            seen.setdefault(name, []).append((inside, interval.high - interval.low))
    return {name: (float(np.mean(row, axis=0)[0]), float(np.mean(row, axis=0)[1])) for name, row in seen.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="n = 500 and 2000, k = 2 and 10 only")
    parser.add_argument("--rows", type=int, nargs="+", default=None, help="sizes n instead of the default ones")
    parser.add_argument("--classes", type=int, nargs="+", default=None, help="numbers k, as --rows")
    parser.add_argument("--cells", action="store_true", help="print every cell as well")
    options = parser.parse_args()
    sizes = options.rows or ([500, 2000] if options.quick else [500, 2000, 10_000, 50_000])
    classes = options.classes or ([2, 10] if options.quick else [2, 10, 100])
    found: dict[str, list[tuple[str, float]]] = {}
    for k, name in product(classes, (*LOGIT_MAPS, *WAVE_MAPS)):
        pool = make_pool(k, name)
        for n in sizes:
            cell = measure(pool, n, options.replicates, seed=n)
            for metric, (coverage, _) in cell.items():
                found.setdefault(metric, []).append((name, coverage))
            if options.cells:
                print(f"k={k} n={n} {name}: " + ", ".join(f"{m} {100 * c:.1f} ({w:.4f})" for m, (c, w) in cell.items()))
    print("| metric | cells | min | median | max | share of cells from 93 % | perfect model, worst |")
    print("|---|---|---|---|---|---|---|")
    for metric, pairs in found.items():
        shares = 100.0 * np.array([value for _, value in pairs])
        perfect = min([100.0 * value for name, value in pairs if name == "perfect"])
        print(
            f"| {metric} | {len(pairs)} | {shares.min():.1f} | {np.median(shares):.1f} | {shares.max():.1f} "
            f"| {100 * np.mean(shares >= 93):.0f} % | {perfect:.1f} |"
        )


if __name__ == "__main__":
    main()
