"""A figure of metrics along an axis of a survey: panels side by side, with the same axis, in points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calibeval.core.errors import InputError
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.survey import Survey
from calibeval.render.drawing import legend
from calibeval.render.drawing.along import Along, along, along_marks
from calibeval.render.drawing.layout import INCH, Frame, Style, layout_of
from calibeval.render.drawing.letters import printable
from calibeval.render.drawing.marks import Box, Mark, Stroke, Text
from calibeval.render.drawing.sheet import Panel, Sheet, check_width
from calibeval.words.marks import shorten

STYLE = Style(title=8.0, text=7.0, small=6.0, words=True, flush=False, lines=1.0)
LEFT, RIGHT, GAP, ABOVE, BELOW, FLAT, TALLEST = 33.0, 6.0, 33.0, 15.0, 21.0, 0.78, 190.0
ORDERED = "there is no axis of numbers, such as a severity or an epoch, along which a metric could be drawn"


def ordered_axis(survey: Survey, wanted: Axis | None = None) -> Axis | None:
    """The axis along which metrics are drawn: that of the columns if its values are numbers, else the last such one."""
    if wanted is not None and wanted.ordered and len(wanted.values) > 1:
        return wanted
    found = [axis for axis in survey.axes if axis.ordered and len(axis.values) > 1]
    return found[-1] if found else None


def along_sheet(survey: Survey, metrics: Sequence[str], axis: Axis | None = None, inches: float | None = None) -> Sheet:
    """Metrics along an axis, a panel each. axis: None: the usual one. inches: 3.5 for one metric, else 7.

    Raises: InputError where there is nothing to draw; UsageError for a width below 2 or above 40 inches.
    """
    check_width(inches)
    axis = ordered_axis(survey) if axis is None else axis
    if axis is None:
        raise InputError(ORDERED)
    every = [one for one in (along(survey, name, axis) for name in metrics) if one is not None]
    if not every:
        raise InputError("no cell has a value of these metrics, so there is nothing to draw")
    layout = layout_of(1, inches if inches is not None else 3.5 if len(every) == 1 else 7.0)
    width = layout.width
    side = (width - LEFT - RIGHT - (len(every) - 1) * GAP) / len(every)
    tall = min(FLAT * side, TALLEST, 4.0 * INCH)
    rows = legend.lines_of(entries(every[0]), width - LEFT, STYLE.text)
    layout = replace(layout, style=STYLE, left=LEFT, below=legend.height_of(rows, STYLE.text))
    height = ABOVE + tall + BELOW + layout.below
    panels, marks = [], legend.drawn(rows, LEFT, STYLE.text)
    for i, one in enumerate(every):
        frame = Frame(LEFT + i * (side + GAP), BELOW + layout.below, side, tall)
        panels.append(
            Panel(
                "along",
                frame,
                tuple(along_marks(one)),
                one.places,
                one.ticks,
                x_numbered=True,
                y_numbered=True,
                x_title=shorten(printable(one.axis), 40),
                grid=True,
            )
        )
        marks.append(Text("ink", (frame.x, frame.y + tall + 5.0), one.up, STYLE.title, bold=True))
    title = f"{', '.join(one.up for one in every)} along {shorten(printable(axis.name), 40)}"
    return Sheet(layout, width, height, title, ". ".join(map(described, every)), tuple(panels), tuple(marks))


def entries(found: Along) -> list[legend.Entry]:
    """What the marks mean."""
    if not found.boxed:
        names = ("before", "after") if found.after else ("before",)
        words = {"before": "before the map" if found.after else "value and interval", "after": "after the map"}
        return [legend.Entry((Stroke(f"line {name}", (0.0, 0.5), (1.0, 0.5)),), words[name]) for name in names]
    over = shorten(printable(", ".join(found.over)), 60)
    first = f"{'before the map: ' if found.after else ''}middle half over {over}, median, smallest to largest"
    sides = [("before", first)] + ([("after", "after the map")] if found.after else [])
    return [legend.Entry(_example(name), words) for name, words in sides]


def _example(name: str) -> tuple[Mark, ...]:
    return (
        Stroke(f"stem {name}", (0.0, 0.5), (1.0, 0.5)),
        Box(f"box {name}", 0.22, 0.0, 0.5, 1.0),
        Stroke(f"middle {name}", (0.5, 0.0), (0.5, 1.0)),
    )


def described(found: Along) -> str:
    """What is drawn, for those who cannot see it."""
    ends = [(i, one) for i, one in enumerate(found.before) if one is not None]
    (first, low), (last, high) = ends[0], ends[-1]
    name = shorten(printable(found.axis), 40)
    text = f"{found.up}: median {low.quartiles[1]:.4g} at {name} {found.labels[first]}, {high.quartiles[1]:.4g} at "
    text += found.labels[last]
    mapped = [one for one in found.after if one is not None]
    if mapped:
        text += f"; after the map {mapped[0].quartiles[1]:.4g} and {mapped[-1].quartiles[1]:.4g}"
    return text
