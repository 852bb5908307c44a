"""All that a report holds, for a person at a terminal: what the first view leaves out, and what it has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.report.report import Bin, DumpReport, Report
from calibeval.core.report.standing import bin_judge, standing_in, with_floor
from calibeval.core.report.views import speaks_of_positive
from calibeval.render.terminal.classes import class_table
from calibeval.render.terminal.diagram import MOST_ROWS, class_diagrams, diagram
from calibeval.render.terminal.images import image_tables
from calibeval.render.terminal.overview import dumps_table
from calibeval.render.terminal.report import NARROWEST, sheet_text, title, told_of_log
from calibeval.render.terminal.risk import risk_tables, tabled
from calibeval.render.terminal.sheet import GUTTER, QUIET, STRONG, Column, Sheet, blocks, gap_style, table, total_width
from calibeval.render.terminal.slices import MOST_SHOWN, slice_blocks
from calibeval.words import cells
from calibeval.words.first import is_usual, names_in_full
from calibeval.words.gain import gain_said, parts_said
from calibeval.words.repair import repair
from calibeval.words.report import headline
from calibeval.words.score_tests import tests
from calibeval.words.shown import OF_POSITIVE, REGRESSION
from calibeval.words.signs import bin_range, signed
from calibeval.words.slices import slice_tables
from calibeval.words.sources import made_by, remote_file
from calibeval.words.terms import TOP_LABEL, Terms, first_terms


def render_full(report: Report, *, width: int, color: bool, ascii_only: bool) -> str:
    """Everything that was measured, as text: every metric, bin, class and slice of each dump, before and after its map.

    width, color, ascii_only: as for the first view.
    """
    sheet = Sheet(max(width, NARROWEST), ascii_only)
    parts: list[RenderableType] = dumps_table(report, sheet, every=True) if len(report.dumps) != 1 else []
    for dump in report.dumps:
        parts += [*([""] if parts else []), *_dump(dump, report, sheet)]
        after = dump.after()
        parts += [] if after is None else ["", *_dump(after, report, sheet)]
    names = list(dict.fromkeys(name for dump in report.dumps for name in dump.metrics))
    spelled = [Text(sheet.text(f"{label}: {title}")) for label, title in names_in_full(names)]
    ends: list[RenderableType] = ["", *spelled, "", Text(sheet.text(cells.convention(report)))]
    ends += [Text(sheet.name(made_by(report), sheet.width), QUIET)]
    return sheet_text([*parts, *ends], sheet, color)


def hidden(report: Report) -> str:
    """In a line what the first view of these dumps leaves out.

    >>> from calibeval.core.report.settings import Settings
    >>> hidden(Report("0", Settings()))
    ''
    """
    if len(report.dumps) > 1:
        return "--full shows each file with its intervals, bins and classes."
    more: list[str] = []
    for dump in report.dumps:
        k = len(dump.per_class)
        more += [f"{cells.plural(k, 'class')}"] if k else []
        tables = slice_tables(dump, report.settings.min_rows)
        more += ["all slices"] if any(len(one.rows) > MOST_SHOWN for one in tables) else []
        more += ["all bins"] if sum(row.count > 0 for row in dump.equal_width) > MOST_ROWS else ["bins"]
    if not more:
        return ""
    of = f"tables of {' and '.join(more)}"
    if all(map(is_usual, report.dumps)):
        return f"--full adds metrics, full names, and {of}; --metrics all adds the rest."
    return f"--full adds full names and {of}."


def _dump(dump: DumpReport, report: Report, sheet: Sheet) -> list[RenderableType]:
    parts: list[RenderableType] = [
        title(dump, sheet),
        *told_of_log(dump, sheet),
        *_origin(dump, sheet),
        "",
        Text(sheet.text(headline(dump)), STRONG),
    ]
    parts += [Text(sheet.text(repair(dump)))] if dump.recalibrated else []
    gain = [gain_said(dump.metrics), *parts_said(dump.metrics)]
    parts += [Text(sheet.text(line)) for line in gain if line]
    parts += ["", *_metrics(dump, report, sheet)]
    below = (*cells.reasons(dump, every=True, tabled=tabled(dump)), *cells.remarks(dump), *tests(dump))
    parts += [Text(sheet.text(line)) for line in below]
    judge = bin_judge(dump)
    sections = [
        *_positive(dump, sheet),
        diagram(dump, TOP_LABEL, sheet),
        *risk_tables(dump, sheet),
        _bins("equal-width bins", dump.equal_width, judge, TOP_LABEL, sheet),
        _bins("equal-mass bins", dump.equal_mass or (), judge, TOP_LABEL, sheet),
        *class_diagrams(dump, sheet),
        class_table(dump, sheet),
        *image_tables(dump, sheet),
        *slice_blocks(dump, report, sheet, every=True),
    ]
    for section in sections:
        parts += ["", *section] if section else []
    return parts


def _origin(dump: DumpReport, sheet: Sheet) -> list[RenderableType]:
    """The file with its format and hash, and that of its labels."""
    source = dump.source
    facts = [] if source.path is None else [sheet.name(source.path, sheet.width, keep_end=True)]
    facts += [] if source.files is None else [f"{len(source.files)} files"]
    facts += [] if source.format is None else [source.format]
    facts += [] if source.sha256 is None else [f"SHA-256 {source.sha256}"]
    facts += [] if source.remote is None else [str(remote_file(source.remote))]
    facts += [] if source.labels_path is None else [f"labels of {sheet.name(source.labels_path, sheet.width // 2)}"]
    return [Text(line, QUIET) for line in sheet.flow(facts) if line]


def _metrics(dump: DumpReport, report: Report, sheet: Sheet) -> list[RenderableType]:
    """Every metric with its name for --metrics and rules, and all that is known of it."""
    found = [with_floor(dump, name) for name in _order(dump)]
    names = Column("", [sheet.text(cells.label(m.name)) for m in found], left=True)
    biased = any(m.corrected is not None for m in found)
    level = cells.level(report)
    standings = [standing_in(dump, m.name) for m in found]
    columns = [
        Column("name", [m.name for m in found], left=True),
        Column("", [cells.unit(m.name) for m in found], left=True),
        Column("value", [sheet.text(cells.value(m)) for m in found]),
        Column(
            f"corrected [{level}]" if biased else f"{level} interval", [sheet.text(cells.estimate(m)) for m in found]
        ),
        Column("if calibrated", [sheet.text(cells.floor(m)) for m in found]),
        Column("miscalibrated?", ["" if one is None else one.short for one in standings], left=True),
    ]
    there = [column for column in columns if any(map(str, column.cells))]
    if total_width([names, *there]) <= sheet.width:
        return [table([names, *there])]
    parts: list[RenderableType] = []
    for block in blocks(there, sheet.width - names.width - GUTTER):
        parts += [*([""] if parts else []), table([names, *block])]
    return parts


def _order(dump: DumpReport) -> list[str]:
    """The metrics; of two classes, those of P(positive) first, as the headline speaks of them."""
    first = [*OF_POSITIVE, *REGRESSION] if speaks_of_positive(dump) else []
    return [*(name for name in first if name in dump.metrics), *(name for name in dump.metrics if name not in first)]


def _positive(dump: DumpReport, sheet: Sheet) -> list[list[RenderableType]]:
    """Of two classes, the diagram and the bins of P(positive class), before those of the top label."""
    if not speaks_of_positive(dump):
        return []
    seen, terms = first_terms(dump)
    title = f"equal-width bins of {terms.short}"
    lead: list[RenderableType] = [Text(sheet.text("the top label: the class of the larger probability"))]
    return [diagram(seen, terms, sheet), _bins(title, seen.equal_width, bin_judge(seen), terms, sheet), lead]


def _bins(
    words: str, bins: Sequence[Bin], judge: Callable[[Bin], bool | None], terms: Terms, sheet: Sheet
) -> list[RenderableType]:
    """Every bin, empty ones too, from low confidence to high."""
    if not bins:
        return []
    beyond = [judge(row) if row.count else None for row in bins]
    columns = [
        Column(sheet.text(terms.short), [sheet.text(bin_range(row)) for row in bins], left=True),
        Column("rows", [f"{row.count:,}" for row in bins]),
        Column("mean %", [_percent(row.confidence, sheet) for row in bins]),
        Column(f"{terms.observed} %", [_percent(row.accuracy, sheet) for row in bins]),
        Column("gap", [_gap(row, out, sheet) for row, out in zip(bins, beyond, strict=True)]),
    ]
    note = ", (gap) within noise of its rows" if False in beyond else ""
    return [Text(sheet.text(f"{words}{note}")), table(columns)]


def _percent(share: float | None, sheet: Sheet) -> str:
    return sheet.text(cells.NULL) if share is None else f"{100 * share:.2f}"


def _gap(row: Bin, beyond: bool | None, sheet: Sheet) -> Text:
    if row.gap is None:
        return Text(f"{sheet.text(cells.NULL)} ")
    number = sheet.text(signed(100 * row.gap, 2))
    if beyond is False:
        return Text(f"({number})", QUIET)
    return Text(f"{number} ", gap_style(row.gap) if beyond else "")
