"""The interval of one model's class-wise calibration error from its debiased sum (`debiased.py`)."""

from __future__ import annotations

import math

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.debiased_difference import REACH, Debiased
from calibeval.core.uncertainty.floors import gap_floor
from calibeval.core.uncertainty.level import Level

# With more classes, the hull of two paths is as narrow; with fewer rows, or fewer events of a class, it covers better;
# with more scores, it is narrow enough. By groups of rows, the hull covers better, too.
MOST_CLASSES, LEAST_ROWS, LEAST_EVENTS, MOST_SCORES = 30, 1000, 30, 2**24


def may_apply(sums: BinSums, n: float) -> bool:
    """Whether the debiased sum has a narrower interval that holds, unless the value is within its noise floor.

    sums: (k, m). n: number of rows. Events of a class are the rarer outcomes of its bins: its label where its
    probability is low, other labels where it is high.
    """
    k = len(sums.count)
    if not 2 < k <= MOST_CLASSES or not LEAST_ROWS <= n <= MOST_SCORES // k:
        return False
    events = np.minimum(sums.y, sums.count - sums.y).sum(axis=1)
    return bool(events.min() >= LEAST_EVENTS) and _value(sums, n) > gap_floor(sums, n).expected


def weights_of(sums: BinSums, n: float) -> Floats:
    """The weights of gaps in the part of the debiased sum that is linear in the rows, (k, m)."""
    return Debiased.of(sums, n).weights


def debiased_interval(sums: BinSums, n: float, spread: float, level: float) -> tuple[float, float, float]:
    """The lower end, the debiased value and the upper end, for a value above its noise floor.

    sums: (k, m), k > 2. n: number of rows. spread: the variance of a row's gaps, weighted by `weights_of`.
    Source: bias-aware intervals, Armstrong & Kolesar, Econometrica 86:655 (2018); the rest is an own method, coverage
    by simulation, tests/benchmarks/coverage_classes.py.
    """
    found, k = Debiased.of(sums, n), len(sums.count)
    rest = k / (k - 1.0) * float(np.sum(found.error**2 * found.left))
    error = math.sqrt(max(spread / (n * float(k) ** 2) + rest, 1e-300))
    half = error * Level(level).reach(REACH * found.near / error)
    return max(found.value - found.bias - half, 0.0), found.value, min(found.value + half, 1.0)


def _value(sums: BinSums, n: float) -> float:
    return float(np.abs(sums.surplus).sum()) / (n * len(sums.count))
