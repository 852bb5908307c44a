"""The ECE of single images on one axis: a dot for each, the worst with names, the middle half and the median behind."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.report.report import DumpReport
from calibeval.core.report.views import by_image
from calibeval.render.drawing.letters import printable
from calibeval.render.drawing.marks import Anchor, Box, Dot, Mark, Stroke, Text
from calibeval.render.drawing.ticks import Tick
from calibeval.words.marks import round_ticks, shorten

MOST_DOTS = 500
_GOLDEN = 0.6180339887498949  # multiples of it are spread evenly
_LONGEST = 20  # letters of a name
_ROOM = 1.04  # the axis is so much longer than the largest value


@dataclass(frozen=True, slots=True)
class Strip:
    """Marks of a panel whose horizontal axis goes from 0 to `top`. ticks: in percent."""

    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    top: float


def strip_of(dump: DumpReport, size: float = 6.0) -> Strip | None:
    """The strip; None if fewer than two images have an ECE. Of many images, those of evenly spaced ranks are drawn.

    size: of the names of the worst, in points.
    """
    judged = by_image(dump)
    number, values = (None, ()) if judged is None else (judged.lead, judged.spread)
    if number is None or len(values) < 2 or number.lower_quartile is None or number.upper_quartile is None:
        return None
    top = _ROOM * max(values[0].value, number.pooled or 0.0) or 1.0
    left, right = number.lower_quartile / top, number.upper_quartile / top
    marks: list[Mark] = [Box("quartiles", left, 0.0, right - left, 1.0)]
    if number.median is not None:
        marks.append(Stroke("median", (number.median / top, 0.0), (number.median / top, 1.0)))
    if number.pooled is not None:
        marks.append(Stroke("pooled", (number.pooled / top, 0.0), (number.pooled / top, 1.0)))
    kept = {round(one * (len(values) - 1) / (MOST_DOTS - 1)) for one in range(MOST_DOTS)}
    chosen = [(rank, values[rank].value) for rank in sorted(kept, reverse=True) if rank < len(values)]
    worst, named = len(number.worst), list[Mark]()
    for rank, value in chosen:
        x = value / top
        if rank >= worst:
            marks.append(Dot("image", (x, 0.12 + 0.76 * (rank * _GOLDEN % 1.0))))
            continue
        place = x, (0.82, 0.5, 0.18)[rank]
        name, side = shorten(printable(values[rank].image), _LONGEST), -1.0 if x > 0.5 else 1.0
        anchor: Anchor = "end" if x > 0.5 else "start"
        named.append(Text("ink", place, name, size, anchor, dx=5.0 * side, dy=-0.36 * size))
        marks.append(Dot("worst", place))
    marks += named
    ticks = tuple(Tick(tick / 100.0 / top, f"{tick:g}") for tick in round_ticks(0.0, 100.0 * top, 7))
    return Strip(tuple(marks), ticks, top)
