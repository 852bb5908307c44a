"""The overconfidence error: the gaps of over-confident bins, weighted by confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.bins import Binned, along_paths, rows_in
from calibeval.core.metrics.few_by_groups import shift_by_groups
from calibeval.core.metrics.metric import Side
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.floors import Floor, oe_floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast, check_thick, contrast

if TYPE_CHECKING:
    from calibeval.core.uncertainty.model_pair import Pair


class Overconfidence(Binned):
    """Mean over bins of confidence x (confidence - accuracy), where positive."""

    __slots__ = ()

    def value(self, sums: Sums) -> float:
        """The mean."""
        return oe(self.bins(sums))

    def off(self, sums: Sums) -> float:
        """How far gaps of bins, times their mean confidence, may be from those of all bins, added up."""
        return 0.0 if sums.joined is None else sums.joined.weighed / sums.weights.total

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor: only the positive half of every gap counts."""
        joint = self.joint(sums, joints)
        if joint is None:
            return oe_floor(self.bins(sums), sums.n)
        return intervals.joint_oe_floor(self.bins(sums), sums.n, joint)

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The interval from inverting the path of over-confident bins."""
        found = intervals.oe_interval(self.bins(sums), sums.n, level, self.joint(sums, joints))
        shift = None if joints is None else shift_by_groups(sums, joints, level)
        if shift is None:
            return found
        return found._replace(high=max(found.high, shift.confidence * (shift.confidence - shift.least)))

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """The difference along the paths of both models."""
        from calibeval.core.uncertainty.paired_paths import oe_side

        bins, n = self.together(pair), pair.n
        one, other = (oe_side(own, n, level.z, joint) for own, joint in zip(bins.sums, bins.joints, strict=True))
        return along_paths(bins, level, (one, other))

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """The difference along two independent paths; from the two intervals if the bins are missing or not usable."""
        if self.by_class or not (saved.bins_tell and own.bins_tell):
            return self.margins_from(saved, own, level)
        bins = self.saved_bins(saved), self.saved_bins(own)
        check_thick(*bins)
        from calibeval.core.uncertainty.paired_paths import oe_side, path_difference

        sides = oe_side(bins[0], saved.n, level.z), oe_side(bins[1], own.n, level.z)
        return contrast(*path_difference(*sides, level, None), level)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """The gap if it is positive, as if its confidence were 1."""
        return max(gap, 0.0)

    def bin_shares(self, sums: Sums) -> Floats | None:
        """The gap of each over-confident bin times its mean confidence, divided by n."""
        return np.asarray(sums.top.p / sums.top.divisor * np.maximum(-sums.top.surplus, 0.0) / sums.n)

    def shares(self, sums: Sums) -> Floats | None:
        """For rows in over-confident bins: the row's gap times its bin's mean confidence, divided by n."""
        rows = self.row_bins(sums)
        if rows is None or sums.rows is None:
            return None
        confidence = sums.rows.confidence if sums.row_weights is None else sums.rows.confidence * sums.row_weights
        promised = np.bincount(rows.places, weights=confidence, minlength=len(rows.rows))
        weight = np.where(rows.totals > 0, promised / rows.rows, 0.0)
        return weight[rows.places] * rows.gaps / sums.n


def oe(sums: BinSums) -> float:
    """Overconfidence error: mean over bins of confidence x (confidence - accuracy), where positive.

    Unitless, in [0, 1]; lower is better. It ignores under-confidence.

    sums: BinSums of m bins.
    Raises: InputError if no row was summed.
    Source: Thulasidasan et al., NeurIPS 2019.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> oe(bin_sums([.25, .75, .75], [1, 1, 0], edges=[0, .5, 1])) == (2 / 3) * .75 * .25
    True
    """
    confidence = sums.p / sums.divisor
    return float((confidence * np.maximum(-sums.surplus, 0.0)).sum() / rows_in(sums))
