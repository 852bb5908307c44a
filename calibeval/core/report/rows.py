"""The small records of a report: bins, classes, slices that were not measured, groups."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a bin table.

    lower, upper: edges; the bin is (lower, upper], and the first bin also holds its lower edge. count: rows in the bin.
    confidence, accuracy: means over these rows, in [0, 1]. gap: confidence - accuracy. All are None in an empty bin.
    """

    lower: float
    upper: float
    count: int
    confidence: float | None
    accuracy: float | None
    gap: float | None


@dataclass(frozen=True, slots=True)
class ClassResult:
    """The class-wise results of one class.

    support: number of rows with this label. calibration_error: of the class's probability over all rows, in [0, 1].
    gap: mean probability of the class minus its frequency.
    """

    name: str
    support: int
    calibration_error: float
    gap: float


@dataclass(frozen=True, slots=True)
class SmallSlice:
    """A slice with n rows, too few to be measured."""

    column: str
    value: str
    n: int


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The number of groups of rows that are treated as independent.

    column: the column whose values name the groups; None if the groups are images.
    """

    column: str | None
    count: int
