"""Rules over the cells of a survey: which cells each is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calibeval.core.errors import UsageError
from calibeval.core.gating.points import axes_in, point_in, said_point
from calibeval.core.gating.rules import Cells, Rule
from calibeval.core.survey.axes import Axis, Point, key_of
from calibeval.core.survey.choice import agrees, axis_named, checked_point


def expanded(rules: Sequence[Rule], axes: Sequence[Axis], points: Sequence[Point]) -> tuple[Rule, ...]:
    """The rules with the axes that each is over; the others have one value in each of them.

    An axis that a rule names neither under over nor under where makes a rule for each of its values. A rule without
    over is over all axes that have no value. points: of all cells.

    >>> axes, points = (Axis("c", ("a", "b")), Axis("s", (1, 2))), [{"c": c, "s": s} for c in "ab" for s in (1, 2)]
    >>> [one.part for one in expanded([Rule("ece", "max", 0.1, over="c")], axes, points)]
    ['worst over c at s=1', 'worst over c at s=2']
    >>> [one.part for one in expanded([Rule("ece", "max", 0.1, where="s=2")], axes, points)]
    ['worst over c at s=2']

    Raises: UsageError for axes and values that are not there, and for rules on slices.
    """
    return tuple(one for rule in rules for one in _expanded(rule, axes, points))


def point_of(rule: Rule, axes: Sequence[Axis]) -> Point:
    """The values of axes at which a rule is. Raises: UsageError for others."""
    return {} if rule.where is None else checked_point(axes, point_in(rule.where))


def cell_name(point: Point) -> str:
    """What a verdict calls a cell."""
    return said_point(point)


def _expanded(rule: Rule, axes: Sequence[Axis], points: Sequence[Point]) -> list[Rule]:
    if rule.slice is not None:
        raise UsageError(
            f'slice "{rule.slice}" of {rule.metric}: a gate over many dumps judges all rows of each; name cells by '
            'where = "axis=value", or gate one dump'
        )
    fixed = point_of(rule, axes)
    if rule.over is None:
        over = tuple(axis.name for axis in axes if axis.name not in fixed)
    else:
        over = tuple(axis_named(axes, name).name for name in axes_in(rule.over))
    both = [name for name in over if name in fixed]
    if both:
        raise UsageError(f"{rule.kind} of {rule.metric}: axis {both[0]} is under over and under where")
    at = [axis.name for axis in axes if axis.name not in over]
    held = {key_of(point, at): {name: point[name] for name in at} for point in points if agrees(point, fixed)}
    if not held:
        raise UsageError(f"{rule.kind} of {rule.metric}: there is no cell with {said_point(fixed)}")
    own = ",".join(over) or None
    cells: Cells = rule.cells or "worst"
    return [replace(rule, over=own, cells=cells, where=said_point(point) if point else None) for point in held.values()]
