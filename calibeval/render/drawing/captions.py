"""Texts whose places depend on their widths: row counts that never run together, and the two means of a histogram."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from calibeval.core.report.report import Bin
from calibeval.render.drawing.content import Subject
from calibeval.render.drawing.letters import text_width
from calibeval.render.drawing.marks import Mark, Stroke, Text
from calibeval.words.marks import short_count

# Between two counts there are at least so many points, about a space.
COUNT_GAP = 2.5
COUNT_DROP = 3.5  # from the axis down to the counts
# If all counts fit at this share of their size, they are so much smaller.
_SMALLER = 0.88


def counted(bins: Sequence[Bin], room: float, width: Callable[[str], float]) -> list[tuple[Bin, str]]:
    """The bins whose row counts fit side by side, with their counts, from left to right; fuller bins come first.

    room: the width of the panel. width: of a text.

    >>> bins = [Bin(i / 4, (i + 1) / 4, rows, 0.5, 0.5, 0.0) for i, rows in enumerate((3, 4000, 20, 500))]
    >>> [text for _, text in counted(bins, 100.0, lambda text: 6.0 * len(text))]
    ['3', '4.0k', '20', '500']
    >>> [text for _, text in counted(bins, 60.0, lambda text: 6.0 * len(text))]
    ['4.0k', '500']
    """
    kept: list[tuple[float, float, Bin, str]] = []
    for b in sorted((b for b in bins if b.count), key=lambda b: -b.count):
        words = short_count(b.count)
        centre, half = 0.5 * (b.lower + b.upper) * room, 0.5 * width(words)
        if all(abs(centre - other) >= half + reach + COUNT_GAP for other, reach, *_ in kept):
            kept.append((centre, half, b, words))
    return [(b, words) for _, _, b, words in sorted(kept, key=lambda one: one[0])]


def counts(subject: Subject, room: float, size: float) -> list[Mark]:
    """The row counts below a histogram of that width."""
    fitting = counted(subject.filled, room, lambda words: text_width(words, size))
    if len(fitting) < len(subject.filled):
        smaller = counted(subject.filled, room, lambda words: text_width(words, _SMALLER * size))
        if len(smaller) == len(subject.filled):
            fitting, size = smaller, _SMALLER * size
    return [
        Text("quiet", (0.5 * (b.lower + b.upper), 0.0), words, size, "middle", dy=-COUNT_DROP - 0.78 * size)
        for b, words in fitting
    ]


def means(subject: Subject, room: tuple[float, float], size: float, *, words: bool) -> list[Mark]:
    """Accuracy and mean confidence as vertical lines of different heights, each with a label at its top.

    room: width and height of the panel. words: whether labels name the lines.
    """
    terms = subject.terms
    named = (
        (terms.observed, subject.observed, "mean observed"),
        (terms.predicted, subject.predicted, "mean predicted"),
    )
    texts = [f"{name} {100 * x:.1f} %" if words else f"{100 * x:.1f}" for name, x, _ in named]
    places = [x for _, x, _ in named]
    sides = label_sides(places, [(text_width(text, size) + 3.0) / room[0] for text in texts])
    # The line opposite to the labels' direction is taller, so that its label passes over the other line.
    first_taller = (places[0] > places[1]) == (sides[0] == "left")
    marks: list[Mark] = []
    for index, (text, x, side, (_, _, role)) in enumerate(zip(texts, places, sides, named, strict=True)):
        top = 1.0 - (0.0 if (index == 0) == first_taller else 1.45 * size / room[1])
        marks.append(Stroke(role, (x, 0.0), (x, top)))
        left = side == "left"
        shift = -2.5 if left else 2.5
        marks.append(Text("ink", (x, top), text, size, "end" if left else "start", dx=shift, dy=-0.85 * size))
    return marks


def headroom(size: float, height: float) -> float:
    """The share of a histogram's height that the labels of the means take."""
    return min(0.6, 2.9 * size / height)


def label_sides(places: Sequence[float], widths: Sequence[float]) -> list[str]:
    """The side of each of two vertical lines, "left" or "right", on which its label stays inside the panel.

    Both labels are on the same side if possible, and if both sides are, towards the middle; else both point inwards.
    places, widths: of lines and labels, as fractions of the panel's width.

    >>> label_sides([0.81, 0.94], [0.3, 0.4]), label_sides([0.2, 0.94], [0.3, 0.4])
    (['left', 'left'], ['right', 'left'])
    """
    left = all(x >= width for x, width in zip(places, widths, strict=True))
    right = all(x + width <= 1.0 for x, width in zip(places, widths, strict=True))
    if left and (sum(places) > 1.0 or not right):
        return ["left", "left"]
    return ["right", "right"] if right else ["left" if x > 0.5 else "right" for x in places]
