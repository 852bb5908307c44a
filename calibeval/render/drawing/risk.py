"""The marks of a risk-coverage curve: across, the share of rows that is answered; up, which share of them is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from calibeval.render.drawing.letters import text_width
from calibeval.render.drawing.marks import Anchor, Dot, Mark, Path, Point, Spot, Stroke, Text
from calibeval.words.risk import RiskCurve, said

ACROSS, UP = "Answered rows", "Error of answered rows"
# The curve of the best order is drawn through so many points.
_SMOOTH = 24
# A limit of the error beyond this multiple of the largest error does not stretch the axis.
_FARTHEST = 2.0
_ROOM, _LEAST = 1.16, 0.004
# The radius of a dot, and a little more.
_DOT = 5.0


def top_of(curves: Sequence[RiskCurve]) -> float:
    """The error at the upper edge of panels: that of all points, and limits that are not far above."""
    largest = max((one.risk for curve in curves for one in curve.steps), default=0.0)
    if largest == 0.0:
        largest = max((curve.steps[-1].high or 0.0 for curve in curves), default=0.0)
    largest = max(largest, _LEAST)
    limits = [limit for curve in curves for one in curve.certificates for limit in one.limits]
    return min(1.0, _ROOM * max([largest, *(limit for limit in limits if limit <= _FARTHEST * largest)]))


def risk_marks(curve: RiskCurve, top: float, others: Sequence[RiskCurve] = (), *, spots: bool = False) -> list[Mark]:
    """The curve with its band, both orders that it lies between, and certified thresholds, from back to front.

    top: the error at the upper edge. others: curves of other files, drawn faintly. spots: whether points say their
    numbers to pointer and keyboard.
    """
    marks: list[Mark] = []
    if curve.banded:
        marks.append(Path("ribbon", _band(curve, top), closed=True))
    if curve.error:
        marks += [Path("best", _best(curve, top)), Stroke("random", (0.0, curve.error / top), (1.0, curve.error / top))]
    marks += [Path("other", _line(one, top)) for one in others if len(one.steps) > 1]
    marks += [Path("halo", _line(curve, top)), Path("curve", _line(curve, top))] if len(curve.steps) > 1 else []
    for one in curve.certificates:
        ends = [(one.coverage, min(share / top, 1.0)) for share in (one.risk, max(one.limits))]
        marks += [Stroke("limit", ends[0], ends[1]), Dot("certified", ends[0])]
    if len(curve.steps) == 1:
        marks.append(Dot("certified" if curve.certificates else "alone", (1.0, min(curve.error / top, 1.0))))
    return marks + (_spots(curve) if spots else [])


def both_marks(first: RiskCurve, second: RiskCurve, top: float) -> list[Mark]:
    """Two curves in one frame, "first" and "second"; one of a single point is a dot."""
    marks: list[Mark] = []
    for role, curve in (("first", first), ("second", second)):
        points = _line(curve, top)
        marks.append(Path(role, points) if len(points) > 1 else Dot(role, points[0]))
    return marks


def labels(
    curve: RiskCurve,
    top: float,
    room: tuple[float, float],
    size: float,
    others: Sequence[RiskCurve] = (),
    *,
    orders: bool = True,
) -> list[Text]:
    """The names of limits and of both orders, where they neither hide each other nor leave the panel.

    Names of orders do not hide a curve either. room: width and height of the panel, and size of the letters, in the
    same unit. others: curves of other files in the panel. orders: whether orders are named.
    """
    texts: list[Text] = []
    for one in curve.certificates:
        words, place = one.words, (one.coverage, min(max(one.limits) / top, 1.0))
        text = _beside(words, place, room, size)
        while _top(text, room) + 0.3 * size < room[1] and (
            _hides(text, curve, top, room, 1.0)
            or _crossed(text, curve.error / top, room)
            or any(_overlap(text, other, room) for other in texts)
        ):
            text = _moved(text, 0.3 * size)
        texts.append(text)
    texts = [text for i, text in enumerate(texts) if not any(_overlap(text, other, room) for other in texts[:i])]
    for choices in _orders(curve, top, room, size) if orders and curve.error else []:
        free = [one for one in choices if not any(_overlap(one, other, room) for other in texts)]
        texts += [one for one in free if not any(_hides(one, own, top, room) for own in (curve, *others))][:1]
    return texts


def _orders(curve: RiskCurve, top: float, room: tuple[float, float], size: float) -> list[list[Text]]:
    """Where the names of both orders may stand, the best place first."""
    y, right = curve.error / top, 1.0 - curve.error
    random = f"random order {100.0 * curve.error:.3g} %"
    above, below = 0.35 * size, -1.05 * size
    wide = text_width("best order", size) + 8.0
    start = Text("quiet", (right, 0.0), "best order", size, "end", dx=-4.0, dy=above)
    corner = Text("quiet", (1.0, 0.0), "best order", size, "end", dx=-4.0, dy=above)
    fits = right * room[0] >= wide
    sides: tuple[tuple[float, Anchor, float], ...] = ((0.0, "start", 4.0), (1.0, "end", -4.0))
    rising = curve.best(1.0 - wide / room[0]) / top * room[1] if room[0] > wide else 0.0
    return [
        [
            Text("quiet", (x, y), random, size, anchor, dx=dx, dy=dy)
            for dy in (above, below)
            for x, anchor, dx in sides
            if 0.0 <= y * room[1] + dy <= room[1] - size
        ],
        [*([start] if fits else []), *([corner] if rising >= 1.5 * size else [])],
    ]


def _beside(words: str, place: Point, room: tuple[float, float], size: float) -> Text:
    """Left of the place and above it; to the right where the left edge is near."""
    left = place[0] * room[0] >= text_width(words, size) + 4.0
    up = min(0.3 * size, room[1] * (1.0 - place[1]) - size)
    return Text("ink", place, words, size, "end" if left else "start", dx=-3.0 if left else 3.0, dy=up)


def _moved(text: Text, up: float) -> Text:
    return Text(text.role, text.place, text.words, text.size, text.anchor, text.dx, text.dy + up)


def _box(text: Text, room: tuple[float, float]) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a text in a panel."""
    wide = text_width(text.words, text.size)
    left = text.place[0] * room[0] + text.dx - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor] * wide
    base = text.place[1] * room[1] + text.dy
    return left, base - 0.2 * text.size, left + wide, base + 0.75 * text.size


def _top(text: Text, room: tuple[float, float]) -> float:
    return _box(text, room)[3]


def _overlap(one: Text, other: Text, room: tuple[float, float]) -> bool:
    a, b = _box(one, room), _box(other, room)
    return min(a[2], b[2]) > max(a[0], b[0]) - 2.0 and min(a[3], b[3]) > max(a[1], b[1])


def _crossed(text: Text, height: float, room: tuple[float, float]) -> bool:
    """Whether a level line at this height runs through the text."""
    _, bottom, _, above = _box(text, room)
    return bottom <= height * room[1] <= above


def _hides(text: Text, curve: RiskCurve, top: float, room: tuple[float, float], near_by: float = _DOT) -> bool:
    """Whether the curve would be behind the text. near_by: the distance to keep; by default that of a dot."""
    left, bottom, right, above = _box(text, room)
    places = [one.coverage * room[0] for one in curve.steps]
    heights = [one.risk / top * room[1] for one in curve.steps]
    near = [y for x, y in zip(places, heights, strict=True) if left - near_by <= x <= right + near_by]
    ends = [float(np.interp(x, places, heights)) for x in (left, right)]
    return any(bottom - near_by <= y <= above + near_by for y in (*near, *ends))


def _line(curve: RiskCurve, top: float) -> tuple[Point, ...]:
    return tuple((one.coverage, min(one.risk / top, 1.0)) for one in curve.steps)


def _band(curve: RiskCurve, top: float) -> tuple[Point, ...]:
    """The outline of the intervals, as far as the panel goes."""
    lower = [(one.coverage, min((one.low or 0.0) / top, 1.0)) for one in curve.steps]
    upper = _cut([(one.coverage, (one.risk if one.high is None else one.high) / top) for one in curve.steps])
    return (*lower, *reversed(upper))


def _cut(points: Sequence[Point]) -> list[Point]:
    """The points up to 1, with those where the line between two of them crosses it."""
    found: list[Point] = []
    for (x, y), (x2, y2) in pairwise([*points, points[-1]]):
        found.append((x, min(y, 1.0)))
        if (y - 1.0) * (y2 - 1.0) < 0.0:
            found.append((x + (x2 - x) * (1.0 - y) / (y2 - y), 1.0))
    return found


def _best(curve: RiskCurve, top: float) -> tuple[Point, ...]:
    """No error as long as right rows are left, then more and more."""
    right = 1.0 - curve.error
    rising = [right + curve.error * i / _SMOOTH for i in range(_SMOOTH + 1)]
    return ((0.0, 0.0), *((x, curve.best(x) / top) for x in rising))


def _spots(curve: RiskCurve) -> list[Mark]:
    """An area around each point, up to the middle between it and its neighbours."""
    places = [one.coverage for one in curve.steps]
    middles = [0.0, *(0.5 * (a + b) for a, b in pairwise(places)), 1.0]
    return [Spot(a, b - a, said(one)) for one, (a, b) in zip(curve.steps, pairwise(middles), strict=True)]
