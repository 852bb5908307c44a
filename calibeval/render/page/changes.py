"""Two models in one picture, and their differences as dots around 0, for the page of a comparison.

Better and worse have colours of their own, which mean nothing else; a dot is filled where there is a difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison, Difference
from calibeval.core.metrics.table import EVERY
from calibeval.render.drawing.content import Subject
from calibeval.render.page.diagram import overlay
from calibeval.render.page.marks import Tick, pct
from calibeval.render.page.scale import Dot
from calibeval.render.page.tables import BinRow, judged_bins
from calibeval.words.comparison import Row, short
from calibeval.words.difference import Change, told
from calibeval.words.marks import plain, round_ticks
from calibeval.words.shown import compares_positive
from calibeval.words.terms import TOP_LABEL, Terms, terms_of

# As the gap of one bin, or nearly so, these would make all others look small.
_LARGE = ("mce", "rmsce")
# Of two classes, these are drawn; the others are in the table.
_OF_POSITIVE = ("accuracy", "gap_positive", "ece_positive")
# The axis reaches so far beyond all differences, and has no number so close to its ends, where it would be cut.
_ROOM, _EDGE = 0.05, 0.03
_NAME = 48


@dataclass(frozen=True, slots=True)
class Overlay:
    """Both diagrams in one frame, and the bins of both side by side."""

    drawing: Markup
    terms: Terms
    rows: list[tuple[BinRow, BinRow]]


@dataclass(frozen=True, slots=True)
class Changes:
    """Differences as dots with the axis that they share, in percentage points."""

    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]


def overlaid(comparison: Comparison, candidate: Candidate, id_: str, finding: str) -> Overlay | None:
    """The bins of base and candidate in one frame; of two classes, those of P(positive class). None without bins.

    id_: begins all ids. finding: what the picture shows.
    """
    base, other = comparison.base, candidate.dump
    first, second = _subject(base), _subject(other)
    if first is None or second is None or len(first.bins) != len(second.bins):
        return None
    shorts = short(comparison)
    files = plain(shorts[base.name], _NAME), plain(shorts[other.name], _NAME)
    noise = 1.0 if candidate.groups is None else None
    first, second = replace(first, noise=noise), replace(second, noise=noise)
    drawing = overlay(first, second, id_, finding, ("base", "candidate"), files)
    rows = zip(*(judged_bins(one.bins, noise) for one in (first, second)), strict=True)
    return Overlay(drawing, second.terms, [pair for pair in rows if any(one.rows != "0" for one in pair)])


def changes(differences: Mapping[str, Difference], rows: Sequence[Row]) -> Changes:
    """The differences of metrics in percent as dots with whiskers around 0."""
    of_two = compares_positive(differences)
    there = [(differences[row.name], row) for row in rows if row.unit == "%" and row.name not in _LARGE]
    there = [(d, row) for d, row in there if not of_two or row.name in _OF_POSITIVE]
    there = [(d, row) for d, row in there if row.interval or row.change is Change.SAME]
    shown = [(d, row) for d, row in there if row.interval]
    ends = [end for d, _ in shown for end in (told(d), d.low, d.high) if end is not None]
    if not ends:
        return Changes((), ())
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = _ROOM * (high - low) or 0.01
    low, high = low - room, high + room

    def place(value: float | None) -> str:
        return "" if value is None else pct((value - low) / (high - low))

    dots = tuple(
        Dot(
            label=row.label,
            title=EVERY[row.name].title if row.name in EVERY else "",
            value=row.difference,
            unit="points",
            interval=row.interval,
            floor="",
            verdict=row.finding,
            place=place(0.0 if row.change is Change.SAME else told(d)),
            low=place(d.low) if row.interval else "",
            high=place(d.high) if row.interval else "",
            noise="",
            noise_width="",
            expected=place(0.0),
            beyond=d.likely,
            sign=row.tone,
        )
        for d, row in there
    )
    inner = (low + _EDGE * (high - low), high - _EDGE * (high - low))
    ticks = [tick for tick in round_ticks(100 * low, 100 * high) if inner[0] <= tick / 100 <= inner[1]]
    return Changes(dots, tuple(Tick(place(tick / 100), f"{tick:g}".replace("-", "\N{MINUS SIGN}")) for tick in ticks))


def _subject(dump: ComparedDump) -> Subject | None:
    if dump.positive is not None:
        return Subject.of(dump.positive.bins, dump.positive.curve, terms_of(dump.positive))
    return None if dump.bins is None else Subject.of(dump.bins, None, TOP_LABEL)
