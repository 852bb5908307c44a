"""The uncertainty of the difference of two values: interval, test, and detectable difference."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from calibeval.core.data.notices import NotComputable, Notice
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.intervals import LEAST_BIN_ROWS, Interval
from calibeval.core.uncertainty.level import Level

ROWS_NEEDED = "the results of single rows were not kept"
# The largest table of sums by group and bin.
MOST_PAIR_CELLS = 2 * 10**7


class Contrast(NamedTuple):
    """The uncertainty of one difference.

    low, high: interval of the true difference. p: for the hypothesis of no difference, in agreement with the interval.
    detectable: the smallest true difference that such a sample would show in 80 of 100 cases. reason: why the interval
    is wider than it could be. same: True if every row has the same value in both models; else None.
    """

    low: float
    high: float
    p: float
    detectable: float
    reason: Notice | None = None
    same: bool | None = None

    def widened(self, off: float, level: Level) -> Contrast:
        """The same if the difference may be off by so much besides, with the largest p of such differences.

        >>> found = contrast(0.01, 0.03, 0.0001, Level(0.95))
        >>> found.widened(0.005, Level(0.95)).low, found.widened(0.02, Level(0.95)).p
        (0.005, 1.0)
        """
        if not off:
            return self
        middle, half = 0.5 * abs(self.low + self.high), 0.5 * (self.high - self.low)
        p = 1.0 if middle <= off else level.p(level.z * (middle - off) / half if half > 0.0 else math.inf)
        wide = contrast(self.low - off, self.high + off, max(p, self.p), level)
        return wide._replace(reason=self.reason, same=self.same)


def contrast(low: float, high: float, p: float, level: Level) -> Contrast:
    """An interval with a p that agrees with it, and the detectable difference."""
    return Contrast(low, high, level.agreeing(p, low, high), level.detectable * 0.5 * (high - low))


def margins(
    base: Interval,
    candidate: Interval,
    centres: tuple[float, float],
    level: Level,
    most: float = 1.0,
    *,
    independent: bool = True,
    correlation: float = 0.0,
) -> Contrast:
    """The difference of two values, derived from the interval of each.

    centres: the centre of each interval. most: the largest possible absolute difference.
    independent: whether the two errors are independent; otherwise they are added, which is the worst case.
    correlation: of the two values, if they are of the same rows; in [-1, 1].
    Source: Zou & Donner, Statist. Med. 27:1693 (2008).

    >>> found = margins(Interval(0.10, 0.14, None), Interval(0.20, 0.24, None), (0.12, 0.22), Level(0.95))
    >>> round(found.low, 4), round(found.high, 4)
    (0.0717, 0.1283)
    """
    middle = centres[1] - centres[0]
    shared = correlation if independent else -1.0
    below = _reach(centres[1] - candidate.low, base.high - centres[0], shared)
    above = _reach(candidate.high - centres[1], centres[0] - base.low, shared)
    reach = below if middle > 0.0 else above
    p = 1.0 if middle == 0.0 else level.p(level.z * middle / reach if reach > 0.0 else math.inf)
    return contrast(max(middle - below, -most), min(middle + above, most), p, level)


def _reach(one: float, other: float, correlation: float) -> float:
    """How far the difference of two values may reach, if they may reach that far.

    >>> _reach(0.03, 0.04, 0.0), _reach(0.03, 0.04, -1.0), round(_reach(0.03, 0.03, 1.0), 12)
    (0.05, 0.07, 0.0)
    """
    if correlation == -1.0:
        return one + other
    return math.sqrt(max(one * one + other * other - 2.0 * correlation * one * other, 0.0))


def centre_of(interval: Interval) -> float:
    """The centre of an interval: the bias-corrected value, or the middle."""
    return 0.5 * (interval.low + interval.high) if interval.corrected is None else interval.corrected


def check_thick(*sums: BinSums) -> None:
    """Check that bins hold at least 5 rows on average.

    Raises: NotComputable if they do not, because the normal approximation then fails.
    """
    for one in sums:
        if one.count.sum() < LEAST_BIN_ROWS * np.count_nonzero(one.count):
            raise NotComputable("thin_bins", f"bins hold fewer than {LEAST_BIN_ROWS} rows on average")
