"""The slices of a dump at the terminal: one table per column, worst first."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, Report, SliceResult
from calibeval.render.terminal.sheet import (
    GUTTER,
    QUIET,
    STRONG,
    Column,
    Sheet,
    blocks,
    name_room,
    side_style,
    table,
    total_width,
)
from calibeval.render.terminal.tabled import tabled_block
from calibeval.words import cells
from calibeval.words.slices import SliceTable, slice_tables, word_tables

MOST_SHOWN = 20
# Columns are left out for names up to this width, not for longer ones.
_WIDEST_NAME, _WHOLE_NAME = 40, 24


def slice_blocks(dump: DumpReport, report: Report, sheet: Sheet, *, every: bool = False) -> list[list[RenderableType]]:
    """A block for each column of slices, and for what slices were asked for besides. every: with all metrics."""
    columns = [_block(one, report, sheet, every=every) for one in slice_tables(dump, report.settings.min_rows)]
    return [*(tabled_block(one, sheet) for one in word_tables(dump, report.settings)), *columns]


def _block(slices: SliceTable, report: Report, sheet: Sheet, *, every: bool) -> list[RenderableType]:
    title = Text.assemble(
        sheet.text("slices by "), sheet.name(slices.column, sheet.width // 3), sheet.text(f": {slices.finding()}")
    )
    parts: list[RenderableType] = [title]
    if slices.rows:
        parts.append(_table(slices, slices.rows if every else slices.rows[:MOST_SHOWN], report, sheet))
    hidden = 0 if every else len(slices.rows) - MOST_SHOWN
    lines = [f"{cells.plural(hidden, 'better slice')} not shown: see --full"] if hidden > 0 else []
    noise = slices.tested and not all(map(slices.is_beyond, slices.rows))
    lines += [f"({cells.label(slices.ece)}) not beyond noise"] if noise else []
    parts += [Text(sheet.text(line)) for line in (*lines, slices.note()) if line]
    small = slices.too_small(lambda name: sheet.name(name, _WHOLE_NAME), every=every)
    parts += ["", *_others(slices, sheet)] if every and slices.rows else []
    return [*parts, Text(sheet.text(small))] if small else parts


def _table(slices: SliceTable, rows: tuple[SliceResult, ...], report: Report, sheet: Sheet) -> Text:
    """One line per slice; if not all columns fit, the verdict is left out first, then the floor, then the interval.

    Errors that are not beyond noise are in brackets.
    """

    def metric(name: str) -> list[MetricResult]:
        return [row.metrics.get(name, MetricResult(name, None)) for row in rows]

    beyond = [slices.is_beyond(row) for row in rows]
    quiet = [slices.tested and not one for one in beyond]
    gaps = [
        Text(sheet.text(cells.value(gap)), QUIET if low else side_style(gap.value or 0.0, ece.value or 0.0, ece.floor))
        for gap, ece, low in zip(metric(slices.gap), metric(slices.ece), quiet, strict=True)
    ]
    p_values = [
        Text(sheet.text(cells.p_value(row.p_holm)), STRONG if strong else "")
        for row, strong in zip(rows, beyond, strict=True)
    ]
    blank = " " if any(quiet) else ""
    errors = [
        Text(f"({text})", QUIET) if low else Text(f"{text}{blank}")
        for text, low in zip([sheet.text(cells.value(m)) for m in metric(slices.ece)], quiet, strict=True)
    ]
    counts = Column("rows", [f"{row.n:,}" for row in rows])
    accuracy = Column("accuracy %", [sheet.text(cells.value(m)) for m in metric("accuracy")])
    value = Column(cells.heading(slices.ece) + blank, errors)
    heading = f"corrected [{cells.level(report)}]"
    interval = Column(heading, [sheet.text(cells.estimate(m)) for m in metric(slices.ece)])
    floor = Column("if calibrated", [sheet.text(cells.floor(m)) for m in metric(slices.ece)])
    gap = Column(cells.label(slices.gap), gaps)
    p = Column("p", p_values)
    verdict = Column("beyond noise?", [sheet.text(slices.verdict(row)) for row in rows], left=True)
    means = [
        Column(cells.heading(name), [sheet.text(cells.value(m)) for m in metric(name)]) for name in slices.of_images()
    ]
    full = [counts, accuracy, value, interval, floor, *means, gap, p]
    layouts = [
        [*full, verdict],
        full,
        [counts, accuracy, value, interval, *means, gap, p],
        [counts, accuracy, value, *means, gap, p],
        [counts, value, *means, p],
        [counts, value, p],
    ]
    widest = max(cell_len(sheet.name(row.value, _WIDEST_NAME)) for row in rows)
    for layout in layouts:
        columns = [column for column in layout if any(str(cell) not in ("", cells.NULL, "-") for cell in column.cells)]
        room = sheet.width - total_width(columns) - GUTTER
        if room >= min(widest, _WHOLE_NAME):
            break
    names = Column("", [sheet.name(row.value, min(_WIDEST_NAME, max(room, 1))) for row in rows], left=True)
    return table([names, *columns])


def _others(slices: SliceTable, sheet: Sheet) -> list[RenderableType]:
    """The values of the metrics that the first table has no column for."""
    rows, shown = slices.rows, ("accuracy", slices.ece, slices.gap, *slices.of_images())
    names = [name for name in dict.fromkeys(name for row in rows for name in row.metrics) if name not in shown]
    columns = [
        Column(
            f"{cells.label(name)}\n{cells.unit(name)}",
            [sheet.text(cells.value(row.metrics.get(name, MetricResult(name, None)))) for row in rows],
        )
        for name in names
    ]
    room = name_room(columns, sheet.width) if columns else _WHOLE_NAME
    values = Column("", [sheet.name(row.value, min(_WIDEST_NAME, room)) for row in rows], left=True)
    return [table([values, *block]) for block in blocks(columns, sheet.width - values.width - GUTTER) if block]
