"""The classes of a dump at the terminal: those beyond noise first, the others in brackets."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from calibeval.core.report.report import DumpReport
from calibeval.render.terminal.sheet import GUTTER, QUIET, Column, Sheet, side_style, table, total_width
from calibeval.words.classes import ClassCells, class_cells, class_finding

_WIDEST_NAME, _WHOLE_NAME = 40, 24


def class_table(dump: DumpReport, sheet: Sheet) -> list[RenderableType]:
    """Every class with its calibration error, what noise gives, gap and rows; empty without classes."""
    found = class_cells(dump)
    if not found:
        return []
    numbers = [
        Column("cal. error %", [_error(one) for one in found]),
        Column("if calibrated", [sheet.text(one.floor) for one in found]),
        Column("gap", [_gap(one, sheet) for one in found]),
        Column("rows", [one.rows for one in found]),
    ]
    there = [column for column in numbers if any(map(str, column.cells))]
    widest = max(cell_len(sheet.name(one.result.name, _WIDEST_NAME)) for one in found)
    if total_width(there) + GUTTER + min(widest, _WHOLE_NAME) > sheet.width:
        there = [column for column in there if column.header != "if calibrated"]
    room = min(_WIDEST_NAME, sheet.width - total_width(there) - GUTTER)
    names = Column("class", [sheet.name(one.result.name, room) for one in found], left=True)
    noise = ", (error) within noise" if any(one.beyond is False for one in found) else ""
    parts = [f"{class_finding(dump)}{noise}", "gap: mean probability − frequency"]
    return [*(Text(line) for line in sheet.flow(parts)), table([names, *there])]


def _error(one: ClassCells) -> Text:
    return Text(f"({one.error})", QUIET) if one.beyond is False else Text(f"{one.error} ")


def _gap(one: ClassCells, sheet: Sheet) -> Text:
    """In colour only where the class is beyond noise, in the direction of its gap."""
    found = one.result
    style = side_style(found.gap, found.calibration_error, found.floor) if one.beyond else ""
    return Text(sheet.text(one.gap), QUIET if one.beyond is False else style)
