"""Models that intervals must survive: accurate, rounded, tied, saturated, shifted, rare, and near chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import norm

from calibeval.core.data.arrays import Floats
from tests.benchmarks.atoms import Atoms
from tests.benchmarks.coverage_samples import LOGIT_MAPS, make_pool

GRID = (np.arange(2000) + 0.5) / 2000
EDGES = range(6, 16)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """A population with the number of bins that it is measured with. kind: the row of the table that it belongs to."""

    kind: str
    name: str
    make: Callable[[], Atoms]
    bins: int = 15


def logit(p: Floats) -> Floats:
    return np.asarray(np.log(p) - np.log1p(-p))


def sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))


def normal_scores() -> Floats:
    """Quantiles of the standard normal distribution at the grid."""
    return np.asarray(norm.ppf(GRID))


def accurate(risk: float, factor: float = 1.0, sharpness: float = 1.0, k: int = 2) -> Atoms:
    """A model with this mean risk of an error, which differs between rows; the stated risk is `factor` times the true.

    sharpness: of the true logits, relative to the stated ones.
    """
    spread = np.exp(1.2 * normal_scores())
    true = np.minimum(risk * spread / spread.mean(), 0.4)
    stated = np.minimum(true * factor, 0.49) if sharpness == 1.0 else sigmoid(logit(true) / sharpness)
    if k > 2:
        return Atoms.of(1.0 - stated, 1.0 - true, k)
    half = np.arange(len(true)) % 2 == 0
    return Atoms.of(np.where(half, stated, 1.0 - stated), np.where(half, true, 1.0 - true), binary=True)


@cache
def of_map(k: int, name: str) -> Atoms:
    """The top label of a model of k classes with logits that are off by this map, by 2000 steps of its confidence."""
    pool = make_pool(k, name)
    if k == 2:
        order = np.argsort(pool.stated[:, 1])
        stated, true = pool.stated[order, 1], pool.true[order, 1]
    else:
        confidence = pool.stated.max(axis=1)
        order = np.argsort(confidence)
        stated, true = confidence[order], pool.true[order, pool.top[order]]
    steps = len(stated) // 2000
    stated, true = (x[: 2000 * steps].reshape(2000, steps).mean(axis=1) for x in (stated, true))
    return Atoms.of(stated, true, k, binary=k == 2)


def uniform(gap: Callable[[Floats], Floats], least: float = 0.5, decimals: int | None = None, k: int = 10) -> Atoms:
    """Confidences uniform from `least` to 1, right by the confidence minus a gap."""
    c = least + (1.0 - least) * GRID
    c = c if decimals is None else np.maximum(np.round(c, decimals), 0.0)
    return Atoms.of(c, c - gap(c), k)


def shifted(shift: float, spread: float = 1.5) -> Atoms:
    """Two classes, the true log-odds of class 1 lower than the stated ones."""
    x = spread * normal_scores()
    return Atoms.of(sigmoid(x), sigmoid(x - shift), binary=True)


def forest(trees: int, sharpness: float) -> Atoms:
    """Shares of votes of that many trees for class 1."""
    votes = np.arange(trees + 1) / trees
    share = 0.3 + np.abs(votes - 0.5) ** 2 * 6.0
    inner = np.clip(votes, 0.25 / trees, 1.0 - 0.25 / trees)
    true = votes if sharpness == 1.0 else sigmoid(sharpness * logit(inner))
    return Atoms.of(votes, true, share=share, binary=True)


def few_values(stated: list[float], true: list[float], share: list[float] | None = None, k: int = 10) -> Atoms:
    """A few confidences only."""
    return Atoms.of(np.array(stated), np.array(true), k, None if share is None else np.array(share))


def saturated(share: float, hit: float, gap: float = 0.0) -> Atoms:
    """This share of the rows has a confidence of exactly 1, and is right by `hit`; the others are uniform from 0.5."""
    rest = 0.5 + 0.5 * GRID
    weight = np.append(np.full(len(rest), (1.0 - share) / len(rest)), share)
    return Atoms.of(np.append(rest, 1.0), np.append(rest - gap, hit), 10, weight)


def stray(gap: float) -> Atoms:
    """Nearly all rows in two bins, and the others about one in each of the rest."""
    c = np.append(0.87 + 0.13 * GRID, 0.1 + 0.77 * GRID)
    return Atoms.of(c, c - gap, 10, np.repeat([0.985, 0.015], len(GRID)))


def rare(factor: float) -> Atoms:
    """Class 1 is true in 1 % of the rows; the stated probability is the true one times a factor."""
    spread = np.exp(1.5 * normal_scores())
    true = np.minimum(0.01 * spread / spread.mean(), 0.9)
    return Atoms.of(np.minimum(factor * true, 0.95), true, binary=True)


def sawtooth(height: float, bins: int = 15) -> Atoms:
    """Right more often than stated in the lower half of every equal-width bin, and less often in the upper half."""
    return uniform(lambda c: np.where((c * bins) % 1.0 < 0.5, -height, height), 0.45)


def waves(height: float, period: float = 2.0 / 15.0) -> Atoms:
    """Gaps of alternating sign, each over half a period of the confidence."""
    return uniform(lambda c: np.where((c / period) % 1.0 < 0.5, -height, height), 0.4)


def huge_bin(gap: float) -> Atoms:
    """19 of 20 rows have one confidence, and the others are spread over the other bins."""
    rest = 0.3 + 0.6 * GRID
    weight = np.append(np.full(len(rest), 0.05 / len(rest)), 0.95)
    return Atoms.of(np.append(rest, 0.97), np.append(rest, 0.97 - gap), 10, weight)


def two_groups(first: tuple[float, float], second: tuple[float, float], share: float) -> Atoms:
    """Two kinds of rows: confidences around two values, with two gaps."""
    ends = [np.clip(centre + 0.08 * (GRID - 0.5), 0.0, 1.0) for centre, _ in (first, second)]
    true = [c - gap for c, (_, gap) in zip(ends, (first, second), strict=True)]
    return Atoms.of(np.concatenate(ends), np.concatenate(true), 10, np.repeat([share, 1.0 - share], len(GRID)))


SCENARIOS = (
    *(
        Scenario("accurate", name, make)
        for name, make in (
            ("99.9 % right, calibrated", lambda: accurate(0.001)),
            ("99.9 % right, says 99.99 %", lambda: accurate(0.001, 0.1)),
            ("99.9 % right, says 99.6 %", lambda: accurate(0.001, 4.0)),
            ("99.9 % right, says 97 %", lambda: accurate(0.001, 30.0)),
            ("99.8 % right, logits 0.6 as sharp as stated", lambda: accurate(0.002, sharpness=0.6)),
            ("98.8 % right, calibrated", lambda: accurate(0.012)),
            ("98.8 % right, says 99.6 %", lambda: accurate(0.012, 1 / 3)),
            ("10 classes, 99.9 % right, calibrated", lambda: accurate(0.001, k=10)),
            ("10 classes, 99.9 % right, says 99.99 %", lambda: accurate(0.001, 0.1, k=10)),
            ("10 classes, 99 % right, says 99.5 %", lambda: accurate(0.01, 0.5, k=10)),
        )
    ),
    *(
        Scenario(f"{k} classes", name, lambda k=k, name=name: of_map(k, name))
        for k in (2, 3, 10, 100)
        for name in LOGIT_MAPS
        if name not in ("strongly over", "over, class bias")
    ),
    *(
        Scenario("ties", name, make)
        for name, make in (
            ("rounded to 2 decimals, +5 points", lambda: uniform(lambda c: 0.05 + 0 * c, 0.55, 2)),
            ("rounded to 1 decimal, +5 points", lambda: uniform(lambda c: 0.05 + 0 * c, 0.55, 1)),
            ("rounded to 1 decimal, calibrated", lambda: uniform(lambda c: 0 * c, 0.35, 1)),
            ("forest of 20, calibrated", lambda: forest(20, 1.0)),
            ("forest of 20, over", lambda: forest(20, 0.8)),
            ("forest of 100, calibrated", lambda: forest(100, 1.0)),
            ("forest of 100, over", lambda: forest(100, 0.8)),
            ("one confidence, +5 points", lambda: few_values([0.8], [0.75])),
            ("one confidence, calibrated", lambda: few_values([0.8], [0.8])),
            ("three confidences, mixed", lambda: few_values([0.6, 0.8, 0.95], [0.63, 0.8, 0.92], [1, 2, 3])),
            ("three confidences, calibrated", lambda: few_values([0.6, 0.8, 0.95], [0.6, 0.8, 0.95], [1, 2, 3])),
            (
                "on the edges of bins",
                lambda: few_values([i / 15 for i in EDGES], [i / 16 for i in EDGES]),
            ),
            ("two classes, all 0.5", lambda: Atoms.of(np.array([0.5]), np.array([0.47]), binary=True)),
            ("ten classes, all 0.1", lambda: few_values([0.1], [0.12])),
        )
    ),
    *(
        Scenario("saturated", name, make)
        for name, make in (
            ("70 % at 1.0, 99 % right", lambda: saturated(0.7, 0.99)),
            ("85 % at 1.0, 97 % right, others +5", lambda: saturated(0.85, 0.97, 0.05)),
            ("95 % at 1.0, 99.5 % right", lambda: saturated(0.95, 0.995)),
            ("95 % at 1.0, all right", lambda: saturated(0.95, 1.0)),
            ("stray rows in most bins, calibrated", lambda: stray(0.0)),
            ("stray rows in most bins, +3 points", lambda: stray(0.03)),
        )
    ),
    *(
        Scenario("mixed signs", name, make)
        for name, make in (
            ("bimodal, -5 and +5 points", lambda: two_groups((0.55, -0.05), (0.95, 0.05), 0.5)),
            ("one row in ten off by 20 points", lambda: two_groups((0.6, 0.2), (0.96, 0.0), 0.1)),
            ("one row in fifty off by 30 points", lambda: two_groups((0.7, 0.3), (0.96, 0.0), 0.02)),
            ("2-point waves", lambda: waves(0.02)),
            ("5-point waves", lambda: waves(0.05)),
            ("two halves, -4 and +4 points", lambda: uniform(lambda c: np.where(c < 0.7, -0.04, 0.04), 0.4)),
            ("sawtooth of 5 points in bins", lambda: sawtooth(0.05)),
        )
    ),
    *(
        Scenario("one bin decides", name, make)
        for name, make in (
            ("19 of 20 rows at 0.97, calibrated", lambda: huge_bin(0.0)),
            ("19 of 20 rows at 0.97, +3 points", lambda: huge_bin(0.03)),
            ("unsure and under, 1 row in 5 sure and +2", lambda: two_groups((0.55, -0.2), (0.99, 0.02), 0.8)),
            ("unsure and under, 1 row in 20 sure and +4", lambda: two_groups((0.55, -0.2), (0.99, 0.04), 0.95)),
            ("half at 0.999 and +0.9, half at 0.6 and -15", lambda: few_values([0.6, 0.999], [0.75, 0.99])),
            ("sure and wrong, unsure and right", lambda: two_groups((0.9, 0.85), (0.2, 0.1), 0.5)),
        )
    ),
    *(
        Scenario("rare and near chance", name, make)
        for name, make in (
            ("1 % positives, calibrated", lambda: rare(1.0)),
            ("1 % positives, doubled", lambda: rare(2.0)),
            ("1 % positives, halved", lambda: rare(0.5)),
            ("two classes near 0.5, calibrated", lambda: shifted(0.0, 0.2)),
            ("two classes near 0.5, shifted", lambda: shifted(0.1, 0.2)),
            ("9 errors in 100, +4 points", lambda: few_values([0.95, 0.97], [0.91, 0.91])),
            ("3 % errors, says 1.5 %", lambda: few_values([0.98, 0.99], [0.97, 0.97])),
            ("10 % right, says 73 %", lambda: uniform(lambda c: c - 0.1, 0.46)),
            ("2 % right, says 60 %", lambda: uniform(lambda c: c - 0.02, 0.2)),
        )
    ),
    *(
        Scenario(f"shift, {bins} bins" if name.startswith("log") else f"{bins} bins", name, make, bins)
        for bins in (15, 30, 100)
        for name, make in (
            ("log-odds of P(1) off by 0.2", lambda: shifted(0.2)),
            ("log-odds of P(1) off by 0.05", lambda: shifted(0.05)),
            *(
                ()
                if bins == 15
                else (
                    ("2-point waves", lambda: waves(0.02)),
                    ("+5 points, rounded to 2 decimals", lambda: uniform(lambda c: 0.05 + 0 * c, 0.55, 2)),
                    ("over", lambda: of_map(10, "over")),
                    ("calibrated", lambda: of_map(10, "perfect")),
                )
            ),
        )
    ),
    *(
        Scenario("5 bins", name, make, 5)
        for name, make in (
            ("2-point waves", lambda: waves(0.02, 2.0 / 5.0)),
            ("over", lambda: of_map(10, "over")),
            ("log-odds of P(1) off by 0.2", lambda: shifted(0.2)),
        )
    ),
)
