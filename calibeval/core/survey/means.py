"""Means of metrics over cells: every cell weighs the same, whatever its number of rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from calibeval.core.comparison.difference import Difference
from calibeval.core.data.notices import reason
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.survey.axes import Axis, Point, key_of
from calibeval.core.survey.survey import Cell, Change, Mean, MeanResult
from calibeval.core.survey.together import Together

ALL_SETS = 4  # axes of which every set of them is averaged over
FACTORS = ("temperature",)  # their means are geometric
ENDS = "the mean of the cells' intervals, which is conservative"
NOTHING = "no cell has a value"


def means_of(
    axes: Sequence[Axis],
    cells: Sequence[Cell],
    together: Together | None = None,
    changes: Sequence[Change | None] = (),
) -> tuple[Mean, ...]:
    """The means over each set of axes, from all axes down to single ones. together: None: the cells' ends are used.

    changes: of each cell from its reference; empty without one.
    """
    found = []
    for over in averaged([axis.name for axis in axes]):
        rest = [axis.name for axis in axes if axis.name not in over]
        by_rest: dict[object, list[int]] = {}
        for i, cell in enumerate(cells):
            if cell.measured:
                by_rest.setdefault(key_of(cell.axes, rest), []).append(i)
        for some in by_rest.values():
            mean = mean_of(cells, some, over, rest, together)
            found.append(replace(mean, changes=_changes(changes, some, together)) if changes else mean)
    return tuple(found)


def averaged(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The sets of axes that are averaged over; of many axes only all, all but one, and single ones.

    >>> averaged(["corruption", "severity"])
    [('corruption', 'severity'), ('corruption',), ('severity',)]
    """
    count = len(names)
    sizes = range(count, 0, -1) if count <= ALL_SETS else (count, count - 1, 1)
    return [some for size in sizes for some in itertools.combinations(names, size)]


def mean_of(
    cells: Sequence[Cell], some: Sequence[int], over: tuple[str, ...], rest: Sequence[str], together: Together | None
) -> Mean:
    """The mean over these cells. rest: the axes that have one value in them."""
    held = [cells[i] for i in some]
    point: Point = {name: held[0].axes[name] for name in rest}
    before = _results([cell.metrics for cell in held], some, together, after=False)
    mapped = [cell.after for cell in held if cell.after is not None]
    after = _results(mapped, some, together, after=True) if len(mapped) == len(held) else None
    return Mean(point, over, len(held), before, after)


def _changes(
    changes: Sequence[Change | None], some: Sequence[int], together: Together | None
) -> dict[str, MeanResult] | None:
    """The mean changes over those of these cells that have a reference; None if none has, or one was not compared."""
    held = [i for i in some if changes[i] is not None]
    known = [change.differences for i in held if (change := changes[i]) is not None and change.differences]
    if not known or len(known) < len(held):
        return None
    names = EVERY.ordered(list(dict.fromkeys(name for one in known for name in one)))
    found = {}
    for name in names:
        own = None if together is None else together.change(name, held)
        plain = [None if (one := every.get(name)) is None else _as_metric(one) for every in known]
        found[name] = _mean(name, plain, own)
    return found


def _as_metric(one: Difference) -> MetricResult:
    return MetricResult(one.name, one.difference, low=one.low, high=one.high)


def _results(
    every: Sequence[Mapping[str, MetricResult]], some: Sequence[int], together: Together | None, *, after: bool
) -> dict[str, MeanResult]:
    names = EVERY.ordered(list(dict.fromkeys(name for metrics in every for name in metrics)))
    ends = {name: None if together is None else together.interval(name, some, after=after) for name in names}
    return {name: _mean(name, [one.get(name) for one in every], ends[name], name in FACTORS) for name in names}


def _mean(
    name: str, found: Sequence[MetricResult | None], own: tuple[float, float] | None, factor: bool = False
) -> MeanResult:
    """The mean of some values. own: its interval; None: the mean of the intervals' ends. factor: a geometric mean."""
    values = [one.value for one in found if one is not None and one.value is not None]
    if len(values) < len(found):
        lacking = len(found) - len(values)
        text = NOTHING if not values else f"{lacking} of {len(found)} cells have no value"
        return MeanResult(name, None, reason("not_measured", text))
    value = _middle(values, factor)
    least, most = min(values), max(values)
    if own is not None:
        return MeanResult(name, value, None, *own, least, most)
    ends = [(one.low, one.high) for one in found if one is not None and one.low is not None and one.high is not None]
    if len(ends) < len(found):
        text = f"{len(found) - len(ends)} of {len(found)} cells have no interval"
        return MeanResult(name, value, reason("cells_ends", text) if ends else None, None, None, least, most)
    low, high = (_middle(side, factor) for side in zip(*ends, strict=True))
    return MeanResult(name, value, reason("cells_ends", ENDS), low, high, least, most)


def _middle(values: Sequence[float], factor: bool) -> float:
    """The mean; of factors, the geometric one, so that 2 and 1/2 have the mean 1."""
    if factor and min(values) > 0.0:
        return math.exp(math.fsum(map(math.log, values)) / len(values))
    return float(np.mean(values))
