"""Axes of a survey, such as corruption and severity, and their values, which sort as numbers where all are numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.documents import Place
from calibeval.core.data.records import Layout
from calibeval.core.errors import UsageError, cut, nearest

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
LISTED = 8

Value = Any  # a text, or where all values of an axis are numbers, a number
Point = Mapping[str, Value]  # the value of each axis


def read_value(place: Place) -> Value:
    """A text or a number. Raises: Wrong."""
    return place.text() if isinstance(place.value, str) else place.anything()


def read_point(place: Place) -> Point:
    """The values of axes by their names. Raises: Wrong."""
    return {name: read_value(value) for name, value in place.items()}


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis with its values in their order.

    >>> Axis("severity", (1, 2, 10)).ordered, Axis("corruption", ("blur", "fog")).ordered
    (True, False)
    """

    LAYOUT: ClassVar = Layout(read={"values": lambda place: place.each(read_value)})

    name: str
    values: tuple[Value, ...]

    @property
    def ordered(self) -> bool:
        """Whether the values are numbers."""
        return all(not isinstance(value, str) for value in self.values)

    def value(self, text: str) -> Value:
        """The value that a person wrote. Raises: UsageError for one that is not there."""
        wanted = as_number(text) if self.ordered and is_number(text) else text.strip()
        if wanted not in self.values:
            known = [str(value) for value in self.values]
            listed = ", ".join(known[:LISTED]) + (", ..." if len(known) > LISTED else "")
            raise UsageError(f'axis {self.name} has no value "{cut(text)}"{nearest(text, known)}; it has {listed}')
        return wanted


def is_number(text: str) -> bool:
    """Whether a text is a number.

    >>> is_number("10"), is_number("1e-3"), is_number("noise_1"), is_number("1_2"), is_number("1e999")
    (True, True, False, False, False)
    """
    return re.fullmatch(NUMBER, text) is not None and math.isfinite(float(text))


def as_number(text: str) -> int | float:
    """The number that a text is; a whole one without a point is an int."""
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else float(text)


def placed(texts: Sequence[Mapping[str, str]]) -> tuple[tuple[Axis, ...], list[dict[str, Value]]]:
    """The axes of cells, and the value of each axis for each cell. texts: as they stand in names, for every axis.

    >>> axes, points = placed([{"model": "a", "epoch": "10"}, {"model": "b", "epoch": "9"}])
    >>> axes[1].values, points[0]
    ((9, 10), {'model': 'a', 'epoch': 10})
    """
    names = list(texts[0]) if texts else []
    numeric = {name for name in names if all(is_number(one[name]) for one in texts)}
    points = [{name: as_number(one[name]) if name in numeric else one[name] for name in names} for one in texts]
    axes = []
    for name in names:
        every = {point[name] for point in points}
        axes.append(Axis(name, tuple(sorted(every, key=None if name in numeric else natural))))
    return tuple(axes), points


def key_of(point: Point, names: Sequence[str]) -> tuple[Hashable, ...]:
    """The values of these axes as a key."""
    return tuple(point.get(name) for name in names)


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts epoch2 before epoch10.

    >>> sorted(["epoch10", "epoch2"], key=natural)
    ['epoch2', 'epoch10']
    """
    parts = re.split(r"([0-9]{1,4000})", text)
    return tuple((1, int(part), part) if i % 2 else (0, 0, part) for i, part in enumerate(parts))


def words(point: Point, *, named: bool = False) -> str:
    """A point in words.

    >>> words({"corruption": "fog", "severity": 3}), words({"corruption": "fog", "severity": 3}, named=True)
    ('fog 3', 'corruption=fog, severity=3')
    """
    if named:
        return ", ".join(f"{name}={value}" for name, value in point.items())
    return " ".join(str(value) for value in point.values())
