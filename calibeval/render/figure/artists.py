"""Marks as artists of matplotlib; the label of every artist is the role of its mark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.transforms import Transform

from calibeval.render.drawing.looks import LOOKS, OVER, THICK, UNDER, Look
from calibeval.render.drawing.marks import Box, Dot, Mark, Path, Pixels, Point, Stroke, Text
from calibeval.render.drawing.sheet import Panel, Sheet
from calibeval.render.drawing.svg import NARROW, RADIUS
from calibeval.render.figure.glyphs import known

_HATCHES = {"over": ("//////", OVER), "under": ("\\\\\\\\\\\\", UNDER)}


def draw_panel(axes: Axes, panel: Panel, sheet: Sheet) -> None:
    """The marks and the axes of a panel, which go from 0 to 100 percent, or to the top of a histogram."""
    size, top = sheet.layout.style.text, 100.0 * panel.top
    axes.set(xlim=(0, 100), ylim=(0, top))
    axes.set_xticks([100 * t.place for t in panel.across], [t.label for t in panel.across])
    axes.set_yticks([top * t.place for t in panel.up], [t.label for t in panel.up])
    axes.spines[["top", "right"]].set_visible(False)
    ink = LOOKS["ink"].fill
    axes.spines[["left", "bottom"]].set(linewidth=LOOKS["frame"].width, color=ink)
    axes.tick_params(length=0, labelsize=size, labelcolor=ink, pad=2.5)
    axes.tick_params(axis="x", pad=2.5 + panel.drop)
    axes.tick_params(labelbottom=panel.x_numbered, labelleft=panel.y_numbered)
    if panel.grid:
        for tick in panel.up[1:]:
            axes.add_artist(_line("grid", ((0.0, top * tick.place), (100.0, top * tick.place)), axes.transData, 0))
    if panel.x_title:
        axes.set_xlabel(panel.x_title, fontsize=size, color=ink, labelpad=1.5)
    if panel.y_title:
        axes.set_ylabel(panel.y_title, fontsize=size, color=ink)
        axes.yaxis.set_label_coords((0.85 * size - sheet.layout.left + 1.5) / panel.frame.width, 0.5)
    if sheet.layout.style.flush and panel.x_numbered:
        # Neighbours are close: "100" of one and "0" of the next must not look like a thousand.
        axes.get_xticklabels()[0].set_horizontalalignment("left")
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
    for order, mark in enumerate(panel.marks):
        if isinstance(mark, Text):
            _annotate(axes, mark, top)
        else:
            narrow = panel.frame.width * mark.width / NARROW if isinstance(mark, Box) else 1.0
            thin = sheet.layout.style.lines if isinstance(mark, Path) and mark.role in THICK else min(1.0, narrow)
            for artist in _artists(mark, (100.0, top), axes.transData, order, thin):
                artist.set_clip_on(False)
                axes.add_artist(artist)


def draw_marks(figure: Figure, marks: Iterable[Mark], sheet: Sheet) -> None:
    """Marks outside of panels: headers and the legend."""
    scale = (1.0 / sheet.width, 1.0 / sheet.height)
    for order, mark in enumerate(marks):
        if isinstance(mark, Text):
            x, y = mark.place[0] * scale[0], mark.place[1] * scale[1]
            figure.text(x, y, known(mark.words), label=mark.role, **_font(mark))
        elif isinstance(mark, Pixels):
            corner, size = (mark.x * scale[0], mark.y * scale[1]), (mark.width * scale[0], mark.height * scale[1])
            axes = figure.add_axes((*corner, *size), label=mark.role)
            axes.imshow(mark.picture.rgb, interpolation="none", aspect="auto")
            axes.set_axis_off()
        else:
            for artist in _artists(mark, scale, figure.transFigure, order, 1.0):
                figure.add_artist(artist)


def _artists(mark: Mark, scale: Point, transform: Transform, order: int, thin: float) -> list[Artist]:
    if isinstance(mark, Box):
        return [_box(mark, scale, transform, order, thin)]
    if isinstance(mark, Stroke):
        ends = tuple((x * scale[0], y * scale[1]) for x, y in (mark.start, mark.end))
        return [_line(mark.role, ends, transform, order, mark.weight)]
    if isinstance(mark, Dot):
        return [_dot(mark, scale, transform, order)]
    if isinstance(mark, Path):
        points = tuple((x * scale[0], y * scale[1]) for x, y in mark.points)
        if not mark.closed:
            return [_line(mark.role, points, transform, order, thin=thin)]
        area = Polygon(points, closed=True, label=mark.role, transform=transform, zorder=1.0 + 0.001 * order)
        area.set(facecolor=LOOKS[mark.role].fill, edgecolor="none")
        return [area]
    return []


def _box(mark: Box, scale: Point, transform: Transform, order: int, thin: float) -> Rectangle:
    look = LOOKS[mark.role]
    corner = (mark.x * scale[0], mark.y * scale[1])
    box = Rectangle(corner, mark.width * scale[0], mark.height * scale[1], label=mark.role, transform=transform)
    box.set(facecolor=look.fill or "none", edgecolor=look.stroke or "none", linewidth=look.width * thin)
    box.set(zorder=1.0 + 0.001 * order)
    if mark.hatch:
        hatch, colour = _HATCHES[mark.hatch]
        box.set(hatch=hatch, edgecolor=colour)
    if mark.weight < 1.0:
        box.set_alpha(mark.weight)
    return box


def _dot(mark: Dot, scale: Point, transform: Transform, order: int) -> Line2D:
    look = LOOKS[mark.role]
    dot = Line2D([mark.place[0] * scale[0]], [mark.place[1] * scale[1]], label=mark.role, transform=transform)
    dot.set(marker="o", markersize=2.0 * RADIUS, linestyle="none", zorder=1.0 + 0.001 * order)
    dot.set(markerfacecolor=look.fill or "none", markeredgecolor=look.stroke or "none", markeredgewidth=look.width)
    return dot


def _line(
    role: str, points: tuple[Point, ...], transform: Transform, order: int, weight: float = 1.0, thin: float = 1.0
) -> Line2D:
    look: Look = LOOKS[role]
    line = Line2D([x for x, _ in points], [y for _, y in points], label=role, transform=transform)
    line.set(color=tint(look.stroke or "#000000", weight), linewidth=look.width * thin, zorder=1.0 + 0.001 * order)
    line.set(solid_capstyle="butt", dash_capstyle="butt")
    if look.dashes:
        line.set_linestyle((0, tuple(dash / look.width for dash in look.dashes)))
    return line


def tint(colour: str, weight: float) -> str:
    """The colour mixed with white: opaque, so that it looks the same in every format.

    >>> tint("#000000", 0.2)
    '#cccccc'
    """
    red, green, blue = (1.0 - weight * (1.0 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


def _annotate(axes: Axes, mark: Text, top: float) -> None:
    place = (100.0 * mark.place[0], top * mark.place[1])
    axes.annotate(
        known(mark.words),
        place,
        (mark.dx, mark.dy),
        textcoords="offset points",
        annotation_clip=False,
        label=mark.role,
        zorder=5,
        **_font(mark),
    )


def _font(mark: Text) -> dict[str, Any]:
    sides = {"start": "left", "middle": "center", "end": "right"}
    return {
        "fontsize": mark.size,
        "color": LOOKS[mark.role].fill,
        "fontweight": "bold" if mark.bold else "normal",
        "horizontalalignment": sides[mark.anchor],
        "verticalalignment": "baseline",
    }
