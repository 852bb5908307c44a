"""The geometry of the page's reliability diagram and histogram: percentages of a panel, and the text for them.

Panels use no absolute coordinates: every length is a percentage, so text keeps its size at any width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.report.report import Bin, DumpReport
from calibeval.core.report.standing import bin_stands_out
from calibeval.core.uncertainty.consistency import consistency_range
from calibeval.words.cells import plural
from calibeval.words.marks import ink_weight, merged, round_ticks, short_count
from calibeval.words.signs import bin_range, signed, signed_points

# Share of a bin's width that its bar takes; the consistency range behind it must be visible on both sides.
_BAR_SHARE = 0.72
# More bins than MOST_DRAWN_BINS are merged for drawing; up to MOST_COUNTED bins have their rows written under them.
MOST_DRAWN_BINS, MOST_COUNTED = 100, 20


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in percent of its panel, as attributes carry it."""

    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class BinMarks:
    """One filled bin. expected: the consistency range; gap: from accuracy to confidence; share: in the histogram.

    ground: hides the range behind bar and gap. sign: "over", "under" or nothing. weight: opacity.
    start, end, cap: the line at the accuracy.
    """

    words: str
    sign: str
    weight: str
    expected: Box
    ground: Box
    bar: Box
    gap: Box
    share: Box
    start: str
    end: str
    cap: str
    cap_weight: str
    centre: str
    count: str


@dataclass(frozen=True, slots=True)
class MeanLine:
    """A vertical line in the histogram; its label is in row 0 or 1 above it, to the left ("end") or right ("start")."""

    name: str
    x: str
    percent: str
    row: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A number on an axis, and its place in percent."""

    place: str
    label: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """Everything that is drawn for one dump. counted: whether the bins are wide enough to write their rows under them.

    drawn: the number of bins if fewer are drawn than were measured, else 0.
    """

    marks: tuple[BinMarks, ...]
    lines: tuple[MeanLine, ...]
    shares: tuple[Tick, ...]
    counted: bool
    drawn: int
    description: str


def diagram(dump: DumpReport) -> Diagram | None:
    """The diagram of the dump; None if it has no rows to draw."""
    bins = merged(dump.equal_width, MOST_DRAWN_BINS)
    filled = [b for b in bins if b.count and b.accuracy is not None and b.confidence is not None]
    if not filled:
        return None
    rows = sum(b.mass for b in filled)
    top = max(b.mass for b in filled) / rows
    accuracy = sum(b.mass * (b.accuracy or 0.0) for b in filled) / rows
    confidence = sum(b.mass * (b.confidence or 0.0) for b in filled) / rows
    return Diagram(
        marks=tuple(_marks(b, b.accuracy or 0.0, b.confidence or 0.0, b.mass / rows / top) for b in filled),
        lines=_mean_lines(accuracy, confidence),
        shares=tuple(Tick(pct(1 - t / 100 / top), f"{t:g}") for t in round_ticks(0.0, 100 * top, 3)),
        counted=len(bins) <= MOST_COUNTED,
        drawn=len(bins) if len(bins) < len(dump.equal_width) else 0,
        description=_description(dump.equal_width),
    )


def pct(fraction: float) -> str:
    """A fraction as a percentage for an attribute, to a hundredth.

    >>> pct(0.5), pct(1 / 3), pct(0.0)
    ('50%', '33.33%', '0%')
    """
    return f"{round(100 * fraction, 2) + 0.0:.2f}".rstrip("0").rstrip(".") + "%"


def _marks(b: Bin, accuracy: float, confidence: float, height: float) -> BinMarks:
    width, expected = b.upper - b.lower, consistency_range(b.worth, confidence)
    left, inner = b.lower + 0.5 * (1 - _BAR_SHARE) * width, _BAR_SHARE * width
    gap, weight = confidence - accuracy, ink_weight(b.count)
    return BinMarks(
        words=f"{_words(b)}, {'within' if expected.low <= accuracy <= expected.high else 'outside'} its range",
        sign="over" if gap > 0 else "under" if gap < 0 else "",
        weight=f"{weight:.2f}",
        expected=_box(b.lower, width, expected.low, expected.high),
        ground=_box(left, inner, 0.0, max(accuracy, confidence)),
        bar=_box(left, inner, 0.0, accuracy),
        gap=_box(left, inner, min(accuracy, confidence), max(accuracy, confidence)),
        share=_box(left, inner, 0.0, height),
        start=pct(left),
        end=pct(left + inner),
        cap=pct(1 - accuracy),
        cap_weight=f"{max(weight, 0.4):.2f}",
        centre=pct(b.lower + 0.5 * width),
        count=short_count(b.count),
    )


def _box(left: float, width: float, low: float, high: float) -> Box:
    """From fractions that grow upwards to percentages that grow downwards."""
    return Box(pct(left), pct(1 - high), pct(width), pct(high - low))


def _mean_lines(accuracy: float, confidence: float) -> tuple[MeanLine, ...]:
    """Accuracy and mean confidence, the left one first; labels in two rows hide neither each other nor a line.

    Both labels go to the side with more room; if the lines are far apart, each label points inwards from its line.
    """
    (left, first), (right, second) = sorted([(accuracy, "accuracy"), (confidence, "mean confidence")])
    if left >= 0.36 and (left + right >= 1.0 or right > 0.64):
        anchors, rows = ("end", "end"), (1, 0)
    elif right <= 0.64:
        anchors, rows = ("start", "start"), (0, 1)
    else:
        anchors, rows = ("start", "end"), (0, 1)
    places = zip((left, right), (first, second), rows, anchors, strict=True)
    return tuple(MeanLine(name, pct(x), f"{100 * x:.1f}", row, anchor) for x, name, row, anchor in places)


def _words(b: Bin) -> str:
    accuracy, confidence, gap = (100 * (x or 0.0) for x in (b.accuracy, b.confidence, b.gap))
    numbers = f"confidence {confidence:.1f} %, accuracy {accuracy:.1f} %, gap {signed(gap, 1)}"
    return f"{bin_range(b)}: {plural(b.count, 'row')}, {numbers}"


def _description(bins: Sequence[Bin]) -> str:
    """What the diagram shows, for those who cannot see it."""
    filled = [b for b in bins if b.count]
    outstanding = [b for b in filled if bin_stands_out(b)]
    fullest = max(filled, key=lambda b: b.count)
    sentences = [f"Beyond noise: {len(outstanding)} of {plural(len(filled), 'filled bin')}."]
    if outstanding:
        worst = max(outstanding, key=lambda b: b.mass * abs(b.gap or 0.0))
        where, gap = bin_range(worst), signed_points(worst.gap or 0)
        sentences.append(f"The largest part of the error is in bin {where}, with a gap of {gap}.")
    sentences.append(f"The fullest bin is {_words(fullest)}.")
    return " ".join(sentences)
