"""The classes of a dump as the page shows them: those beyond noise first, the others grey or folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.report.report import ClassResult, DumpReport
from calibeval.render.page.marks import pct
from calibeval.words import cells
from calibeval.words.classes import NOTE, ClassCells, class_cells, class_finding
from calibeval.words.marks import plain
from calibeval.words.signs import side

# At most MOST_SHOWN classes are in the first table, and with them up to FEW_WITHIN classes within noise.
MOST_SHOWN, FEW_WITHIN = 20, 5
_NAME = 50


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class. left, width: the bar of its gap, from 0 in the middle; error_place: its error, on the side of its gap.

    sign: "over" or "under" if the gap makes up at least half of the error above its expected noise.
    noise, noise_width: what noise gives at most, on both sides of 0; empty where it is unknown.
    """

    name: str
    text: ClassCells
    sign: str
    left: str
    width: str
    error_place: str
    noise: str
    noise_width: str


@dataclass(frozen=True, slots=True)
class FoldedClasses:
    """Classes that are folded; left_out: whether they are too many for the page. Then rows is empty."""

    title: str
    rows: tuple[ClassRow, ...]
    left_out: bool


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a dump: those beyond noise first, then the largest error. tested: whether their noise is known."""

    title: str
    note: str
    tested: bool
    shown: tuple[ClassRow, ...]
    folded: tuple[FoldedClasses, ...]


def class_tables(dump: DumpReport, room: int) -> Classes | None:
    """The classes; None if the dump has none. room: how many may be folded; of more, report.json has the rest."""
    found = class_cells(dump)
    if not found:
        return None
    shown, parts = _parted(found)
    labels = class_labels(dump.per_class)
    widest = max(max(one.result.calibration_error, one.result.floor_high or 0.0) for one in shown or found) or 1.0

    def rows(chosen: Sequence[ClassCells]) -> tuple[ClassRow, ...]:
        return tuple(_row(one, labels[one.place], widest) for one in chosen)

    fits = sum(len(chosen) for _, chosen in parts) <= room
    return Classes(
        title=f"Classes: {class_finding(dump)}",
        note=f"{NOTE[:1].upper()}{NOTE[1:]}. With more classes, the error is smaller, also for a poor model.",
        tested=any(one.beyond is not None for one in found),
        shown=rows(shown),
        folded=tuple(FoldedClasses(title, rows(chosen) if fits else (), not fits) for title, chosen in parts),
    )


def folded_count(dump: DumpReport) -> int:
    """How many classes of the dump are folded."""
    return sum(len(chosen) for _, chosen in _parted(class_cells(dump))[1])


def _parted(found: Sequence[ClassCells]) -> tuple[list[ClassCells], list[tuple[str, list[ClassCells]]]]:
    """The classes of the first table, and those that are folded, with a title each."""
    within = [one for one in found if one.beyond is False]
    others = [one for one in found if one.beyond is not False]
    parts = []
    if len(others) > MOST_SHOWN:
        rest = others[MOST_SHOWN:]
        more = cells.plural(len(rest), "more class")
        parts.append((f"{more} beyond noise" if rest[0].beyond else more, rest))
    if len(within) > FEW_WITHIN:
        parts.append((f"{cells.plural(len(within), 'class')} within noise", within))
        within = []
    return [*others[:MOST_SHOWN], *within], parts


def class_labels(classes: Sequence[ClassResult]) -> list[str]:
    """Names short enough for a table, with the number of the class in front if shortening made two names equal."""
    shown = [plain(c.name, _NAME) for c in classes]
    if len(set(shown)) < len({c.name for c in classes}):
        return [f"{i} {name}" for i, name in enumerate(shown)]
    return shown


def _row(text: ClassCells, name: str, widest: float) -> ClassRow:
    one = text.result
    length, error = (min(0.5, 0.5 * size / widest) for size in (abs(one.gap), one.calibration_error))
    noise = None if one.floor_high is None else min(0.5, 0.5 * one.floor_high / widest)
    return ClassRow(
        name=name,
        text=text,
        sign=side(one.gap, one.calibration_error, one.floor),
        left=pct(0.5 if one.gap > 0 else 0.5 - length),
        width=pct(length),
        error_place=pct(0.5 - error if one.gap < 0 else 0.5 + error),
        noise="" if noise is None else pct(0.5 - noise),
        noise_width="" if noise is None else pct(2 * noise),
    )
