"""Metrics that are the mean of one value per row, computed from the moments of these values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.few_by_groups import containing_exact, shift_by_groups
from calibeval.core.metrics.metric import Metric, Side
from calibeval.core.sums.by_group import RowTotals
from calibeval.core.sums.sums import Moments, RowScores, Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.floors import CERTAIN, HIGH, Floor, gap_floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import GroupedError, Joints, grouped_error
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import ROWS_NEEDED, Contrast
from calibeval.core.uncertainty.small_counts import Shift, hulled, share_of, shift_of
from calibeval.core.uncertainty.special import student_quantile

if TYPE_CHECKING:
    from calibeval.core.uncertainty.few_errors import OfOutcome
    from calibeval.core.uncertainty.model_pair import Pair
    from calibeval.core.uncertainty.paired_means import MeanDifference

NO_UPPER_END = "few rows are wrong, or few right, and some give other classes no chance: one error there is infinite"
_ROUNDING = 1e-12  # of the mean square of a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Metric):
    """The mean of one value per row.

    moments: gives the moments of all values from the sums, or raises NotComputable. values: gives the values of single
    rows, or their sums by group from those of the results of rows: it is linear in them. risk: gives the mean over rows
    of the value of a wrong row minus that of a right one, which lets the interval hold if nearly all rows are right, or
    wrong; None if that is not known. of_outcome: gives the values that rows with these confidences have if predictions
    are right, or wrong; for more than two classes, at least that much. None: the value does not follow from them.
    """

    binned: ClassVar[bool] = False
    has_floor: ClassVar[bool] = False
    moments: Callable[[Sums], Moments]
    values: Callable[[RowScores | RowTotals], Floats]
    risk: Callable[[Sums], float] | None = None
    of_outcome: OfOutcome | None = None

    def value(self, sums: Sums) -> float:
        """The mean."""
        return self.moments(sums).total / sums.n

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """None: the value of a calibrated model is not known."""
        return None

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """Normal interval, with Student's quantile if only groups are independent; None if there are too few rows."""
        if joints is None:
            total, squares, _ = self.moments(sums)
            plain = intervals.mean_interval(total, squares, sums.n, level, least=self.least, most=self._most)
            shift = shift_of(sums.top, sums.n, level)
            return plain if plain is None or not shift.few else self.hull(plain, sums, shift)
        mean, found = self.value(sums), self._error(sums, joints)
        if found is None:
            return None
        reach = student_quantile(0.5 * (1.0 + level), joints.freedom) * found.error
        plain, few = Interval(mean - reach, mean + reach, None), shift_by_groups(sums, joints, level)
        both = plain if few is None else self.hull(plain, sums, few)
        return Interval(max(both.low, self.least), min(both.high, self._most), None)

    def _error(self, sums: Sums, joints: Joints) -> GroupedError | None:
        """The error of the mean if only groups are independent."""
        total, squares, _ = self.moments(sums)
        mean, spread = total / sums.n, intervals.spread_of(total, squares, sums.n)
        return grouped_error(self.values(joints.rows), mean, spread * sums.n, joints)

    def hull(self, found: Interval, sums: Sums, shift: Shift) -> Interval:
        """The interval with all that few errors allow. Raises: NotComputable if it has no upper end."""
        if self.risk is None:
            return found
        risk = self.risk(sums)
        if not math.isfinite(risk):
            raise NotComputable("no_upper_end", NO_UPPER_END)
        low, high = hulled(found.low, self.value(sums), found.high, risk, shift)
        return Interval(max(low, self.least), min(high, self._most), None)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the differences of paired rows; with few errors, also all that their exact intervals allow."""
        check_enough_rows(pair)
        most = self._most - self.least
        found = pair.mean_change(self.values, level, most)
        if self.of_outcome is not None:
            from calibeval.core.uncertainty.few_errors import allowing_few

            found = allowing_few(found, pair.outcomes, self.of_outcome, level, most)
        return of_means(found, level)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals."""
        return self.margins_from(saved, own, level)

    def shares(self, sums: Sums) -> Floats | None:
        """The value of each row divided by n; None if a value is infinite, or rows were not kept."""
        if sums.rows is None or sums.k is None:
            return None
        values = self.values(sums.rows)
        return shared(values, sums) if np.isfinite(values).all() else None

    @property
    def _most(self) -> float:
        return math.inf if self.most is None else self.most


class Share(Mean):
    """The share of correct rows."""

    __slots__ = ()

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The exact interval; if only groups are independent, Wilson's, for the effective sample size.

        With few errors or right rows for that size, it also contains the exact interval.
        """
        if joints is None:
            return intervals.exact_interval(*share_of(sums.top, sums.n), level)
        share, found = self.value(sums), self._error(sums, joints)
        error = 0.0 if found is None else found.error
        # If all rows are correct, or all wrong, every group counts as one row.
        spread = share * (1.0 - share)
        worth = spread / error**2 if error and spread > 0.0 else joints.clusters.effective
        wilson = intervals.share_interval(share, worth, student_quantile(0.5 * (1.0 + level), joints.freedom))
        return containing_exact(wilson, share, joints, level)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the rows on which exactly one of the two models is correct."""
        check_enough_rows(pair)
        found = of_means(pair.accuracy_change(level), level)
        return found._replace(same=True) if pair.equally_right else found

    def bin_shares(self, sums: Sums) -> Floats | None:
        """How much each bin reduces the accuracy from 1."""
        return np.asarray((sums.top.count - sums.top.y) / sums.n)

    def shares(self, sums: Sums) -> Floats | None:
        """How much each row reduces the accuracy from 1."""
        return None if sums.rows is None else shared(1.0 - sums.rows.correct.astype(np.float64), sums)


class MeanGap(Mean):
    """The mean of confidence minus correctness, which has a noise floor."""

    __slots__ = ()

    has_floor: ClassVar[bool] = True

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor of its absolute value."""
        if joints is None:
            return gap_floor(sums.top.whole(), sums.n)
        found = self._error(sums, joints)
        if found is None:
            return None
        # Keep the dependence between rows, but give each row the variance that its true probability implies.
        inflation = max(found.error * sums.n / math.sqrt(max(found.squares, _ROUNDING * sums.n)), 1.0)
        null = inflation * math.sqrt(float(sums.top.variance.sum())) / sums.n
        high, certain = (null * student_quantile(0.5 * (1.0 + one), joints.freedom) for one in (HIGH, CERTAIN))
        return Floor(null * math.sqrt(2.0 / math.pi), high, certain)

    def hull(self, found: Interval, sums: Sums, shift: Shift) -> Interval:
        """The interval with all that few errors allow: the gap is the confidence minus the accuracy."""
        low, high = shift.confidence - shift.most, shift.confidence - shift.least
        return Interval(min(found.low, low), max(found.high, high), None)

    def bin_shares(self, sums: Sums) -> Floats | None:
        """The gap of each bin divided by n."""
        return np.asarray(-sums.top.surplus / sums.n)

    def shares(self, sums: Sums) -> Floats | None:
        """The gap of each row divided by n."""
        return None if sums.rows is None else shared(self.values(sums.rows), sums)


def rows_of(sums: Sums) -> RowScores:
    """The results of single rows. Raises: NotComputable if they were not kept."""
    if sums.rows is None:
        raise NotComputable("rows_not_kept", ROWS_NEEDED)
    return sums.rows


def shared(values: Floats, sums: Sums) -> Floats:
    """The part of each row in the mean of these values, (n,). sums: with their rows."""
    weights = sums.row_weights
    return np.asarray(values if weights is None else values * weights) / sums.n


def check_enough_rows(pair: Pair) -> None:
    """Check that there are at least two rows. Raises: NotComputable."""
    if pair.count < 2:
        raise NotComputable("one_row", "a single row has no interval")


def of_means(found: MeanDifference, level: Level) -> Contrast:
    """The difference of two means as a contrast."""
    return Contrast(found.low, found.high, found.p, level.detectable * level.z * found.error)
