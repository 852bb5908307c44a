"""The variation of sums, estimated from groups of rows that depend on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import Notice
from calibeval.core.sums.by_group import RowTotals
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.paths import Joint

# No covariance of more bins (or class-wise bins) is estimated: its size is the square of their number.
MOST_JOINT_CELLS = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """The groups of the rows, and how the gaps of bins vary together.

    clusters: the sizes of the groups. rows: sums of the results of their rows. top, mass, classes: for equal-width,
    equal-mass and class-wise bins; None if there are too many bins, or none. no_classes: why there are no class-wise
    ones, if not because of their number.
    """

    clusters: Clusters
    rows: RowTotals
    top: Joint | None
    mass: Joint | None
    classes: Joint | None
    no_classes: Notice | None = None

    @property
    def freedom(self) -> float:
        """Degrees of freedom of errors that are estimated from the groups."""
        return self.clusters.freedom


class GroupedError(NamedTuple):
    """Standard error of a mean, at least that of independent rows, and the sum of squares for independent rows."""

    error: float
    squares: float


def grouped_error(totals: Floats, mean: float, squares: float, joints: Joints) -> GroupedError | None:
    """The error of a mean over rows in independent groups; None if squares exceed the range of float64.

    totals: (j,), sums of the values by group. mean: of all values. squares: the sum of their squared deviations.

    >>> clusters = Clusters.of(np.array([0, 0, 1, 1]))
    >>> joints = Joints(clusters, RowTotals.empty(2), None, None, None)
    >>> round(grouped_error(np.array([2.0, 0.0]), 0.5, 1.0, joints).error, 3)
    0.5
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (totals - joints.clusters.sizes * mean) * joints.clusters.scale
        between = float(scaled @ scaled)
    if not (math.isfinite(between) and math.isfinite(squares)):
        return None
    return GroupedError(math.sqrt(max(between, squares)) / float(joints.clusters.sizes.sum()), squares)
