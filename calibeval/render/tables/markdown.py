"""Metrics as a Markdown table: one row per dump, one column per metric, for pull requests and notes."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Report
from calibeval.words import cells
from calibeval.words.best import MARKED
from calibeval.words.names import isolated, visible
from calibeval.words.overview import estimate_heading, overview
from calibeval.words.slices import SliceTable, slice_tables

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = frozenset("\\`*_[]|~#!$")


def render(report: Report) -> str:
    """The table with certainly best values in bold; below it, what the numbers mean and why some are missing."""
    found = overview(report)
    names, estimated = cells.metric_names(report), found.estimated
    header = ["dump", "rows", *(cells.heading(name) for name in names)]
    header += [escape(estimate_heading(name, cells.level(report))) for name in estimated] + ["miscalibrated?"]
    lines = [table_row(header), table_row([":--", *("--:" for _ in header[2:]), ":--"])]
    for line in found.lines:
        numbers = [line.cells.get(name) for name in names]
        shown = [cells.NULL if one is None else f"**{one.value}**" if one.best else one.value for one in numbers]
        beside = [escape(line.cells[name].estimate) if name in line.cells else "" for name in estimated]
        lines.append(table_row([escape(line.full), line.rows, *shown, *beside, line.verdict]))
    notes = [cells.convention(report)]
    if any(cell.best for line in found.lines for cell in line.cells.values()):
        notes.append(f"bold: {MARKED}")
    notes += [f"{escape(d.name)}: {escape(line)}" for d in report.dumps for line in cells.reasons(d)]
    lines += ["", *(f"- {note}" for note in notes if note)]
    for dump in report.dumps:
        for table in slice_tables(dump, report.settings.min_rows):
            lines += ["", *_slices(table, f"{escape(dump.name)}, " if len(report.dumps) > 1 else "")]
    return "\n".join(lines) + "\n"


def _slices(table: SliceTable, place: str) -> list[str]:
    """The slices of one column as a table, worst first, with its finding above it; place: the dump, or nothing."""
    lines = [f"{place}slices by {escape(table.column)}: {table.finding()}"]
    if table.rows:
        header = ["slice", "rows", "accuracy %", "ECE %", "interval", "if calibrated", "gap", "p"]
        lines += ["", table_row(header), table_row([":--", *("--:" for _ in header[1:])])]
    for one in table.rows:
        accuracy, ece, gap = (one.metrics.get(n, MetricResult(n, None)) for n in ("accuracy", "ece", "confidence_gap"))
        numbers = [cells.value(accuracy), cells.value(ece), cells.interval(ece), cells.floor(ece), cells.value(gap)]
        p = escape(cells.p_value(one.p_holm))
        lines.append(table_row([escape(one.value), f"{one.n:,}", *numbers, p]))
    notes = [note for note in (table.note(), table.too_small(escape)) if note]
    return [*lines, *([""] if notes else []), *(f"- {note}" for note in notes)]


def escape(name: str) -> str:
    r"""The name as plain text inside a table cell: no markup, no HTML, no end of the cell.

    >>> escape("a|b`<i>`")
    'a\\|b\\`&lt;i&gt;\\`'
    """
    shown = isolated(visible(name))
    return "".join(_ENTITIES.get(char, f"\\{char}" if char in _SPECIAL else char) for char in shown)


def table_row(items: Sequence[str]) -> str:
    """A line of a Markdown table, of items that are escaped already.

    >>> table_row(["a.npz", "12.6"])
    '| a.npz | 12.6 |'
    """
    return f"| {' | '.join(items)} |"
