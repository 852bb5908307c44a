"""What groups of rows that depend on each other tell of how sums vary."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.uncertainty.paths import Joint

# A covariance of more bins, or class-wise bins, is not estimated: its square must fit in memory and time.
MOST_JOINT_CELLS = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """Rows by groups, and how the gaps of bins vary together.

    codes: (n,) in [0, count), the group of every row that counts. top, mass, classes: of equal-width, equal-mass and
    class-wise bins; None where there are too many bins, or none.
    """

    codes: Codes
    count: int
    top: Joint | None
    mass: Joint | None
    classes: Joint | None

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the errors that groups tell."""
        return self.count - 1


class GroupedError(NamedTuple):
    """Standard error of a mean, never below that of independent rows, and the sum of squares of these."""

    error: float
    squares: float


def grouped_error(values: Floats, mean: float, joints: Joints) -> GroupedError | None:
    """The error of a mean over rows whose groups are independent; None where squares are beyond float64.

    values: (n,). mean: theirs.

    >>> joints = Joints(np.array([0, 0, 1, 1]), 2, None, None, None)
    >>> round(grouped_error(np.array([1.0, 1.0, 0.0, 0.0]), 0.5, joints).error, 3)
    0.5
    """
    centred = values - mean
    totals = np.bincount(joints.codes, weights=centred)
    with np.errstate(over="ignore"):
        between = joints.count / joints.freedom * float(totals @ totals)
        squares = float(centred @ centred)
    if not math.isfinite(max(between, squares)):
        return None
    return GroupedError(math.sqrt(max(between, squares)) / len(values), squares)
