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


def shift_of(sums: BinSums, n: int, level: float) -> Shift:
    """The accuracy of the rows of (m,) sums, or the frequency of a class, with its exact interval.

    n: number of rows, at least 1. level: in (0, 1).
    Source: Clopper & Pearson, Biometrika 26:404 (1934).

    >>> shift = shift_of(BinSums(*(np.array([x]) for x in (300.0, 299.97, 299.94, 300.0, 299.97))), 300, 0.95)
    >>> round(shift.least, 4), shift.most
    (0.9878, 1.0)
    """
    right, confidence = float(sums.y.sum()), float(sums.p.sum()) / n
    return Shift(confidence, right / n, *exact_ends(right, n, level), min(right, n - right) < FEW)


@functools.lru_cache(maxsize=16)  # several metrics of the same rows ask for it
def exact_ends(right: float, n: int, level: float) -> tuple[float, float]:
    """The ends of the exact interval of a share of n rows. Raises: as `clopper_pearson`."""
    low, high = clopper_pearson([right], [n], level)
    return float(low[0]), float(high[0])


def error_of_mean(sums: BinSums) -> Floats:
    """Standard error of the mean p of every bin, in the shape of the sums; 0 in an empty bin.

    >>> error_of_mean(BinSums(*(np.array([x]) for x in (2.0, 1.0, 1.0, 0.0, 0.0)))).round(4).tolist()
    [0.3536]
    """
    count = np.maximum(sums.count, 1.0)
    mean = sums.p / count
    return np.sqrt(np.maximum(sums.pp / count - mean * mean, 0.0) / count)
