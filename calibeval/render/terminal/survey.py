"""A survey for a person at a terminal: the sentence, one metric by two axes, means along an axis, the worst cells."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.survey.axes import Axis
from calibeval.core.survey.axes import words as point_words
from calibeval.core.survey.pivot import Pivot, means_along, pivot
from calibeval.core.survey.survey import Mean, Survey
from calibeval.render.terminal.report import NARROWEST, sheet_text
from calibeval.render.terminal.sheet import GUTTER, STRONG, Column, Sheet, blocks, table
from calibeval.render.terminal.survey_ranking import ranking_parts
from calibeval.words import digits
from calibeval.words import survey as words
from calibeval.words.names import visible
from calibeval.words.survey_changes import changes

_NAMES = 30
_MOST_ROWS = 40


def render(
    survey: Survey,
    metric: str,
    rows: str | None = None,
    columns: str | None = None,
    *,
    width: int,
    color: bool,
    ascii_only: bool,
    full: bool = False,
) -> str:
    """The survey as text. metric: of the table. rows, columns: its axes. full: all rows, and all worst cells.

    Raises: UsageError for axes that are not there.
    """
    sheet = Sheet(max(width, NARROWEST), ascii_only)
    parts: list[RenderableType] = [Text(line) for line in sheet.flow([words.title(survey)])]
    parts += ["", Text(sheet.text(words.headline(survey, metric)), STRONG)]
    parts += [Text(line) for line in sheet.wrapped(words.repair(survey, metric))]
    if survey.measured:
        found = pivot(survey, metric, rows, columns)
        if found.columns is not None:
            parts += ["", *_pivot_table(found, sheet, full=full)]
        parts += ["", *_along(survey, found, sheet)]
        parts += ["", *ranking_parts(survey.ranking, sheet, full=full), *_worst(survey, metric, sheet, full=full)]
        parts += [Text(part) for line in changes(survey, metric, full=full) for part in sheet.wrapped(line)]
    below = words.notes(survey)
    parts += ["", *(Text(line) for note in below for line in sheet.flow([note]))] if below else []
    return sheet_text(parts, sheet, color)


def _pivot_table(found: Pivot, sheet: Sheet, *, full: bool) -> list[RenderableType]:
    """The metric by two axes, with means at the right and below."""
    across = found.columns
    if across is None:
        return []
    kept = len(found.rows.values) if full else min(len(found.rows.values), _MOST_ROWS)
    names = [sheet.name(str(value), _NAMES, keep_end=True) for value in found.rows.values[:kept]]
    labels: list[str | Text] = [*names, sheet.text("mean")]
    columns = []
    for i, value in enumerate(across.values):
        entries = [row[i] for row in found.entries[:kept]] + [found.column_means[i]]
        head = sheet.name(str(value), _NAMES)
        columns.append(Column(head, [sheet.text(words.number(one)) for one in entries]))
    means = [sheet.text(words.number(one)) for one in (*found.row_means[:kept], found.whole)]
    columns.append(Column("mean", means))
    over = f", mean over {', '.join(map(visible, found.over))}" if found.over else ""
    title = f"{digits.heading(found.metric)} by {visible(found.rows.name)} and {visible(across.name)}{over}"
    first = Column(visible(found.rows.name), labels, left=True)
    parts: list[RenderableType] = [Text(sheet.text(title))]
    parts += [table([first, *block]) for block in blocks(columns, sheet.width - first.width - GUTTER)]
    left = len(found.rows.values) - kept
    return [*parts, *([Text(f"{left} more rows: --full")] if left else [])]


def _along(survey: Survey, found: Pivot, sheet: Sheet) -> list[RenderableType]:
    """The main metrics along an axis: means over all others with their intervals and the range of the cells."""
    axis = found.columns if found.columns is not None else found.rows
    means, names = means_along(survey, axis), words.shown_metrics(survey)
    if len(survey.axes) == 1:
        return _cells(survey, sheet)
    labels = [sheet.name(str(one.axes[axis.name]), _NAMES) for one in means]
    columns = []
    for name in names:
        heading = f"{digits.label(name)}\n{digits.unit(name)}".strip()
        columns.append(Column(heading, [sheet.text(words.number(one.metrics.get(name))) for one in means]))
        if name == found.metric:
            ends = [sheet.text(words.interval(one.metrics.get(name))) for one in means]
            columns += [Column("interval", ends)] if any(ends) and survey.changes is None else []
            ranges = [sheet.text(words.value_range(one.metrics.get(name))) for one in means]
            columns.append(Column("cells", ranges))
            columns += _after(survey, means, axis, name, sheet)
    first = Column(visible(axis.name), list(labels), left=True)
    others = ", ".join(visible(one.name) for one in survey.axes if one is not axis)
    parts: list[RenderableType] = [Text(sheet.text(f"mean over {others}"))]
    parts += [table([first, *block]) for block in blocks(columns, sheet.width - first.width - GUTTER)]
    return parts


def _after(survey: Survey, means: Sequence[Mean], axis: Axis, metric: str, sheet: Sheet) -> list[Column]:
    """The metric after the map, its change from the reference, and the temperature that cells would want."""
    found = []
    if any(one.after is not None for one in means):
        found.append(Column("after", [sheet.text(words.number((one.after or {}).get(metric))) for one in means]))
    if any(one.changes is not None for one in means):
        changes = [(one.changes or {}).get(metric) for one in means]
        found.append(Column("change", [sheet.text(words.change_of_mean(one)) for one in changes]))
    along = [[cell for cell in survey.measured if cell.axes[axis.name] == one.axes[axis.name]] for one in means]
    own = [words.mean_temperature(cells) for cells in along]
    return [*found, *([Column("T*", own)] if any(own) else [])]


def _cells(survey: Survey, sheet: Sheet) -> list[RenderableType]:
    """The main metrics of each cell of a survey with one axis."""
    axis, names = survey.axes[0], words.shown_metrics(survey)
    labels = [sheet.name(str(cell.axes[axis.name]), _NAMES) for cell in survey.measured]
    columns = []
    for name in names:
        heading = f"{digits.label(name)}\n{digits.unit(name)}".strip()
        columns.append(Column(heading, [sheet.text(words.number(one.metrics.get(name))) for one in survey.measured]))
        if any(cell.after is not None for cell in survey.measured):
            after = [sheet.text(words.number((cell.after or {}).get(name))) for cell in survey.measured]
            columns.append(Column("after", after))
    own = [words.mean_temperature([cell]) for cell in survey.measured]
    columns += [Column("T*", own)] if any(own) else []
    first = Column(visible(axis.name), list(labels), left=True)
    return [table([first, *block]) for block in blocks(columns, sheet.width - first.width - GUTTER)]


def _worst(survey: Survey, metric: str, sheet: Sheet, *, full: bool) -> list[RenderableType]:
    """The cells with the worst values."""
    ranked = words.by_value(survey.measured, metric)
    some = ranked if full else ranked[: words.WORST]
    told = [
        f"{visible(point_words(cell.axes))} {words.number(cell.metrics[metric])} "
        f"{words.interval(cell.metrics[metric])}".rstrip()
        for cell in some
    ]
    head = f"worst by {digits.heading(metric)}: "
    return [Text(line) for line in sheet.flow([f"{head}{told[0]}", *told[1:]])] if told else []
