"""Comparisons of models with few errors, by simulation: python -m tests.benchmarks.accurate_pairs --quick.

Two models state probabilities for the same rows of a population whose true ones are known. For every metric: how often
the interval held the true difference, how often the words "likely" and "certain" were wrong, because the true
difference is 0 or of the other sign, in percent, and the mean width. Nominal: 95 %, at most 5 % and at most 0.5 %.
"any": how often some metric was wrongly "likely", or "certain". Twins are equally good: of them, every word is wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from calibeval import Predictions, compare
from calibeval.core.data.arrays import Floats
from calibeval.words.difference import Change, change
from tests.benchmarks.coverage_pairs import drawn
from tests.benchmarks.coverage_samples import Pool, softmax

METRICS = ("ece", "aece", "oe", "cwce", "rmsce", "accuracy", "confidence_gap", "nll", "brier")
TWINS = "twins"
LIKELY = {word for word in Change if "likely" in word.value}
CERTAIN = {word for word in Change if "certain" in word.value}
# A true difference of less than this share of the larger value is none: no word about it is right.
NONE = 1e-3


def logits(rng: np.random.Generator, rows: int, k: int, accuracy: float) -> Floats:
    """True logits with this mean of the largest true probability."""
    drawn = rng.normal(size=(rows, k))
    drawn[np.arange(rows), rng.integers(0, k, rows)] += 4.0
    low, high = 0.05, 20.0
    for _ in range(40):
        scale = np.sqrt(low * high)
        low, high = (scale, high) if softmax(scale * drawn).max(axis=1).mean() < accuracy else (low, scale)
    return np.sqrt(low * high) * drawn


def pairs(k: int, accuracy: float, rows: int) -> dict[str, tuple[Pool, Pool]]:
    """Pairs of models of a population in which the best model is right this often."""
    rng = np.random.default_rng(k)
    true_logits = logits(rng, rows, k, accuracy)
    true = softmax(true_logits)
    top, chance = true.argmax(axis=1), true.max(axis=1)

    def risks(factor: float) -> Pool:
        stated = true * factor
        stated[np.arange(rows), top] = 1.0 - factor * (1.0 - chance)
        return Pool(stated, true)

    def noisy() -> Pool:
        return Pool(softmax(true_logits + 0.5 * rng.normal(size=true.shape)), true)

    return {
        "calibrated – ten times smaller risks": (risks(1.0), risks(0.1)),
        "ten times smaller risks – calibrated": (risks(0.1), risks(1.0)),
        "half the risks – twice the risks": (risks(0.5), risks(2.0)),
        TWINS: (noisy(), noisy()),
        "calibrated – 1.3 times the logits": (Pool(true, true), Pool(softmax(1.3 * true_logits), true)),
    }


def measure(
    base: Pool, candidate: Pool, n: int, replicates: int, *, equal: bool
) -> dict[str, tuple[float, float, float, float]]:
    """For every metric the coverage, how often "likely" and "certain" were wrong, and the mean width.

    equal: whether no difference is real.
    """
    rng = np.random.default_rng(n)
    truths = [pool.truths().values for pool in (base, candidate)]
    seen: dict[str, list[tuple[float, ...]]] = {"any": []}
    for _ in range(replicates):
        rows, labels = drawn(base.true, n, rng)
        one, other = (Predictions(probs=pool.stated[rows], labels=labels) for pool in (base, candidate))
        found, words = compare(one, [other]), []
        for name in METRICS:
            difference = found[name]
            if difference.low is None or difference.high is None:
                continue
            before, after = truths[0][name], truths[1][name]
            truth = after - before
            none = equal or abs(truth) <= NONE * max(abs(before), abs(after))
            word = change(difference)
            wrong = word in LIKELY | CERTAIN and (none or (difference.low > 0.0) != (truth > 0.0))
            inside = difference.low - 1e-12 <= truth <= difference.high + 1e-12
            row = (inside, wrong and word in LIKELY, wrong and word in CERTAIN, difference.high - difference.low)
            seen.setdefault(name, []).append(row)
            words.append(row[1:3])
        seen["any"].append((np.nan, any(one for one, _ in words), any(one for _, one in words), np.nan))
    return {name: tuple(np.mean(rows, axis=0).tolist()) for name, rows in seen.items()}


def table(
    k: int, accuracy: float, n: int, replicates: int, told: Callable[[str], None], rows: int, only: list[str] | None
) -> None:
    """One table: pairs of models by metrics."""
    told(f"\n{k} classes, accuracy {100 * accuracy:g} %, n = {n:,}, {replicates} samples\n")
    told(f"| pair | {' | '.join(METRICS)} | any |")
    told(f"|---|{'---|' * (len(METRICS) + 1)}")
    for name, (base, candidate) in pairs(k, accuracy, rows).items():
        if only is not None and name not in only:
            continue
        cell = measure(base, candidate, n, replicates, equal=name == TWINS)
        numbers = [
            f"{100 * c:.0f} / {100 * likely:.1f} / {100 * certain:.1f} ({100 * width:.2f})"
            for c, likely, certain, width in (cell.get(m, (np.nan,) * 4) for m in METRICS)
        ]
        told(f"| {name} | {' | '.join(numbers)} | {100 * cell['any'][1]:.1f} / {100 * cell['any'][2]:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="100 samples of 300 and 1000 rows, 2 classes, 99.9 %")
    parser.add_argument("--rows", type=int, nargs="+", default=[300, 1000, 5000], help="sizes n")
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--accuracies", type=float, nargs="+", default=[0.999, 0.99, 0.9])
    parser.add_argument("--pairs", nargs="+", default=None, help="only these pairs")
    parser.add_argument("--population", type=int, default=200_000)
    options = parser.parse_args()
    if options.quick:
        options.replicates, options.rows, options.classes, options.accuracies = 100, [300, 1000], [2], [0.999]
    for k in options.classes:
        for accuracy in options.accuracies:
            for n in options.rows:
                out = (lambda line: print(line, flush=True), options.population, options.pairs)
                table(k, accuracy, n, options.replicates, *out)


if __name__ == "__main__":
    main()
