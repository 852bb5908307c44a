"""Groups of rows that depend on each other, such as frames of a video or pixels of an image, as the unit of intervals.

Rows of a group may agree more than chance would have it, and then intervals and floors of independent rows are too
narrow. Here only groups are taken for independent: the sums of each group's gaps tell how the sums of all vary.
Memory: 25 bytes a row, so there are no intervals by groups for dumps that are read block by block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calibeval.core.conventions.table import OWN
from calibeval.core.data.columns import coded_column
from calibeval.core.data.predictions import Predictions
from calibeval.core.evaluation.group_joints import MOST_CELLS, Codes, Joints, joints_of
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import METRICS, all_metrics, is_thin
from calibeval.core.report.report import GroupCount
from calibeval.core.report.settings import Settings
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.engine import stored_bytes
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.intervals import Interval, share_interval
from calibeval.core.uncertainty.special import student_quantile

# Fewer groups cannot tell how they vary; from ENOUGH on, Student's quantile is all the care that is needed.
LEAST_GROUPS, ENOUGH_GROUPS = 10, 40


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The group of every row that counts, (n,) in [0, count), in the order of the rows; None where it is not known.

    column: the column that names the groups, None for images. refused: why there are no intervals by these groups.
    """

    column: str | None
    count: int
    codes: Codes | None
    refused: str | None = None

    @property
    def counted(self) -> GroupCount:
        """What a report says of them."""
        return GroupCount(self.column, self.count)

    def of_rows(self, chosen: npt.NDArray[np.intp]) -> Groups:
        """The groups of some of the rows that count, by their places among these."""
        if self.codes is None:
            return self
        return _numbered(self.column, self.codes[chosen])

    def warning(self) -> str | None:
        """What a reader of intervals by so few groups must know; None where they are enough."""
        unit = "images" if self.column is None else f'groups by "{self.column}"'
        if self.refused is not None:
            return f"floors and intervals are left out: {self.refused}"
        if self.count < ENOUGH_GROUPS:
            return f"{self.count} {unit} are few: floors and intervals are approximate below {ENOUGH_GROUPS}"
        return None


def find_groups(predictions: Predictions, settings: Settings, max_memory: int | None) -> Groups | None:
    """The groups of settings.group; without it, the images of dense predictions; else None.

    By another tool's convention there are no groups, and none by images for dumps that are read block by block.
    Raises: UsageError if the dump has no such column.
    """
    column = settings.group
    streamed = max_memory is not None and stored_bytes(predictions) > max_memory
    if settings.convention != OWN or (column is None and (streamed or len(predictions.layout) < 2)):
        return None
    if column is None:
        codes = np.arange(predictions.rows) // math.prod(predictions.layout[1:])
    else:
        codes = coded_column(predictions, column).codes
    if predictions.ignored:
        codes = codes[predictions.labels != predictions.ignore_index]
    groups = _numbered(column, codes)
    if streamed:
        reason = "intervals by groups need 25 bytes a row, and this dump is over --max-memory"
        return replace(groups, codes=None, refused=reason)
    return groups


def _numbered(column: str | None, codes: Codes) -> Groups:
    values, numbers = np.unique(codes, return_inverse=True)
    count = len(values)
    few = f"{count} {'group' if count == 1 else 'groups'} cannot tell how they vary, {LEAST_GROUPS} are needed"
    return Groups(column, count, numbers, few if count < LEAST_GROUPS else None)


def grouped_metrics(
    sums: Sums, groups: Groups, predictions: Predictions, level: float | None
) -> tuple[dict[str, MetricResult], float | None]:
    """Every metric with floors and intervals whose unit is the group, and the p-value of the ECE.

    sums: of these predictions, with their rows. Where groups cannot tell, `reason` says why a floor and an interval
    are missing, and p is None.
    """
    plain = all_metrics(sums, None)
    if groups.refused is not None or groups.codes is None or sums.rows is None:
        why = groups.refused or "the results of single rows were not kept"
        return {name: _bare(metric, why) for name, metric in plain.items()}, None
    joints = joints_of(sums, sums.rows, groups.codes, groups.count, predictions)
    found = {name: _with_groups(metric, sums, groups, joints, level) for name, metric in plain.items()}
    p = None if joints.top is None else intervals.joint_p_value(sums.top, sums.n, joints.top)
    return found, p


def _bare(metric: MetricResult, why: str) -> MetricResult:
    """The metric without floor and interval, and why."""
    if metric.value is None:
        return metric
    return replace(metric, floor=None, floor_high=None, reason=f"no interval: {why}")


def _with_groups(metric: MetricResult, sums: Sums, groups: Groups, joints: Joints, level: float | None) -> MetricResult:
    """The metric with the floor and the interval that the groups give it."""
    name = metric.name
    if metric.value is None:
        return metric
    if name == "mce":
        return _bare(metric, "the largest of many gaps, of rows that depend on each other, has none")
    if name in ("accuracy", "confidence_gap", "nll", "brier"):
        return _mean_with_groups(metric, sums, groups, level)
    found = {"ece": (sums.top, joints.top), "oe": (sums.top, joints.top), "aece": (sums.mass, joints.mass)}
    binned, joint = found.get(name, (sums.classes, joints.classes))
    if binned is None or joint is None:
        return _bare(metric, _too_many(sums.top if name in found else sums.classes))
    if name == "ece_positive":
        binned, joint = binned.row(1), joint.of_class(1)
    level = None if level is None or is_thin(sums) else level
    if name == "oe":
        floor = intervals.joint_oe_floor(binned, sums.n, joint)
        interval = None if level is None else intervals.oe_interval(binned, sums.n, level, joint)
    else:
        floor = intervals.joint_floor(binned, sums.n, joint)
        measure = intervals.cwce_interval if name == "cwce" else intervals.ece_interval
        interval = None if level is None else measure(binned, sums.n, level, joint)
    completed = _completed(metric, floor, interval)
    explain = METRICS[name].explain
    return completed if explain is None else explain(completed, sums)


def _completed(metric: MetricResult, floor: Floor | None, interval: Interval | None) -> MetricResult:
    return replace(
        metric,
        floor=None if floor is None else floor.expected,
        floor_high=None if floor is None else floor.high,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        corrected=None if interval is None else interval.corrected,
    )


def _mean_with_groups(metric: MetricResult, sums: Sums, groups: Groups, level: float | None) -> MetricResult:
    """A mean over rows: its variance is that of the groups' totals, and never below that of independent rows."""
    rows, codes = sums.rows, groups.codes
    if rows is None or codes is None or metric.value is None:
        return metric
    values = {
        "accuracy": rows.correct.astype(np.float64),
        "confidence_gap": rows.confidence - rows.correct,
        "nll": rows.nll,
        "brier": rows.brier,
    }[metric.name]
    freedom, n = groups.count - 1, sums.n
    centred = values - metric.value
    totals = np.bincount(codes, weights=centred)
    with np.errstate(over="ignore"):  # beyond float64 there is no interval
        squares = groups.count / freedom * float(totals @ totals), float(centred @ centred)
    if not math.isfinite(max(squares)):
        return metric
    error = math.sqrt(max(squares)) / n
    floor = None
    if metric.name == "confidence_gap":
        # The dependence between rows stays, the variance of each becomes that of its true probability.
        null = error * math.sqrt(float(sums.top.variance.sum()) / max(squares[1], 1e-300))
        floor = Floor(null * math.sqrt(2.0 / math.pi), null * student_quantile(0.975, freedom))
    if level is None:
        return _completed(metric, floor, None)
    t = student_quantile(0.5 * (1.0 + level), freedom)
    if metric.name == "accuracy":
        spread = metric.value * (1.0 - metric.value)
        # Where all rows agree, every group counts as one row.
        return _completed(metric, floor, share_interval(metric.value, spread / error**2 if error else groups.count, t))
    spec = METRICS[metric.name]
    high = math.inf if spec.high is None else spec.high
    interval = Interval(max(metric.value - t * error, spec.low), min(metric.value + t * error, high), None)
    return _completed(metric, floor, interval)


def _too_many(sums: BinSums | None) -> str:
    cells = 0 if sums is None else sums.count.size
    return f"how {cells:,} bins vary together is not estimated, only of up to {MOST_CELLS:,}"
