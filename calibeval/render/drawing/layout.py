"""Where the panels of a figure go: one dump in a column, or small multiples on a page. All lengths are in points."""

from __future__ import annotations

import math
from dataclasses import dataclass

INCH = 72.0
ONE_WIDTH, PAGE_WIDTH = 3.5, 7.0  # inches
MOST_COLUMNS = 5
# More dumps than this are not drawn, and the figure says so.
MOST_PANELS = 60
NARROWEST_PANEL = 1.1 * INCH


@dataclass(frozen=True, slots=True)
class Style:
    """Text sizes in points. words: panels are wide enough for words beside lines, not only numbers, and for all ticks.

    flush: the first and last number of an axis stay within the panel, because neighbours are close. lines: the share of
    their usual width that thick lines have.
    """

    title: float
    text: float
    small: float
    words: bool
    flush: bool
    lines: float


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle; (x, y) is its lower left corner, from the lower left corner of the figure."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Cell:
    """The place of one dump. leftmost, lowest: no other cell is to the left or below, so it has the axis titles."""

    square: Frame
    histogram: Frame
    leftmost: bool
    lowest: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A grid of equal cells, each with a header, a square of that `side`, its ticks, a histogram, and row counts.

    left: margin. gap: between columns. below: room at the foot of the figure, for the legend. left_out: dumps beyond
    the `count` that have a cell.
    """

    style: Style
    width: float
    count: int
    columns: int
    side: float
    left: float
    gap: float
    below: float = 0.0
    left_out: int = 0

    @property
    def above(self) -> float:
        """The header of a cell: three lines."""
        return 5.0 + 2.75 * self.style.text + 1.15 * self.style.title

    @property
    def ticks(self) -> float:
        """A line of numbers below an axis."""
        return 4.5 + self.style.text

    @property
    def counts(self) -> float:
        """The line of row counts below a histogram."""
        return 4.0 + self.style.small

    @property
    def histogram(self) -> float:
        """Height of a histogram."""
        return max(40.0, (0.3 if self.columns == 1 else 0.26) * self.side)

    @property
    def pitch(self) -> float:
        """From one row of cells to the next."""
        return self.above + self.side + self.ticks + 6.0 + self.histogram + self.counts + 11.0

    @property
    def height(self) -> float:
        """Height of the figure."""
        rows = -(-self.count // self.columns)
        return rows * self.pitch - 11.0 + self.ticks + 4.0 + 1.1 * self.style.text + self.below

    def cell(self, index: int) -> Cell:
        """The cell of that dump; cells fill rows from the left."""
        row, column = divmod(index, self.columns)
        left = self.left + column * (self.side + self.gap)
        square = self.height - row * self.pitch - self.above - self.side
        low = square - self.ticks - 6.0 - self.histogram
        return Cell(
            square=Frame(left, square, self.side, self.side),
            histogram=Frame(left, low, self.side, self.histogram),
            leftmost=column == 0,
            lowest=index + self.columns >= self.count,
        )


def layout_of(dumps: int, inches: float | None = None) -> Layout:
    """One dump fills a column; several become small multiples: at most five columns, rows filled evenly, 60 panels.

    >>> [layout_of(count).columns for count in (1, 2, 5, 6, 8, 20)]
    [1, 2, 5, 3, 4, 5]
    """
    if dumps == 1:
        full = INCH * (ONE_WIDTH if inches is None else inches)
        side = full - 32.0 - 9.5
        return Layout(_style(side, 1.0, flush=False), full, count=1, columns=1, side=side, left=32.0, gap=0.0)
    full, left, right, gap = INCH * (PAGE_WIDTH if inches is None else inches), 29.0, 8.0, 9.5
    fitting = max(1, min(MOST_COLUMNS, int((full - left - right + gap) / (NARROWEST_PANEL + gap))))
    count = min(dumps, MOST_PANELS)
    columns = math.ceil(count / math.ceil(count / fitting))
    roomy = columns <= full / (2.3 * INCH)
    gap = 17.0 if roomy else gap
    side = (full - left - right - (columns - 1) * gap) / columns
    return Layout(
        _style(side, 0.87, flush=not roomy),
        full,
        count=count,
        columns=columns,
        side=side,
        left=left,
        gap=gap,
        left_out=dumps - count,
    )


def _style(side: float, scale: float, *, flush: bool) -> Style:
    """Text sizes for a panel of that side; scale 1 matches the captions of a paper."""
    wide = 1.15 if side >= 5.5 * INCH else 1.0
    lines = min(1.0, max(0.65, side / 200.0))
    return Style(8.0 * scale * wide, 7.0 * scale * wide, max(5.5, 6.0 * scale) * wide, side >= 1.9 * INCH, flush, lines)
