"""A comparison for a person at a terminal: one sentence for each candidate, then its table."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.comparison.comparison import Candidate, Comparison, SliceDifferences
from calibeval.render.terminal.report import NARROWEST, sheet_text
from calibeval.render.terminal.sheet import GUTTER, OVER, STRONG, UNDER, Column, Sheet, table, total_width
from calibeval.words import comparison as shown
from calibeval.words.comparison import Row
from calibeval.words.difference import Change

_SLICED = ("ece", "nll", "accuracy")
_MOST_SLICES = 10


def render(comparison: Comparison, *, width: int, color: bool, ascii_only: bool) -> str:
    """The comparison as text.

    width: display cells of a line, 40 at least. color: with ANSI colours; they repeat what signs and words say.
    ascii_only: nothing but ASCII, foreign names as escapes. Warnings are not in it.
    """
    sheet = Sheet(max(width, NARROWEST), ascii_only)
    parts: list[RenderableType] = []
    for candidate in comparison.candidates:
        parts += [*_candidate(candidate, comparison, sheet), ""]
    tables = [_columns(shown.rows(one.differences), comparison, sheet) for one in comparison.candidates]
    explained = any(column.header == "detectable" for columns in tables for column in columns)
    words = shown.convention(comparison, detectable=explained)
    return sheet_text([*parts, Text(sheet.text(words))], sheet, color)


def _candidate(candidate: Candidate, comparison: Comparison, sheet: Sheet) -> list[RenderableType]:
    names = [sheet.name(name, sheet.width, keep_end=True) for name in (candidate.name, comparison.base.name)]
    title = Text.assemble((names[0], STRONG), " against ", names[1])
    rows = shown.rows(candidate.differences)
    parts: list[RenderableType] = [
        title,
        *(Text(line) for line in sheet.flow(shown.facts(candidate))),
        "",
        *(Text(sheet.text(line), STRONG) for line in shown.sentences(comparison, candidate)),
        "",
        table(_columns(rows, comparison, sheet)),
    ]
    lines = (*shown.reasons(candidate.differences), *shown.remarks(candidate.differences))
    parts += [Text(sheet.text(line)) for line in lines]
    for column in dict.fromkeys(one.column for one in candidate.slices):
        found = [one for one in candidate.slices if one.column == column]
        parts += ["", *_slices(column, found, sheet)]
    return parts


def _columns(rows: list[Row], comparison: Comparison, sheet: Sheet) -> list[Column]:
    """One row per metric; if not all columns fit, the detectable difference is left out first, then p."""
    label = Column("", [sheet.text(row.label) for row in rows], left=True)
    unit = Column("", [row.unit for row in rows], left=True)
    base = Column("base", [sheet.text(row.base) for row in rows])
    candidate = Column("cand.", [sheet.text(row.candidate) for row in rows])
    difference = Column("difference", [sheet.text(row.difference) for row in rows])
    interval = Column(f"{shown.level(comparison)} interval", [sheet.text(row.interval) for row in rows])
    p = Column("p", [row.p for row in rows])
    detectable = Column("detectable", [row.detectable for row in rows])
    verdict = Column("", [Text(row.change.short, _style(row.change)) for row in rows], left=True)
    layouts = (
        [label, unit, base, candidate, difference, interval, p, detectable, verdict],
        [label, unit, base, candidate, difference, interval, p, verdict],
        [label, unit, base, candidate, difference, interval, verdict],
        [label, difference, interval, verdict],
        [label, difference, verdict],
    )
    for columns in layouts:
        if total_width(columns) <= sheet.width:
            return columns
    return [label, difference]


def _slices(column: str, found: list[SliceDifferences], sheet: Sheet) -> list[RenderableType]:
    """The slices of one column for a few metrics; slices with a likely or certain change come first."""
    by_slice = [(one, {row.name: row for row in shown.rows(one.differences)}) for one in found]
    by_slice.sort(key=lambda pair: -sum(row.change.better or row.change.worse for row in pair[1].values()))
    kept = by_slice[:_MOST_SLICES]
    columns = [Column("rows", [f"{one.n:,}" for one, _ in kept])]
    for name in _SLICED:
        there = [rows.get(name) for _, rows in kept]
        if not any(row is not None and row.interval for row in there):
            continue
        cells = [
            Text(sheet.text(f"{row.difference} {_mark(row)}"), _style(row.change)) if row else Text("") for row in there
        ]
        first = next(row for row in there if row is not None)
        columns.append(Column(f"{first.label} {first.unit}".strip(), cells))
    room = max(8, sheet.width - total_width(columns) - GUTTER)
    names = Column(sheet.name(column, room), [sheet.name(one.value, room) for one, _ in kept], left=True)
    rest = len(found) - len(kept)
    title = f"differences by {sheet.name(column, sheet.width // 2)}" + (f", {rest} more in --json" if rest else "")
    note = "after Holm's correction for the slices: ++ better, -- worse, certain; + better, - worse, likely"
    return [Text(sheet.text(title)), table([names, *columns]), Text(sheet.text(note))]


def _style(change: Change) -> str:
    return UNDER if change.better else OVER if change.worse else ""


def _mark(row: Row) -> str:
    mark = "+" if row.change.better else "-" if row.change.worse else " "
    return mark * 2 if row.change.certain and mark.strip() else f"{mark} "
