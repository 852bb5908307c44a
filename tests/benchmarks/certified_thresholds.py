"""How often a certified threshold is violated: python -m tests.benchmarks.certified_thresholds.

The population is known, so each certified threshold has a true error. With delta = 5 %, at most 5 % of samples may have
one above the limit. Confidences are continuous, rounded to 0.02 so that most are tied, or of rows in groups that are
right or wrong together; for groups, the true error is the mean over groups of their share of wrong rows. In `constant`,
the error of all rows is barely above the limit, so every certified threshold is wrong. Printed is a Markdown table.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.uncertainty.certified import DELTA, Certified, certified

ATOMS = 100_000
SIZES = (1, 2, 3, 6, 12)


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Rows with a confidence and a chance of being wrong, from the most confident on; groups: of rows, or None."""

    confidence: Floats
    chance: Floats
    groups: np.ndarray | None

    @classmethod
    def of(cls, kind: str, limit: float) -> Population:
        rng = np.random.default_rng(0)
        confidence = np.sort(1.0 - 0.5 * rng.random(ATOMS) ** 2)[::-1]
        chance = np.minimum(1.0, 1.5 * (1.0 - confidence))
        if kind == "constant":
            return cls(confidence, np.full(ATOMS, limit * 1.0001), None)
        if kind == "tied":
            confidence = np.round(confidence / 0.02) * 0.02
        if kind != "groups":
            return cls(confidence, chance, None)
        sizes = rng.choice(SIZES, ATOMS // 5)
        groups = np.repeat(np.arange(len(sizes)), sizes)
        confidence = 1.0 - 0.5 * rng.random(len(groups)) ** 2
        odds = np.log(0.5 * (1.0 - confidence) + 1e-9) + rng.normal(0.0, 2.0, len(sizes))[groups]
        return cls(confidence, 1.0 / (1.0 + np.exp(-odds)), groups)

    def error(self, threshold: float) -> float:
        above = self.confidence >= threshold
        if self.groups is None:
            return float(self.chance[above].mean())
        rows = np.bincount(self.groups[above])
        return float((np.bincount(self.groups[above], self.chance[above])[rows > 0] / rows[rows > 0]).mean())

    def sample(self, n: int, limit: float, rng: np.random.Generator) -> Certified:
        if self.groups is None:
            rows, groups = rng.integers(0, len(self.chance), n), None
        else:
            starts = np.searchsorted(self.groups, np.arange(self.groups[-1] + 2))
            chosen = rng.integers(0, self.groups[-1] + 1, n)
            rows = np.concatenate([np.arange(starts[one], starts[one + 1]) for one in chosen])
            groups = np.repeat(np.arange(n), (starts[1:] - starts[:-1])[chosen])
        return certified(self.confidence[rows], rng.random(len(rows)) >= self.chance[rows], limit, groups=groups)


def main() -> None:
    parser = argparse.ArgumentParser(description="How often certified thresholds are violated")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    allowed = DELTA + 2.0 * math.sqrt(DELTA * (1.0 - DELTA) / given.samples)
    print(f"{given.samples:,} samples each; at most {allowed:.2%} may be violated\n")
    print("| confidences | rows (or groups) | limit | violated | certified | mean coverage |")
    print("|---|---|---|---|---|---|")
    for kind in ("continuous", "tied", "groups", "constant"):
        for limit in (0.02, 0.05, 0.1):
            population = Population.of(kind, limit)
            for n in (300, 2000):
                rng = np.random.default_rng((given.seed, n))
                found = [population.sample(n, limit, rng) for _ in range(given.samples)]
                there = [one for one in found if one.threshold is not None]
                bad = sum(population.error(one.threshold) > limit for one in there if one.threshold is not None)
                coverage = sum(one.coverage for one in found) / len(found)
                mark = " !" if bad > allowed * given.samples else ""
                print(
                    f"| {kind} | {n} | {limit} | {bad / given.samples:.2%}{mark} "
                    f"| {len(there) / given.samples:.1%} | {coverage:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
