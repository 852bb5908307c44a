"""The largest gap of a bin."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.bins import Binned, rows_in
from calibeval.core.metrics.metric import BY_GROUPS, Side
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.floors import Floor, mce_floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast, centre_of, margins

if TYPE_CHECKING:
    from calibeval.core.uncertainty.model_pair import Pair

FEW_ROWS_DECIDE = "a bin with few rows may decide the value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest(Binned):
    """The largest |accuracy - confidence| of the bins with at least least_rows rows.

    If least_rows is below 30, there is no interval, since a single small bin may decide the value.
    """

    least_rows: int

    @property
    def has_interval(self) -> bool:
        """Whether every bin that counts holds enough rows."""
        return self.least_rows >= intervals.MCE_LEAST_COUNT

    def value(self, sums: Sums) -> float:
        """The largest gap. Raises: NotComputable if no bin has enough rows."""
        return self._worst(sums).gap

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor of the same bins."""
        if joints is not None:
            raise NotComputable(
                "dependent_rows", "the largest of many gaps, of rows that depend on each other, has none"
            )
        return mce_floor(self.bins(sums).at(self._large(sums)))

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """From the intervals of the bins."""
        if joints is not None:
            raise NotComputable(
                "dependent_rows", "the largest of many gaps, of rows that depend on each other, has none"
            )
        if not self.has_interval:
            raise NotComputable("few_rows_decide", FEW_ROWS_DECIDE)
        return intervals.mce_interval(self.bins(sums).at(self._large(sums)), level)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the intervals of the two models."""
        if pair.grouped:
            raise NotComputable("dependent_rows", BY_GROUPS)
        first, second = (self.interval(model.sums, level.value) for model in pair.models)
        if first is None or second is None:
            raise NotComputable("no_filled_bin", f"no bin holds {self.least_rows} rows")
        return margins(first, second, (centre_of(first), centre_of(second)), level, independent=False)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals; they are asymmetric, so their errors may add up."""
        return self.margins_from(saved, own, level, independent=False)

    def shares(self, sums: Sums) -> Floats | None:
        """For rows in the bin with the largest gap: their gap divided by the bin's number of rows."""
        rows = self.row_bins(sums)
        if rows is None or not self._large(sums).size:
            return None
        signed = np.sign(rows.totals[rows.places]) * rows.gaps / rows.rows[rows.places]
        return np.where(rows.places == self._worst(sums).bin, signed, 0.0)

    def comparable(self, classes: Collection[int | None]) -> bool:
        """Never: different dumps have different bins with enough rows."""
        return False

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with the bin of the largest gap, and its number of rows."""
        worst = self._worst(sums)
        return replace(result, bin=worst.bin, count=worst.rows)

    def centre(self, side: Side, interval: Interval) -> float:
        """The middle of the interval: the value may lie anywhere in it."""
        return centre_of(interval)

    def _large(self, sums: Sums) -> npt.NDArray[np.intp]:
        """The bins with enough rows."""
        return np.flatnonzero(self.bins(sums).effective >= self.least_rows * (1.0 - 1e-9))  # 30 equal weights are 30

    def _worst(self, sums: Sums) -> WorstBin:
        rows_in(self.bins(sums))
        large = self._large(sums)
        if not large.size:
            raise NotComputable("no_filled_bin", f"no bin holds {self.least_rows} rows")
        worst = mce(self.bins(sums).at(large))
        return worst._replace(bin=int(large[worst.bin]))


class WorstBin(NamedTuple):
    """The bin with the largest gap: that gap, the bin's index from 0, and its number of rows."""

    gap: float
    bin: int
    rows: int


def mce(sums: BinSums) -> WorstBin:
    """Maximum calibration error: the largest |accuracy - confidence| of a non-empty bin.

    Unitless, in [0, 1]; lower is better. A single small bin can decide it, so look at its number of rows.

    sums: BinSums of m bins.
    Raises: InputError if no row was summed.
    Source: Naeini et al., AAAI 2015.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> mce(bin_sums([.25, .75, .75], [1, 1, 0], edges=[0, .5, 1]))
    WorstBin(gap=0.75, bin=0, rows=1)
    """
    rows_in(sums)
    gaps = np.abs(sums.surplus) / sums.divisor
    worst = int(gaps.argmax())
    return WorstBin(float(gaps[worst]), worst, int((sums.count if sums.rows is None else sums.rows)[worst]))
