"""The two panels of one dump: the reliability diagram, and below it, on the same axis, the confidence histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from calibeval.core.report.report import Bin
from calibeval.core.uncertainty.consistency import consistency_range
from calibeval.render.figure.text import DumpHeader, text_width
from calibeval.words.marks import ink_weight, short_count

# Vermilion and blue of Okabe & Ito's palette, which the colour-blind can tell apart; in grey, the hatches differ.
OVER, UNDER = "#d55e00", "#0072b2"
OVER_HATCH, UNDER_HATCH = "//////", "\\\\\\\\\\\\"
INK, QUIET, RULE, BAR, BAND = "#1d2228", "#5f6873", "#a9b1bb", "#a3acb8", "#e1e5ea"
# Share of a bin's width that its bar takes; the consistency range behind it must be visible on both sides.
BAR_SHARE = 0.7
DASHES = (0, (3.0, 1.2))


@dataclass(frozen=True, slots=True)
class PanelStyle:
    """Text sizes in points, and how much text there is.

    words: lines are labelled with words, not only with numbers. flush: the first and last number of the axis stay
    within the panel. ticks: numbers of the axes, in percent.
    """

    title: float
    text: float
    small: float
    words: bool
    flush: bool
    ticks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Means:
    """Mean confidence and accuracy of all rows, as fractions, with the number of rows, or the sum of their shares."""

    confidence: float
    accuracy: float
    rows: float


def means(bins: Sequence[Bin]) -> Means:
    """The means over all rows, from the bins."""
    rows = sum(b.mass for b in bins)
    confidence = sum(b.mass * b.confidence for b in bins if b.confidence is not None)
    accuracy = sum(b.mass * b.accuracy for b in bins if b.accuracy is not None)
    return Means(confidence / (rows or 1), accuracy / (rows or 1), rows)


def tint(colour: str, weight: float) -> str:
    """The colour mixed with white: opaque, so that it looks the same in every format.

    >>> tint("#000000", 0.2)
    '#cccccc'
    """
    red, green, blue = (1.0 - weight * (1.0 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


def draw_reliability(axes: Axes, bins: Sequence[Bin], style: PanelStyle) -> None:
    """Accuracy bars, signed gaps, consistency ranges and the diagonal; both axes go from 0 to 100 %."""
    axes.set(xlim=(0, 100), ylim=(0, 100), xticks=style.ticks, yticks=style.ticks)
    axes.set_axisbelow(True)
    for b in bins:
        if b.accuracy is not None and b.confidence is not None:
            _draw_bin(axes, b, b.accuracy, b.confidence)
    axes.plot([0, 100], [0, 100], color=INK, linewidth=0.6, label="diagonal", zorder=5)
    _tidy(axes, style)


def _draw_bin(axes: Axes, b: Bin, accuracy: float, confidence: float) -> None:
    """One bin; the label of every artist says what it shows."""
    weight, line = ink_weight(b.count), _line_width(axes, b)
    span = consistency_range(b.worth, confidence)
    left, width = 100.0 * b.lower, 100.0 * (b.upper - b.lower)
    inner = (left + 0.5 * (1.0 - BAR_SHARE) * width, BAR_SHARE * width)
    band = Rectangle((left, 100.0 * span.low), width, 100.0 * (span.high - span.low), label="range", zorder=1)
    band.set(facecolor=BAND, edgecolor="none")
    bar = Rectangle((inner[0], 0.0), inner[1], 100.0 * accuracy, label="accuracy", zorder=2)
    bar.set(facecolor=BAR, edgecolor="none", alpha=weight)
    axes.add_patch(band)
    axes.add_patch(bar)
    if confidence != accuracy:
        axes.add_patch(_gap(100.0 * accuracy, 100.0 * confidence, inner, 0.5 * line)).set_alpha(weight)
    ends = [inner[0], inner[0] + inner[1]]
    axes.plot(
        ends,
        [100.0 * accuracy] * 2,
        color=tint(INK, max(weight, 0.4)),
        linewidth=1.4 * line,
        label="cap",
        solid_capstyle="butt",
        zorder=6,
    )


def _gap(accuracy: float, confidence: float, inner: tuple[float, float], line: float) -> Rectangle:
    """From accuracy to confidence, in percent, in the colour and hatch of its sign. inner: left end and width."""
    over = confidence > accuracy
    label, colour, hatch = ("over-confident", OVER, OVER_HATCH) if over else ("under-confident", UNDER, UNDER_HATCH)
    gap = Rectangle((inner[0], min(accuracy, confidence)), inner[1], abs(confidence - accuracy), label=label, zorder=3)
    gap.set(facecolor=tint(colour, 0.22), edgecolor=colour, hatch=hatch, linewidth=line)
    return gap


def _line_width(axes: Axes, b: Bin) -> float:
    """1 for bins that are wide enough for an outline, less for narrow ones."""
    return min(1.0, _points(axes)[0] * (b.upper - b.lower) / 5.0)


def _points(axes: Axes) -> tuple[float, float]:
    """Width and height of the panel in points."""
    figure, box = axes.get_figure(root=True), axes.get_position()
    width, height = (0.0, 0.0) if figure is None else figure.get_size_inches()
    return float(72.0 * box.width * width), float(72.0 * box.height * height)


def draw_header(axes: Axes, header: DumpHeader, style: PanelStyle) -> None:
    """The three lines above the panel, from its left edge, where they cannot overlap with the drawing."""
    heights = (4.0 + 2.75 * style.text, 4.0 + 1.35 * style.text, 4.0)
    for words, height in zip(header, heights, strict=True):
        first = words is header.name
        text = axes.annotate(words, (0.0, 1.0), (0.0, height), xycoords="axes fraction", textcoords="offset points")
        text.set(fontsize=style.title if first else style.text, color=INK if first else QUIET, annotation_clip=False)
        text.set_fontweight("bold" if first else "normal")


def legend_handles(*, lines: bool) -> list[Patch | Line2D]:
    """One entry for every kind of mark. lines: with the lines of the histogram, if they are not labelled there."""
    handles: list[Patch | Line2D] = [
        Patch(facecolor=BAR, label="accuracy"),
        Patch(facecolor=BAND, label="95 % range if calibrated"),
        _gap_handle(OVER, OVER_HATCH, "gap: over-confident"),
        _gap_handle(UNDER, UNDER_HATCH, "gap: under-confident"),
    ]
    if lines:
        handles += [
            Line2D([], [], color=INK, linewidth=0.9, label="accuracy of all rows"),
            Line2D([], [], color=INK, linewidth=0.9, linestyle=DASHES, label="mean confidence"),
        ]
    return handles


def _gap_handle(colour: str, hatch: str, words: str) -> Patch:
    return Patch(facecolor=tint(colour, 0.22), edgecolor=colour, hatch=hatch, linewidth=0.5, label=words)


def draw_counts(axes: Axes, bins: Sequence[Bin], style: PanelStyle) -> bool:
    """The rows of every bin, in a line under the reliability diagram; if bins are too narrow, draws nothing: False."""
    room = _points(axes)[0] / len(bins)
    for points, whole in ((style.small, False), (style.small, True), (0.87 * style.small, True)):
        words = [short_count(b.count, whole=whole) for b in bins]
        if max(text_width(word, points) for word in words) <= room - 0.6:
            break
    else:
        return False
    for b, word in zip(bins, words, strict=True):
        colour = QUIET if b.count else RULE
        axes.annotate(
            word,
            (50.0 * (b.lower + b.upper), 0.0),
            (0.0, -2.5),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=points,
            color=colour,
            annotation_clip=False,
        )
    return True


def top_share(bins: Sequence[Bin]) -> float:
    """Share of rows, in percent, of the fullest bin."""
    return 100.0 * max(b.mass for b in bins) / max(means(bins).rows, 1)


def draw_histogram(axes: Axes, bins: Sequence[Bin], style: PanelStyle, top: float) -> None:
    """Share of rows per bin, with accuracy and mean confidence as marked lines.

    top: the highest share, in percent, that the axis must hold; the same for all panels of a figure.
    """
    of_all, step = means(bins), _label_step(axes, style)
    axes.set(xlim=(0, 100), ylim=(0, top / (1.0 - 2.1 * step)), xticks=style.ticks, yticks=_share_ticks(top))
    for b in bins:
        if b.count:
            width = 100.0 * (b.upper - b.lower)
            corner = (100.0 * b.lower + 0.5 * (1.0 - BAR_SHARE) * width, 0.0)
            share = 100.0 * b.mass / of_all.rows
            axes.add_patch(Rectangle(corner, BAR_SHARE * width, share, facecolor=BAR, label="share", zorder=2))
    _draw_means(axes, of_all, style, step)
    _tidy(axes, style)


def _share_ticks(top: float) -> list[float]:
    """0 and one or two round shares below the highest."""
    step = next(step for step in (50, 25, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.0) if step <= top)
    return [0.0] if step == 0.0 else [step * i for i in range(int(top / step) + 1)]


def _label_step(axes: Axes, style: PanelStyle) -> float:
    """Height of a label's line as a share of the panel's height; there is room for two above the highest bar."""
    return min(0.3, 1.45 * (style.small + 0.5) / _points(axes)[1])


def _draw_means(axes: Axes, of_all: Means, style: PanelStyle, step: float) -> None:
    """Two vertical lines of different heights, each with a label at its top, so that the labels are in two rows."""
    points, names = style.small + 0.5, ("accuracy", "mean confidence")
    places = (100.0 * of_all.accuracy, 100.0 * of_all.confidence)
    words = [f"{name} {x:.1f} %" if style.words else f"{x:.1f}" for name, x in zip(names, places, strict=True)]
    per_point = 100.0 / _points(axes)[0]
    sides = label_sides(places, [per_point * (text_width(text, points) + 3.0) for text in words])
    # The line opposite to the labels' direction is taller, so that its label passes over the other line.
    accuracy_first = (places[0] > places[1]) == (sides[0] == "left")
    for index in (0, 1):
        x, leftwards = places[index], sides[index] == "left"
        top = axes.get_ylim()[1] * (1.0 if (index == 0) == accuracy_first else 1.0 - step)
        line = Line2D([x, x], [0.0, top], color=INK, linewidth=0.9, linestyle=DASHES if index else "-", zorder=4)
        line.set(label=names[index], clip_on=False)
        line.set_dash_capstyle("butt")
        axes.add_line(line)
        shift = (-2.5 if leftwards else 2.5, -1.2)
        label = axes.annotate(words[index], (x, top), shift, textcoords="offset points", annotation_clip=False)
        label.set(fontsize=points, color=INK, horizontalalignment="right" if leftwards else "left")
        label.set_verticalalignment("top")


def label_sides(places: Sequence[float], widths: Sequence[float]) -> list[str]:
    """The side of each of two vertical lines, "left" or "right", on which its label stays inside the panel.

    Both labels are on the same side if possible, and if both sides are, towards the middle; else both point inwards.
    places, widths: of lines and labels, in percent of the panel's width.

    >>> label_sides([81.1, 93.7], [30, 40]), label_sides([20.0, 93.7], [30, 40]), label_sides([5.0, 99.0], [30, 40])
    (['left', 'left'], ['right', 'left'], ['right', 'left'])
    """
    left = all(x >= width for x, width in zip(places, widths, strict=True))
    right = all(x + width <= 100.0 for x, width in zip(places, widths, strict=True))
    if left and (sum(places) > 100.0 or not right):
        return ["left", "left"]
    return ["right", "right"] if right else ["left" if x > 50.0 else "right" for x in places]


def _tidy(axes: Axes, style: PanelStyle) -> None:
    """Thin lines at the left and bottom, and small ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(linewidth=0.6, color=INK)
    axes.tick_params(length=2.0, width=0.6, pad=2.0, labelsize=style.text, color=INK, labelcolor=INK)
    if style.flush:
        # Neighbours are close: "100" of one and "0" of the next must not look like a thousand.
        axes.get_xticklabels()[0].set_horizontalalignment("left")
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
