"""A figure of many models: error against calibration error, before and after the map, in points."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.errors import InputError
from calibeval.core.survey.survey import Survey
from calibeval.render.drawing import legend
from calibeval.render.drawing.along_sheet import BELOW, LEFT, RIGHT, STYLE
from calibeval.render.drawing.layout import Frame, layout_of
from calibeval.render.drawing.letters import printable
from calibeval.render.drawing.marks import Dot, Stroke
from calibeval.render.drawing.sheet import Panel, Sheet, check_width
from calibeval.render.drawing.zoo import Zoo, zoo_marks, zoo_of

_FLAT, _TOP, _MOST_NAMED = 0.72, 8.0, 40
ACROSS, UP = "error, %", "ECE, %"
UNRANKED = "no models are ranked, so there is nothing to draw of them: name their axis with --rank"


def zoo_sheet(survey: Survey, inches: float | None = None) -> Sheet:
    """The models of a ranking. inches: 3.5 by default.

    Raises: InputError without a ranking of two models; UsageError for a width below 2 or above 40 inches.
    """
    check_width(inches)
    found = zoo_of(survey)
    if found is None:
        raise InputError(UNRANKED)
    layout = layout_of(1, inches)
    side = layout.width - LEFT - RIGHT
    rows = legend.lines_of([*entries(), *_names(found)], layout.width - LEFT, STYLE.text)
    layout = replace(layout, style=STYLE, left=LEFT, below=legend.height_of(rows, STYLE.text))
    frame = Frame(LEFT, BELOW + layout.below, side, _FLAT * side)
    panel = Panel(
        "models",
        frame,
        tuple(zoo_marks(found, STYLE.small)),
        found.across,
        found.up,
        x_numbered=True,
        y_numbered=True,
        x_title=ACROSS,
        y_title=UP,
        grid=True,
    )
    height = _TOP + frame.y + frame.height
    marks = tuple(legend.drawn(rows, LEFT, STYLE.text))
    return Sheet(layout, layout.width, height, "Error against ECE of models", described(found), (panel,), marks)


def entries() -> list[legend.Entry]:
    """What the marks mean."""
    stems = (Stroke("stem before", (0.1, 0.5), (0.9, 0.5)), Stroke("stem before", (0.5, 0.0), (0.5, 1.0)))
    return [
        legend.Entry((*stems, Dot("dot before", (0.5, 0.5))), "before the map, with intervals"),
        legend.Entry((Stroke("move", (0.5, 0.5), (0.5, 1.2)), Dot("dot after", (0.5, 0.5))), "after it"),
        legend.Entry((Dot("dot front", (0.5, 0.5)),), "none is better in error and NLL after it"),
    ]


def _names(found: Zoo) -> list[legend.Entry]:
    shown = [legend.Entry((), f"{one.number} {printable(one.name)}") for one in found.models[:_MOST_NAMED]]
    left = len(found.models) - len(shown)
    return shown + ([legend.Entry((), f"and {left} more")] if left else [])


def described(found: Zoo) -> str:
    """What is drawn, for those who cannot see it."""
    parts = []
    for one in found.models[:_MOST_NAMED]:
        after = "" if one.after is None else f", {one.after:.2f} after the map"
        parts.append(f"{printable(one.name)}: error {one.error:.2f} %, ECE {one.ece:.2f} %{after}")
    return f"On the front: {printable(', '.join(found.front))}. {'; '.join(parts)}."
