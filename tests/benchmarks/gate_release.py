"""How a gate treats releases: python -m tests.benchmarks.gate_release.

A population is a pool of rows with true class probabilities. The model in use has an accuracy of about 92 % and an ECE
of about 1.5 %; its logits are the true ones, a little too sharp, with noise. An unchanged candidate has other noise of
the same strength, so that it is a twin: neither better nor worse. Candidates are made worse by sharper logits (NLL,
Brier, ECE, gap) or by more noise (accuracy), until a true metric is worse by the margin of its rule, or by twice the
margin. Both models see the same rows, with labels drawn from the true probabilities.

"passed" is how often every rule passed, "exit 0" how often the gate let the candidate through, "planned" the mean of
what `--plan` said of either.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibeval import GateSettings, Predictions, Rule
from calibeval.core.data.arrays import Floats
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judged import judged
from calibeval.core.gating.planning import plan_of
from calibeval.core.gating.presets import PRESETS

CLASSES, POOL = 5, 200_000
SLICE_ROWS = 2000
SCALE, NOISE, SHARPNESS = 9.5, 0.45, 1.1
HOW = GateSettings()
Labels = npt.NDArray[np.intp]


def softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


class Population:
    """Rows with true probabilities, the logits of the model in use, and those of candidates."""

    def __init__(self, seed: int, *, sharpness: float = SHARPNESS, noise: float = NOISE) -> None:
        rng = np.random.default_rng(seed)
        self.logits: Floats = SCALE * rng.normal(size=(POOL, CLASSES))
        self.true = softmax(self.logits)
        self.cumulated = self.true.cumsum(axis=1)
        self.drawn = [rng.normal(size=self.logits.shape) for _ in range(2)]
        self.sharpness, self.noise = sharpness, noise
        self.base = self.model(0)

    def model(self, which: int, *, sharper: float = 1.0, noisier: float = 1.0) -> Floats:
        """The logits of a model with this noise."""
        return np.asarray(self.sharpness * sharper * (self.logits + noisier * self.noise * self.drawn[which]))

    def truth(self, logits: Floats) -> dict[str, float]:
        """The true metrics of a model."""
        p, rows = softmax(logits), np.arange(POOL)
        top, confidence = p.argmax(axis=1), p.max(axis=1)
        right = self.true[rows, top]
        bins = np.ceil(confidence * 15).astype(np.intp) - 1
        return {
            "accuracy": float(right.mean()),
            "confidence_gap": float((confidence - right).mean()),
            "ece": float(np.abs(np.bincount(bins, confidence - right)).sum() / POOL),
            "nll": float(-(self.true * np.log(np.maximum(p, 1e-300))).sum() / POOL),
            "brier": float((1.0 + (p * p).sum(axis=1) - 2.0 * (p * self.true).sum(axis=1)).mean()),
        }

    def worse(self, metric: str, change: float, *, by_noise: bool) -> Floats:
        """The twin made worse until its true metric differs from that of the model in use by this much."""
        start, (low, high) = self.truth(self.base)[metric], (1.0, 30.0)
        for _ in range(18):
            middle = 0.5 * (low + high)
            made = self.model(1, noisier=middle) if by_noise else self.model(1, sharper=middle)
            low, high = (middle, high) if abs(self.truth(made)[metric] - start) < abs(change) else (low, middle)
        return self.model(1, noisier=high) if by_noise else self.model(1, sharper=high)

    def draw(self, candidate: Floats, n: int, rng: np.random.Generator) -> tuple[Predictions, Predictions]:
        """Both models on n rows."""
        rows = rng.integers(0, POOL, n)
        labels = (rng.random((n, 1)) > self.cumulated[rows]).sum(axis=1).clip(0, CLASSES - 1)
        return Predictions(logits=self.base[rows], labels=labels), Predictions(logits=candidate[rows], labels=labels)


def judged_often(
    population: Population, candidate: Floats, n: int, count: int, rules: Sequence[Rule], *, plan: bool, seed: int = 1
) -> dict[str, float]:
    """Shares of samples, in percent: verdicts of the gate, of each rule, and means of what was planned."""
    seen: defaultdict[str, float] = defaultdict(float)
    for i in range(count):
        base, other = population.draw(candidate, n, np.random.default_rng([seed, n, i]))
        subject = Subject.of(other, base, rules, HOW, bins=None, convention="calibeval", slices=(), group=None)
        verdict = judged(subject, rules, HOW)
        seen[verdict.verdict] += 1
        seen["exit 0"] += bool(verdict)
        for one in verdict.rules:
            seen[f"{one.rule.metric} {one.verdict}"] += 1
        if plan:
            made = plan_of(subject, rules, HOW)
            seen["planned pass"] += made.pass_chance or 0.0
            seen["planned exit 0"] += made.exit_0_chance or 0.0
            for told in made.rules:
                seen[f"planned {told.rule.metric}"] += told.pass_chance or 0.0
    return {key: 100.0 * value / count for key, value in seen.items()}


def unchanged(
    population: Population, sizes: Sequence[int], count: int, rules: Sequence[Rule]
) -> list[dict[str, float]]:
    """An unchanged candidate at several sizes."""
    twin = population.model(1)
    print("| rows | passed | planned | exit 0 | planned | failed |" + "".join(f" {r.metric} |" for r in rules))
    print("|---|---|---|---|---|---|" + "---|" * len(rules))
    found = []
    for n in sizes:
        one = judged_often(population, twin, n, count, rules, plan=True)
        shown = [one.get(key, 0.0) for key in ("pass", "planned pass", "exit 0", "planned exit 0", "fail")]
        each = [f"{one.get(f'{r.metric} pass', 0.0):.0f} / {one[f'planned {r.metric}']:.0f}" for r in rules]
        print(f"| {n:,} | " + " | ".join([*(f"{x:.1f}" for x in shown), *each]) + " |", flush=True)
        found.append({"n": n, **one})
    return found


def violated(
    population: Population, sizes: Sequence[int], count: int, rules: Sequence[Rule], times: float
) -> list[dict[str, object]]:
    """Candidates that are worse by so many times the margin of each rule."""
    truth, found = population.truth(population.base), []
    print(f"\n{times:g} times the margin\n")
    print("| rule | rows | this rule passes | this rule fails | gate passed | exit 0 | gate failed |")
    print("|---|---|---|---|---|---|---|")
    for rule in rules:
        margin = rule.limit * (truth[rule.metric] if rule.relative else 1.0)
        change = times * margin - (0.0 if rule.is_change else truth[rule.metric])
        candidate = population.worse(rule.metric, change, by_noise=rule.metric == "accuracy")
        big = population.draw(population.model(1), 20_000, np.random.default_rng(0))
        subject = Subject.of(big[1], big[0], rules, HOW, bins=None, convention="calibeval", slices=(), group=None)
        told = next(one for one in plan_of(subject, rules, HOW).rules if one.rule == rule)
        for n in sizes if times == 1 else [min(told.rows_to_detect or 0, 20_000)]:
            one = judged_often(population, candidate, n, count, rules, plan=False, seed=2)
            own = [one.get(f"{rule.metric} {word}", 0.0) for word in ("pass", "fail")]
            shown = [*own, *(one.get(key, 0.0) for key in ("pass", "exit 0", "fail"))]
            print(f"| {rule.metric} | {n:,} | " + " | ".join(f"{x:.1f}" for x in shown) + " |", flush=True)
            found.append({"rule": rule.metric, "n": n, "times": times, **one})
    return found


def sliced(population: Population, n: int, count: int, worst: float | None) -> dict[str, float]:
    """Twenty slices of n rows whose true ECE is 1.1 to 1.9 %, under a limit of 5 % on the worst one.

    worst: the true ECE of one more slice; None: all are good.
    """
    targets = [*np.linspace(0.011, 0.019, 20 if worst is None else 19), *([] if worst is None else [worst])]
    sharpness = [_sharpness(population, target) for target in targets]
    rule, seen = Rule("ece", "max", 0.05, slice="worst:site"), defaultdict[str, float](float)
    owner = np.repeat(np.arange(len(targets)), n)
    for i in range(count):
        rng = np.random.default_rng([3, n, i])
        rows = rng.integers(0, POOL, len(owner))
        labels = (rng.random((len(owner), 1)) > population.cumulated[rows]).sum(axis=1).clip(0, CLASSES - 1)
        logits = population.base[rows] * np.array(sharpness)[owner][:, None]
        dump = Predictions(logits=logits, labels=labels, columns={"site": owner})
        subject = Subject.of(dump, None, [rule], HOW, bins=None, convention="calibeval", slices=(), group=None)
        (one,) = judged(subject, [rule], HOW).rules
        seen[one.verdict] += 1
        seen["planned"] += plan_of(subject, [rule], HOW).pass_chance or 0.0
        seen["usual"] += all((part.plain_high or 1.0) <= rule.limit for part in one.slices)
    return {key: 100.0 * value / count for key, value in seen.items()}


def _sharpness(population: Population, target: float) -> float:
    """The factor of the logits that gives this ECE."""
    low, high = 0.93, 8.0
    for _ in range(18):
        middle = 0.5 * (low + high)
        over = population.truth(middle * population.base)["ece"] < target
        low, high = (middle, high) if over else (low, middle)
    return high


def slices(population: Population, count: int) -> list[dict[str, float]]:
    """Slices that are all good, one of them at the limit, and one at twice the limit."""
    print("\n| rows of a slice | the worst slice | passed | planned | inconclusive | failed | by the 95 % interval |")
    print("|---|---|---|---|---|---|---|")
    found = []
    for worst in (None, 0.05, 0.10):
        one = sliced(population, SLICE_ROWS, count, worst)
        keys = ("pass", "planned", "inconclusive", "fail", "usual")
        shown = " | ".join(f"{one.get(key, 0.0):.1f}" for key in keys)
        print(f"| {SLICE_ROWS:,} | {1.9 if worst is None else 100 * worst:.1f} % | {shown} |", flush=True)
        found.append({"worst": worst or 0.0, **one})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--rows", type=int, nargs="+", default=[500, 1000, 2000, 3000, 5000])
    parser.add_argument("--preset", default="recommended")
    parser.add_argument("--cases", nargs="+", default=["unchanged", "limit", "twice", "slices"])
    parser.add_argument("--save", type=Path, default=None)
    options = parser.parse_args()
    population = Population(0)
    rules = [rule for rule in PRESETS[options.preset] if rule.slice is None]
    truth = {name: round(value, 4) for name, value in population.truth(population.base).items()}
    print(f"preset {options.preset}, {options.samples} samples; the model in use: {truth}\n")
    cases: dict[str, Callable[[], object]] = {
        "unchanged": lambda: unchanged(population, options.rows, options.samples, rules),
        "limit": lambda: violated(population, options.rows[1::2], options.samples, rules, 1.0),
        "slices": lambda: slices(population, options.samples),
        "twice": lambda: violated(population, options.rows, options.samples, rules, 2.0),
    }
    found = {case: cases[case]() for case in options.cases}
    if options.save is not None:
        options.save.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
