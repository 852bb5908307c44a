"""Differences of models as a figure: one panel per candidate, a dot with its interval for each metric in percent."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calibeval.core.comparison.comparison import Candidate, Comparison, Difference
from calibeval.core.errors import InputError
from calibeval.core.metrics.table import EVERY
from calibeval.render.drawing.letters import printable
from calibeval.render.figure.figure import DOTS_PER_INCH, ShownFigure, own_settings
from calibeval.render.figure.glyphs import known
from calibeval.words import cells
from calibeval.words.difference import told, tone
from calibeval.words.marks import shorten

_GREY, _NAME = "0.35", 60
# Better and worse; the colours of over- and under-confidence mean nothing else.
_COLORS = {"better": "#1a7037", "worse": "#b3202c"}


def differences_figure(comparison: Comparison, *, width_inches: float | None = None) -> Figure:
    """The difference of each metric in percent, with its interval, in points; a dot is filled where it is certain.

    width_inches: 7 by default. Raises: InputError if no candidate has such a difference.
    """
    shown = [(one, drawn) for one in comparison.candidates if (drawn := _drawn(one))]
    if not shown:
        raise InputError("there is no difference to draw: no metric in percent could be compared")
    rows = sum(len(drawn) for _, drawn in shown)
    with own_settings():
        figure = ShownFigure(figsize=(width_inches or 7.0, 0.9 * len(shown) + 0.3 * rows + 0.4), dpi=DOTS_PER_INCH)
        figure.set_layout_engine("constrained")
        axes = figure.subplots(
            len(shown), 1, sharex=True, squeeze=False, height_ratios=[len(drawn) + 1 for _, drawn in shown]
        )[:, 0]
        for axis, (candidate, drawn) in zip(axes, shown, strict=True):
            _panel(axis, drawn)
            axis.set_title(_title(candidate, comparison), fontsize=9, loc="left")
        axes[-1].set_xlabel("difference from the base, points", fontsize=8)
    return figure


def _drawn(candidate: Candidate) -> list[Difference]:
    """The differences in points, of the metrics that tables for people show."""
    found = ((one, EVERY.get(one.name)) for one in candidate.values())
    return [
        one for one, metric in found if metric and metric.shown and metric.unit == "%" and one.difference is not None
    ]


def _panel(axis: Axes, drawn: list[Difference]) -> None:
    axis.axvline(0.0, color=_GREY, linewidth=0.8)
    for place, one in enumerate(drawn):
        color = _COLORS.get(tone(one), _GREY)
        if one.low is not None and one.high is not None:
            axis.plot([100 * one.low, 100 * one.high], [place, place], color=color, linewidth=1.6)
        face = color if one.likely else "white"
        axis.plot([100 * (told(one) or 0.0)], [place], "o", color=color, markerfacecolor=face, markersize=5)
    axis.set_yticks(range(len(drawn)), [cells.label(one.name) for one in drawn])
    axis.set_ylim(len(drawn) - 0.5, -0.5)
    axis.tick_params(labelsize=8, length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _title(candidate: Candidate, comparison: Comparison) -> str:
    names = (known(printable(shorten(name, _NAME))) for name in (candidate.name, comparison.base.name))
    return " against ".join(names)
