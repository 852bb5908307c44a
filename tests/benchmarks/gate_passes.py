"""How often a slice at its limit passes: python -m tests.benchmarks.gate_passes.

A population is a finite pool of rows with stated and true class probabilities (coverage_samples.py), so that the true
value of every metric is known. The limit is that value, so that every pass is false, and a rule passes if the end of
its interval is within the limit. Printed is how often that happens, in percent, with the end of the 95 % interval
(one-sided 2.5 %), and with that of the 90 % interval (one-sided 5 %): the highest of all populations, and the median.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from calibeval import Predictions
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.resources import PLAIN
from tests.benchmarks.coverage_samples import BINS, LOGIT_MAPS, WAVE_MAPS, Pool, make_pool, softmax

NAMES = ("ece", "aece", "oe", "rmsce", "mce", "cwce", "nll", "brier", "confidence_gap", "accuracy")
LEVELS = (0.95, 0.90)
# An accurate model, and one whose scores are rounded: sharpness of the stated logits, and of the true ones.
MORE_MAPS = ("accurate", "accurate, over", "shift", "rounded")


def pool_of(k: int, name: str) -> Pool:
    """The population of this name."""
    if name not in MORE_MAPS:
        return make_pool(k, name)
    rng = np.random.default_rng(k)
    if name.startswith("accurate"):
        logits = 12.0 * rng.normal(size=(60_000, k))
        return Pool(softmax(logits), softmax(0.6 * logits if "over" in name else logits))
    logits = 2.5 * rng.normal(size=(60_000, k))
    if name == "shift":
        return Pool(softmax(logits), softmax(logits - 0.3 * (np.arange(k) == 1)))
    stated = np.maximum(np.round(softmax(logits), 2), 1e-6)
    return Pool(stated / stated.sum(axis=1, keepdims=True), softmax(0.8 * logits))


def passes(k: int, name: str, n: int, count: int, metrics: Sequence[str]) -> Iterator[dict[str, float | str]]:
    """For each metric, the share of false passes at both levels."""
    pool = pool_of(k, name)
    truths, ends = pool.truths().values, pool.true.cumsum(axis=1)
    rng = np.random.default_rng([n, k, len(name)])
    seen: dict[str, list[list[bool]]] = {metric: [] for metric in metrics}
    for _ in range(count):
        rows = rng.integers(0, len(ends), n)
        labels = (rng.random((n, 1)) > ends[rows]).sum(axis=1).clip(0, k - 1)
        sums = summarise(Predictions(probs=pool.stated[rows], labels=labels), BINS, PLAIN)
        for metric in metrics:
            if metric not in truths or (k < 3 and metric == "cwce"):
                continue
            ends_of = [METRICS[metric].interval(sums, level) for level in LEVELS]
            if None not in ends_of:
                seen[metric].append([_passes(metric, end, truths[metric]) for end in ends_of if end is not None])
    for metric, found in seen.items():
        truth = abs(truths.get(metric, 0.0))
        if found and truth > 1e-9:
            usual, one_sided = (100.0 * np.mean(found, axis=0)).tolist()
            yield {"metric": metric, "k": k, "map": name, "n": n, "truth": truth, "usual": usual, "one": one_sided}


def _passes(metric: str, found: tuple[float, float, float | None], truth: float) -> bool:
    low, high = found[0], found[1]
    if metric == "accuracy":
        return low >= truth
    return max(-low, high) <= abs(truth) if metric == "confidence_gap" else high <= truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 500, 1000, 2000, 5000])
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--metrics", nargs="+", default=NAMES)
    parser.add_argument("--maps", nargs="+", default=(*LOGIT_MAPS, *WAVE_MAPS, *MORE_MAPS))
    parser.add_argument("--save", type=Path, default=None)
    options = parser.parse_args()
    found = []
    for k in options.classes:
        for name in options.maps:
            for n in options.rows:
                found += list(passes(k, name, n, options.samples, options.metrics))
    if options.save is not None:
        options.save.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("| metric | rows | 95 % interval: highest | median | 90 % interval: highest | median | highest of |")
    print("|---|---|---|---|---|---|---|")
    for metric in NAMES:
        for n in options.rows:
            own = [cell for cell in found if cell["metric"] == metric and cell["n"] == n]
            if own:
                usual, one = ([float(cell[key]) for cell in own] for key in ("usual", "one"))
                worst = max(own, key=lambda cell: float(cell["one"]))
                shown = " | ".join(f"{x:.1f}" for x in (max(usual), np.median(usual), max(one), np.median(one)))
                print(f"| {metric} | {n:,} | {shown} | {worst['map']}, {worst['k']} classes |")


if __name__ == "__main__":
    main()
