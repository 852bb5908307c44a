"""The root mean square calibration error without the noise of its bins."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.metric import BY_GROUPS, Side
from calibeval.core.metrics.of_pairs import DEPENDENT
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.squared import RootMeanSquare
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.squares import rms_floor

# E sqrt(max(Z, 0)) of a standard normal Z, and its 95 % quantile.
ROOT_OF_HALF, QUANTILE = 0.411, 1.645


class DebiasedRootMeanSquare(RootMeanSquare):
    """The root of the mean squared gap minus what noise alone adds to it; 0 where that is more than the whole."""

    __slots__ = ()

    def value(self, sums: Sums) -> float:
        """The root."""
        return math.sqrt(max(debiased_square(self.bins(sums)), 0.0))

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """That of the root mean square error, minus the same noise. Raises: NotComputable for groups."""
        _check_groups(joints)
        bins = self.bins(sums)
        found, noise = rms_floor(bins, sums.n), noise_square(bins)
        high, certain = (math.sqrt(max(one * one - noise, 0.0)) for one in (found.high, found.certain))
        expected = ROOT_OF_HALF / math.sqrt(QUANTILE) * high
        return Floor(expected, high, max(high, certain))

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """That of the root mean square error, which is about the same error of the population, without bias.

        Raises: NotComputable for groups.
        """
        _check_groups(joints)
        found = RootMeanSquare.interval(self, sums, level, joints)
        if found is None:
            return None
        value = self.value(sums)
        return Interval(min(found.low, value), max(found.high, value), None)

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with its square, which is negative where noise is more than the whole."""
        return replace(result, squared=debiased_square(self.bins(sums)))

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """As for the root mean square error. Raises: NotComputable for groups."""
        if not (saved.bins_tell and own.bins_tell):
            raise NotComputable("dependent_rows", BY_GROUPS)
        return RootMeanSquare.difference_from(self, saved, own, level)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """None: the estimate may be smaller than the gap."""
        return None

    def shares(self, sums: Sums) -> Floats | None:
        """None: what is subtracted belongs to bins, not to rows."""
        return None


def debiased_square(sums: BinSums) -> float:
    """The mean squared gap minus its noise, over bins with at least two rows; may be negative.

    Source: Kumar, Liang & Ma, NeurIPS 2019, appendix.

    >>> bins = BinSums(*(np.array([x]) for x in (4.0, 3.0, 2.25, 1.0, 0.75)))  # gap .5, accuracy .25
    >>> debiased_square(bins) == 0.25 - 0.25 * 0.75 / 3
    True
    """
    there = sums.effective >= 2.0
    return float(np.sum((np.square(sums.surplus) / sums.divisor)[there]) / sums.count.sum()) - noise_square(sums)


def noise_square(sums: BinSums) -> float:
    """The part of the mean squared gap that is noise, estimated from the accuracies of bins with at least two rows."""
    there = sums.effective >= 2.0
    accuracy = np.clip((sums.y / sums.divisor)[there], 0.0, 1.0)
    variance = accuracy * (1.0 - accuracy) / (sums.effective[there] - 1.0)
    return float(np.sum(sums.count[there] * variance) / sums.count.sum())


def _check_groups(joints: Joints | None) -> None:
    if joints is not None:
        raise NotComputable("dependent_rows", DEPENDENT)
