"""Coverage of what recalibration is worth: python -m tests.benchmarks.recalibration_gain --quick.

A population with known true probabilities states logits that are calibrated, too large by a factor, or bent. A sample
is recalibrated in five folds; the true share is that of these maps on the population, for the map that was chosen, or
for none the best of the others, or 0 if that is negative. In percent: coverage, how often the truth is above ("U"), and
how often the interval is above 0, which for a calibrated model is wrong.
"""

from __future__ import annotations

import argparse

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.data.arrays import Floats
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.cross_fit import cross_fit
from tests.benchmarks.coverage_pairs import drawn
from tests.benchmarks.coverage_samples import softmax

NAMES = ("phi_nll", "phi_brier")
SIZES = (200, 500, 1000, 5000)
# The number of classes, and what the stated logits are of the true ones.
MODELS = {
    "calibrated": (5, lambda z: z),
    "too large": (5, lambda z: 1.6 * z),
    "bent": (5, lambda z: z + 2.0 * (z >= z.max(axis=1, keepdims=True)) * (np.ptp(z, axis=1, keepdims=True) < 5.0)),
    "calibrated, two": (2, lambda z: z),
    "too large, two": (2, lambda z: 1.6 * z),
}


def losses(p: Floats, true: Floats) -> Floats:
    """The expected NLL and Brier score of stated probabilities, (2,). p, true: (rows, k)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        nll = -np.where(true > 0.0, true * np.log(p), 0.0).sum(axis=1).mean()
    return np.array([nll, (1.0 + (p * p - 2.0 * true * p).sum(axis=1)).mean()])


def mapped(one: Map, p: Floats) -> Floats:
    """The probabilities after a map; of the top label, the class may fall below another one."""
    if one.method == "temperature":
        return softmax(np.log(p) / one.parameters()["temperature"])
    curve = one.parameters()["curves"][0]
    if one.method == "isotonic":
        right = np.interp(p[:, 1], curve["x"], curve["y"])
        return np.stack([1.0 - right, right], axis=1)
    confidence, top = p.max(axis=1), p.argmax(axis=1)
    level = np.interp(confidence, curve["x"], curve["y"])
    found = p * ((1.0 - level) / (1.0 - confidence))[:, None]
    found[np.arange(len(p)), top] = level
    return found


def truth(sample: Predictions, method: str, p: Floats, true: Floats) -> Floats:
    """The true shares of the maps that are fitted out of fold, (2,)."""
    fitted = cross_fit(sample, 5, method)
    parts = np.bincount(fitted.folds) / sample.n
    after = sum(part * losses(mapped(one, p), true) for part, one in zip(parts, fitted.maps, strict=True))
    return 1.0 - after / losses(p, true)


def coverage(name: str, n: int, replicates: int) -> tuple[list[tuple[float, float, float]], dict[str, float]]:
    """For each share, how often the interval holds the truth, is below it, and is above 0; and the maps."""
    k, stated_by = MODELS[name]
    population, rng = np.random.default_rng(k), np.random.default_rng(n)
    logits = 2.0 * population.normal(size=(20_000, k))
    stated = stated_by(logits)
    true, p = softmax(logits), softmax(stated)
    seen: list[list[tuple[bool, bool, bool]]] = [[], []]
    chosen: list[str] = []
    for _ in range(replicates):
        rows, labels = drawn(true, n, rng)
        sample = Predictions(logits=stated[rows], labels=labels)
        report = evaluate(sample, metrics=NAMES)
        one = report["phi_nll"].map or ""
        chosen.append(one)
        others = ("temperature", "top-isotonic")
        own = (
            np.maximum(np.maximum(*(truth(sample, other, p, true) for other in others)), 0.0)
            if one == "none"
            else truth(sample, one, p, true)
        )
        for metric, value, kept in zip(NAMES, own, seen, strict=True):
            low, high = report[metric].low, report[metric].high
            if low is not None and high is not None:
                kept.append((low - 1e-9 <= value <= high + 1e-9, value > high, low > 0.0))
    shares = {one: chosen.count(one) / len(chosen) for one in sorted({*chosen})}
    return [tuple(np.mean(kept, axis=0).tolist()) for kept in seen], shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="20 samples of 500 rows")
    parser.add_argument("--models", nargs="+", default=[*MODELS], choices=[*MODELS])
    options = parser.parse_args()
    print("| model | n | map | NLL | above 0 | Brier | above 0 |")
    print("|---|---|---|---|---|---|---|")
    for name in options.models:
        for n in (500,) if options.quick else SIZES:
            found, chosen = coverage(name, n, 20 if options.quick else options.replicates)
            maps = ", ".join(f"{one} {100 * share:.0f} %" for one, share in chosen.items())
            cells = [f"{100 * held:.1f} (U {100 * above:.1f}) | {100 * claimed:.1f}" for held, above, claimed in found]
            print(f"| {name} | {n:,} | {maps} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
