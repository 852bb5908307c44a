"""The risk-coverage curve at the terminal, as a table."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.report.report import DumpReport
from calibeval.render.terminal.sheet import Column, Sheet, table
from calibeval.words.risk import TITLE, risk_cells


def risk_table(dump: DumpReport, sheet: Sheet) -> list[RenderableType]:
    """Coverage, error and confidence of some points; empty if the curve was not measured."""
    found = risk_cells(dump)
    if not found:
        return []
    columns = [
        Column("answered %", [one.coverage for one in found]),
        Column("error %", [one.error for one in found]),
        Column("from confidence", [one.confidence for one in found], left=True),
    ]
    return [Text(sheet.text(TITLE)), table(columns)]
