"""Metrics as a Markdown table: one row per dump, one column per metric, for pull requests and notes."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Report
from calibeval.words import cells
from calibeval.words.best import MARKED, best
from calibeval.words.images import image_finding
from calibeval.words.names import isolated, visible
from calibeval.words.report import headline
from calibeval.words.slices import SliceTable, slice_tables, word_tables
from calibeval.words.tabled import Tabled

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = frozenset("\\`*_[]|~#!$")


def render(report: Report) -> str:
    """The table with certainly best values in bold; below it, what the numbers mean and why some are missing."""
    names = cells.metric_names(report)
    header = ["dump", "rows", *(cells.heading(name) for name in names)]
    lines = [table_row(header), table_row([":--", *("--:" for _ in header[1:])])]
    champions = {name: best(report.dumps, name) for name in names}
    for i, dump in enumerate(report.dumps):
        numbers = []
        for name in names:
            number = cells.value(dump.metrics[name]) if name in dump.metrics else cells.NULL
            numbers.append(f"**{number}**" if i in champions[name] else number)
        lines.append(table_row([escape(dump.name), f"{dump.n:,}", *numbers]))
        lines += [table_row([escape(head), "", *parts]) for head, parts in cells.below(dump, names, report)]
    notes = [cells.convention(report)]
    if any(champions.values()):
        notes.append(f"bold: {MARKED}")
    notes += [f"{escape(d.name)}: {escape(headline(d))}" for d in report.dumps]
    notes += [f"{escape(d.name)}: {escape(image_finding(d))}" for d in report.dumps if d.per_image]
    notes += [f"{escape(d.name)}: {escape(line)}" for d in report.dumps for line in cells.reasons(d)]
    lines += ["", *(f"- {note}" for note in notes if note)]
    for dump in report.dumps:
        for table in slice_tables(dump, report.settings.min_rows):
            lines += [
                "",
                *_slices(table, f"{escape(dump.name)}, " if len(report.dumps) > 1 else "", cells.level(report)),
            ]
        for found in word_tables(dump, report.settings):
            lines += ["", *_tabled(found)]
    return "\n".join(lines) + "\n"


def _tabled(found: Tabled) -> list[str]:
    """A small table with its title above and its notes below."""
    lines = [escape(found.heading), "", table_row(["", *map(escape, found.heads)])]
    lines.append(table_row([":--", *("--:" for _ in found.heads)]))
    lines += [table_row([escape(name), *map(escape, row)]) for name, row in found.rows]
    return [*lines, "", *(f"- {escape(note)}" for note in found.notes)]


def _slices(table: SliceTable, place: str, level: str) -> list[str]:
    """The slices of one column as a table, worst first, with its finding above it; place: the dump, or nothing."""
    lines = [f"{place}slices by {escape(table.column)}: {table.finding()}"]
    if table.rows:
        estimate = escape(f"corrected [{level}]") if level else ""
        means = [cells.heading(name) for name in table.of_images()]
        names = [cells.heading(table.ece), estimate, "if calibrated", *means, cells.label(table.gap)]
        header = ["slice", "rows", "accuracy %", *names, "p"]
        lines += ["", table_row(header), table_row([":--", *("--:" for _ in header[1:])])]
    for one in table.rows:
        accuracy, ece, gap = (one.metrics.get(n, MetricResult(n, None)) for n in ("accuracy", table.ece, table.gap))
        means = [cells.value(one.metrics.get(name, MetricResult(name, None))) for name in table.of_images()]
        numbers = [cells.value(accuracy), cells.value(ece), cells.estimate(ece), cells.floor(ece), *means]
        numbers.append(cells.value(gap))
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
