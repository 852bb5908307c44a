"""How often a search for the worst segments raises a false alarm, and how often it finds a segment that is worse.

`python -m tests.benchmarks.segments --files 500` prints alarms of calibrated models over all segments; and, with one
segment that is over-confident, in how many files it is found, beside the same statistic with Bonferroni's correction of
its own p, and how many have alarms among segments without its rows. Everything follows from the seeds.
"""

from __future__ import annotations

import argparse
from itertools import combinations

import numpy as np

from calibeval.core.uncertainty.brownian import range_tail
from calibeval.core.uncertainty.segments import Largest, Segmented, largest_of

DRAWS = 99  # p is exact for any number of draws
KINDS = {"confident": (8, 1), "unsure": (3, 2), "rare": (1, 12)}
VALUES = (3, 3, 3, 2, 4, 3)


def table(n: int, rng: np.random.Generator) -> tuple[list[Segmented], list[np.ndarray]]:
    """Six columns that depend on each other, as ways to divide rows: each alone, and in pairs."""
    common = rng.normal(size=n)
    cut = [np.argsort(np.argsort(common + 1.5 * rng.normal(size=n))) * size // n for size in VALUES]
    ways = [Segmented(np.zeros(n, np.intp), 1), *map(Segmented, cut, VALUES)]
    for one, other in combinations(range(len(VALUES)), 2):
        codes, size = cut[one] * VALUES[other] + cut[other], VALUES[one] * VALUES[other]
        enough = np.bincount(codes, minlength=size) >= 100
        place = np.where(enough, np.cumsum(enough) - 1, size)
        ways.append(Segmented(place[codes], int(enough.sum())))
    return ways, cut


def searched(kind: str, n: int, seed: int, off: float = 0.0, *, weighted: bool = False) -> tuple[Largest, np.ndarray]:
    """One file, over-confident by `off` where the first two columns are 0; and which segments hold no such row."""
    rng = np.random.default_rng(seed)
    ways, cut = table(n, rng)
    p = rng.beta(*KINDS[kind], n)
    bad = (cut[0] == 0) & (cut[1] == 0)
    outcome = rng.random(n) < np.clip(p - off * bad, 0, 1)
    weights = rng.gamma(1, 1, n) + 0.1 if weighted else None
    clean = np.concatenate([np.bincount(way.codes[bad], minlength=way.size + 1)[: way.size] == 0 for way in ways])
    return largest_of(ways, p, outcome, weights, draws=DRAWS, seed=seed + 10**6), clean


def alarms(files: int) -> None:
    """Print how often calibrated models have a segment that stands out."""
    print("false alarms, % of files: over all segments; without correction")
    for kind in KINDS:
        for n, weighted in ((1000, False), (5000, False), (5000, True)):
            found = [searched(kind, n, seed, weighted=weighted)[0] for seed in range(files)]
            rates = [(one.p().min() <= 0.05, min(map(range_tail, one.sigma)) <= 0.05) for one in found]
            name = f"{kind}{', weights' if weighted else ''}"
            print(f"{name:20} n={n:5} {len(found[0].sigma):4} segments", *percent(rates), flush=True)


def power(files: int) -> None:
    """Print how often a worse segment is found."""
    print("a segment of 1/6 of the rows is off, % of files: found; with Bonferroni; alarms without its rows")
    for kind in ("confident", "unsure"):
        for off in (0.03, 0.05, 0.08, 0.12):
            rates = []
            for seed in range(files):
                found, clean = searched(kind, 5000, seed, off)
                bonferroni = len(found.sigma) * min(map(range_tail, found.sigma))
                rates.append((found.p().min() <= 0.05, bonferroni <= 0.05, (found.p()[clean] <= 0.05).any()))
            print(f"{kind:20} off={off:.2f}", *percent(rates), flush=True)


def percent(rates: list[tuple[bool, ...]]) -> list[str]:
    """The shares as text."""
    return [f"{100 * share:6.1f}" for share in np.mean(rates, axis=0)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--power", type=int, default=100, help="files of each row of the second table")
    given = parser.parse_args()
    power(given.power)
    alarms(given.files)
