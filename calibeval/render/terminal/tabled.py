"""Small tables of words at the terminal."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from calibeval.render.terminal.sheet import GUTTER, Column, Sheet, blocks, name_room, table
from calibeval.words.tabled import Tabled

_WIDEST_NAME = 60


def tabled_block(found: Tabled, sheet: Sheet) -> list[RenderableType]:
    """The table below its title, and its notes."""
    columns = [
        Column(sheet.text(head), [sheet.text(row[place]) for _, row in found.rows])
        for place, head in enumerate(found.heads)
    ]
    room = min(_WIDEST_NAME, name_room(columns, sheet.width))
    names = Column("", [sheet.name(name, room) for name, _ in found.rows], left=True)
    parts: list[RenderableType] = [Text(sheet.name(found.heading, 2 * sheet.width))]
    parts += [table([names, *block]) for block in blocks(columns, sheet.width - names.width - GUTTER)]
    return [*parts, *(Text(sheet.name(note, 4 * sheet.width)) for note in found.notes)]
