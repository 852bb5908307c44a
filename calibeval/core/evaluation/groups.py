"""Groups of rows that depend on each other, such as frames of a video or pixels of an image, as the unit of intervals.

Rows of a group may agree more often than independent rows would, and then intervals and floors that assume independent
rows are too narrow. Here only groups are assumed to be independent: the variation of the gap sums is estimated from the
sums of each group. Of dumps in memory this takes 41 bytes per row; of dumps that are read block by block the sums are
added up on the way, and take memory for groups and bins.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calibeval.core.conventions.table import OWN
from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.columns import coded_column, group_of, kept_rows
from calibeval.core.data.notices import Notice, reason, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights
from calibeval.core.evaluation.group_joints import joints_of
from calibeval.core.evaluation.stream_joints import too_large
from calibeval.core.evaluation.units import Units
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import all_metrics
from calibeval.core.report.report import GroupCount
from calibeval.core.report.settings import Settings
from calibeval.core.sums.by_group import RowTotals
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.paired import ROWS_NEEDED

# Effective numbers of groups. From fewer, the variation cannot be estimated; from ENOUGH on, Student's quantile is the
# only correction needed.
LEAST_GROUPS, ENOUGH_GROUPS = 10, 40
UNEQUAL = 0.9  # of the number of groups: an effective number below is told


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The groups of the rows that are not ignored.

    codes: (n,) in [0, count), in the order of the rows; None if these are read block by block, and units has them.
    column: the column that names the groups, None for images. effective: the number of groups of equal sizes that would
    say as much. refused: why there are no intervals by these groups. weights: (n,), as codes; None if all rows
    count the same.
    """

    column: str | None
    count: int
    effective: float
    codes: Codes | None
    refused: Notice | None = None
    weights: Floats | None = None
    units: Units | None = None

    @property
    def counted(self) -> GroupCount:
        """The groups as a report records them."""
        return GroupCount(self.column, self.count)

    def of_rows(self, chosen: npt.NDArray[np.intp]) -> Groups:
        """The groups of some of these rows. chosen: their positions among the rows that are not ignored."""
        if self.units is not None:
            rows = kept_rows(self.units.predictions)[chosen]
            own = None if self.weights is None else self.weights[chosen]
            return _numbered(self.column, self.units.at(rows), own)
        if self.codes is None:
            return self
        return _numbered(self.column, self.codes[chosen], None if self.weights is None else self.weights[chosen])

    def warning(self) -> Notice | None:
        """The warning for intervals by few groups, or for missing ones; None if there are enough groups."""
        unit = "images" if self.column is None else f'groups by "{self.column}"'
        if self.refused is not None:
            return warning("no_intervals_by_groups", f"floors and intervals are left out: {self.refused}")
        if round(self.effective) < ENOUGH_GROUPS:
            counted = f"there are only {self.count} {unit}"
            if self.effective < UNEQUAL * self.count:
                counted = f"the {self.count} {unit} have unequal sizes and count as {self.effective:.3g}"
            text = f"{counted}: floors and intervals are approximate below {ENOUGH_GROUPS}"
            return warning("few_groups", text)
        return None


def find_groups(predictions: Predictions, settings: Settings, resources: Resources = PLAIN) -> Groups | None:
    """The groups by the column settings.group; without it, the images of dense predictions; else None.

    Another tool's convention has no groups.
    Raises: UsageError if the dump has no such column.
    """
    column = group_of(predictions, settings.group)
    if settings.convention != OWN or (column is None and len(predictions.layout) < 2):
        return None
    if resources.streams(predictions):
        units = Units.of(predictions, column)
        groups = counted_groups(column, Clusters(units.sizes))
        large = too_large(units.count, 2 * settings.bins + len(RowTotals._fields), resources.memory)
        return replace(groups, units=units, refused=groups.refused or large, weights=row_weights(predictions))
    if column is None:
        codes = np.arange(predictions.rows) // math.prod(predictions.layout[1:])
    else:
        codes = coded_column(predictions, column).codes
    if predictions.ignored:
        codes = codes[predictions.labels != predictions.ignore_index]
    return _numbered(column, codes, row_weights(predictions))


def _numbered(column: str | None, codes: Codes, weights: Floats | None = None) -> Groups:
    numbers = np.unique(codes, return_inverse=True)[1]
    return replace(counted_groups(column, Clusters.of(numbers, weights)), codes=numbers, weights=weights)


def counted_groups(column: str | None, clusters: Clusters) -> Groups:
    """The groups without their codes."""
    count, effective = len(clusters.sizes), clusters.effective
    few = f"{count} {'group is' if count == 1 else 'groups are'} too few"
    if effective < UNEQUAL * count and count >= LEAST_GROUPS:
        few = f"{count} groups of unequal sizes, which count as {effective:.3g}, are too few"
    too_few = reason("too_few_groups", f"{few}, at least {LEAST_GROUPS} are needed")
    return Groups(column, count, effective, None, too_few if round(effective) < LEAST_GROUPS else None)


def joints_for(sums: Sums, groups: Groups, predictions: Predictions, *, by_class: bool = True) -> Joints | None:
    """How these sums vary, estimated from the groups; None if there are too few groups, or single rows were not kept.

    sums: of these predictions, with their rows. by_class: whether to include class-wise bins, for which the scores are
    read once more if there are class-wise sums.
    """
    if groups.refused is not None or groups.codes is None or sums.rows is None:
        return None
    return joints_of(sums, sums.rows, groups.codes, predictions, by_class=by_class)


def grouped_metrics(
    sums: Sums, groups: Groups, joints: Joints | None, level: float | None, only: Collection[str] | None = None
) -> tuple[dict[str, MetricResult], float | None]:
    """Every metric with floors and intervals that treat groups as independent, and the p-value of the ECE.

    joints: from `joints_for`. Without it, `reason` says why floors and intervals are missing, and p is None. only:
    limits the metrics to these.
    """
    if joints is None:
        why = groups.refused or reason("rows_not_kept", ROWS_NEEDED)
        return {name: _bare(metric, why) for name, metric in all_metrics(sums, None, only=only).items()}, None
    p = None if joints.top is None else intervals.joint_p_value(sums.top, sums.n, joints.top)
    return all_metrics(sums, level, joints, only=only), p


def _bare(metric: MetricResult, why: Notice) -> MetricResult:
    """The metric without floor and interval, with the reason."""
    if metric.value is None:
        return replace(metric, z=None, p=None, lr=None)
    return replace(
        metric,
        floor=None,
        floor_high=None,
        floor_certain=None,
        z=None,
        p=None,
        lr=None,
        reason=why.reworded(f"no interval: {why}"),
    )
