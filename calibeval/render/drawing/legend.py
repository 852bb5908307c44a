"""The legend: one entry for each kind of mark that is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from calibeval.render.drawing.content import Subject
from calibeval.render.drawing.letters import text_width
from calibeval.render.drawing.marks import Box, Dot, Mark, Path, Pixels, Stroke, Text
from calibeval.words.terms import TOP_LABEL, Terms

RANGE, CURVE, BAND = "95 % range if calibrated", "smooth curve", ", 90 % band if calibrated"
_SWATCH = (2.2, 1.0)  # width and height, in sizes of the text


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of mark: an example in the unit square, and its name."""

    marks: tuple[Mark, ...]
    words: str


def entries(subjects: Sequence[Subject], *, lines: bool = False) -> list[Entry]:
    """The legend of these subjects. lines: with the lines of the histogram, if they are not labelled there."""
    terms = subjects[0].terms if subjects else TOP_LABEL
    found = [
        Entry((Box("bar", 0.0, 0.0, 1.0, 0.9), Stroke("cap", (0.0, 0.9), (1.0, 0.9))), terms.bar),
        *(
            Entry((Box(f"gap {sign}", 0.0, 0.0, 1.0, 1.0, hatch=sign),), words)
            for sign, words in _gaps(terms, subjects)
        ),
    ]
    if not subjects or any(subject.noise is not None for subject in subjects):
        found.append(Entry((Box("range", 0.38, 0.0, 0.24, 1.0),), RANGE))
    if any(subject.curve is not None for subject in subjects):
        ribbon = Path("ribbon", ((0.0, 0.0), (1.0, 0.35), (1.0, 1.0), (0.0, 0.65)), closed=True)
        edge = (Path("edge", ((0.0, 0.0), (1.0, 0.35))), Path("edge", ((0.0, 0.65), (1.0, 1.0))))
        curve = ((0.0, 0.15), (0.35, 0.15), (0.35, 0.6), (0.75, 0.6), (0.75, 0.9), (1.0, 0.9))
        banded = any(subject.banded for subject in subjects)
        around = (ribbon, *edge) if banded else ()
        found.append(Entry((*around, Path("halo", curve), Path("curve", curve)), CURVE + BAND * banded))
    if lines:
        found += [
            Entry((Stroke("mean observed", (0.0, 0.5), (1.0, 0.5)),), f"{terms.observed} of all rows"),
            Entry((Stroke("mean predicted", (0.0, 0.5), (1.0, 0.5)),), terms.predicted),
        ]
    return found


def _gaps(terms: Terms, subjects: Iterable[Subject]) -> list[tuple[str, str]]:
    """The signs of gaps that are drawn, with their names; both if none is."""
    gaps = [b.gap or 0.0 for subject in subjects for b in subject.filled]
    named = {"over": (terms.over, any(gap > 0 for gap in gaps)), "under": (terms.under, any(gap < 0 for gap in gaps))}
    return [(sign, words) for sign, (words, there) in named.items() if there or not any(gaps)]


def lines_of(found: Sequence[Entry], room: float, size: float) -> list[list[tuple[float, Entry]]]:
    """The entries in lines of that width, each with its place from the left, in points."""
    rows: list[list[tuple[float, Entry]]] = [[]]
    x = 0.0
    for entry in found:
        width = (_SWATCH[0] + 0.6) * size + text_width(entry.words, size)
        if rows[-1] and x + width > room:
            rows.append([])
            x = 0.0
        rows[-1].append((x, entry))
        x += width + 1.6 * size
    return rows


def height_of(rows: Sequence[object], size: float) -> float:
    """The height of so many lines."""
    return 4.0 + 1.5 * size * len(rows)


def drawn(rows: Sequence[Sequence[tuple[float, Entry]]], left: float, size: float) -> list[Mark]:
    """The legend in points, from the lower edge of the figure upwards."""
    marks: list[Mark] = []
    for i, row in enumerate(rows):
        base = 3.0 + 1.5 * size * (len(rows) - 1 - i)
        for x, entry in row:
            frame = (left + x, base - 0.1 * size, _SWATCH[0] * size, _SWATCH[1] * size)
            marks += [placed(mark, frame) for mark in entry.marks]
            marks.append(Text("ink", (left + x + (_SWATCH[0] + 0.6) * size, base), entry.words, size))
    return marks


def placed(mark: Mark, frame: tuple[float, float, float, float]) -> Mark:
    """A mark of the unit square, in a rectangle (x, y, width, height)."""
    x, y, width, height = frame

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return x + width * point[0], y + height * point[1]

    if isinstance(mark, Box):
        corner = at((mark.x, mark.y))
        return Box(mark.role, *corner, width * mark.width, height * mark.height, mark.weight, mark.hatch)
    if isinstance(mark, Pixels):
        return Pixels(mark.role, *at((mark.x, mark.y)), width * mark.width, height * mark.height, mark.picture)
    if isinstance(mark, Stroke):
        return Stroke(mark.role, at(mark.start), at(mark.end), mark.weight)
    if isinstance(mark, Dot):
        return Dot(mark.role, at(mark.place), mark.weight)
    if isinstance(mark, Path):
        return Path(mark.role, tuple(map(at, mark.points)), mark.closed)
    return mark
