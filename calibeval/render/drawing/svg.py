"""A figure as SVG for papers: absolute sizes, generic fonts, and the same bytes for the same report."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from html import escape

from calibeval.render.drawing.looks import FONTS, LOOKS, OVER, OVER_FILL, THICK, UNDER, UNDER_FILL, Look
from calibeval.render.drawing.marks import Anchor, Box, Dot, Mark, Path, Pixels, Point, Stroke, Text
from calibeval.render.drawing.sheet import Panel, Sheet

_HATCHES = (("over", OVER, OVER_FILL, 45), ("under", UNDER, UNDER_FILL, -45))
# Narrower boxes than this, in points, have thinner lines.
NARROW = 2.0
# Of dots, in points.
RADIUS = 1.8


def sheet_svg(sheet: Sheet) -> str:
    """The figure as a document, with a title and a description for those who cannot see it."""
    width, height = number(sheet.width), number(sheet.height)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}"',
        f'role="img" aria-labelledby="title description" font-family="{FONTS}">',
        f'<title id="title">{escape(sheet.title)}</title>',
        f'<desc id="description">{escape(sheet.description)}</desc>',
        *_defs(),
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for panel in sheet.panels:
        lines += [f'<g data-panel="{panel.kind}">', *_panel(panel, sheet), "</g>"]
    page = _Place(0.0, 0.0, 1.0, 1.0, sheet.height)
    return "\n".join([*lines, *_written(sheet.marks, page), "</svg>", ""])


def number(value: float) -> str:
    """A length to a hundredth of a point.

    >>> number(3.0), number(1 / 3), number(-0.001)
    ('3', '0.33', '0')
    """
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


class _Place:
    """Where a panel is on a sheet, from fractions that grow upwards to points that grow downwards."""

    def __init__(self, x: float, y: float, width: float, height: float, sheet: float, lines: float = 1.0) -> None:
        self._x, self._y, self.width, self._height, self._sheet = x, y, width, height, sheet
        self.lines = lines

    def at(self, point: Point, dx: float = 0.0, dy: float = 0.0) -> tuple[str, str]:
        """A point, shifted to the right and upwards."""
        x = self._x + self.width * point[0] + dx
        return number(x), number(self._sheet - self._y - self._height * point[1] - dy)

    def size(self, width: float, height: float) -> tuple[str, str]:
        """A width and a height."""
        return number(width * self.width), number(height * self._height)


def _defs() -> list[str]:
    lines = ["<defs>"]
    for sign, stroke, fill, turn in _HATCHES:
        lines += [
            f'<pattern id="{sign}" width="3" height="3" patternUnits="userSpaceOnUse"',
            f'patternTransform="rotate({turn})">',
            f'<rect width="3" height="3" fill="{fill}"/>',
            f'<line x1="0" y1="0" x2="0" y2="3" stroke="{stroke}" stroke-width="1.1"/>',
            "</pattern>",
        ]
    return [*lines, "</defs>"]


def _panel(panel: Panel, sheet: Sheet) -> list[str]:
    """The grid, the marks, and the axes around them."""
    frame, size = panel.frame, sheet.layout.style.text
    place = _Place(frame.x, frame.y, frame.width, frame.height, sheet.height, sheet.layout.style.lines)
    grid = [Stroke("grid", (0.0, tick.place), (1.0, tick.place)) for tick in panel.up if panel.grid and tick.place > 0]
    lines = [*_written(grid, place), *_written(panel.marks, place)]
    lines += _written([Stroke("frame", (0.0, 0.0), (1.0, 0.0)), Stroke("frame", (0.0, 0.0), (0.0, 1.0))], place)
    texts: list[Text] = []
    if panel.x_numbered:
        last = len(panel.across) - 1
        for i, tick in enumerate(panel.across):
            anchor: Anchor = "middle" if not sheet.layout.style.flush or 0 < i < last else "start" if i == 0 else "end"
            below = -2.5 - panel.drop - 0.78 * size
            texts.append(Text("ink", (tick.place, 0.0), tick.label, size, anchor, dy=below))
    if panel.y_numbered:
        texts += [
            Text("ink", (0.0, tick.place), tick.label, size, "end", dx=-3.0, dy=-0.36 * size) for tick in panel.up
        ]
    if panel.x_title:
        below = -4.5 - panel.drop - 2.0 * size
        texts.append(Text("ink", (0.5, 0.0), panel.x_title, size, "middle", dy=below))
    lines += _written(texts, place)
    if panel.y_title:
        x, y = place.at((0.0, 0.5), dx=0.85 * size - sheet.layout.left + 1.5)
        lines.append(
            f'<text transform="translate({x} {y}) rotate(-90)" text-anchor="middle" '
            f'font-size="{number(size)}" fill="{LOOKS["ink"].fill}">{escape(panel.y_title)}</text>'
        )
    return lines


def _written(marks: Iterable[Mark], place: _Place) -> list[str]:
    return [text for mark in marks if (text := _mark(mark, place))]


def _mark(mark: Mark, place: _Place) -> str:
    if isinstance(mark, Text):
        return _text(mark, place)
    if isinstance(mark, Box):
        (x, y), (width, height) = place.at((mark.x, mark.y + mark.height)), place.size(mark.width, mark.height)
        thin = mark.width * place.width / NARROW
        look = _attributes(mark.role, mark.weight, mark.hatch, thin)
        return f'<rect x="{x}" y="{y}" width="{width}" height="{height}"{look}/>'
    if isinstance(mark, Pixels):
        (x, y), (width, height) = place.at((mark.x, mark.y + mark.height)), place.size(mark.width, mark.height)
        file = base64.b64encode(mark.picture.png()).decode()
        look = 'preserveAspectRatio="none" image-rendering="pixelated"'
        return f'<image x="{x}" y="{y}" width="{width}" height="{height}" {look} href="data:image/png;base64,{file}"/>'
    if isinstance(mark, Stroke):
        (x1, y1), (x2, y2) = place.at(mark.start), place.at(mark.end)
        thin = (mark.end[0] - mark.start[0]) * place.width / NARROW if mark.role == "cap" else 1.0
        return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"{_attributes(mark.role, mark.weight, thin=thin)}/>'
    if isinstance(mark, Path):
        look = _attributes(mark.role, thin=place.lines if mark.role in THICK else 1.0)
        return f'<path d="{path_data(mark, place.at)}"{look} stroke-linejoin="round"/>'
    if isinstance(mark, Dot):
        x, y = place.at(mark.place)
        return f'<circle cx="{x}" cy="{y}" r="{RADIUS}"{_attributes(mark.role, mark.weight)}/>'
    return ""


def path_data(path: Path, at: Callable[[Point], Sequence[str]]) -> str:
    """The path through its points."""
    points = " ".join(",".join(at(point)) for point in path.points)
    return f"M{points}{'Z' if path.closed else ''}"


def _text(mark: Text, place: _Place) -> str:
    x, y = place.at(mark.place, mark.dx, mark.dy)
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    weight = ' font-weight="bold"' if mark.bold else ""
    look = f'font-size="{number(mark.size)}" fill="{LOOKS[mark.role].fill}"{weight}'
    return f'<text x="{x}" y="{y}"{anchor} {look}>{escape(mark.words)}</text>'


def _attributes(role: str, weight: float = 1.0, hatch: str = "", thin: float = 1.0) -> str:
    look: Look = LOOKS[role]
    fill = f"url(#{hatch})" if hatch else look.fill or "none"
    parts = [f' fill="{fill}"'] if fill != "none" or look.stroke else []
    if look.stroke:
        parts.append(f' stroke="{look.stroke}" stroke-width="{number(look.width * min(1.0, thin))}"')
    if look.dashes:
        parts.append(f' stroke-dasharray="{" ".join(map(number, look.dashes))}"')
    if weight < 1.0:
        parts.append(f' opacity="{number(weight)}"')
    return "".join(parts)
