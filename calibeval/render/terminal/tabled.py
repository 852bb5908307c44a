"""Small tables of words at the terminal."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.render.terminal.sheet import GUTTER, Column, Sheet, blocks, name_room, table
from calibeval.words.long_tail import tail_table
from calibeval.words.segments import segment_table
from calibeval.words.tabled import Tabled

_WIDEST_NAME = 60


def word_tables(dump: DumpReport, settings: Settings, sheet: Sheet) -> list[list[RenderableType]]:
    """A block for each table: the long tail, and the worst segments."""
    found = tail_table(dump, settings), segment_table(dump)
    return [_block(one, sheet) for one in found if one is not None]


def _block(found: Tabled, sheet: Sheet) -> list[RenderableType]:
    columns = [
        Column(sheet.text(head), [sheet.text(row[place]) for _, row in found.rows])
        for place, head in enumerate(found.heads)
    ]
    room = min(_WIDEST_NAME, name_room(columns, sheet.width))
    names = Column("", [sheet.name(name, room) for name, _ in found.rows], left=True)
    parts: list[RenderableType] = [Text(sheet.name(found.title, 2 * sheet.width))]
    parts += [table([names, *block]) for block in blocks(columns, sheet.width - names.width - GUTTER)]
    return [*parts, *(Text(sheet.name(note, 4 * sheet.width)) for note in found.notes)]
