"""The score test of an excess: whether an NLL is larger or smaller than the stated probabilities let expect.

The excess is far from normal if few errors are expected, and always skewed to one side: rare errors cost much.
"""

from __future__ import annotations

import math

from calibeval.core.sums.excess import Excess
from calibeval.core.uncertainty.level import LEAST_P

# Skewness from which on the cube root of a gamma variable is not normal enough: less than a quarter of an error.
RARE = 2.0
LEAST_SKEWNESS = 1e-6
# Smaller variances per row, in units of the square of ln k where that is above 1, are nothing but rounding: of k equal
# probabilities, the logarithm is -ln k.
LEAST_VARIANCE = 1e-13


def standardised(excess: Excess, n: float, inflation: float = 1.0, k: int = 2) -> float | None:
    """The score z of n rows, with mean 0 and variance 1 under the stated probabilities; None if nothing varies.

    inflation: of the variance, by dependent rows. k: number of classes.
    """
    variance, least = excess.variance * inflation, LEAST_VARIANCE * max(1.0, math.log(max(k, 1)) ** 2)
    if not (variance > least * n and math.isfinite(variance) and math.isfinite(excess.total)):
        return None
    return excess.total / math.sqrt(variance)


def skewness(excess: Excess) -> float:
    """The skewness of the excess under the stated probabilities; positive if rare errors cost much."""
    return excess.third / (excess.variance * math.sqrt(excess.variance))


def normal_score(z: float, skew: float) -> float:
    """The normal deviate with about the same tail as z, if z has this skewness; never on the other side of 0.

    Source: Wilson & Hilferty, PNAS 17:684 (1931), for a gamma variable with this skewness.

    >>> round(normal_score(3.0, 1.0), 3), round(normal_score(-1.5, 1.0), 3), normal_score(3.0, 0.0)
    (2.31, -2.054, 3.0)
    """
    if abs(skew) < LEAST_SKEWNESS or not math.isfinite(z):
        return z
    if skew < 0.0:
        return -normal_score(-z, -skew)
    root = math.exp(math.log(max(1.0 + 0.5 * skew * z, 1e-300)) / 3.0)
    found = 6.0 / skew * (root - 1.0) + skew / 6.0
    return found if found * z > 0.0 else 0.0


def two_sided_p(z: float, skew: float) -> float:
    """The two-sided p of z with this skewness, at least LEAST_P.

    With a large skewness, also the tail of a Poisson variable with this skewness counts: chance may give single errors.

    >>> round(two_sided_p(1.96, 0.0), 3), two_sided_p(0.1, 30.0) > 0.5
    (0.05, True)
    """
    p = math.erfc(abs(normal_score(z, skew)) / math.sqrt(2.0))
    if abs(skew) > RARE:
        p = max(p, min(1.0, 2.0 * _poisson_tail(z if skew > 0.0 else -z, 1.0 / skew**2)))
    return max(p, LEAST_P)


def _poisson_tail(z: float, mean: float) -> float:
    """The probability of a Poisson variable as far from its mean as z standard deviations, on the same side.

    Between whole numbers, the function is continued by that of a gamma variable.
    """
    count = mean + z * math.sqrt(mean)
    if z > 0.0:
        return _gamma_below(mean, count)
    return 1.0 - _gamma_below(mean, max(count, 0.0) + 1.0)


def _gamma_below(x: float, shape: float) -> float:
    """The probability that a gamma variable is below x; by its power series, for x of the order of 1 or less."""
    term = total = 1.0 / shape
    for step in range(1, 200):
        term *= x / (shape + step)
        total += term
        if term < 1e-17 * total:
            break
    return min(1.0, math.exp(shape * math.log(x) - x - math.lgamma(shape)) * total)
