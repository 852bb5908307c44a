"""What few errors allow: exact bounds that the approximations of intervals may not cross.

Of an accurate model, most samples hold no error at all, and every variance that is estimated from them is nearly 0. The
accuracy itself has an exact interval, and a calibration error is never smaller than |mean confidence - accuracy|.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.special import clopper_pearson

PSEUDO_ERRORS = 4.0  # of equal weights, that are added before a variance is estimated from weighted errors
FEW = 30  # errors, or right rows, below which a mean over rows is far from normal


class Shift(NamedTuple):
    """How far the accuracy of n rows may differ from what was measured.

    confidence, accuracy: means over all rows. least, most: the exact interval of the accuracy. few: whether there are
    fewer than 30 errors, or fewer than 30 right rows.
    """

    confidence: float
    accuracy: float
    least: float
    most: float
    few: bool

    @property
    def largest_gap(self) -> float:
        """The largest |confidence - accuracy| that the interval allows.

        >>> round(Shift(0.9, 0.8, 0.7, 0.85, False).largest_gap, 12)
        0.2
        """
        return max(self.most - self.confidence, self.confidence - self.least)

    @property
    def slack(self) -> float:
        """By how much the measured |confidence - accuracy| may exceed the true one.

        >>> round(Shift(0.9, 0.8, 0.7, 0.85, False).slack, 12), round(Shift(0.9, 0.8, 0.7, 0.95, False).slack, 12)
        (0.05, 0.1)
        """
        smallest = max(self.confidence - self.most, self.least - self.confidence, 0.0)
        return abs(self.confidence - self.accuracy) - smallest

    @property
    def largest_excess(self) -> float:
        """The largest confidence - accuracy that the interval allows, at least 0."""
        return max(self.confidence - self.least, 0.0)


def shift_of(sums: BinSums, n: float, level: float) -> Shift:
    """The accuracy of the rows of (m,) sums, or the frequency of a class, with its exact interval.

    n: number of rows, at least 1. level: in (0, 1).
    With weights, the interval is that of a share of the effective number of rows (see `share_of`).
    Source: Clopper & Pearson, Biometrika 26:404 (1934).

    >>> shift = shift_of(BinSums(*(np.array([x]) for x in (300.0, 299.97, 299.94, 300.0, 299.97))), 300, 0.95)
    >>> round(shift.least, 4), shift.most
    (0.9878, 1.0)
    """
    confidence, (right, worth) = float(sums.p.sum()) / n, share_of(sums, n)
    return Shift(confidence, right / worth, *exact_ends(right, worth, level), min(right, worth - right) < FEW)


def share_of(sums: BinSums, n: float) -> tuple[float, float]:
    """The number of right rows and of all rows, of which the accuracy is a share. sums: (m,).

    With weights, both are those of a sample of rows of equal weights whose accuracy would vary as much: its size is
    a (1 - a) / variance, shrunk towards the effective number of rows where few errors tell the variance.
    Source: Korn & Graubard, Survey Methodology 24:193 (1998).

    >>> sums = BinSums(*(np.array([x]) for x in (300.0, 299.97, 299.94, 300.0, 299.97)))
    >>> share_of(sums, 300)
    (300.0, 300)
    """
    right = float(sums.y.sum())
    if sums.squared is None:
        return right, n
    share = min(max(right / n, 0.0), 1.0)
    plain = share * (1.0 - share) * n
    squares = float(sums.squared.y.sum()) * (1.0 - 2.0 * share) + share * share * float(sums.squared.count.sum())
    few = min(right, n - right)
    found = (max(squares, 0.0) * few + PSEUDO_ERRORS * plain) / (few + PSEUDO_ERRORS)
    worth = n if found <= 0.0 or plain <= 0.0 else max(n * plain / found, 1.0)
    return share * worth, worth


@functools.lru_cache(maxsize=16)  # several metrics of the same rows ask for it
def exact_ends(right: float, n: float, level: float) -> tuple[float, float]:
    """The ends of the exact interval of a share of n rows. Raises: as `clopper_pearson`."""
    low, high = clopper_pearson([right], [n], level)
    return float(low[0]), float(high[0])


def error_of_mean(sums: BinSums) -> Floats:
    """Standard error of the mean p of every bin, in the shape of the sums; 0 in an empty bin.

    >>> error_of_mean(BinSums(*(np.array([x]) for x in (2.0, 1.0, 1.0, 0.0, 0.0)))).round(4).tolist()
    [0.3536]
    """
    count = sums.divisor
    mean = sums.p / count
    if sums.squared is None:
        return np.sqrt(np.maximum(sums.pp / count - mean * mean, 0.0) / count)
    squares = sums.squared.pp - 2.0 * mean * sums.squared.p + mean * mean * sums.squared.count
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)) / count)
