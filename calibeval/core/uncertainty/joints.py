"""The variation of sums, estimated from groups of rows that depend on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.paths import Joint

# No covariance of more bins (or class-wise bins) is estimated: its size is the square of their number.
MOST_JOINT_CELLS = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """The groups of the rows, and how the gaps of bins vary together.

    codes: (n,) in [0, j), the group of every row that is not ignored. clusters: their sizes. top, mass, classes: for
    equal-width, equal-mass and class-wise bins; None if there are too many bins, or none. weights: (n,), scaled as for
    finished sums; None if all rows count the same.
    """

    codes: Codes
    clusters: Clusters
    top: Joint | None
    mass: Joint | None
    classes: Joint | None
    weights: Floats | None = None

    @property
    def freedom(self) -> float:
        """Degrees of freedom of errors that are estimated from the groups."""
        return self.clusters.freedom


class GroupedError(NamedTuple):
    """Standard error of a mean, at least that of independent rows, and the sum of squares for independent rows."""

    error: float
    squares: float


def grouped_error(values: Floats, mean: float, joints: Joints) -> GroupedError | None:
    """The error of a mean over rows in independent groups; None if squares exceed the range of float64.

    values: (n,). mean: of the values.

    >>> codes = np.array([0, 0, 1, 1])
    >>> joints = Joints(codes, Clusters.of(codes), None, None, None)
    >>> round(grouped_error(np.array([1.0, 1.0, 0.0, 0.0]), 0.5, joints).error, 3)
    0.5
    """
    centred = values - mean if joints.weights is None else (values - mean) * joints.weights
    n = len(values) if joints.weights is None else float(joints.clusters.sizes.sum())
    totals = np.bincount(joints.codes, weights=centred)
    with np.errstate(over="ignore"):
        scaled = totals * joints.clusters.scale
        between = float(scaled @ scaled)
        squares = float(centred @ centred)
    if not math.isfinite(max(between, squares)):
        return None
    return GroupedError(math.sqrt(max(between, squares)) / n, squares)
