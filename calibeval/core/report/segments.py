"""What a search for the worst segments found: combinations of values of columns, with their family-wise p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calibeval.core.data.records import Layout


@dataclass(frozen=True, slots=True)
class Condition:
    """Rows with this value of a column, or with a number above one limit and up to another.

    value: None for a range of numbers. above, upto: limits of a range; None: without this limit.
    """

    LAYOUT: ClassVar = Layout(rare=("value", "above", "upto"))

    column: str
    value: str | None = None
    above: float | None = None
    upto: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """The rows that meet all conditions; those without conditions are all rows.

    n: number of rows. gap: mean confidence minus accuracy; of two classes, mean P(positive class) minus its frequency.
    sigma: the reach of the cumulative differences in standard deviations (ECCE). p: the probability that the worst of
    all segments reaches as far, if every row is calibrated. effective: with weights, the effective number of rows.
    """

    LAYOUT: ClassVar = Layout(rare=("effective",))

    conditions: tuple[Condition, ...]
    n: int
    gap: float
    sigma: float
    p: float
    effective: float | None = None


@dataclass(frozen=True, slots=True)
class SmallSegment:
    """A segment with n rows, too few to be tested."""

    conditions: tuple[Condition, ...]
    n: int


@dataclass(frozen=True, slots=True)
class LeftOutColumn:
    """A column that was not searched, and why."""

    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class SegmentSearch:
    """All values of columns, and combinations of them, searched for the segments that are calibrated worst.

    columns, left_out: those that were searched and those that were not. depth: the most columns that are combined.
    min_rows: the fewest rows of a segment that is tested. draws, seed: of the simulated outcomes.
    tested: how many segments were; beyond: how many of them have a p below 0.05. repeated: segments with exactly the
    rows of one with fewer conditions, which are not tested again. critical: the sigma above which p is at most 0.05.
    whole: all rows. worst: the segments with the largest sigma, the worst first. small: segments with too few rows, the
    largest first.
    """

    columns: tuple[str, ...]
    left_out: tuple[LeftOutColumn, ...]
    depth: int
    min_rows: int
    draws: int
    seed: int
    tested: int
    beyond: int
    repeated: int
    critical: float
    whole: Segment
    worst: tuple[Segment, ...]
    small: tuple[SmallSegment, ...]
