"""The difference of two class-wise calibration errors on the same rows, by debiased sums and their joint variation.

The value of each model is a sum of terms, one a cell (class and bin), each corrected for its noise (`debiased.py`).
The variance of the difference has a part that is linear in the rows, which the rows themselves tell, and a part of
higher order, from the bends of the terms. Hermite's expansion gives the second one from the correlation of the cells.
What bias may be left is part of the interval.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.debiased import bias_left, debiased_size, expansion, spread
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paths import PSEUDO_ROWS

# Gaps below this size in units of their errors are biased, by at most so many errors in all (REACH).
_NEAR, REACH = 3.5, 0.10
# Largest size of a gap, in its errors, that counts when the spread of true gaps is estimated.
_CAPPED = 4.0
_ORDERS = 4
_MANY_CLASSES = 10
# With fewer events in the average cell, noise is far from normal, and debiased values are still too large.
LEAST_EVENTS = 1.5
_TINY = 1e-300


def cell_errors(sums: BinSums) -> Floats:
    """Standard error of every gap (sum of y - p), shrunk towards that of true probabilities by four pseudo-rows.

    Unlike those of `gap_errors`, which make intervals of a few bins safe, these pseudo-rows do not vary around the
    measured gap: over thousands of cells with few rows each, too much noise would be taken off.

    >>> cell_errors(BinSums(*(np.array([x]) for x in (4.0, 2.0, 1.0, 2.0, 1.0)))).tolist()
    [1.0]
    """
    squares = np.maximum(sums.surplus_squares, sums.surplus**2 / np.maximum(sums.count, 1.0))
    shrunk = (squares * sums.count + PSEUDO_ROWS * sums.variance) / (sums.count + PSEUDO_ROWS)
    return np.asarray(np.sqrt(shrunk))


class Debiased(NamedTuple):
    """One model's class-wise calibration error with what is known of its noise.

    value: the debiased sum, at least 0. error: (k, m) standard errors of the terms. slopes: (orders, k, m) Hermite
    coefficients. left: (k, m) the variance of each term beyond its linear part, at least 0. near: sum of the errors of
    the cells that may be biased. bias: what noise is left in the value if true gaps spread as they seem to;
    most_bias: if they spread as little as they may.
    """

    value: float
    error: Floats
    slopes: Floats
    left: Floats
    near: float
    bias: float
    most_bias: float

    @classmethod
    def of(cls, sums: BinSums, n: float, errors: Floats | None = None) -> Debiased:
        """The debiased sum of (k, m) class-wise sums.

        errors: standard errors of the gap sums, if rows depend on each other.
        """
        error = (cell_errors(sums) if errors is None else errors) / (n * len(sums.count))
        gap = sums.surplus / (n * len(sums.count))
        size = np.divide(np.abs(gap), error, out=np.zeros_like(gap), where=error > _TINY)
        true = np.sign(gap) * np.sqrt(np.maximum(size * size - 1.0, 0.0))
        slopes = expansion(true, _ORDERS)
        total = max(float(error.sum()), _TINY)
        excess = float(np.sum(error * (np.minimum(size, _CAPPED) ** 2 - 1.0))) / total
        doubt = 2.0 * math.sqrt(2.0 * float(np.sum(error * error))) / total
        return cls(
            value=max(float(np.sum(error * debiased_size(size))), 0.0),
            error=error,
            slopes=slopes,
            left=np.maximum(spread(true) - slopes[0] ** 2, 0.0),
            near=float(error[size < _NEAR].sum()),
            most_bias=bias_left(math.sqrt(max(excess - doubt, 0.0))) * total,
            bias=bias_left(math.sqrt(max(excess, 0.0))) * total,
        )

    @property
    def weights(self) -> Floats:
        """The weight of each cell's gap in the linear part of the value, (k, m)."""
        return np.asarray(self.slopes[0])


class ClassDifference(NamedTuple):
    """The difference candidate - base of two debiased values, with what its intervals at any level need.

    error: its standard error. near: sum of the errors of the cells that may be biased. lift: by how much more of the
    noise may be left in the candidate's value than in the base's.
    """

    value: float
    error: float
    near: float
    lift: float

    def at(self, level: Level) -> tuple[float, float, float]:
        """The ends of the interval, and the p for equality.

        Source: bias-aware intervals, Armstrong & Kolesar, Econometrica 86:655 (2018).
        """
        bias = REACH * self.near / self.error
        half = self.error * level.reach(bias)
        below, above = max(self.lift, 0.0), max(-self.lift, 0.0)
        beyond = max(self.value - below, -self.value - above)
        p = level.p_beyond(beyond / self.error, bias) if beyond > 0.0 else 1.0
        return self.value - half - below, self.value + half + above, p


def class_difference(models: tuple[Debiased, Debiased], linear: float, correlation: Floats) -> ClassDifference:
    """The difference of base and candidate on the same rows.

    linear: the variance of the linear part of the difference. correlation: (k, m, l) of the models' gaps within each
    class.
    Source: own method; coverage by simulation, tests/benchmarks/coverage_classes.py.
    """
    base, candidate = models
    k = len(correlation)
    together, factorial, power = 0.0, 1.0, correlation
    for order in range(2, _ORDERS + 1):
        factorial, power = factorial * order, power * correlation
        one, other = (model.error * model.slopes[order - 1] for model in models)
        together += float(np.sum(one * np.einsum("kml,kl->km", power, other))) / factorial
    alone = sum(float(np.sum(model.error**2 * model.left)) for model in models)
    rest = k / (k - 1.0) * max(alone - 2.0 * together, 0.0)
    return ClassDifference(
        value=candidate.value - base.value,
        error=_inflated(k) * math.sqrt(max(linear + rest, _TINY)),
        near=max(base.near, candidate.near),
        lift=candidate.most_bias - base.most_bias,
    )


def _inflated(k: int) -> float:
    """The standard error is too small, most for few classes, whose cells nearly mirror each other; by simulation."""
    return 1.1 + 0.3 * max(_MANY_CLASSES - k, 0) / (_MANY_CLASSES - 3)


def mean_events(sums: BinSums) -> float:
    """The expected count of the rarer outcome in a cell of class-wise sums, averaged with the errors as weights.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> round(mean_events(bin_sums([0.1] * 40, [0] * 40, edges=[0, 0.5, 1])), 9)
    4.0
    """
    error = cell_errors(sums)
    rarer = np.minimum(sums.p, sums.count - sums.p)
    return float(np.sum(error * rarer)) / max(float(error.sum()), _TINY)
