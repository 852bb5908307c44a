"""Cells and means by the values of their axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from calibeval.core.errors import UsageError, nearest
from calibeval.core.survey.axes import Axis, Point, words
from calibeval.core.survey.survey import Cell, Mean, Survey


def axis_named(axes: Sequence[Axis], name: str) -> Axis:
    """The axis of that name. Raises: UsageError with the nearest name."""
    found = {axis.name: axis for axis in axes}
    if name not in found:
        raise UsageError(f'there is no axis "{name}"{nearest(name, found)}; axes are {", ".join(found)}')
    return found[name]


def checked_point(axes: Sequence[Axis], values: Mapping[str, Any]) -> Point:
    """Values of axes as the axes have them, with numbers as numbers. Raises: UsageError for others."""
    return {name: axis_named(axes, name).value(str(value)) for name, value in values.items()}


def agrees(point: Point, wanted: Point) -> bool:
    """Whether a point has these values."""
    return all(point.get(name) == value for name, value in wanted.items())


def one_cell(survey: Survey, values: Mapping[str, Any]) -> Cell:
    """The cell with these values. Raises: UsageError if there is none, or more than one."""
    wanted = checked_point(survey.axes, values)
    found = [cell for cell in survey.cells if agrees(cell.axes, wanted)]
    if len(found) != 1:
        raise UsageError(_not_one(len(found), "cell", wanted, [axis.name for axis in survey.axes]))
    return found[0]


def one_mean(survey: Survey, over: Sequence[str], values: Mapping[str, Any]) -> Mean:
    """The means over these axes (none named: over all that have no value). Raises: UsageError if there are none."""
    wanted = checked_point(survey.axes, values)
    axes = {axis_named(survey.axes, name).name for name in over}
    axes = axes or {axis.name for axis in survey.axes if axis.name not in wanted}
    found = [one for one in survey.means if {*one.over} == axes and agrees(one.axes, wanted)]
    if len(found) != 1:
        rest = [axis.name for axis in survey.axes if axis.name not in axes]
        raise UsageError(_not_one(len(found), f"mean over {', '.join(sorted(axes))}", wanted, rest))
    return found[0]


def _not_one(count: int, what: str, wanted: Point, names: Iterable[str]) -> str:
    told = words(wanted, named=True) or "no values"
    if not count:
        return f"there is no {what} with {told}"
    left = ", ".join(name for name in names if name not in wanted)
    return f"{count} of them have {told}, but one {what} is needed: say {left}, too"
