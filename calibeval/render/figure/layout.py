"""Where the panels of a figure go: one dump in a column, or small multiples on a page. All lengths are in inches."""

from __future__ import annotations

import math
from dataclasses import dataclass

from calibeval.render.figure.panels import PanelStyle

Fractions = tuple[float, float, float, float]

ONE_WIDTH, PAGE_WIDTH = 3.5, 7.0
MOST_COLUMNS = 5
# More dumps than this are not drawn, and the figure says so.
MOST_PANELS = 60
NARROWEST_PANEL = 1.1


@dataclass(frozen=True, slots=True)
class Cell:
    """The place of one dump: boxes (left, bottom, width, height) as fractions of the figure.

    leftmost, lowest: no other cell is to the left or below, so tick labels go here.
    """

    reliability: Fractions
    histogram: Fractions
    leftmost: bool
    lowest: bool


@dataclass(frozen=True, slots=True)
class FigureLayout:
    """A grid of equal cells, each with a header, a square of that `side`, and a histogram under it.

    left, right: margins. above: header of a cell. between: from the square to the histogram. gap: between columns.
    under: room below the histogram of a lowest cell. left_out: dumps beyond the `count` that have a cell.
    """

    style: PanelStyle
    width: float
    count: int
    columns: int
    side: float
    left: float
    above: float
    between: float
    histogram: float
    gap: float
    under: float
    left_out: int = 0

    @property
    def legend_columns(self) -> int:
        """As many entries side by side as fit."""
        fitting = int((self.width - self.left) / (0.19 * self.style.text))
        return max(columns for columns in (1, 2, 3, 6 if self.lines_in_legend else 4) if columns <= max(fitting, 1))

    @property
    def lines_in_legend(self) -> bool:
        """Whether the legend explains the two lines of the histogram, rather than labels next to them."""
        return not self.style.words

    @property
    def legend(self) -> float:
        """Room at the foot of the figure."""
        entries = (6 if self.lines_in_legend else 4) + (self.left_out > 0)
        return 0.05 + 0.0208 * self.style.text * -(-entries // self.legend_columns)

    @property
    def rows(self) -> int:
        """Rows of cells."""
        return -(-self.count // self.columns)

    @property
    def pitch(self) -> float:
        """From one row of cells to the next."""
        return self.above + self.side + self.between + self.histogram + 1.2 * self.gap

    @property
    def height(self) -> float:
        """Height of the figure."""
        return self.rows * self.pitch - 1.2 * self.gap + self.under + self.legend

    def cell(self, index: int) -> Cell:
        """The cell of that dump; cells fill rows from the left."""
        row, column = divmod(index, self.columns)
        left = self.left + column * (self.side + self.gap)
        top = self.height - row * self.pitch - self.above
        square, low = top - self.side, top - self.side - self.between - self.histogram
        return Cell(
            reliability=self._fractions(left, square, self.side),
            histogram=self._fractions(left, low, self.histogram),
            leftmost=column == 0,
            lowest=index + self.columns >= self.count,
        )

    def _fractions(self, left: float, bottom: float, height: float) -> Fractions:
        return (left / self.width, bottom / self.height, self.side / self.width, height / self.height)


def one_panel(width: float | None = None) -> FigureLayout:
    """The layout of a figure of one dump."""
    full = ONE_WIDTH if width is None else width
    side = full - 0.44 - 0.13
    return FigureLayout(
        _style(side, 1.0, flush=False),
        full,
        count=1,
        columns=1,
        side=side,
        left=0.44,
        above=0.46,
        between=0.16,
        histogram=max(0.42, 0.3 * side),
        gap=0.0,
        under=0.31,
    )


def many_panels(dumps: int, width: float | None = None) -> FigureLayout:
    """The layout of small multiples: at most five columns, rows filled evenly, at most 60 panels.

    >>> [many_panels(count).columns for count in (2, 5, 6, 8, 20)]
    [2, 5, 3, 4, 5]
    """
    full, left, right, gap = PAGE_WIDTH if width is None else width, 0.4, 0.1, 0.13
    fitting = max(1, min(MOST_COLUMNS, int((full - left - right + gap) / (NARROWEST_PANEL + gap))))
    count = min(dumps, MOST_PANELS)
    columns = math.ceil(count / math.ceil(count / fitting))
    roomy = columns <= full / 2.3
    gap = 0.24 if roomy else gap
    side = (full - left - right - (columns - 1) * gap) / columns
    return FigureLayout(
        _style(side, 0.85, flush=not roomy),
        full,
        count=count,
        columns=columns,
        side=side,
        left=left,
        above=0.4,
        between=0.15 if roomy else 0.07,
        histogram=max(0.42, 0.26 * side),
        gap=gap,
        under=0.28,
        left_out=dumps - count,
    )


def _style(side: float, scale: float, *, flush: bool) -> PanelStyle:
    """Text sizes for a panel of that side; scale 1 matches the captions of a paper."""
    words = side >= 1.9
    ticks = (0, 20, 40, 60, 80, 100) if words else (0, 50, 100)
    return PanelStyle(7.5 * scale, 6.5 * scale, max(5.0, 5.5 * scale), words, flush, ticks)
