"""How often reports of calibrated models say "likely" and "certain": python -m tests.benchmarks.wrong_words --quick.

Labels are drawn with the stated probabilities, so every word that a model is miscalibrated is wrong. Nominal: "likely"
in at most 5 % of reports for each metric, and "certain" in at most 0.1 %; "any": some metric of the report.
"""

from __future__ import annotations

import argparse

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.data.arrays import Floats
from calibeval.core.report.standing import Standing, standing_of
from tests.benchmarks.accurate_pairs import logits
from tests.benchmarks.coverage_pairs import drawn
from tests.benchmarks.coverage_samples import softmax

METRICS = ("temperature", "confidence_gap", "ece", "mce", "aece", "cwce", "oe", "rmsce", "ece_positive")


def words(true: Floats, n: int, replicates: int) -> dict[str, tuple[float, float]]:
    """For every metric, and any, how often it was at least likely, and certain."""
    rng = np.random.default_rng(n)
    seen: dict[str, list[tuple[bool, bool]]] = {name: [] for name in (*METRICS, "any")}
    for _ in range(replicates):
        rows, labels = drawn(true, n, rng)
        report = evaluate(Predictions(probs=true[rows], labels=labels))
        found = []
        for name in METRICS:
            if name in report:
                standing = standing_of(report[name], n=n, k=true.shape[1])
                beyond = standing is not None and standing.beyond_noise
                found.append((beyond, standing is Standing.CERTAIN))
                seen[name].append(found[-1])
        seen["any"].append((any(one for one, _ in found), any(one for _, one in found)))
    return {name: tuple(np.mean(rows, axis=0).tolist()) for name, rows in seen.items() if rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--quick", action="store_true", help="100 samples of 100 and 1000 rows, 2 classes")
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 300, 1000, 5000], help="sizes n")
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--accuracies", type=float, nargs="+", default=[0.6, 0.9, 0.99, 0.999])
    options = parser.parse_args()
    if options.quick:
        options.replicates, options.rows, options.classes = 100, [100, 1000], [2]
    print(f"| k | accuracy | n | {' | '.join((*METRICS, 'any'))} |")
    print(f"|---|---|---|{'---|' * (len(METRICS) + 1)}")
    for k in options.classes:
        for accuracy in options.accuracies:
            true = softmax(logits(np.random.default_rng(k), 100_000, k, accuracy))
            for n in options.rows:
                found = words(true, n, options.replicates)
                cells = (found.get(name) for name in (*METRICS, "any"))
                numbers = ["" if cell is None else f"{100 * cell[0]:.1f} / {100 * cell[1]:.2f}" for cell in cells]
                print(f"| {k} | {100 * accuracy:g} | {n:,} | {' | '.join(numbers)} |", flush=True)


if __name__ == "__main__":
    main()
