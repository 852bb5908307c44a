"""Metrics of the probability of the positive class of two that are means over all rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from calibeval.core.data.notices import Notice
from calibeval.core.metrics.bins import Binned
from calibeval.core.metrics.few_by_groups import shift_by_groups
from calibeval.core.metrics.means import check_enough_rows, of_means
from calibeval.core.metrics.metric import Side
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.all_rows import error_of_sum
from calibeval.core.uncertainty.floors import CERTAIN, HIGH, Floor, gap_floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.small_counts import class_gap_of
from calibeval.core.uncertainty.special import student_quantile

if TYPE_CHECKING:
    from calibeval.core.uncertainty.model_pair import Pair


class PositiveGap(Binned):
    """Mean P(positive) minus the prevalence: the same whatever the bins, from whose sums it is computed."""

    __slots__ = ()

    binned: ClassVar[bool] = False

    def value(self, sums: Sums) -> float:
        """The gap of all rows."""
        return -float(self.bins(sums).surplus.sum()) / sums.n

    def off(self, sums: Sums) -> float:
        """0: it is the same in joined bins."""
        return 0.0

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor of its absolute value."""
        bins, joint = self.bins(sums), self.joint(sums, joints)
        if joint is None:
            return gap_floor(bins.whole(), sums.n)
        # Keep the dependence between rows, but give each row the variance that its stated probability implies.
        plain = math.sqrt(max(float(bins.whole().centred_squares[0]), 1e-12 * sums.n))
        inflation = max(error_of_sum(bins, joint, np.ones(len(bins.count))) / plain, 1.0)
        null = inflation * math.sqrt(float(bins.variance.sum())) / sums.n
        high, certain = (null * student_quantile(0.5 * (1.0 + one), joint.freedom) for one in (HIGH, CERTAIN))
        return Floor(null * math.sqrt(2.0 / math.pi), high, certain)

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """Normal interval, extended by all that few errors allow; None for a single row.

        By groups, it has Student's quantile, and errors count in the effective number of rows.
        """
        bins, joint = self.bins(sums), self.joint(sums, joints)
        if sums.n <= 1:
            return None
        if joint is None or joints is None:
            low, high = class_gap_of(bins, sums.n, level)
        else:
            gap = self.value(sums)
            reach = joint.quantile(0.5 * (1.0 + level)) * error_of_sum(bins, joint, np.ones(len(bins.count))) / sums.n
            few = shift_by_groups(sums, joints, level)
            if few is not None:
                reach = max(reach, few.most - few.accuracy, few.accuracy - few.least)
            low, high = gap - reach, gap + reach
        return Interval(max(low, self.least), min(high, self.most or 1.0), None)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """Of paired rows: the prevalence is the same, so it is the difference of the mean probabilities."""
        check_enough_rows(pair)
        return of_means(pair.positive_change(level), level)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals."""
        return self.margins_from(saved, own, level)

    def approximate(self, sums: Sums) -> Notice | None:
        """None: it does not depend on the bins."""
        return None
