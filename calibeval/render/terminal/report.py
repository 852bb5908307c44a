"""A report for a person at a terminal: the sentence first, the numbers second, the diagram last."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.standing import standing_in, with_floor
from calibeval.render.terminal.diagram import class_diagrams, first_diagram
from calibeval.render.terminal.overview import dumps_table
from calibeval.render.terminal.risk import mapped_risk, risk_tables, tabled
from calibeval.render.terminal.sheet import (
    QUIET,
    STRONG,
    Column,
    Sheet,
    table,
    total_width,
)
from calibeval.render.terminal.slices import slice_blocks
from calibeval.words import cells, first
from calibeval.words.finding import suspicions
from calibeval.words.gain import gain_said
from calibeval.words.images import image_lines, images_beside
from calibeval.words.logs import automated, log_lines
from calibeval.words.names import visible
from calibeval.words.positive import positive_fact
from calibeval.words.repair import repair
from calibeval.words.report import headline

NARROWEST = 40
# Of more dumps, only the table is shown.
MOST_TOLD = 6


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
    parts: list[RenderableType] = [title(dump, sheet), *told_of_log(dump, sheet), *_suspicions(report, sheet), ""]
    parts.append(Text(sheet.text(headline(dump)), STRONG))
    parts += [Text(sheet.text(repair(dump)))] if dump.recalibrated else []
    shown = [*first.in_table(dump), *first.in_line(dump)]
    parts += ["", *metric_table(dump, first.in_table(dump), report, sheet)]
    parts += [Text(part) for line in first_lines(dump) for part in sheet.flow(line) if part]
    gain = gain_said({name: dump.metrics[name] for name in ("accuracy", *shown) if name in dump.metrics})
    below = [*cells.reasons(dump, only=shown, tabled=tabled(dump)), *([gain] if gain else [])]
    parts += [Text(sheet.text(line)) for line in below]
    blocks = first_diagram(dump, sheet), *risk_tables(dump, sheet), *mapped_risk(dump, sheet)
    for block in (*blocks, *class_diagrams(dump, sheet), *slice_blocks(dump, report, sheet)):
        parts += ["", *block] if block else []
    return parts


def told_of_log(dump: DumpReport, sheet: Sheet) -> list[Text]:
    """The lines about the log that the dump is, if it is one."""
    return [Text(sheet.text(visible(line))) for line in (*log_lines(dump.source), *automated(dump))]


def first_lines(dump: DumpReport) -> list[list[str]]:
    """The parts of the lines below the table: of images what is measured one by one, else further metrics."""
    return [first.line(dump)] if dump.per_image is None else image_lines(dump)


def _suspicions(report: Report, sheet: Sheet) -> list[RenderableType]:
    """What comes before all numbers, marked as such."""
    return [Text(sheet.text(visible(f"Check first: {text}")), STRONG) for text in suspicions(report)]


def title(dump: DumpReport, sheet: Sheet) -> Text:
    """Name, size and kind, on two lines where one is too short."""
    noun = "row" if dump.per_image is None else "pixel"
    facts = [] if dump.source.shards is None else [cells.plural(dump.source.shards, "shard")]
    facts += [cells.plural(dump.n, noun), cells.classes(dump)]
    facts += [] if dump.k is None else [dump.kind.replace("_", "-")]
    facts += [positive_fact(dump)] if dump.positive is not None else []
    facts += cells.left_out(dump)
    facts += [cells.groups(dump, lambda column: sheet.name(column, sheet.width // 3))] if dump.groups else []
    facts += images_beside(dump)
    facts += [cells.weights(dump, lambda column: sheet.name(column, sheet.width // 3))] if dump.weights else []
    name = sheet.name(dump.name, sheet.width, keep_end=True)
    separator = sheet.text(" · ")
    described = sheet.text(" · ".join(facts))
    if cell_len(name) + len(separator) + len(described) > sheet.width:
        separator, described = "\n", "\n".join(sheet.flow(facts))
    return Text.assemble((name, STRONG), separator, described)


def metric_table(dump: DumpReport, names: Sequence[str], report: Report, sheet: Sheet) -> list[RenderableType]:
    """One row per metric; columns that do not fit are left out one by one, and named below the table."""
    found = [with_floor(dump, name) for name in names]
    labels = Column("", [sheet.text(cells.label(m.name)) for m in found], left=True)
    units = Column("", [cells.unit(m.name) for m in found], left=True)
    values = Column("value", [sheet.text(cells.value(m)) for m in found])
    level = cells.level(report)
    biased = any(m.corrected is not None for m in found)
    heading = f"corrected [{level}]" if biased else f"{level} interval"
    intervals = Column(heading, [sheet.text(cells.estimate(m)) for m in found])
    floors = Column("if calibrated", [sheet.text(cells.floor(m)) for m in found])
    standings = [standing_in(dump, m.name) for m in found]
    words = Column("miscalibrated?", ["" if s is None else s.short for s in standings], left=True)
    after = Column(*_after(dump, list(names), sheet))
    optional = [column for column in (intervals, floors, words) if any(map(str, column.cells))]
    kept, fixed = list(optional), [labels, units, values]
    ends = [after] if any(map(str, after.cells)) else []
    while kept and total_width([*fixed, *kept, *ends]) > sheet.width:
        kept.remove(min(kept, key=[floors, intervals, words].index))
    left_out = [column.header for column in optional if column not in kept]
    note = f"left out for width: {', '.join(left_out)}"
    notes = [Text(line, QUIET) for line in sheet.flow([note])] if left_out else []
    return [table([*fixed, *kept, *ends]), *notes]


def _after(dump: DumpReport, names: list[str], sheet: Sheet) -> tuple[str, list[Text | str]]:
    """Heading and values of the column for the recalibrated dump; no values if there is none."""
    if dump.recalibrated is None:
        return "", []
    metrics = dump.recalibrated.metrics
    values: list[Text | str] = [sheet.text(cells.value(metrics[name])) if name in metrics else "" for name in names]
    return f"with {dump.recalibrated.name}", values


def _several(report: Report, sheet: Sheet) -> list[RenderableType]:
    """The dumps side by side, then, if they are few, a sentence for each, and the slices of each."""
    parts = [*_suspicions(report, sheet), *dumps_table(report, sheet)]
    told = len(report.dumps) <= MOST_TOLD
    for dump in report.dumps:
        slices = slice_blocks(dump, report, sheet)
        parts += ["", title(dump, sheet)] if told or slices else []
        lines = [
            *log_lines(dump.source),
            *automated(dump),
            headline(dump),
            *([repair(dump)] if dump.recalibrated else []),
            *cells.reasons(dump),
        ]
        parts += [Padding(Text(sheet.text(line)), (0, 0, 0, 2)) for line in lines] if told else []
        for block in slices:
            parts += ["", *block]
    return parts
