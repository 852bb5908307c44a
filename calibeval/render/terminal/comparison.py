"""A comparison for a person at a terminal: one sentence for each candidate, then its table."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison, SliceDifferences
from calibeval.render.terminal.report import NARROWEST, sheet_text
from calibeval.render.terminal.sheet import (
    BETTER,
    GUTTER,
    STRONG,
    WORSE,
    Column,
    Sheet,
    blocks,
    name_room,
    table,
    total_width,
)
from calibeval.words import comparison as shown
from calibeval.words.comparison import Row
from calibeval.words.difference import CERTAIN_MARK
from calibeval.words.logs import left_out_lines
from calibeval.words.names import visible
from calibeval.words.shown import sliced

_MOST_SLICES = 10
STYLES = {"better": BETTER, "worse": WORSE}


def render(comparison: Comparison, *, width: int, color: bool, ascii_only: bool, full: bool = False) -> str:
    """The comparison as text: of one candidate the sentences and the main metrics, of several one row for each.

    width: display cells of a line, 40 at least. color: with ANSI colours; they repeat what signs and words say.
    ascii_only: nothing but ASCII, foreign names as escapes. full: every metric, with p and detectable difference, of
    every candidate. Warnings are not in it.
    """
    sheet = Sheet(max(width, NARROWEST), ascii_only)
    several = len(comparison.candidates) > 1
    parts: list[RenderableType] = []
    if several:
        parts += [*candidates(comparison, sheet), ""]
    for candidate in comparison.candidates:
        if full or not several:
            parts += [*_candidate(candidate, comparison, sheet, full=full), ""]
        elif candidate.slices:
            parts += [_title(candidate, comparison, sheet), *_all_slices(candidate, sheet), ""]
    explained = full and any(
        column.header == "detectable"
        for one in comparison.candidates
        for column in _columns(shown.rows(one.differences), comparison, sheet, full=True)[0]
    )
    words = shown.convention(comparison, detectable=explained, p=full)
    last = [Text(sheet.text(words))]
    last += [] if full else [Text(sheet.text(f"--full shows {_hidden(comparison)}."))]
    return sheet_text([*parts, *last], sheet, color)


def _hidden(comparison: Comparison) -> str:
    """What the first view leaves out."""
    if len(comparison.candidates) > 1:
        return "every metric of each candidate, with intervals, p and detectable differences"
    return "every metric, with p and the differences that this sample can show"


def _candidate(candidate: Candidate, comparison: Comparison, sheet: Sheet, *, full: bool) -> list[RenderableType]:
    rows, others = (shown.rows(candidate.differences), "") if full else shown.first_rows(candidate.differences)
    columns, below = _columns(rows, comparison, sheet, full=full)
    parts: list[RenderableType] = [
        _title(candidate, comparison, sheet),
        *(Text(line) for line in sheet.flow(shown.facts(candidate))),
        *_left_out(comparison.base, sheet),
        *_left_out(candidate.dump, sheet),
        "",
        *(Text(sheet.text(line), STRONG) for line in shown.sentences(comparison, candidate)),
        "",
        table(columns),
        *([Text(sheet.text(others))] if others else []),
    ]
    lines = (*shown.reasons(candidate.differences), *shown.remarks(candidate.differences))
    parts += [Text(sheet.text(line)) for line in lines]
    parts += [Text(sheet.text(line)) for line in below]
    return [*parts, *_all_slices(candidate, sheet)]


def _left_out(dump: ComparedDump, sheet: Sheet) -> list[Text]:
    """The line about what was left out of a log, if there is one."""
    log = dump.source.log
    counts = [] if log is None else [(visible(one.what), one.answers) for one in log.counts if one.left_out]
    name = sheet.name(dump.name, sheet.width // 2, keep_end=True)
    return [Text(sheet.text(line)) for line in left_out_lines(name, counts)]


def _title(candidate: Candidate, comparison: Comparison, sheet: Sheet) -> Text:
    names = [sheet.name(name, sheet.width, keep_end=True) for name in (candidate.name, comparison.base.name)]
    return Text.assemble((names[0], STRONG), " against ", names[1])


def _all_slices(candidate: Candidate, sheet: Sheet) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for column in dict.fromkeys(one.column for one in candidate.slices):
        found = [one for one in candidate.slices if one.column == column]
        parts += ["", *_slices(column, found, sheet)]
    return parts


def _columns(rows: list[Row], comparison: Comparison, sheet: Sheet, *, full: bool) -> tuple[list[Column], list[str]]:
    """One row per metric, and lines on what is left out or shortened because it does not fit; the finding stays."""
    label = Column("", [sheet.text(row.label) for row in rows], left=True)
    unit = Column("", [row.unit for row in rows], left=True)
    base = Column("base", [sheet.text(row.base) for row in rows])
    candidate = Column("cand.", [sheet.text(row.candidate) for row in rows])
    difference = Column("difference", [sheet.text(row.difference) for row in rows])
    interval = Column(f"{shown.level(comparison)} interval", [sheet.text(row.interval) for row in rows])
    p = Column("p", [row.p for row in rows])
    detectable = Column("detectable", [row.detectable for row in rows])
    finding = Column("", [Text(row.finding, STYLES.get(row.tone, "")) for row in rows], left=True)
    brief = Column("", [Text(row.marked or row.finding, STYLES.get(row.tone, "")) for row in rows], left=True)
    tests = [p, detectable] if full else []
    layouts = (
        [label, unit, base, candidate, difference, interval, *tests, finding],
        [label, unit, base, candidate, difference, interval, *tests[:1], finding],
        [label, unit, base, candidate, difference, interval, finding],
        [label, unit, base, candidate, difference, interval, brief],
        [label, base, candidate, difference, interval, brief],
        [label, difference, interval, finding],
        [label, difference, interval, brief],
        [label, difference, finding],
        [label, difference, brief],
    )
    there = [[column for column in layout if any(map(str, column.cells))] for layout in layouts]
    fitting = next((columns for columns in there if total_width(columns) <= sheet.width), there[-1])
    headers = {column.header for column in fitting}
    left_out = [column.header for column in there[0] if column.header not in headers]
    below = [f"left out at this width: {', '.join(left_out)}"] if left_out else []
    starred = fitting[-1] is brief and any(row.marked for row in rows)
    return fitting, [f"{CERTAIN_MARK} certain; without it likely"] * starred + below


def candidates(comparison: Comparison, sheet: Sheet) -> list[RenderableType]:
    """One row per candidate below that of the base: the main metrics, with differences and what they mean."""
    names = shown.short(comparison)
    tables = [{row.name: row for row in shown.rows(one.differences)} for one in comparison.candidates]
    columns = [_compared([found.get(name) for found in tables], sheet) for name in shown.side_by_side(comparison)]
    room = name_room(columns, sheet.width)
    shorts = [f"{names[comparison.base.name]} (base)", *(names[one.name] for one in comparison.candidates)]
    labels = Column("", [sheet.name(one, room, keep_end=True) for one in shorts], left=True)
    parts: list[RenderableType] = [Text(sheet.text(shown.several(comparison)), STRONG), ""]
    for block in blocks(columns, sheet.width - labels.width - GUTTER):
        parts += [table([labels, *block]), ""]
    parts.append(Text(sheet.text(shown.MARKS)))
    return parts


def _compared(rows: list[Row | None], sheet: Sheet) -> Column:
    """The column of one metric: the value of the base, then of each candidate its value and difference."""
    first = next(row for row in rows if row is not None)
    values, differences = (
        [sheet.text(getattr(row, name)) if row else "" for row in rows] for name in ("candidate", "difference")
    )
    room, more = max(map(cell_len, (*values, sheet.text(first.base)))), max(map(cell_len, differences))
    shown: list[str | Text] = [f"{sheet.text(first.base):>{room}}"]
    for row, value, difference in zip(rows, values, differences, strict=True):
        line = f"{value:>{room}}  {difference:>{more}} {row.marked if row else ''}".rstrip()
        shown.append(Text(line, STYLES.get(row.tone, "") if row else ""))
    return Column(f"{first.label} {first.unit}".strip(), shown, left=True)


def _slices(column: str, found: list[SliceDifferences], sheet: Sheet) -> list[RenderableType]:
    """The slices of one column for a few metrics; slices with a likely or certain change come first."""
    by_slice = [(one, {row.name: row for row in shown.rows(one.differences)}) for one in found]
    by_slice.sort(key=lambda pair: -sum(bool(row.tone) for row in pair[1].values()))
    kept = by_slice[:_MOST_SLICES]
    columns = [Column("rows", [f"{one.n:,}" for one, _ in kept])]
    for name in sliced(kept[0][1]):
        there = [rows.get(name) for _, rows in kept]
        if not any(row is not None and row.interval for row in there):
            continue
        cells = [
            Text(sheet.text(f"{row.difference} {row.marked}".rstrip()), STYLES.get(row.tone, "")) if row else Text("")
            for row in there
        ]
        first = next(row for row in there if row is not None)
        columns.append(Column(f"{first.label} {first.unit}".strip(), cells, left=True))
    room = max(8, sheet.width - total_width(columns) - GUTTER)
    names = Column(sheet.name(column, room), [sheet.name(one.value, room) for one, _ in kept], left=True)
    rest = len(found) - len(kept)
    title = f"differences by {sheet.name(column, sheet.width // 2)}" + (f", {rest} more in --json" if rest else "")
    note = f"after Holm's correction for the slices; {shown.MARKS}"
    return [Text(sheet.text(title)), table([names, *columns]), Text(sheet.text(note))]
