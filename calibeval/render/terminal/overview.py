"""Several dumps side by side at a terminal: a row for each, with as many columns as the width has room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from calibeval.core.metrics.image_names import PREFIX
from calibeval.core.report.report import Report
from calibeval.render.terminal.sheet import GUTTER, STRONG, Column, Sheet, blocks, name_room, table, total_width
from calibeval.words import best, cells
from calibeval.words.overview import Cell, Line, Overview, overview

# Names are cut to this share of the width before a column is left out for them.
_NAMES, _LEAST_NAME = 3, 16


class Ranked(NamedTuple):
    """A column with its rank: those of larger rank are left out first. words: what it is, where it is left out."""

    rank: int
    column: Column
    words: str


def dumps_table(report: Report, sheet: Sheet, *, every: bool = False) -> list[RenderableType]:
    """One row per dump: the main metrics with intervals, and the finding in words; what has no room is named below.

    every: all columns, in as many blocks as the width needs; so are metrics that were chosen.
    """
    if not report.dumps:
        return [Text("The report holds no dumps.")]
    found = overview(report)
    parts: list[RenderableType] = [Text(sheet.text(found.sentence), STRONG), ""]
    columns, widest = _columns(found, cells.level(report), sheet), _widest(found, sheet)
    if every or not found.others:
        kept, left_out = [one.column for one in columns], ""
        room = min(widest, name_room(kept, sheet.width))
    else:
        kept, left_out = _fitting(columns, widest, sheet)
        room = min(widest, sheet.width - total_width(kept) - GUTTER)
    names = Column("", _names(found, sheet, room), left=True)
    for block in blocks(kept, sheet.width - names.width - GUTTER):
        parts += [table([names, *block]), ""]
    notes = [*found.notes, *([left_out] if left_out else [])]
    return [*parts[:-1], *(Text(line) for note in notes for line in sheet.flow([note]))]


def _columns(found: Overview, level: str, sheet: Sheet) -> list[Ranked]:
    ranks = {name: rank for rank, name in enumerate(_by_rank(found.main))}
    columns: list[Ranked] = []
    if len({line.rows for line in found.lines}) > 1:
        columns.append(Ranked(9, Column("rows", [line.rows for line in found.lines]), "rows"))
    if len({line.classes for line in found.lines}) > 1:
        shown = [sheet.text(line.classes) for line in found.lines]
        columns.append(Ranked(13, Column("classes", shown), "classes"))
    for name in (*found.main, *found.others):
        rank, leads = 2 * ranks.get(name, 30), ranks.get(name) == 0
        columns.append(Ranked(rank, _metric(name, found.lines, sheet), cells.label(name)))
        for words, of_main, rest in (("after", 1, 21), (f"[{level}]", 3, 31)):
            texts = [_beside(line.cells.get(name), words, sheet) for line in found.lines]
            if name in found.main and any(texts):
                biased = words[0] == "[" and any(one and one[0] != "[" for one in texts)
                heading = f"corrected\n{words}" if biased else words
                own = Column(heading, texts)
                columns.append(Ranked(of_main if leads else rest + rank, own, f"{cells.label(name)} {words}"))
    verdicts = [sheet.text(line.verdict) for line in found.lines]
    there = any(verdicts)
    return [*columns, *([Ranked(1, Column("miscalibrated?", verdicts, left=True), "finding")] if there else [])]


def _beside(cell: Cell | None, words: str, sheet: Sheet) -> str:
    """What stands beside a value: the one after a map, or the corrected one with its interval."""
    return "" if cell is None else sheet.text(cell.after if words == "after" else cell.estimate)


def _by_rank(main: Sequence[str]) -> list[str]:
    """The main metrics, the most important first: the error, that of images, the gap, the accuracy."""
    means, rows = ([name for name in main if name.startswith(PREFIX) is one] for one in (True, False))
    return [*reversed(rows[-1:]), *means, *(rows[1:2]), *rows[:1], *rows[2:-1]]


def _metric(name: str, lines: Sequence[Line], sheet: Sheet) -> Column:
    marked = any(line.cells[name].best for line in lines if name in line.cells)
    shown: list[str | Text] = []
    for line in lines:
        cell = line.cells.get(name)
        mark = "" if not marked else best.MARK if cell is not None and cell.best else " "
        number = sheet.text(cells.NULL if cell is None else cell.value)
        shown.append(Text(f"{number}{mark}", STRONG if mark == best.MARK else ""))
    return Column(f"{cells.label(name)}\n{cells.unit(name)}".strip(), shown)


def _fitting(columns: Sequence[Ranked], widest: int, sheet: Sheet) -> tuple[list[Column], str]:
    """The columns that fit beside the names, in their order, and a line with what is left out."""
    names = min(widest, max(_LEAST_NAME, sheet.width // _NAMES))
    kept, left_out = list(columns), list[Ranked]()
    while len(kept) > 1 and total_width([one.column for one in kept]) + GUTTER + names > sheet.width:
        left_out.append(max(kept, key=lambda one: one.rank))
        kept.remove(left_out[-1])
    told = ", ".join(one.words for one in columns if one in left_out)
    return [one.column for one in kept], f"left out for width: {told}" if told else ""


def _widest(found: Overview, sheet: Sheet) -> int:
    return max(cell_len(sheet.name(line.name, sheet.width, keep_end=True)) for line in found.lines)


def _names(found: Overview, sheet: Sheet, room: int) -> list[str | Text]:
    """The names cut to the room; numbered if cutting has made two of them equal."""
    names = [sheet.name(line.name, room, keep_end=True) for line in found.lines]
    if len(set(names)) == len({line.name for line in found.lines}):
        return list(names)
    numbered = enumerate(found.lines, 1)
    return [f"{i} {sheet.name(line.name, room - len(str(i)) - 1, keep_end=True)}" for i, line in numbered]
