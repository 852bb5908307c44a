"""Marks as SVG of a page: lengths are percentages, so text keeps its size at any width.

Classes are named by the roles of marks; the style sheet says how they look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from calibeval.render.drawing.marks import Box, Dot, Mark, Path, Spot, Stroke, Text

_UNITS = 1000


@dataclass(frozen=True, slots=True)
class Tick:
    """A number on an axis, and its place in percent."""

    place: str
    label: str


def pct(fraction: float) -> str:
    """A fraction as a percentage for an attribute, to a hundredth.

    >>> pct(0.5), pct(1 / 3), pct(0.0)
    ('50%', '33.33%', '0%')
    """
    return f"{round(100 * fraction, 2) + 0.0:.2f}".rstrip("0").rstrip(".") + "%"


def written(marks: Iterable[Mark], hatches: str) -> str:
    """The marks, from back to front. hatches: the start of the ids of the two hatches."""
    return "".join(_mark(mark, hatches) for mark in marks)


def hatch_patterns(hatches: str) -> str:
    """The hatches of gaps, for marks with these ids."""
    return f"<defs>{''.join(_pattern(hatches, sign, turn) for sign, turn in (('over', 45), ('under', -45)))}</defs>"


def line(role: str, x1: str, y1: str, x2: str, y2: str, weight: float = 1.0) -> str:
    """A straight line between places that are written already."""
    return f'<line class="{role}"{_opacity(weight)} x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def text(x: str, y: str, words: str, more: str, anchor: str) -> str:
    """Words at a place that is written already. more: other attributes."""
    return f'<text x="{x}" y="{y}" {more} text-anchor="{anchor}">{escape(words)}</text>'


def _pattern(hatches: str, sign: str, turn: int) -> str:
    return (
        f'<pattern id="{hatches}-{sign}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate({turn})"><rect class="ground {sign}" width="5" height="5"/>'
        f'<line class="hatch {sign}" x1="0" y1="0" x2="0" y2="5"/></pattern>'
    )


def _mark(mark: Mark, hatches: str) -> str:
    if isinstance(mark, Box):
        fill = f' fill="url(#{hatches}-{mark.hatch})"' if mark.hatch else ""
        corner = f'x="{pct(mark.x)}" y="{pct(1 - mark.y - mark.height)}"'
        size = f'width="{pct(mark.width)}" height="{pct(mark.height)}"'
        return f'<rect class="{mark.role}"{fill}{_opacity(mark.weight)} {corner} {size}/>'
    if isinstance(mark, Stroke):
        (x1, y1), (x2, y2) = mark.start, mark.end
        return line(mark.role, pct(x1), pct(1 - y1), pct(x2), pct(1 - y2), mark.weight)
    if isinstance(mark, Path):
        points = " ".join(f"{_UNITS * x:.4g},{_UNITS * (1 - y):.4g}" for x, y in mark.points)
        end = "Z" if mark.closed else ""
        return (
            f'<svg viewBox="0 0 {_UNITS} {_UNITS}" preserveAspectRatio="none" height="100%">'
            f'<path class="{mark.role}" d="M{points}{end}"/></svg>'
        )
    if isinstance(mark, Dot):
        x, y = mark.place
        return f'<circle class="{mark.role}"{_opacity(mark.weight)} cx="{pct(x)}" cy="{pct(1 - y)}" r="4"/>'
    if isinstance(mark, Text):
        x, y = mark.place
        shift = f'dx="{mark.dx:g}" dy="{-mark.dy:g}" text-anchor="{mark.anchor}"'
        return f'<text class="{mark.role}" x="{pct(x)}" y="{pct(1 - y)}" {shift}>{escape(mark.words)}</text>'
    if isinstance(mark, Spot):
        words = escape(mark.words)
        place = f'x="{pct(mark.x)}" width="{pct(mark.width)}" height="100%"'
        return f'<g><title>{words}</title><rect class="spot" {place}/></g>'
    return ""


def _opacity(weight: float) -> str:
    return "" if weight >= 1.0 else f' opacity="{weight:.2f}"'
