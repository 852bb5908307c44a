"""How often a change that is as large as its margin passes: python -m tests.benchmarks.gate_margins.

The model in use and the candidates of gate_release.py, on the same rows. The true change of a metric is the margin of
its rule in the preset `recommended`, so that every pass is false. Changes of means and of the accuracy pass by their
one-sided bound, mean + z s/√n, here with z = 1.645 and 1.96; the margin is that of the measured baseline where the rule
is relative.
"""

from __future__ import annotations

import argparse

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.gating.presets import PRESETS
from tests.benchmarks.gate_release import CLASSES, POOL, Labels, Population, softmax

SCORES = (1.645, 1.96)


def values(metric: str, p: Floats, labels: Labels) -> Floats:
    """What each row adds to the metric; less is better."""
    own, right = p[np.arange(len(p)), labels], p.argmax(axis=1) == labels
    if metric == "nll":
        return np.asarray(-np.log(own))
    if metric == "brier":
        return np.asarray(1.0 + (p * p).sum(axis=1) - 2.0 * own)
    return np.asarray(1.0 - right if metric == "accuracy" else p.max(axis=1) - right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1500)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 3000])
    options = parser.parse_args()
    population = Population(0)
    truth, base = population.truth(population.base), softmax(population.base)
    print("| rule | candidate | rows | passes by the 90 % interval | by the 95 % interval |")
    print("|---|---|---|---|---|")
    for rule in (rule for rule in PRESETS["recommended"] if rule.is_change):
        for noisier in (False, True):
            if (noisier and rule.metric == "confidence_gap") or (not noisier and rule.metric == "accuracy"):
                continue  # which it does not change
            margin = rule.limit * (truth[rule.metric] if rule.relative else 1.0)
            other = softmax(population.worse(rule.metric, margin, by_noise=noisier))
            for n in options.rows:
                rng, passed = np.random.default_rng(7), np.zeros(2)
                for _ in range(options.samples):
                    rows = rng.integers(0, POOL, n)
                    labels = (rng.random((n, 1)) > population.cumulated[rows]).sum(axis=1).clip(0, CLASSES - 1)
                    before = values(rule.metric, base[rows], labels)
                    change = values(rule.metric, other[rows], labels) - before
                    limit = rule.limit * (before.mean() if rule.relative else 1.0)
                    error = change.std(ddof=1) / np.sqrt(n)
                    passed += [change.mean() + z * error <= limit for z in SCORES]
                shown = " | ".join(f"{100 * x / options.samples:.1f}" for x in passed)
                print(f"| {rule.metric} | {'noisier' if noisier else 'sharper'} | {n:,} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
