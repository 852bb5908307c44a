"""The risk-coverage curve and the certified thresholds at the terminal, as tables."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.report.report import DumpReport
from calibeval.render.terminal.sheet import QUIET, Column, Sheet, table, total_width
from calibeval.words.risk import TITLE, risk_cells
from calibeval.words.thresholds import HEADINGS, limited, promise, threshold_cells
from calibeval.words.thresholds import TITLE as THRESHOLDS

# Which columns of the thresholds are left out first, where the line is too short.
_SPARE = ("its error %", "wrong", "rows", "cross-fitted %", "wrong groups")


def tabled(dump: DumpReport) -> bool:
    """Whether a table shows the limits of the error: several, or one with a threshold; else a line says why not."""
    found = limited(dump)
    return len(found) > 1 or any(metric.threshold is not None for _, metric in found)


def risk_tables(dump: DumpReport, sheet: Sheet) -> list[list[RenderableType]]:
    """The certified thresholds of several limits, and points of the curve; empty if they were not measured."""
    return [_thresholds(dump, sheet, ""), _curve(dump, sheet, "")]


def mapped_risk(dump: DumpReport, sheet: Sheet) -> list[list[RenderableType]]:
    """The same after the map of a dump; empty without one."""
    after = dump.after()
    if after is None or dump.recalibrated is None:
        return []
    ending = f", with {dump.recalibrated.name}"
    return [_thresholds(after, sheet, ending), _curve(after, sheet, ending)]


def _thresholds(dump: DumpReport, sheet: Sheet, ending: str) -> list[RenderableType]:
    if not tabled(dump):
        return []
    rows = threshold_cells(dump)
    cells = list(zip(*rows, strict=True))
    columns = [Column(head, [sheet.text(cell) for cell in own]) for head, own in zip(HEADINGS, cells, strict=True)]
    columns = [column for column in columns if any(column.cells)]
    kept = list(columns)
    for spare in _SPARE:
        if total_width(kept) > sheet.width:
            kept = [column for column in kept if column.header != spare]
    left_out = [column.header for column in columns if column not in kept]
    said = [promise(dump), f"left out for width: {', '.join(left_out)}" if left_out else ""]
    lines = [Text(line, QUIET) for text in said if text for line in sheet.flow([text])]
    return [Text(sheet.text(f"{THRESHOLDS}{ending}")), table(kept), *lines]


def _curve(dump: DumpReport, sheet: Sheet, ending: str) -> list[RenderableType]:
    found = risk_cells(dump)
    if not found:
        return []
    columns = [
        Column("answered %", [one.coverage for one in found]),
        Column("error %", [one.error for one in found]),
        Column("from confidence", [one.confidence for one in found], left=True),
        Column("certified", [sheet.text(one.certified) for one in found], left=True),
    ]
    return [
        Text(sheet.text(f"{TITLE}{ending}")),
        table(columns if any(one.certified for one in found) else columns[:3]),
    ]
