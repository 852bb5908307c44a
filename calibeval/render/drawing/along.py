"""A metric of many cells along an axis: a box over the other axes at each value, before and after a map.

Boxes reach from the lower to the upper quartile, with a line at the median; stems go to the smallest and the largest
cell. Source: Ovadia et al., NeurIPS 2019, figure 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.survey.axes import Axis, Point
from calibeval.core.survey.choice import agrees
from calibeval.core.survey.survey import Cell, Survey
from calibeval.render.drawing.marks import Box, Dot, Mark, Path, Spot, Stroke
from calibeval.render.drawing.ticks import Tick
from calibeval.words import digits
from calibeval.words.marks import round_ticks
from calibeval.words.names import visible

_ROOM, _SHARE, _MOST_LABELS = 0.06, 0.62, 10
SIDES = ("before", "after")


@dataclass(frozen=True, slots=True)
class Group:
    """The values of the cells at one place of the axis, ascending; ends: the interval, if there is one cell."""

    values: tuple[float, ...]
    ends: tuple[float, float] | None = None

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """The lower quartile, the median and the upper quartile."""
        low, middle, high = (float(one) for one in np.quantile(self.values, (0.25, 0.5, 0.75)))
        return low, middle, high


@dataclass(frozen=True, slots=True)
class Along:
    """A metric along an axis, in the units in which people read it.

    labels: the values of the axis. before, after: the cells at each; None where there are none, and after is empty
    without a map, or where it changes nothing. over: the axes over which there is a box. low, high: the ends of the
    vertical axis.
    """

    metric: str
    axis: str
    labels: tuple[str, ...]
    before: tuple[Group | None, ...]
    after: tuple[Group | None, ...]
    over: tuple[str, ...]
    low: float
    high: float

    @property
    def boxed(self) -> bool:
        """Whether some place has more than one cell."""
        return any(len(one.values) > 1 for one in self.before if one is not None)

    @property
    def up(self) -> str:
        """What the vertical axis is."""
        unit = digits.unit(self.metric)
        return f"{digits.label(self.metric)}{', ' if unit else ''}{unit}"

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Numbers of the vertical axis."""
        span = self.high - self.low
        return tuple(Tick((t - self.low) / span, f"{t:g}") for t in round_ticks(self.low, self.high, 5))

    @property
    def places(self) -> tuple[Tick, ...]:
        """The values of the axis; of many, every second is written, or every third, and so on."""
        count = len(self.labels)
        step = -(-count // _MOST_LABELS)
        return tuple(Tick((i + 0.5) / count, self.labels[i]) for i in range(0, count, step))


def along(survey: Survey, metric: str, axis: Axis, fixed: Point | None = None) -> Along | None:
    """A metric along an axis; None if no cell has it. fixed: values of other axes that all cells have."""
    held = [cell for cell in survey.measured if agrees(cell.axes, fixed or {})]
    sides = [_groups([cell.metrics.get(metric) for cell in held], held, axis)]
    mapped = any(cell.after is not None for cell in held)
    sides += [_groups([(cell.after or {}).get(metric) for cell in held], held, axis)] if mapped else []
    if mapped and sides[0] == sides[1]:
        sides.pop()
    every = [x for side in sides for one in side if one is not None for x in (*one.values, *(one.ends or ()))]
    if not every:
        return None
    low, high = _ends(metric, min(every), max(every))
    over = tuple(one.name for one in survey.axes if one.name != axis.name and one.name not in (fixed or {}))
    labels = tuple(visible(str(value)) for value in axis.values)
    return Along(metric, axis.name, labels, sides[0], sides[1] if len(sides) > 1 else (), over, low, high)


def along_marks(found: Along, *, spots: bool = False) -> list[Mark]:
    """The marks, from back to front. spots: whether each place says its numbers to pointer and keyboard."""
    sides = [side for side in (found.before, found.after) if side]
    count, wide = len(found.labels), _SHARE / len(sides)
    marks: list[Mark] = []
    for s, (name, side) in enumerate(zip(SIDES, sides, strict=False)):
        middles = [(i + 0.5 - 0.5 * _SHARE + (s + 0.5) * wide) / count for i in range(count)]
        if not found.boxed:
            points = [(x, _place(found, one.values[0])) for x, one in zip(middles, side, strict=True) if one]
            marks += [Path(f"line {name}", tuple(points))] if len(points) > 1 else []
        for x, group in zip(middles, side, strict=True):
            marks += [] if group is None else _box(found, group, x, 0.8 * wide / count, name)
    if spots:
        marks += [Spot(i / count, 1.0 / count, said(found, i)) for i in range(count) if found.before[i] is not None]
    return marks


def said(found: Along, index: int) -> str:
    """The numbers at one place, in words."""
    parts = []
    for name, side in zip(SIDES, (found.before, found.after), strict=True):
        group = side[index] if side else None
        if group is not None:
            low, middle, high = group.quartiles
            unit = f" {digits.unit(found.metric)}".rstrip()
            text = f"median {middle:.4g}{unit}, half {low:.4g} – {high:.4g}, all {group.values[0]:.4g} – "
            text = text + f"{group.values[-1]:.4g}" if len(group.values) > 1 else f"{middle:.4g}{unit}"
            parts.append(f"{name + ': ' if found.after else ''}{text}")
    return f"{visible(found.axis)} {found.labels[index]}: {'; '.join(parts)}"


def _box(found: Along, group: Group, x: float, width: float, name: str) -> list[Mark]:
    """A box with its stems; of one cell a dot with its interval."""
    if len(group.values) == 1:
        ends = () if group.ends is None else [_place(found, end) for end in group.ends]
        stems: list[Mark] = [Stroke(f"stem {name}", (x, ends[0]), (x, ends[1]))] if ends else []
        return [*stems, Dot(f"dot {name}", (x, _place(found, group.values[0])))]
    low, middle, high = (_place(found, one) for one in group.quartiles)
    least, most = (_place(found, one) for one in (group.values[0], group.values[-1]))
    left, right = x - 0.5 * width, x + 0.5 * width
    cap = 0.25 * width
    return [
        Stroke(f"stem {name}", (x, least), (x, low)),
        Stroke(f"stem {name}", (x, high), (x, most)),
        *(Stroke(f"stem {name}", (x - cap, end), (x + cap, end)) for end in (least, most)),
        Box(f"box {name}", left, low, width, max(high - low, 0.002)),
        Stroke(f"middle {name}", (left, middle), (right, middle)),
    ]


def _place(found: Along, value: float) -> float:
    return (value - found.low) / (found.high - found.low)


def _groups(every: Sequence[MetricResult | None], cells: Sequence[Cell], axis: Axis) -> tuple[Group | None, ...]:
    """The values at each place, scaled as people read them."""
    groups: list[Group | None] = []
    for value in axis.values:
        held = [one for one, cell in zip(every, cells, strict=True) if cell.axes[axis.name] == value]
        known = [one for one in held if one is not None and one.value is not None]
        values = sorted(digits.scaled(one.name, one.value or 0.0) for one in known)
        own = known[0] if len(known) == 1 else None
        ends = None
        if own is not None and own.low is not None and own.high is not None:
            ends = (digits.scaled(own.name, own.low), digits.scaled(own.name, own.high))
        groups.append(Group(tuple(values), ends) if values else None)
    return tuple(groups)


def _ends(metric: str, least: float, most: float) -> tuple[float, float]:
    """The ends of the axis: errors begin at 0."""
    spec = EVERY.get(metric)
    if spec is not None and spec.better == "lower" and spec.least == 0.0 and least >= 0.0:
        return 0.0, most * (1.0 + _ROOM) or 1.0
    room = _ROOM * (most - least) or 0.1 * abs(most) or 0.1
    low, high = least - room, most + room
    top = None if spec is None or spec.most is None else digits.scaled(metric, spec.most)
    return low, high if top is None else max(min(high, top), most)
