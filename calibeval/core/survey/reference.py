"""Which cell each cell is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from calibeval.core.errors import UsageError, cut
from calibeval.core.survey.axes import Axis, Point, Value, words
from calibeval.core.survey.pattern import axis_names


class AtValue(NamedTuple):
    """The cells at one value of an axis, as severity=0."""

    axis: str
    value: Value


class OfDump(NamedTuple):
    """A dump, perhaps with axes in its name, as val/{model}.npz. axes: those in its name."""

    pattern: str
    axes: tuple[str, ...]


Reference = AtValue | OfDump


def reference_named(axes: Sequence[Axis], text: str) -> Reference:
    """What a person named: AXIS=VALUE, or a dump. Raises: UsageError for a value or an axis that is not there."""
    name, sign, value = text.partition("=")
    axis = next((one for one in axes if one.name == name.strip()), None)
    if sign and axis is not None:
        return AtValue(axis.name, axis.value(value))
    named = axis_names(text)
    known = [axis.name for axis in axes]
    missing = [name for name in named if name not in known]
    if missing:
        raise UsageError(f'"{cut(text)}": there is no axis "{missing[0]}"; axes are {", ".join(known)}')
    return OfDump(text, named)


def index_of(point: Point, every: Sequence[Point], wanted: AtValue) -> int | None:
    """The reference of a cell: of those at the value, the one with the most of its other values; None for one of these.

    Raises: UsageError if several have as many.

    >>> points = [{"c": "fog", "s": 1}, {"c": "clean", "s": 0}]
    >>> index_of(points[0], points, AtValue("s", 0)), index_of(points[1], points, AtValue("s", 0))
    (1, None)
    """
    if point[wanted.axis] == wanted.value:
        return None
    alike = {
        i: sum(other[name] == value for name, value in point.items())
        for i, other in enumerate(every)
        if other[wanted.axis] == wanted.value
    }
    best = [i for i, count in alike.items() if count == max(alike.values())]
    if len(best) > 1:
        some = " and ".join(words(every[i], named=True) for i in best[:2])
        raise UsageError(
            f"{wanted.axis}={wanted.value}: {words(point, named=True)} has no cell of its own there, and "
            f"{some} are equally near; name one dump, or one with axes in braces"
        )
    return best[0]
