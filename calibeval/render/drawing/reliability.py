"""The marks of a reliability diagram and of the histogram below it, on the same axis."""

from __future__ import annotations

from calibeval.core.report.curve import SmoothCurve
from calibeval.core.report.report import Bin
from calibeval.core.report.standing import calibrated_range
from calibeval.core.uncertainty.intervals import MCE_LEAST_COUNT
from calibeval.render.drawing.content import Subject
from calibeval.render.drawing.marks import Box, Dot, Mark, Path, Point, Spot, Stroke
from calibeval.words.cells import plural
from calibeval.words.marks import ink_weight
from calibeval.words.signs import bin_range, signed
from calibeval.words.terms import TOP_LABEL, Terms

# Share of a bin's width that its bar takes, and that the range in front of it takes.
BAR_SHARE, RANGE_SHARE = 0.72, 0.32
TICKS, FEW_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (0.0, 0.5, 1.0)
_FAINTEST_CAP = 0.4
# Dots of fewer rows are not joined: a line would jump with their noise.
JOINED_ROWS = MCE_LEAST_COUNT


def square(subject: Subject, *, spots: bool = False) -> list[Mark]:
    """Bars, gaps, ranges and curve of a subject, from back to front; both axes go from 0 to 1.

    spots: whether bins say their numbers to pointer and keyboard.
    """
    marks: list[Mark] = []
    if subject.curve is not None and subject.banded:
        marks.append(Path("ribbon", band(subject.curve), closed=True))
    for b in subject.filled:
        marks += _bar(b)
    marks.append(Stroke("diagonal", (0.0, 0.0), (1.0, 1.0)))
    if subject.curve is not None and subject.banded:
        marks += [Path("edge", edge) for edge in edges(subject.curve)]
    for b in subject.filled:
        marks += _range(b, subject.noise)
    if subject.curve is not None:
        marks += [Path("halo", line(subject.curve)), Path("curve", line(subject.curve))]
    if spots:
        marks += [Spot(b.lower, b.upper - b.lower, said(b, subject.terms, subject.noise)) for b in subject.filled]
    return marks


def overlaid(first: Subject, second: Subject, names: tuple[str, str] | None = None) -> list[Mark]:
    """Two subjects in one frame: the accuracy of each bin as a dot, "first" and "second".

    Neighbours are joined by a line, unless a curve is known; not those with few rows.

    names: bins of the same limits say the numbers of both under these names to pointer and keyboard.
    """
    marks: list[Mark] = [Stroke("diagonal", (0.0, 0.0), (1.0, 1.0))]
    for role, subject in (("first", first), ("second", second)):
        places = [(b.confidence or 0.0, b.accuracy or 0.0) for b in subject.filled]
        lines = _joined(subject) if subject.curve is None else [line(subject.curve)]
        marks += [Path(role, points) for points in lines]
        marks += [
            Dot(role, place, max(_FAINTEST_CAP, ink_weight(b.count)))
            for place, b in zip(places, subject.filled, strict=True)
        ]
    for pair in zip(first.bins, second.bins, strict=False) if names is not None else ():
        words = [
            f"{name}: {said(b, noise=subject.noise)}"
            for name, b, subject in zip(names or (), pair, (first, second), strict=True)
            if b.count
        ]
        marks += [Spot(pair[0].lower, pair[0].upper - pair[0].lower, "; ".join(words))] if words else []
    return marks


def _joined(subject: Subject) -> list[tuple[Point, ...]]:
    """Lines between neighbouring bins that all have enough rows."""
    pieces: list[list[Point]] = [[]]
    for b in subject.filled:
        if b.count >= JOINED_ROWS:
            pieces[-1].append((b.confidence or 0.0, b.accuracy or 0.0))
        else:
            pieces.append([])
    return [tuple(piece) for piece in pieces if len(piece) > 1]


def histogram(subject: Subject, top: float) -> list[Mark]:
    """The share of rows in each bin. top: the share that fills the panel."""
    marks: list[Mark] = []
    for b in subject.filled:
        left, width = _inner(b, BAR_SHARE)
        marks.append(Box("share", left, 0.0, width, subject.share(b) / top))
    return marks


def line(curve: SmoothCurve) -> tuple[Point, ...]:
    """The points of a curve, from its first to its last confidence."""
    return tuple(zip(curve.confidence, curve.accuracy, strict=True))


def edges(curve: SmoothCurve) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """The lower and the upper edge of the consistency band of a curve."""
    lower, upper = (tuple(zip(curve.confidence, end, strict=True)) for end in (curve.low, curve.high))
    return lower, upper


def band(curve: SmoothCurve) -> tuple[Point, ...]:
    """The outline of the consistency band of a curve."""
    lower, upper = edges(curve)
    return (*lower, *reversed(upper))


def said(b: Bin, terms: Terms = TOP_LABEL, noise: float | None = 1.0) -> str:
    """A bin with its numbers, in words. noise: as of a subject."""
    accuracy, confidence, gap = (100 * (x or 0.0) for x in (b.accuracy, b.confidence, b.gap))
    span = calibrated_range(b, noise)
    counted = f"{bin_range(b)}: {plural(b.count, 'row')}"
    if span is None:
        return f"{counted}, {terms.short} {confidence:.1f} %, {terms.observed} {accuracy:.1f} %, gap {signed(gap, 1)}"
    where = "within" if span.low <= (b.accuracy or 0.0) <= span.high else "outside"
    numbers = f"{terms.short} {confidence:.1f} %, {terms.observed} {accuracy:.1f} %, gap {signed(gap, 1)}"
    expected = f"{100 * span.low:.1f} – {100 * span.high:.1f} % if calibrated"
    return f"{counted}, {numbers}, {where} {expected}"


def _bar(b: Bin) -> list[Mark]:
    """The accuracy as a bar with a cap, and the gap to the confidence."""
    accuracy, confidence, weight = b.accuracy or 0.0, b.confidence or 0.0, ink_weight(b.count)
    left, width = _inner(b, BAR_SHARE)
    low, high = sorted((accuracy, confidence))
    marks: list[Mark] = [Box("ground", left, 0.0, width, high), Box("bar", left, 0.0, width, accuracy, weight)]
    if high > low:
        sign = "over" if confidence > accuracy else "under"
        marks.append(Box(f"gap {sign}", left, low, width, high - low, weight, hatch=sign))
    cap = Stroke("cap", (left, accuracy), (left + width, accuracy), max(_FAINTEST_CAP, weight))
    return [*marks, cap]


def _range(b: Bin, noise: float | None) -> list[Mark]:
    """Where the bar of a calibrated model would end in 95 % of samples, as an outline."""
    span = calibrated_range(b, noise)
    if span is None:
        return []
    left, width = _inner(b, RANGE_SHARE)
    return [Box("range", left, span.low, width, span.high - span.low)]


def _inner(b: Bin, share: float) -> tuple[float, float]:
    """The left end and the width of a part in the middle of a bin."""
    width = b.upper - b.lower
    return b.lower + 0.5 * (1.0 - share) * width, share * width
