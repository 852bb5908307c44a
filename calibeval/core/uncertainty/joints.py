"""The variation of sums, estimated from groups of rows that depend on each other."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import Notice
from calibeval.core.sums.by_group import RowTotals
from calibeval.core.sums.optimum import Optimum
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.paths import Joint

# No covariance of more bins (or class-wise bins) is estimated: its size is the square of their number.
MOST_JOINT_CELLS = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """The groups of the rows, and how the gaps of bins vary together.

    clusters: the sizes of the groups. rows: sums of the results of their rows. top, mass, classes: for equal-width,
    equal-mass and class-wise bins; None if there are too many bins, or none. no_classes: why there are no class-wise
    ones, if not because of their number; no_mass likewise. fit: sums of the slopes at the optimal temperature; None if
    not kept.
    """

    clusters: Clusters
    rows: RowTotals
    top: Joint | None
    mass: Joint | None
    classes: Joint | None
    no_classes: Notice | None = None
    fit: FitTotals | None = None
    no_mass: Notice | None = None

    @property
    def freedom(self) -> float:
        """Degrees of freedom of errors that are estimated from the groups."""
        return self.clusters.freedom


class FitTotals(NamedTuple):
    """Of the rows that a temperature is fitted on: sums of their slopes by group, (j,), and the sizes of the groups."""

    slopes: Floats
    clusters: Clusters

    @classmethod
    def of(
        cls, optimum: Optimum | None, codes_at: Callable[[Codes], Codes], weights: Floats | None = None
    ) -> FitTotals | None:
        """The sums; None if the slopes of rows were not kept.

        codes_at: gives the groups of rows by their positions among those that are not ignored. weights: of all these.
        """
        if optimum is None or optimum.slopes is None or optimum.places is None:
            return None
        _, own = np.unique(codes_at(optimum.places), return_inverse=True)
        clusters = Clusters.of(own, None if weights is None else weights[optimum.places])
        return cls(np.asarray(np.bincount(own, weights=optimum.slopes), np.float64), clusters)


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


def effective_rows(joints: Joints) -> float:
    """How many independent rows would make the accuracy vary as much as it does between groups; at most all of them.

    If all rows are right, or all wrong, every group counts as one row.

    >>> right, clusters = np.array([2.0, 2.0, 2.0, 1.0]), Clusters(np.full(4, 2.0))
    >>> round(effective_rows(Joints(clusters, RowTotals(*[right] * 6), None, None, None)), 9)
    7.0
    """
    sizes, right = joints.clusters.sizes, joints.rows.correct
    n = float(sizes.sum())
    share = float(right.sum()) / n
    scaled = (right - sizes * share) * joints.clusters.scale
    independent, between = share * (1.0 - share), float(scaled @ scaled)
    if independent <= 0.0:
        return joints.clusters.effective
    return min(n, max(n * n * independent / max(between, 1e-300), 1.0))
