"""Class-wise calibration errors in other bins than `cwce`: of equally many rows, or without small probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.bins import of_both
from calibeval.core.metrics.folded import ClassWise
from calibeval.core.metrics.metric import NOT_CHOSEN, NOT_IN_SUMS
from calibeval.core.metrics.of_pairs import DEPENDENT
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.second_pass import SecondSums, Wanted
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.floors import gap_floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.model_pair import Pair
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.paths import Joint

NOT_MEASURED = "these class-wise sums are computed for all rows of a dump only, not for slices"
LIMIT = 1e-3  # of probabilities that are left out


class OtherBins(ClassWise):
    """The mean over classes of the calibration error of each class's probability, in bins of a second pass."""

    __slots__ = ()

    def second(self, sums: Sums) -> SecondSums:
        """The sums of the second pass. Raises: NotComputable if there are none."""
        ClassWise.bins(self, sums)  # says what is missing
        if sums.second is None:
            raise self.not_measured(sums)
        return sums.second

    def not_measured(self, sums: Sums) -> NotComputable:
        """Why there are no such sums."""
        text = NOT_CHOSEN.format(name=self.name) if sums.without_rows else NOT_MEASURED
        return NotComputable("not_measured", text)

    def joint(self, sums: Sums, joints: Joints | None) -> Joint | None:
        """None. Raises: NotComputable for groups."""
        if joints is not None:
            raise NotComputable("dependent_rows", DEPENDENT)
        return None

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The hull of two paths; for two classes, the mean of both. Raises: NotComputable for groups.

        Where classes have few rows, and the value is below what calibrated models show, paths say nothing: then the
        interval ends at the value.
        """
        bins, joint = self.bins(sums), self.joint(sums, joints)
        found = intervals.cwce_interval(bins, sums.n, level, joint)
        value, few = self.value(sums), self.approximate(sums)
        if few is None or few.code != "few_rows_per_class" or value >= gap_floor(bins, sums.n).expected:
            return found
        return found._replace(high=max(found.high, value))

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the intervals of both models, whose errors may add up. Raises: NotComputable for groups."""
        return of_both(self, pair, level)

    def class_shares(self, sums: Sums) -> Floats | None:
        """None: `cwce` has those of all probabilities."""
        return None


class ByCount(OtherBins):
    """In bins of equally many rows, whose edges are values of the class's probability."""

    __slots__ = ()

    @property
    def wanted(self) -> Wanted:
        """Sums in such bins."""
        return Wanted(by_count=True)

    def bins(self, sums: Sums) -> BinSums:
        """The bins. Raises: NotComputable if they were not computed."""
        second = self.second(sums)
        if second.no_count is not None:
            raise NotComputable("too_many_cells", second.no_count)
        if second.by_count is None:
            raise self.not_measured(sums)
        return second.by_count

    def not_measured(self, sums: Sums) -> NotComputable:
        """Why there are no such sums: their edges are probabilities of rows."""
        return NotComputable(
            "rows_not_kept" if sums.without_rows else "not_measured", NOT_IN_SUMS if sums.without_rows else NOT_MEASURED
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholded(OtherBins):
    """In equal-width bins, of probabilities above a limit only.

    divisor: what the gaps of a class are divided by: the number of all rows ("rows"), or of its probabilities above the
    limit ("kept"). Classes without any are left out of the mean over classes of the latter.
    """

    limit: float = LIMIT
    divisor: Literal["rows", "kept"]

    @property
    def wanted(self) -> Wanted:
        """The sums of all other probabilities."""
        return Wanted(limits=frozenset({self.limit}))

    def bins(self, sums: Sums) -> BinSums:
        """The bins of what is kept; if that is the divisor, with such weights that they add up to n for every class.

        Raises: NotComputable if they were not computed, or nothing is kept.
        """
        second = self.second(sums)
        if sums.classes is None or self.limit not in second.small:
            raise self.not_measured(sums)
        kept = without(sums.classes, second.small[self.limit])
        if self.divisor == "rows":
            return kept
        found = np.flatnonzero(kept.count.sum(axis=1) > 0.0)
        if not len(found):
            raise NotComputable("no_rows", f"no probability is above {self.limit:g}")
        kept = kept.at(found)
        return reweighted(kept, sums.n / kept.count.sum(axis=1, keepdims=True))

    def value(self, sums: Sums) -> float:
        """The mean over the classes."""
        bins = self.bins(sums)
        return float(np.abs(bins.surplus).sum()) / (sums.n * len(bins.count))

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """As for other bins; the number that is kept counts as known. Raises: NotComputable for groups."""
        if len(self.bins(sums).count) < 2:
            raise NotComputable("no_method", "only one class has a probability above the limit")
        return OtherBins.interval(self, sums, level, joints)

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with what its gaps are divided by."""
        return replace(result, divisor=self.divisor)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """None: the gap is of all probabilities."""
        return None


def reweighted(sums: BinSums, weights: Floats) -> BinSums:
    """The sums if every row has this weight more, (k, 1) by class.

    >>> one = BinSums(*(np.array([[x]]) for x in (3.0, 0.3, 0.03, 1.0, 0.1)))
    >>> found = reweighted(one, np.array([[2.0]]))
    >>> found.count.tolist(), found.squared.count.tolist(), found.effective.tolist()
    ([[6.0]], [[12.0]], [[3.0]])
    """
    first = replace(sums, squared=None, rows=None).each(lambda part: part * weights)
    of_squares = sums.squared or replace(sums, squared=None, rows=None)
    squared = of_squares.each(lambda part: part * weights**2)
    return replace(first, squared=squared, rows=sums.count if sums.rows is None else sums.rows)


def without(sums: BinSums, some: BinSums) -> BinSums:
    """The sums without those of some of the rows; at least 0, and 0 where no row is left.

    >>> one = BinSums(*(np.array([x]) for x in (3.0, 0.3, 0.03, 1.0, 0.1)))
    >>> without(one, one).p.tolist()
    [0.0]
    """
    rows = None if sums.rows is None or some.rows is None else sums.rows - some.rows
    squared = None if sums.squared is None or some.squared is None else without(sums.squared, some.squared)
    left = sums.count - some.count > 1e-9 * sums.count if rows is None else rows > 0.0
    parts = ((getattr(sums, name), getattr(some, name)) for name in ("count", "p", "pp", "y", "yp"))
    return BinSums(*(np.where(left, np.maximum(a - b, 0.0), 0.0) for a, b in parts), squared=squared, rows=rows)


OTHER_BINS = (
    ByCount(
        name="cwce_adaptive",
        short="CWCE adaptive",
        title="class-wise calibration error in bins of equally many rows, mean over all classes",
        over="classes",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Nixon et al. 2019",
    ),
    Thresholded(
        name="tace",
        title="thresholded class-wise error: of probabilities above 0.001, divided by all rows and classes",
        divisor="rows",
        over="classes",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Nixon et al. 2019",
    ),
    Thresholded(
        name="tace_kept",
        short="TACE kept",
        title="thresholded class-wise error, divided by the number of probabilities of the class above 0.001",
        divisor="kept",
        over="classes",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Nixon et al. 2019",
    ),
)
