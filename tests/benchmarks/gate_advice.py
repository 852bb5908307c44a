"""What a gate says of other samples, held against them: python -m tests.benchmarks.gate_advice.

Three questions, for the model in use of gate_release.py and populations of gate_passes.py. "together": seven rules
whose limits are the true values, so that every failure is false, in how many samples does any of them fail? "rows": an
inconclusive rule says how many rows decide in 80 of 100 samples; how many fresh samples of that size does it decide?
"init": how many fresh samples pass the limits that `--init` derives from one sample of the same size?
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

import calibeval
from calibeval import Predictions, Rule
from calibeval.core.data.toml import read_toml
from calibeval.core.gating.config import config_from_table
from calibeval.core.gating.gate import gate
from calibeval.render.ci.toml import render
from tests.benchmarks.gate_passes import pool_of
from tests.benchmarks.gate_release import Population

TOGETHER = ("ece", "aece", "oe", "cwce", "nll", "brier", "accuracy")


def together(count: int, sizes: list[int]) -> None:
    """All rules at the truth."""
    print("| population | rows | any rule fails | would fail alone, each: highest | all pass |")
    print("|---|---|---|---|---|")
    for k, name in ((5, "over"), (5, "slightly over"), (10, "perfect"), (10, "accurate, over")):
        pool = pool_of(k, name)
        truths, ends = pool.truths().values, pool.true.cumsum(axis=1)
        rules = [Rule(m, "min" if m == "accuracy" else "max", truths[m]) for m in TOGETHER]
        for n in sizes:
            failed, passed, alone = 0, 0, defaultdict[str, int](int)
            for i in range(count):
                rng = np.random.default_rng([11, n, i])
                rows = rng.integers(0, len(ends), n)
                labels = (rng.random((n, 1)) > ends[rows]).sum(axis=1).clip(0, k - 1)
                verdict = gate(Predictions(probs=pool.stated[rows], labels=labels), rules)
                failed += verdict.verdict == "fail"
                passed += verdict.verdict == "pass"
                for one in verdict.rules:
                    low, high = one.decisive.plain_low or 0.0, one.decisive.plain_high or 1.0
                    beyond = high < one.rule.limit if one.rule.kind == "min" else low > one.rule.limit
                    alone[one.rule.metric] += beyond
            shown = [failed, max(alone.values()), passed]
            print(
                f"| {name}, {k} classes | {n:,} | " + " | ".join(f"{100 * x / count:.1f}" for x in shown) + " |",
                flush=True,
            )


def rows(count: int) -> None:
    """The advice of inconclusive rules."""
    population = Population(0)
    print(
        "| rule | rows | inconclusive | advised: 10 %, median, 90 % | at the median decided | at each advice decided |"
    )
    print("|---|---|---|---|---|---|")
    cases = [("ece", "max", 0.03, 500), ("ece", "max", 0.03, 1000), ("ece", "max", 0.02, 2000)]
    cases += [("accuracy", "min", 0.89, 1000), ("nll", "max", 0.25, 1000), ("brier", "max", 0.14, 2000)]
    for metric, kind, limit, n in cases:
        rule = Rule(metric, kind, limit)
        advised, undecided = [], 0
        for i in range(count):
            one = gate(population.draw(population.base, n, np.random.default_rng([12, n, i]))[0], [rule]).rules[0]
            undecided += one.verdict == "inconclusive"
            if one.verdict == "inconclusive" and one.decisive is not None:
                advised.append(one.decisive.rows_needed or 10**9)
        low, middle, high = np.quantile(advised, [0.1, 0.5, 0.9], method="higher").tolist()

        def decided(size: int, seed: int, rule: Rule = rule) -> bool:
            drawn = population.draw(population.base, min(size, 50_000), np.random.default_rng([13, seed]))
            return gate(drawn[0], [rule]).rules[0].verdict in ("pass", "fail")

        at_median = np.mean([decided(middle, i) for i in range(count // 2)])
        each = np.mean([decided(size, 10_000 + i) for i, size in enumerate(advised[: count // 2])])
        told = f"{low:,} – {middle:,} – {high:,}"
        print(
            f"| {metric} {kind} {limit:g} | {n:,} | {100 * undecided / count:.0f} % | {told} "
            f"| {100 * at_median:.0f} % | {100 * each:.0f} % |",
            flush=True,
        )


def init(count: int, sizes: list[int]) -> None:
    """The limits of --init on other samples."""
    population = Population(0)
    print("| rows | ECE passes | accuracy passes | both |")
    print("|---|---|---|---|")
    for n in sizes:
        seen = defaultdict[str, int](int)
        for i in range(count):
            rng = np.random.default_rng([14, n, i])
            first, second = (population.draw(population.base, n, rng)[0] for _ in range(2))
            text = render(calibeval.evaluate(first).dumps[0], "x.npz")
            rules = [
                rule for rule in config_from_table(read_toml(text.encode())["gate"], "x").rules if not rule.is_change
            ]
            verdict = gate(second, rules)
            for one in verdict.rules:
                seen[one.rule.metric] += one.verdict == "pass"
            seen["both"] += verdict.verdict == "pass"
        print(
            f"| {n:,} | " + " | ".join(f"{100 * seen[key] / count:.1f}" for key in ("ece", "accuracy", "both")) + " |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--rows", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--cases", nargs="+", default=["together", "rows", "init"])
    options = parser.parse_args()
    if "together" in options.cases:
        together(options.samples, options.rows)
    if "rows" in options.cases:
        rows(options.samples)
    if "init" in options.cases:
        init(options.samples, options.rows)


if __name__ == "__main__":
    main()
