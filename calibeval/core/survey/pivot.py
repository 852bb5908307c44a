"""One metric of a survey as a table: an axis down, an axis across, and means over all other axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.errors import UsageError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.survey.axes import Axis, Point, Value
from calibeval.core.survey.choice import axis_named
from calibeval.core.survey.survey import Mean, MeanResult, Survey

MOST_COLUMNS = 12
Entry = MetricResult | MeanResult | None


@dataclass(frozen=True, slots=True)
class Pivot:
    """The table. rows, columns: the axes; columns is None where there is one axis only. over: axes averaged over.

    entries: by row and column; None where no cell was measured. row_means, column_means: over the other axis and over
    `over`. whole: over all axes.
    """

    metric: str
    rows: Axis
    columns: Axis | None
    over: tuple[str, ...]
    entries: tuple[tuple[Entry, ...], ...]
    row_means: tuple[Entry, ...]
    column_means: tuple[Entry, ...]
    whole: Entry


def pivot(
    survey: Survey, metric: str, rows: str | None = None, columns: str | None = None, *, after: bool = False
) -> Pivot:
    """The table of a metric. rows, columns: names of axes; None: `usual_axes`. after: of the metrics after a map.

    Raises: UsageError for an axis that is not there, or one that is both rows and columns.
    """
    down, across = chosen_axes(survey.axes, rows, columns)
    over = tuple(axis.name for axis in survey.axes if axis not in (down, across))
    cells = {_key(cell.axes, down, across): cell for cell in survey.cells if cell.measured} if not over else {}

    def entry(row: Value, column: Value) -> Entry:
        if over:
            return _of_mean(survey, {down.name: row} | ({} if across is None else {across.name: column}), metric, after)
        cell = cells.get((row, column))
        metrics = None if cell is None else cell.after if after else cell.metrics
        return None if metrics is None else metrics.get(metric)

    others = (None,) if across is None else across.values
    return Pivot(
        metric,
        down,
        across,
        over,
        tuple(tuple(entry(row, column) for column in others) for row in down.values),
        tuple(_of_mean(survey, {down.name: row}, metric, after) for row in down.values),
        () if across is None else tuple(_of_mean(survey, {across.name: one}, metric, after) for one in across.values),
        _of_mean(survey, {}, metric, after),
    )


def chosen_axes(axes: Sequence[Axis], rows: str | None, columns: str | None) -> tuple[Axis, Axis | None]:
    """The axes down and across. Raises: UsageError."""
    if rows is not None and rows == columns:
        raise UsageError(f"--rows and --columns are both {rows}, but two axes are needed")
    down = None if rows is None else axis_named(axes, rows)
    across = None if columns is None else axis_named(axes, columns)
    if len(axes) == 1:
        if across is not None:
            raise UsageError(f"--columns {across.name}: there is one axis only, which is that of the rows")
        return axes[0], None
    free = [axis for axis in axes if axis not in (down, across)]
    if across is None:
        across = usual_columns(free)
        free.remove(across)
    return free[0] if down is None else down, across


def usual_columns(free: list[Axis]) -> Axis:
    """The axis across: the last one whose values are numbers, if they have room; else the one with the fewest."""
    ordered = [axis for axis in free if axis.ordered and len(axis.values) <= MOST_COLUMNS]
    return ordered[-1] if ordered else min(reversed(free), key=lambda axis: len(axis.values))


def means_along(survey: Survey, axis: Axis) -> list[Mean]:
    """The means over all other axes, one for each value of this axis that has cells."""
    others = {one.name for one in survey.axes if one is not axis}
    found = {one.axes[axis.name]: one for one in survey.means if {*one.over} == others and axis.name in one.axes}
    return [found[value] for value in axis.values if value in found]


def _key(point: Point, down: Axis, across: Axis | None) -> tuple[Value, Value]:
    return point[down.name], None if across is None else point[across.name]


def _of_mean(survey: Survey, point: dict[str, Value], metric: str, after: bool) -> Entry:
    """The mean over all axes that the point does not fix."""
    for one in survey.means:
        if one.axes == point:
            metrics = one.after if after else one.metrics
            return None if metrics is None else metrics.get(metric)
    return None
