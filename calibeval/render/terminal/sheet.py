"""What the parts of the terminal view share: the width, the signs, the colours, and names cut to display cells."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from calibeval.words.names import ascii_text, isolated, visible
from calibeval.words.signs import side

# Orange and blue of the 256 colours: the colour-blind can tell them apart, and both are legible on dark and on light.
OVER, UNDER, QUIET, STRONG = "color(172)", "color(32)", "dim", "bold"
BETTER, WORSE = "color(35)", "color(161)"
GUTTER = 2
_LEAST_NAME = 16


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Signs of the diagram. solid: accuracy; over, under: gap by its sign; mark: confidence; eighths: histogram.

    mark is empty where only the end of the gap shows the confidence; eighths are the parts of a cell, small to full.
    """

    solid: str
    over: str
    under: str
    mark: str
    eighths: str


BLOCKS = Glyphs(solid="█", over="▓", under="░", mark="│", eighths="▏▎▍▌▋▊▉█")
PLAIN = Glyphs(solid="#", over="+", under="-", mark="", eighths="#")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The space to write on: its width in display cells, and whether only ASCII is allowed."""

    width: int
    ascii_only: bool

    @property
    def glyphs(self) -> Glyphs:
        """The signs that this sheet can show."""
        return PLAIN if self.ascii_only else BLOCKS

    def text(self, words: str) -> str:
        """Our own words, in the signs of this sheet."""
        return ascii_text(words) if self.ascii_only else words

    def flow(self, parts: Sequence[str]) -> list[str]:
        """The parts one after the other, with line breaks only between them if possible."""
        separator, lines = self.text(" · "), [""]
        for part in map(self.text, parts):
            longer = f"{lines[-1]}{separator}{part}" if lines[-1] else part
            if not lines[-1] or cell_len(longer) <= self.width:
                lines[-1] = longer
            else:
                lines.append(part)
        return lines

    def wrapped(self, words: str) -> list[str]:
        """Our own words in lines of this width."""
        return textwrap.wrap(self.text(words), self.width)

    def name(self, name: str, room: int, *, keep_end: bool = False) -> str:
        """A name from a file: harmless, and cut to `room` cells. keep_end: for paths, whose end matters more."""
        shown = self.text(visible(name)) or "(no name)"
        if cell_len(shown) > room:
            dots = self.text("…")
            rest = max(0, room - cell_len(dots))
            shown = dots + _last_cells(shown, rest) if keep_end else set_cell_size(shown, rest).rstrip() + dots
        return shown if self.ascii_only else isolated(shown)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, with its header; names and words are left-aligned, numbers right-aligned."""

    header: str
    cells: Sequence[str | Text]
    left: bool = False

    @property
    def width(self) -> int:
        """Display cells of the widest line."""
        lines = [line for cell in (self.header, *self.cells) for line in str(cell).split("\n")]
        return max(map(cell_len, lines))


def total_width(columns: Sequence[Column]) -> int:
    """Display cells of the columns side by side."""
    return sum(column.width for column in columns) + GUTTER * (len(columns) - 1)


def table(columns: Sequence[Column]) -> Text:
    """The columns side by side, without a frame; a heading may have several lines.

    It is laid out here because versions of rich count the space around the cells of a table differently.
    """
    headers = [column.header.split("\n") for column in columns]
    lines = [
        _line(columns, [Text(h[i] if i < len(h) else "", QUIET) for h in headers])
        for i in range(max(map(len, headers)))
    ]
    rows = zip(*(column.cells for column in columns), strict=True)
    lines += [_line(columns, [cell if isinstance(cell, Text) else Text(cell) for cell in row]) for row in rows]
    return Text("\n").join(lines)


def blocks(columns: list[Column], room: int) -> list[list[Column]]:
    """The columns in blocks that fit the room, at least one column in each."""
    blocks: list[list[Column]] = [[]]
    for column in columns:
        if blocks[-1] and total_width([*blocks[-1], column]) > room:
            blocks.append([])
        blocks[-1].append(column)
    return blocks


def name_room(columns: Sequence[Column], width: int) -> int:
    """Display cells for names before these columns, which may stand in several blocks: half of the width if needed."""
    beside_all, beside_one = (width - used - GUTTER for used in (total_width(columns), max(c.width for c in columns)))
    return max(_LEAST_NAME, beside_all, min(width // 2, beside_one))


def _line(columns: Sequence[Column], row: Sequence[Text]) -> Text:
    """One line of a table; no blanks after its last cell."""
    line, owed = Text(), 0
    for column, cell in zip(columns, row, strict=True):
        spare = column.width - cell.cell_len
        if cell.plain:
            line.append(" " * (owed + (0 if column.left else spare))).append_text(cell)
            owed = (spare if column.left else 0) + GUTTER
        else:
            owed += column.width + GUTTER
    return line


def gap_style(gap: float) -> str:
    """The colour of a signed gap."""
    return OVER if gap > 0 else UNDER if gap < 0 else ""


def side_style(gap: float, error: float, floor: float | None) -> str:
    """The colour of the gap of a calibration error; none where gaps of its bins cancel."""
    return {"over": OVER, "under": UNDER}.get(side(gap, error, floor), "")


def _last_cells(text: str, room: int) -> str:
    start, used = len(text), 0
    while start and used + cell_len(text[start - 1]) <= room:
        start -= 1
        used += cell_len(text[start])
    return text[start:]
