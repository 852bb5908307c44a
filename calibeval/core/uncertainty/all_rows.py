"""What the gap of all rows tells about errors of bins if only groups of rows are independent.

An error of all bins is never smaller than |mean confidence - accuracy| of all rows, where the noise of many bins does
not add up. For independent rows, `small_counts` has the exact interval of that gap.
"""

from __future__ import annotations

import math

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.paths import Joint
from calibeval.core.uncertainty.small_counts import Reach


def error_of_sum(sums: BinSums, joint: Joint, weights: Floats) -> float:
    """Standard error of the weighted sum of the gaps of bins, (m,); at least that of independent rows.

    With weights 1, it is not below that of the gap of all rows by groups.

    >>> sums = BinSums(*(np.array([x, x]) for x in (50.0, 40.0, 32.0, 40.0, 32.0)))
    >>> joint = Joint(np.array([4.0, 4.0]), np.array([[0.0, 0.5], [0.5, 0.0]]), 20.0)
    >>> round(error_of_sum(sums, joint, np.ones(2)) ** 2, 9)
    48.0
    """
    own = weights * joint.error
    between = float(own @ own + own @ joint.correlation @ own)
    squared, mean = sums.squared or sums, float(weights @ sums.surplus) / float(sums.count.sum())
    around = -2.0 * mean * float(weights @ squared.surplus) + mean * mean * float(squared.count.sum())
    return math.sqrt(max(between, float(weights**2 @ sums.surplus_squares) + around, 0.0))


def in_one_bin(sums: BinSums, joint: Joint) -> Joint:
    """How the gap of all rows varies, for the sums of all bins as one bin."""
    error = error_of_sum(sums, joint, np.ones(len(sums.count)))
    return Joint(np.array([error]), np.zeros((1, 1)), joint.freedom)


def reach_by_groups(sums: BinSums, n: float, joint: Joint, level: float, *, of_class: bool = False) -> Reach:
    """How large |mean confidence - accuracy| may be, from its normal interval by groups with Student's quantile.

    sums: (m,). n: number of rows. of_class: whether p is the probability of a class; then also for the guesses: bins in
    which the class is unlikely count the other class instead.

    >>> sums = BinSums(*(np.array([x]) for x in (100.0, 80.0, 64.0, 70.0, 56.0)))
    >>> [round(x, 3) for x in reach_by_groups(sums, 100, Joint(np.array([6.0]), np.zeros((1, 1)), 20.0), 0.95)]
    [0.225, 0.1]
    """
    ones = np.ones(len(sums.count))
    signs = [ones, np.where(sums.p < 0.5 * sums.count, -1.0, 1.0)] if of_class else [ones]
    gaps = [abs(float(sign @ sums.surplus)) / n for sign in signs]
    reaches = [joint.quantile(0.5 * (1.0 + level)) * error_of_sum(sums, joint, sign) / n for sign in signs]
    both = list(zip(gaps, reaches, strict=True))
    return Reach(max(gap + reach for gap, reach in both), max(min(gap, reach) for gap, reach in both))
