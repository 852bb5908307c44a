"""A rule drawn: the interval that decided, on a scale with the limit and the side that passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calibeval.core.gating.rules import Rule
from calibeval.core.gating.ruling import Judged
from calibeval.core.metrics.table import EVERY
from calibeval.render.page.marks import pct
from calibeval.words.digits import scaled
from calibeval.words.marks import round_ticks
from calibeval.words.rules import beside_interval, limit_of, limit_said
from calibeval.words.signs import signed

# As shares of the scale: room on either side, where labels stand aside, and a character and a space on a narrow page.
_ROOM, _EDGE, _CHARACTER, _SPACE = 0.12, 0.12, 0.05, 0.04
_MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class LimitTick:
    """A mark of the scale. anchor: which end of the label stands at the mark."""

    place: str
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class LimitPlot:
    """One part of the rows against a limit; places are shares of the width.

    good, good_width: the side that passes. low, high: ends of the whisker, empty without an interval. dot: the value
    that is printed. corrected: the value that the interval belongs to, empty where it is that value. none: the place of
    no change, for rules on a change. ticks: without that of the limit, mark.
    """

    good: str
    good_width: str
    limit: str
    low: str
    high: str
    dot: str
    corrected: str
    none: str
    mark: LimitTick
    ticks: tuple[LimitTick, ...]


def limit_plots(rule: Rule, parts: Sequence[Judged]) -> list[LimitPlot | None]:
    """The parts of one rule on one scale; None for those without a limit or a number."""
    there = [part for part in parts if beside_interval(part) is not None and part.threshold is not None]
    if not there:
        return [None] * len(parts)
    low, high = _range(rule, there)

    def place(value: float) -> float:
        return (value - low) / (high - low)

    return [_plot(rule, part, place, (low, high)) if part in there else None for part in parts]


def _range(rule: Rule, parts: Sequence[Judged]) -> tuple[float, float]:
    """The ends of the scale, in the unit in which the metric is shown."""
    found = [0.0] if rule.is_change else []
    for part in parts:
        marks = (value_drawn(rule, part), beside_interval(part), limit_of(rule, part), part.low, part.high)
        found += [x for x in marks if x is not None]
    numbers = [scaled(rule.metric, number) for number in found]
    room = _ROOM * ((max(numbers) - min(numbers)) or abs(numbers[0]) or 1.0)
    low, high, spec = min(numbers) - room, max(numbers) + room, EVERY[rule.metric]
    if not rule.is_change:
        least = 0.0 if spec.better == "zero" else spec.least
        low = max(low, scaled(rule.metric, least)) if min(numbers) >= scaled(rule.metric, least) else low
        high = high if spec.most is None else min(high, scaled(rule.metric, spec.most))
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _plot(rule: Rule, part: Judged, at: Callable[[float], float], ends: tuple[float, float]) -> LimitPlot:
    limit = scaled(rule.metric, limit_of(rule, part) or 0.0)
    passes_below = rule.kind in ("max", "max_increase")
    there = min(1.0, max(0.0, at(limit)))
    dot, centre = (scaled(rule.metric, x or 0.0) for x in (value_drawn(rule, part), beside_interval(part)))
    drawn = part.low is not None and part.high is not None
    mark = _tick(there, limit_said(rule, limit_of(rule, part) or 0.0))
    ticks = [_tick(at(t), _said(rule, t)) for t in round_ticks(*ends, most=_MOST_TICKS)]
    return LimitPlot(
        good=pct(0.0 if passes_below else there),
        good_width=pct(there if passes_below else 1.0 - there),
        limit=pct(there),
        low=pct(at(scaled(rule.metric, part.low or 0.0))) if drawn else "",
        high=pct(at(scaled(rule.metric, part.high or 0.0))) if drawn else "",
        dot=pct(at(dot)),
        corrected=pct(at(centre)) if part.centre is not None and pct(at(centre)) != pct(at(dot)) else "",
        none=pct(at(0.0)) if rule.is_change else "",
        mark=mark,
        ticks=tuple(_apart(mark, ticks)),
    )


def value_drawn(rule: Rule, part: Judged) -> float | None:
    """The value as it is printed: the size of a metric that is best at 0."""
    size = EVERY[rule.metric].better == "zero" and not rule.is_change
    return abs(part.value) if size and part.value is not None else part.value


def _tick(place: float, label: str) -> LimitTick:
    anchor = "start" if place < _EDGE else "end" if place > 1.0 - _EDGE else "middle"
    return LimitTick(pct(place), label, anchor)


def _apart(mark: LimitTick, ticks: Sequence[LimitTick]) -> list[LimitTick]:
    """The ticks whose labels overlap neither that of the limit nor each other, also where the scale is narrow."""
    kept: list[LimitTick] = []
    for tick in ticks:
        low, high = _extent(tick)
        if all(high + _SPACE < start or end + _SPACE < low for start, end in map(_extent, (mark, *kept))):
            kept.append(tick)
    return kept


def _extent(tick: LimitTick) -> tuple[float, float]:
    """Where a label begins and ends."""
    place, width = float(tick.place.rstrip("%")) / 100, _CHARACTER * len(tick.label)
    start = place - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[tick.anchor]
    return start, start + width


def _said(rule: Rule, number: float) -> str:
    if rule.is_change and number == 0:
        return "0"
    text = f"{number:.10g}"
    return signed(number, len(text.partition(".")[2])) if rule.is_change else text.replace("-", "\N{MINUS SIGN}")
