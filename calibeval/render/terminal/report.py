"""A report for a person at a terminal: the sentence first, the numbers second, the diagram last."""

from __future__ import annotations

import io

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.standing import standing_of, with_floor
from calibeval.render.terminal.diagram import diagram
from calibeval.render.terminal.sheet import (
    GUTTER,
    STRONG,
    Column,
    Sheet,
    blocks,
    gap_style,
    name_room,
    table,
    total_width,
)
from calibeval.render.terminal.slices import slice_blocks
from calibeval.words import cells
from calibeval.words.report import against_noise, headline, repair
from calibeval.words.signs import signed

NARROWEST = 40
# Up to _ALL_CLASSES classes are all shown; of more, only the worst.
_ALL_CLASSES, _WORST_CLASSES = 3, 5
# With fewer rows per class, the calibration error of a class is mostly noise.
_FEW_ROWS = 20


def render_report(report: Report, *, width: int, color: bool, ascii_only: bool) -> str:
    """The report as text: one dump with its diagram and classes, or several side by side, in the order given.

    width: display cells of a line, 40 at least. color: with ANSI colours; they repeat what signs and words say.
    ascii_only: nothing but ASCII, foreign names as escapes. Warnings of the dumps are not in it.
    """
    sheet = Sheet(max(width, NARROWEST), ascii_only)
    parts = _one(report.dumps[0], report, sheet) if len(report.dumps) == 1 else _several(report, sheet)
    return sheet_text(parts, sheet, color)


def sheet_text(parts: list[RenderableType], sheet: Sheet, color: bool) -> str:
    """The parts as rich renders them, independent of the environment; no line ends in blanks."""
    console = Console(
        file=io.StringIO(),
        width=sheet.width,
        force_terminal=color,
        color_system="256" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        force_jupyter=False,
        _environ={},
    )
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _one(dump: DumpReport, report: Report, sheet: Sheet) -> list[RenderableType]:
    parts: list[RenderableType] = [title(dump, sheet), "", Text(sheet.text(headline(dump)), STRONG), ""]
    parts[-1:-1] = [Text(sheet.text(repair(dump)))] if dump.recalibrated else []
    parts.append(_metrics(dump, report, sheet))
    parts += [Text(sheet.text(line)) for line in (*cells.reasons(dump), *cells.remarks(dump))]
    for block in (diagram(dump, sheet), classes(dump, sheet), *slice_blocks(dump, report, sheet)):
        parts += ["", *block] if block else []
    return parts


def title(dump: DumpReport, sheet: Sheet) -> Text:
    """Name, size and kind, on two lines where one is too short."""
    facts = [cells.plural(dump.n, "row"), "top label only" if dump.k is None else cells.plural(dump.k, "class")]
    facts += [] if dump.k is None else [dump.kind.replace("_", "-")]
    facts += cells.left_out(dump)
    facts += [cells.groups(dump, lambda column: sheet.name(column, sheet.width // 3))] if dump.groups else []
    facts += [cells.weights(dump, lambda column: sheet.name(column, sheet.width // 3))] if dump.weights else []
    name = sheet.name(dump.name, sheet.width, keep_end=True)
    separator = sheet.text(" · ")
    described = sheet.text(" · ".join(facts))
    if cell_len(name) + len(separator) + len(described) > sheet.width:
        separator, described = "\n", "\n".join(sheet.flow(facts))
    return Text.assemble((name, STRONG), separator, described)


def _metrics(dump: DumpReport, report: Report, sheet: Sheet) -> RenderableType:
    """One row per metric; if not all columns fit, the interval is left out first, then the floor."""
    found = [with_floor(dump, name) for name in cells.metric_names(report)]
    names = Column("", [sheet.text(cells.label(m.name)) for m in found], left=True)
    units = Column("", [cells.unit(m.name) for m in found], left=True)
    values = Column("value", [sheet.text(cells.value(m)) for m in found])
    intervals = Column(f"{cells.level(report)} interval", [sheet.text(cells.interval(m)) for m in found])
    floors = Column("if calibrated", [sheet.text(cells.floor(m)) for m in found])
    phrases = Column("miscalibrated?", [against_noise(m, n=dump.n, k=dump.k) for m in found], left=True)
    standings = [standing_of(m, n=dump.worth, k=dump.k) for m in found]
    words = Column("miscalibrated?", ["" if s is None else s.short for s in standings], left=True)
    after = Column(*_after(dump, [m.name for m in found], sheet))
    layouts = [[intervals, floors, phrases], [intervals, floors, words], [floors, words], [words], []]
    for layout in layouts:
        columns = [names, units, values, *(c for c in (*layout, after) if any(c.cells))]
        if total_width(columns) <= sheet.width:
            break
    return table(columns)


def _after(dump: DumpReport, names: list[str], sheet: Sheet) -> tuple[str, list[Text | str]]:
    """Heading and values of the column for the recalibrated dump; no values if there is none."""
    if dump.recalibrated is None:
        return "", []
    metrics = dump.recalibrated.metrics
    values: list[Text | str] = [sheet.text(cells.value(metrics[name])) if name in metrics else "" for name in names]
    return f"with {dump.recalibrated.name}", values


def classes_shown(k: int) -> int:
    """How many of k classes the first view shows."""
    return k if k <= _ALL_CLASSES else min(k, _WORST_CLASSES)


def classes(dump: DumpReport, sheet: Sheet, *, every: bool = False) -> list[RenderableType]:
    """The classes with the largest calibration errors; all classes if there are few, or if all are wanted."""
    k = len(dump.per_class)
    if not k:
        return []
    worst = sorted(dump.per_class, key=lambda c: -c.calibration_error)[: k if every else classes_shown(k)]
    places = cells.decimals(100 * worst[0].calibration_error, 3)
    numbers = [
        Column("cal. error %", [f"{100 * c.calibration_error:.{places}f}" for c in worst]),
        Column("gap", [Text(sheet.text(signed(100 * c.gap, places)), gap_style(c.gap)) for c in worst]),
        Column("rows", [f"{c.support:,}" for c in worst]),
    ]
    room = min(40, sheet.width - total_width(numbers) - GUTTER)
    names = Column("class", [sheet.name(c.name, room) for c in worst], left=True)
    lead = "classes" if k == len(worst) else f"worst {len(worst)} of {cells.plural(k, 'class')}"
    noise = ", mostly noise with so few rows per class" if dump.n < _FEW_ROWS * k else ""
    return [Text(sheet.text(f"{lead}{noise} (gap: mean probability − frequency)")), table([names, *numbers])]


def overview(report: Report, sheet: Sheet) -> list[RenderableType]:
    """One row per dump, in as many blocks of columns as the width needs."""
    if not report.dumps:
        return [Text("The report holds no dumps.")]
    columns, marked = _compared(report, sheet)
    widest = max(cell_len(sheet.name(d.name, sheet.width, keep_end=True)) for d in report.dumps)
    room = min(widest, name_room(columns, sheet.width))
    names = Column("", _distinct(report, sheet, room), left=True)
    parts: list[RenderableType] = []
    for block in blocks(columns, sheet.width - names.width - GUTTER):
        parts += [table([names, *block]), ""]
    if marked:
        parts.append(Text(sheet.text(f"* {cells.BEST}")))
    elif not cells.level(report):
        parts.append(Text("No value is marked as best: that needs intervals."))
    return parts


def _several(report: Report, sheet: Sheet) -> list[RenderableType]:
    """The dumps side by side, then a sentence for each."""
    parts = overview(report, sheet)
    for dump in report.dumps:
        parts += ["", title(dump, sheet)]
        lines = [headline(dump), *([repair(dump)] if dump.recalibrated else []), *cells.reasons(dump)]
        parts += [Padding(Text(sheet.text(line)), (0, 0, 0, 2)) for line in lines]
        for slices in slice_blocks(dump, report, sheet):
            parts += ["", *slices]
    return parts


def _compared(report: Report, sheet: Sheet) -> tuple[list[Column], bool]:
    """A column for every metric, and whether any column marks a best value."""
    columns, marked = [], False
    for name in cells.metric_names(report):
        best = cells.best(report.dumps, name)
        marked = marked or best is not None
        shown: list[str | Text] = []
        for i, dump in enumerate(report.dumps):
            number = sheet.text(cells.value(dump.metrics[name]) if name in dump.metrics else cells.NULL)
            mark = "*" if i == best else " " if best is not None else ""
            shown.append(Text(f"{number}{mark}", STRONG if i == best else ""))
        columns.append(Column(f"{cells.label(name)}\n{cells.unit(name)}", shown))
    return columns, marked


def _distinct(report: Report, sheet: Sheet, room: int) -> list[str | Text]:
    """The names cut to the room; numbered if cutting has made two of them equal."""
    names = [sheet.name(d.name, room, keep_end=True) for d in report.dumps]
    if len(set(names)) == len({d.name for d in report.dumps}):
        return list(names)
    return [f"{i} {sheet.name(d.name, room - len(str(i)) - 1, keep_end=True)}" for i, d in enumerate(report.dumps, 1)]
