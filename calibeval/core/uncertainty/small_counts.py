"""What few errors allow: exact bounds that the approximations of intervals may not cross.

Of an accurate model, most samples hold no error at all, and every variance that is estimated from them is nearly 0. The
accuracy itself has an exact interval, and a calibration error is never smaller than |mean confidence - accuracy|.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.risk import decided_by_few
from calibeval.core.uncertainty.special import clopper_pearson, normal_quantile

PSEUDO_ERRORS = 4.0  # of equal weights, that are added before a variance is estimated from weighted errors
MANY = 1e9  # rows; fewer than FEW_OF_MANY of them are a Poisson count, up to a relative error of 1e-6
FEW_OF_MANY = 1e3


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
    return Shift(confidence, right / worth, *exact_ends(right, worth, level), decided_by_few(right, worth))


def share_of(sums: BinSums, n: float) -> tuple[float, float]:
    """The number of right rows and of all rows, of which the accuracy is a share. sums: (m,).

    With weights, both are those of a sample of rows of equal weights whose accuracy would vary as much: its size is
    a (1 - a) / variance, shrunk towards the effective number of rows where few errors tell the variance.
    Source: Korn & Graubard, Survey Methodology 24:193 (1998).

    >>> sums = BinSums(*(np.array([x]) for x in (300.0, 299.97, 299.94, 300.0, 299.97)))
    >>> share_of(sums, 300)
    (300.0, 300)
    """
    right = right_rows(sums, n)
    if sums.squared is None:
        return right, n
    share = right / n
    plain = share * (1.0 - share) * n
    squares = float(sums.squared.y.sum()) * (1.0 - 2.0 * share) + share * share * float(sums.squared.count.sum())
    few = min(right, n - right)
    found = (max(squares, 0.0) * few + PSEUDO_ERRORS * plain) / (few + PSEUDO_ERRORS)
    worth = n if found <= 0.0 or plain <= 0.0 else max(n * plain / found, 1.0)
    return share * worth, worth


def right_rows(sums: BinSums, n: float) -> float:
    """The number of right rows of (m,) sums; exactly n if all are right, whatever the rounding of their weights."""
    if sums.squared is None:
        return float(sums.y.sum())
    return n if (sums.y == sums.count).all() else min(max(float(sums.y.sum()), 0.0), n)


def hulled(low: float, mean: float, high: float, risk: float, shift: Shift) -> tuple[float, float]:
    """An interval of the mean cost of a row, extended by all that the exact interval of the accuracy allows.

    risk: the mean over rows of the cost of a wrong row minus that of a right one. With 30 errors and 30 right rows, an
    interval needs no such extension.

    >>> hulled(0.1, 0.2, 0.3, 2.0, Shift(0.9, 0.9, 0.75, 0.95, True))
    (0.1, 0.5)
    """
    least, most = mean - risk * (shift.most - shift.accuracy), mean + risk * (shift.accuracy - shift.least)
    return min(low, least), max(high, most)


class Reach(NamedTuple):
    """How large |mean p - frequency| may be, and by how much the measured one may exceed the true one."""

    largest_gap: float
    slack: float


def class_reach_of(sums: BinSums, n: float, level: float) -> Reach:
    """What few errors allow for the probability of one class, from its (m,) sums.

    The frequency of the class itself varies much more than its gap does: most rows are not in doubt. So bins in which
    the class is unlikely count the other class instead, and right guesses are counted, as for the top label. The error
    of all bins is at least |gap| of the guesses, and of the class; the latter is normal, unless there are few errors.
    Arguments: as for `shift_of`.

    >>> sums = BinSums(*(np.array(x) for x in ([200.0, 100.0], [2.0, 99.0], [0.02, 98.01], [0.0, 100.0], [0.0, 99.0])))
    >>> [round(x, 4) for x in class_reach_of(sums, 300, 0.95)]
    [0.0156, 0.01]
    """
    guessed = shift_of(sums.turned(sums.p < 0.5 * sums.count), n, level)
    gap, (low, high) = -float(sums.surplus.sum()) / n, class_gap_of(sums, n, level)
    smallest = max(low, -high, 0.0)
    return Reach(max(guessed.largest_gap, high, -low), max(guessed.slack, abs(gap) - smallest))


def class_gap_of(sums: BinSums, n: float, level: float) -> tuple[float, float]:
    """The interval of mean p - frequency of one class: normal, and with few errors also all that they allow.

    Arguments: as for `class_reach_of`.

    >>> sums = BinSums(*(np.array(x) for x in ([200.0, 100.0], [2.0, 99.0], [0.02, 98.01], [0.0, 100.0], [0.0, 99.0])))
    >>> [round(x, 4) for x in class_gap_of(sums, 300, 0.95)]
    [-0.0089, 0.0156]
    """
    unlikely = sums.p < 0.5 * sums.count
    guesses = sums.turned(unlikely)
    guessed, wrong = shift_of(guesses, n, level), guesses.count - guesses.y
    gap = -float(sums.surplus.sum()) / n
    spread = float(sums.whole().centred_squares[0]) / n**2
    reach = normal_quantile(0.5 * (1.0 + level)) * math.sqrt(spread)
    low, high = gap - reach, gap + reach
    if guessed.few:  # errors where the class is likely raise the gap, those where it is unlikely lower it
        (fewer, more), (lower, upper) = (
            _errors(float(wrong[side].sum()), float(sums.count[side].sum()), share_of(guesses, n)[1] / n, n, level)
            for side in (~unlikely, unlikely)
        )
        low, high = min(low, gap - fewer - upper), max(high, gap + more + lower)
    return low, high


def _errors(wrong: float, rows: float, worth: float, n: float, level: float) -> tuple[float, float]:
    """By how much the share among n rows of the errors in some of these rows may be too large, and too small.

    worth: of how many rows one of them tells; 1 without weights.
    """
    least, most = exact_ends(wrong * worth, n * worth, level)
    return wrong / n - least, min(most, rows / n) - wrong / n


@functools.lru_cache(maxsize=16)  # several metrics of the same rows ask for it
def exact_ends(right: float, n: float, level: float) -> tuple[float, float]:
    """The ends of the exact interval of a share of n rows. Raises: as `clopper_pearson`.

    A few of very many rows, as where one row outweighs all others, are a Poisson count, whose ends do not depend on n.
    """
    right = min(max(right, 0.0), n)
    trials = MANY if n > MANY and right < FEW_OF_MANY else n
    low, high = clopper_pearson([right], [trials], level)
    return float(low[0]) * (trials / n), float(high[0]) * (trials / n)


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
