"""The cells of a survey before they are measured: where each lies on the axes, and which dump it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calibeval.core.errors import InputError, UsageError, cut
from calibeval.core.metrics.table import METRICS
from calibeval.core.survey.axes import Axis, Point, key_of, placed, words

RESERVED = ("dump", "rows", "classes", "best_temperature", "error")


@dataclass(frozen=True, slots=True)
class Block:
    """One of several blocks of equal size in which the rows of a dump lie one after the other, from 0."""

    index: int
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """A dump with the texts of its axes, as they stand in its name. block: the part of its rows; None: all.

    labels: the file with its labels; None: none of its own.
    """

    texts: Mapping[str, str] = field(compare=False)
    dump: str
    block: Block | None = None
    labels: str | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.dump if self.block is None else f"{self.dump}, block {self.block.index + 1} of {self.block.count}"


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell to be measured: its point on the axes, its texts and its dump."""

    point: Point
    found: Found


@dataclass(frozen=True, slots=True)
class Plan:
    """All cells in the order of the axes, and the names beside them that no pattern matched."""

    axes: tuple[Axis, ...]
    cells: tuple[Planned, ...]
    beside: tuple[str, ...] = ()


def planned(every: Sequence[Found], beside: Sequence[str], said: str) -> Plan:
    """The cells on their axes. said: the patterns, for messages.

    Raises: UsageError without an axis, or for one with a single value; InputError for two dumps in one cell.
    """
    axes, points = placed([one.texts for one in every])
    if not axes:
        raise UsageError(f"{cut(said)}: names no axis; write what varies in braces, as in 'preds/{{model}}.npz'")
    names = [axis.name for axis in axes]
    taken_name = next((name for name in names if name in RESERVED or name in METRICS), None)
    if taken_name is not None:
        raise UsageError(f'an axis cannot be called "{taken_name}": the table of cells has a column of that name')
    taken: dict[object, Found] = {}
    for point, one in zip(points, every, strict=True):
        other = taken.setdefault(key_of(point, names), one)
        if other is not one:
            raise InputError(
                f"{cut(other.name)} and {cut(one.name)} are both the cell {words(point, named=True)}: each cell is one "
                "dump; name what differs as an axis, too"
            )
    for axis in axes:
        if len(axis.values) == 1:
            raise UsageError(
                f'axis {axis.name} has one value only, "{axis.values[0]}": write it in place of {{{axis.name}}}, or '
                "add what it is compared with"
            )
    places = {axis.name: {value: i for i, value in enumerate(axis.values)} for axis in axes}
    cells = [Planned(point, one) for point, one in zip(points, every, strict=True)]
    cells.sort(key=lambda cell: [places[name][cell.point[name]] for name in names])
    return Plan(axes, tuple(cells), tuple(beside))
