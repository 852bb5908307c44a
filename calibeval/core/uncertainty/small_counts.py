"""What few errors allow: exact bounds that the approximations of intervals may not cross.

Of an accurate model, most samples hold no error at all, and every variance that is estimated from them is nearly 0. The
accuracy itself has an exact interval, and a calibration error is never smaller than |mean confidence - accuracy|.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.special import clopper_pearson


class Shift(NamedTuple):
    """How far the accuracy of n rows may differ from what was measured.

    confidence, accuracy: means over all rows. least, most: the exact interval of the accuracy.
    """

    confidence: float
    accuracy: float
    least: float
    most: float

    @property
    def largest_gap(self) -> float:
        """The largest |confidence - accuracy| that the interval allows.

        >>> round(Shift(0.9, 0.8, 0.7, 0.85).largest_gap, 12)
        0.2
        """
        return max(self.most - self.confidence, self.confidence - self.least)

    @property
    def slack(self) -> float:
        """By how much the measured |confidence - accuracy| may exceed the true one.

        >>> round(Shift(0.9, 0.8, 0.7, 0.85).slack, 12), round(Shift(0.9, 0.8, 0.7, 0.95).slack, 12)
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
    low, high = clopper_pearson(np.array([right]), np.array([float(n)]), level)
    return Shift(confidence, right / n, float(low[0]), float(high[0]))
