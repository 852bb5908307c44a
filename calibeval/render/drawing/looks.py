"""How marks look in figures on white paper: in colour and in grey, as for the colour-blind."""

from __future__ import annotations

from dataclasses import dataclass

INK, QUIET, RULE, PAPER = "#14181d", "#4d5660", "#dfe3e8", "#ffffff"
BAR, RIBBON, RANGE = "#b7bfc8", "#e3e7ec", "#4d5660"
# Vermilion and blue of Okabe & Ito's palette, which the colour-blind can tell apart; in grey, the hatches differ.
OVER, UNDER, OVER_FILL, UNDER_FILL = "#c44d00", "#0066a8", "#fbe3d2", "#d6e8f5"
FONTS = "Helvetica, Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of area and line, the line's width in points, and its dashes."""

    fill: str | None = None
    stroke: str | None = None
    width: float = 0.0
    dashes: tuple[float, ...] = ()


# Lines that are thinner in small panels.
THICK = ("curve", "halo")
LOOKS = {
    "ground": Look(PAPER),
    "bar": Look(BAR),
    "share": Look(BAR),
    "gap over": Look(OVER_FILL, OVER, 0.6),
    "gap under": Look(UNDER_FILL, UNDER, 0.6),
    "cap": Look(None, INK, 0.8),
    "range": Look(None, RANGE, 0.6),
    "ribbon": Look(RIBBON),
    "edge": Look(None, RANGE, 0.5, (0.9, 1.1)),
    "halo": Look(None, PAPER, 2.2),
    "curve": Look(None, INK, 1.3),
    "diagonal": Look(None, QUIET, 0.6, (2.0, 1.6)),
    "grid": Look(None, RULE, 0.5),
    "frame": Look(None, INK, 0.6),
    "mean observed": Look(None, INK, 0.9),
    "mean predicted": Look(None, INK, 0.9, (3.0, 1.4)),
    "first": Look(PAPER, QUIET, 1.1),
    "second": Look(INK, INK, 1.1),
    "best": Look(None, QUIET, 0.6, (2.0, 1.6)),
    "random": Look(None, QUIET, 0.6, (2.0, 1.6)),
    "other": Look(None, BAR, 0.7),
    "limit": Look(None, UNDER, 0.9),
    "certified": Look(UNDER, PAPER, 0.6),
    "alone": Look(INK, INK, 0.6),
    "image": Look(BAR, QUIET, 0.4),
    "worst": Look(OVER, PAPER, 0.4),
    "quartiles": Look(RIBBON),
    "median": Look(None, INK, 1.3),
    "pooled": Look(None, QUIET, 0.9, (3.0, 1.4)),
    "whisker": Look(None, INK, 0.9),
    "zero": Look(None, INK, 0.6),
    "box before": Look(BAR, QUIET, 0.6),
    "box after": Look(UNDER_FILL, UNDER, 0.6),
    "middle before": Look(None, INK, 1.2),
    "middle after": Look(None, UNDER, 1.4),
    "stem before": Look(None, QUIET, 0.7),
    "stem after": Look(None, UNDER, 0.7),
    "line before": Look(None, QUIET, 1.1),
    "line after": Look(None, UNDER, 1.1, (3.5, 1.6)),
    "dot before": Look(PAPER, QUIET, 0.9),
    "dot after": Look(UNDER, UNDER, 0.6),
    "dot front": Look(INK, INK, 0.6),
    "move": Look(None, UNDER, 0.7),
    "ink": Look(INK),
    "quiet": Look(QUIET),
}
