"""How often the gate errs: python -m tests.benchmarks.gate_errors.

A population is a pool of rows with true class probabilities. Two models are twins: their logits are the true ones, made
too sharp, plus noise of the same strength drawn for each; so neither is better. A pair is a sample of rows with labels
drawn from the true probabilities, seen by both twins (paired), or two samples of other rows, of which one left only its
report (two samples of one model). Every failure of the rule "not up" is then false. The bare rule fails a candidate
whose plug-in ECE is up by more than 0.005.

For the power a twin is made worse: its logits are sharpened until its true change is what its comparison prints as
detectable.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

import calibeval
from calibeval import Predictions, Report
from calibeval.core.comparison.compare import compare
from calibeval.core.data.arrays import Floats
from calibeval.core.gating.gate import gate
from calibeval.core.gating.rules import Rule

CLASSES, POOL, NOISE, SHARPNESS = 5, 200_000, 0.6, 1.3
METRICS = ("nll", "ece")
BARE = 0.005
RULES = [Rule(metric, "max_increase", 0.0) for metric in METRICS]


class Population:
    """Rows with true probabilities, and the logits of twin models on them."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        logits = 2.0 * rng.normal(size=(POOL, CLASSES))
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.true: Floats = chances / chances.sum(axis=1, keepdims=True)
        self.twins = [SHARPNESS * logits + NOISE * rng.normal(size=logits.shape) for _ in range(2)]

    def rows(self, n: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Numbers of n rows, and a label for each."""
        chosen = rng.integers(0, POOL, n)
        labels = (rng.random((n, 1)) > self.true[chosen].cumsum(axis=1)).sum(axis=1).clip(0, CLASSES - 1)
        return chosen, labels

    def truth(self, metric: str, logits: Floats) -> float:
        """The metric of a model in the whole population: exact for nll, on the population's bins for ece."""
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        if metric == "nll":
            return float(-(self.true * np.log(p)).sum() / POOL)
        top = p.argmax(axis=1)
        confidence, right = p.max(axis=1), self.true[np.arange(POOL), top]
        bins = np.ceil(confidence * 15).astype(np.intp) - 1
        return float(np.abs(np.bincount(bins, confidence - right)).sum() / POOL)


def pairs(population: Population, n: int, count: int, sharper: float, seed: int) -> Iterator[tuple[Predictions, ...]]:
    """Both twins on the same rows, the second with sharper logits."""
    for i in range(count):
        rows, labels = population.rows(n, np.random.default_rng([seed, n, i]))
        base, candidate = (twin[rows] for twin in population.twins)
        yield Predictions(logits=base, labels=labels), Predictions(logits=sharper * candidate, labels=labels)


def samples(population: Population, n: int, count: int, seed: int) -> Iterator[tuple[Report, Predictions]]:
    """One model on two samples, of which the first is a saved report."""
    for i in range(count):
        rng = np.random.default_rng([seed, n, i])
        (first, labels), (second, others) = population.rows(n, rng), population.rows(n, rng)
        model = population.twins[0]
        report = calibeval.evaluate(Predictions(logits=model[first], labels=labels))
        yield report, Predictions(logits=model[second], labels=others)


def shares(cases: Iterator[tuple[Predictions | Report, Predictions]], count: int) -> dict[str, float]:
    """The share of cases that each rule, and the bare one, fails."""
    failed = dict.fromkeys((*METRICS, "bare"), 0)
    for base, candidate in cases:
        for judged in (gate(candidate, [rule], baseline=base).rules[0] for rule in RULES):  # each alone
            failed[judged.rule.metric] += judged.verdict == "fail"
            if judged.rule.metric == "ece" and judged.decisive is not None:
                failed["bare"] += (judged.decisive.value or 0.0) > BARE
    return {name: number / count for name, number in failed.items()}


def detectable(population: Population, n: int, metric: str, seed: int) -> tuple[float, float]:
    """The change that is as large as what its own comparison prints as detectable, and the factor that makes it.

    What is printed depends on the candidate, so the change is found by going there in steps; each a mean of 40 pairs.
    """
    change, factor = 0.0, 1.0
    for _ in range(4):
        found = [compare(base, [twin])[metric].detectable for base, twin in pairs(population, n, 40, factor, seed)]
        change = float(np.mean([value for value in found if value is not None]))
        factor = sharpened(population, metric, change)
    return change, factor


def sharpened(population: Population, metric: str, change: float) -> float:
    """The factor of the second twin's logits with which its true metric is up by that much."""
    base = population.truth(metric, population.twins[0])
    low, high = 1.0, 20.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        up = population.truth(metric, middle * population.twins[1]) - base
        low, high = (middle, high) if up < change else (low, middle)
    return high


def measure(population: Population, n: int, count: int, seed: int) -> Iterator[dict[str, float | str]]:
    """The rows of the table for one n: case, shares of failures in percent, and the change where there is one."""

    def told(case: str, found: dict[str, float], change: float = 0.0) -> dict[str, float | str]:
        percent = {name: 100.0 * share for name, share in found.items()}
        return {"n": n, "case": case, "pairs": count, "change": change, **percent}

    yield told("same rows", shares(pairs(population, n, count, 1.0, seed + 1), count))
    yield told("two samples", shares(samples(population, n, count, seed + 2), count))
    for metric in METRICS:
        change, factor = detectable(population, n, metric, seed + 3)
        found = shares(pairs(population, n, count, factor, seed + 4), count)
        yield told(f"{metric} up by the detectable", found, change)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--rows", type=int, nargs="+", default=[500, 2000, 10_000, 50_000])
    parser.add_argument("--quick", action="store_true", help="100 pairs of 500 and 2,000 rows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, default=None, help="a JSON file for the rows of the table")
    options = parser.parse_args()
    count, sizes = (100, [500, 2000]) if options.quick else (options.pairs, options.rows)
    population, rows = Population(options.seed), []
    print(
        f"Failures in {count:,} pairs, %. Without a change every one is false; with the detectable change 80 are due.\n"
    )
    print("| rows | case | gate: NLL not up | gate: ECE not up | bare: ECE up by > 0.005 |")
    print("|---|---|---|---|---|")
    for n in sizes:
        for row in measure(population, n, count, options.seed):
            rows.append(row)
            change = f" {row['change']:.4f}" if row["change"] else ""
            shown = " | ".join(f"{row[key]:.1f}" for key in (*METRICS, "bare"))
            print(f"| {n:,} | {row['case']}{change} | {shown} |", flush=True)
    if options.save is not None:
        options.save.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
