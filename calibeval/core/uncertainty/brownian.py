"""How far a Brownian motion on [0, 1] goes: tails of its range and of its largest distance from 0.

Each has two series: one of normal tails, which is exact to the last digits where p is small, and one of exponentials,
which converges fast where p is near 1. Taking the distribution function from 1 would lose every digit of a small p.
"""

from __future__ import annotations

import math
import sys

# Expectation, and 95 % and 99.9 % quantiles, of the range and of the largest distance.
RANGE = (2.0 * math.sqrt(2.0 / math.pi), 2.497672, 3.662260)
LARGEST = (math.sqrt(0.5 * math.pi), 2.241403, 3.480756)
LEAST = sys.float_info.min
_TERMS = 60


def range_tail(x: float) -> float:
    """Probability that the range, largest minus smallest value, exceeds x; at least 2e-308.

    Source: Feller, Annals of Mathematical Statistics 22:427 (1951).

    >>> round(range_tail(2.4977), 4), f"{range_tail(7.574):.3e}"
    (0.05, '1.448e-13')
    """
    if x <= 0.0:
        return 1.0
    if x > 2.0:
        tail = 8.0 * math.fsum((-1) ** (j - 1) * j * _upper(j * x) for j in range(1, _TERMS))
        return min(max(tail, LEAST), 1.0)
    halves = ((k + 0.5) ** 2 * math.pi**2 for k in range(_TERMS))
    return min(max(1.0 - math.fsum((8.0 / x**2 + 2.0 / h) * math.exp(-2.0 * h / x**2) for h in halves), 0.0), 1.0)


def largest_tail(x: float) -> float:
    """Probability that the largest distance from 0 exceeds x; at least 2e-308.

    Source: Feller, An Introduction to Probability Theory II, 1971, X.5.

    >>> round(largest_tail(2.2414), 4)
    0.05
    """
    if x <= 0.0:
        return 1.0
    if x > 1.0:
        tail = 4.0 * math.fsum((-1) ** j * _upper((2 * j + 1) * x) for j in range(_TERMS))
        return min(max(tail, LEAST), 1.0)
    odd = ((-1) ** k / (2 * k + 1) * math.exp(-((2 * k + 1) ** 2) * math.pi**2 / (8.0 * x**2)) for k in range(_TERMS))
    return min(max(1.0 - 4.0 / math.pi * math.fsum(odd), 0.0), 1.0)


def _upper(x: float) -> float:
    """The upper tail of the standard normal distribution."""
    return 0.5 * math.erfc(x / math.sqrt(2.0))
