"""The interface of a metric. What a kind of metric does not implement gets the reason "no method"."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, Notice
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.second_pass import NOTHING, Wanted
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.intervals import LEAST_BIN_ROWS, Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast, centre_of, margins

if TYPE_CHECKING:
    from calibeval.core.uncertainty.model_pair import Pair

NO_DIFFERENCE = "this metric has no paired difference"
NOT_CHOSEN = "it was not chosen when these sums were made: choose {name} there (calibeval sums --metrics {name})"
NOT_IN_SUMS = "it needs the probabilities of every row, which sums do not hold: measure the rows themselves"
NO_BOUND = "sums give no useful bound on it: small bins were joined, or one cell holds too many rows"
NO_METHOD = "there is no method for it"
BY_GROUPS = "differences of this metric are not tested if only groups are independent"
T = TypeVar("T")


class Side(NamedTuple):
    """One model of an unpaired comparison: its result, its number of rows, and sums of its bins.

    level: of the result's interval. In a saved report, bins are described by their means, and mass is None if it has no
    equal-mass table. bins_tell: whether the bins give the variance of the value; they do not if only groups are
    independent.
    """

    result: MetricResult
    n: float
    level: float | None
    top: BinSums
    mass: BinSums | None
    bins_tell: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: what reports, commands, the gate and the docs need to know about it, and how it is computed.

    name: in JSON, rules and options. title: a description. source: the publication.
    least, most: the range of values; most is None if it is unbounded. better: which values are good.
    unit: "%" metrics are stored as fractions and shown as percent. binary: whether it exists for two classes only.
    shown: whether the first printed tables show it; JSON always does. short: its name in tables, if that is not its
    name in capitals.
    """

    name: str
    title: str
    least: float
    most: float | None
    better: Literal["lower", "higher", "zero", "one"]
    unit: Literal["%", "nats", ""]
    source: str
    binary: bool = False
    shown: bool = True
    short: str = ""
    # Whether the interval is computed from sums of bins, and is left out if these hold too few rows.
    binned: ClassVar[bool] = True
    # Whether the metric measures calibration and has a noise floor; then rows selected by their label have no interval.
    has_floor: ClassVar[bool] = True
    # Whether the value comes from a fit, for which the scores are needed.
    fitted: ClassVar[bool] = False
    # Whether the value is what these rows certify; more rows certify more of the same model.
    certifies: ClassVar[bool] = False
    # Whether it says what a map would still gain: less of that is neither good nor bad of a model.
    left_to_gain: ClassVar[bool] = False

    def exists(self, k: int | None, *, named: bool) -> bool:
        """Whether it is defined for k classes. named: whether somebody asked for it by name, or for all."""
        return not self.binary or k == 2

    @property
    def wanted(self) -> Wanted:
        """What the metric needs of a second pass over the scores."""
        return NOTHING

    @property
    def label(self) -> str:
        """The metric's name in tables."""
        return self.short or self.name.upper()

    def value(self, sums: Sums) -> float:
        """The value. Raises: NotComputable if it does not exist for these sums."""
        raise NotImplementedError

    def off(self, sums: Sums) -> float:
        """How far the value may be from that of the rows, if these are sums of rows; endless if that is not known."""
        return 0.0

    def known(self, sums: Sums) -> tuple[float, float]:
        """The value, and how far it may be off that of the rows.

        Raises: NotComputable if it does not exist, or if that of the rows may be any other.
        """
        value, off = self.value(sums), self.off(sums)
        if off and off >= (math.inf if self.most is None else self.most - self.least):
            raise NotComputable("from_sums", NO_BOUND)
        return value, off

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor, if there is one. joints: joint variation by groups; None if rows are independent.

        Raises: NotComputable, with the reason, if it cannot be computed.
        """
        return None

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The confidence interval; None if there are too few rows. joints: as for `floor`.

        Raises: NotComputable, with the reason, if it cannot be computed.
        """
        raise NotComputable("no_method", NO_METHOD)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """The difference candidate - base on the same rows. Raises: NotComputable, with the reason."""
        raise NotComputable("no_method", NO_DIFFERENCE)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """The difference from a saved report, as if its rows were a different sample. Raises: as `difference`."""
        raise NotComputable("no_method", NO_DIFFERENCE)

    def shares(self, sums: Sums) -> Floats | None:
        """The contribution of each row to the metric, (n,); None if it has no such parts. sums: with their rows."""
        return None

    def bin_shares(self, sums: Sums) -> Floats | None:
        """The contribution of each equal-width bin of the confidence, (m,); None if sums do not tell it."""
        return None

    def class_shares(self, sums: Sums) -> Floats | None:
        """The contribution of each class, (k,), if the metric is a sum over classes but not over rows; else None."""
        return None

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """The least value for k classes if mean confidence - accuracy is this; None if nothing follows from it."""
        return None

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with further facts: the bin with the largest gap, or that the interval is approximate."""
        return result

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval, given enough rows."""
        return True

    @property
    def has_difference(self) -> bool:
        """Whether differences on the same rows can have an interval."""
        return type(self).difference is not Metric.difference

    def approximate(self, sums: Sums) -> Notice | None:
        """Why intervals from these sums are approximate, those of differences included; None if they are not."""
        return None

    def coarse(self, points: float, k: int | None) -> float:
        """The equivalent of this many points of miscalibration in units of this metric, for k classes."""
        return points

    def comparable(self, classes: Collection[int | None]) -> bool:
        """Whether dumps with these numbers of classes can be ranked by the metric."""
        return True

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The metric with its noise floor and, given a level, its interval; or the reasons why they are missing.

        joints: as for `floor`.
        """
        try:
            value, off = self.known(sums)
        except NotComputable as missing:
            facts: dict[str, Any] = {**missing.facts}
            return MetricResult(self.name, None, reason=missing.reason, **facts)
        floor, no_floor = _told(lambda: self.floor(sums, joints))
        if floor is not None and self.most is not None:
            floor = Floor(*(min(one, self.most) for one in floor))
        wanted = level is not None and not (self.binned and is_thin(sums))
        interval, no_interval = _told(lambda: self.interval(sums, level or 0.0, joints) if wanted else None)
        result = MetricResult(
            self.name,
            value,
            low=None if interval is None else interval.low,
            high=None if interval is None else interval.high,
            corrected=None if interval is None else interval.corrected,
            floor=None if floor is None else floor.expected,
            floor_high=None if floor is None else floor.high,
            floor_certain=None if floor is None else floor.certain,
            reason=_lacking(no_interval, no_floor, unsure=level is not None and interval is None),
        )
        result = self.explained(result, sums)
        if result.low is not None and result.reason is None:
            result = replace(result, reason=self.approximate(sums))
        return self.widened(result, off)

    def widened(self, result: MetricResult, off: float) -> MetricResult:
        """The result whose interval also holds what is true of the rows. off: how far the value may be from theirs."""
        if not off:
            return result
        result = replace(result, cell_error=off)
        if result.low is None or result.high is None:
            return result
        most = math.inf if self.most is None else self.most
        return replace(result, low=max(result.low - off, self.least), high=min(result.high + off, most))

    def narrowed(self, result: MetricResult) -> MetricResult:
        """The result with an interval that `widened` gives back: around the value of the sums."""
        if not result.cell_error or result.low is None or result.high is None or result.value is None:
            return result
        held = [result.value if result.corrected is None else result.corrected]
        low, high = min(result.low + result.cell_error, *held), max(result.high - result.cell_error, *held)
        return replace(result, low=low, high=high)

    def margins_from(self, saved: Side, own: Side, level: Level, *, independent: bool = True) -> Contrast:
        """The difference from a saved report, derived from both intervals.

        independent: whether the intervals are symmetric around their centres, so that squared errors add; else errors
        add.
        """
        ratio = level.z / Level(saved.level or level.value).z
        ours, theirs = self._interval_of(saved), self._interval_of(own)
        centre, other = self.centre(saved, ours), self.centre(own, theirs)
        scaled = Interval(centre - ratio * (centre - ours.low), centre + ratio * (ours.high - centre), None)
        most = math.inf if self.most is None else self.most - self.least
        return margins(scaled, theirs, (centre, other), level, most, independent=independent)

    def _interval_of(self, side: Side) -> Interval:
        low, high = side.result.low, side.result.high
        if low is None or high is None:
            raise NotComputable("no_interval", "the report or the candidate has no interval for it")
        return Interval(low, high, side.result.corrected)

    def centre(self, side: Side, interval: Interval) -> float:
        """The centre of the interval."""
        return (side.result.value or 0.0) if side.result.corrected is None else centre_of(interval)


def is_thin(sums: Sums) -> bool:
    """Whether bins hold too few rows (below 5 on average) for the normal approximation."""
    mass = 0 if sums.equal_mass is None else np.count_nonzero(sums.mass.count)
    filled = max(np.count_nonzero(sums.top.count), mass)
    return sums.n < LEAST_BIN_ROWS * int(filled)


def _lacking(no_interval: Notice | None, no_floor: Notice | None, *, unsure: bool) -> Notice | None:
    """Why a result has no interval or floor. unsure: whether an interval was requested and is missing."""
    why = no_interval or no_floor
    return None if why is None else why.reworded(f"no {'interval' if unsure else 'noise floor'}: {why}")


def _told(tell: Callable[[], T | None]) -> tuple[T | None, Notice | None]:
    """The result of a method, or the reason why there is none."""
    try:
        return tell(), None
    except NotComputable as missing:
        return None, missing.reason
