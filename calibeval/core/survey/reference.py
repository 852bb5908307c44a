"""Which cell each cell is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from calibeval.core.errors import UsageError, cut
from calibeval.core.survey.axes import Axis, Point, Value, key_of, words
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


def indices_of(every: Sequence[Point], wanted: AtValue) -> list[int | None]:
    """The reference of each cell: the one at the value with the same other axes; None for a cell that lacks it.

    A reference is its own. Axes that no cell shares with a reference say nothing: clean/0 is that of fog/1 and fog/2.
    Of any other axis, the value must be the same: where a model has no cell at the value, another's does not do.

    Raises: UsageError if several do.

    >>> indices_of([{"c": "fog", "s": 1}, {"c": "clean", "s": 0}], AtValue("s", 0))
    [1, 1]
    >>> indices_of([{"m": "a", "s": 1}, {"m": "b", "s": 0}, {"m": "b", "s": 1}], AtValue("s", 0))
    [None, 1, 1]
    """
    shared = shared_axes(every, wanted)
    by_key: dict[object, list[int]] = {}
    for i, point in enumerate(every):
        if point[wanted.axis] == wanted.value:
            by_key.setdefault(key_of(point, shared), []).append(i)
    found: list[int | None] = []
    for i, point in enumerate(every):
        some = by_key.get(key_of(point, shared), [])
        if point[wanted.axis] == wanted.value:
            some = [i]
        elif len(some) > 1:
            told = " and ".join(words(every[j], named=True) for j in some[:2])
            raise UsageError(
                f"{wanted.axis}={wanted.value}: {words(point, named=True)} has no cell of its own there, and "
                f"{told} are equally near; name one dump, or one with axes in braces"
            )
        found.append(some[0] if some else None)
    return found


def shared_axes(every: Sequence[Point], wanted: AtValue) -> list[str]:
    """The axes of which some cell has the same value as a reference."""
    found = []
    for name in every[0]:
        sides = ({p[name] for p in every if (p[wanted.axis] == wanted.value) is at} for at in (True, False))
        if name != wanted.axis and next(sides) & next(sides):
            found.append(name)
    return found
