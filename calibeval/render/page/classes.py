"""The classes of a dump as the page shows them: those beyond noise first, the others grey or folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.report.report import ClassResult, DumpReport
from calibeval.core.report.standing import class_stands_out
from calibeval.render.page.diagram import pct
from calibeval.words import digits
from calibeval.words.marks import plain
from calibeval.words.signs import signed

# At most MOST_SHOWN classes are in the first table, and with them up to FEW_WITHIN classes within noise.
MOST_SHOWN, FEW_WITHIN = 20, 5
# With fewer rows per class, the calibration error of a class is mostly noise.
_FEW_ROWS = 20
_NAME = 60


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class. left, width: the bar of its gap, from 0 in the middle; error_place: its error, on the side of its gap.

    sign: "over" or "under" if the gap makes up at least half of the error above its expected noise.
    floor: what noise gives at most; noise, noise_width: the same on both sides of 0. Empty where it is unknown.
    beyond: whether the class is beyond noise; None where noise is unknown.
    """

    name: str
    rows: str
    error: str
    floor: str
    gap: str
    sign: str
    left: str
    width: str
    error_place: str
    noise: str
    noise_width: str
    beyond: bool | None


@dataclass(frozen=True, slots=True)
class FoldedClasses:
    """Classes that are folded; left_out: their number, if they are too many for the page. Then rows is empty."""

    title: str
    rows: tuple[ClassRow, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a dump, worst first. tested: whether their noise is known."""

    title: str
    note: str
    tested: bool
    shown: tuple[ClassRow, ...]
    folded: tuple[FoldedClasses, ...]


def class_tables(dump: DumpReport, room: int) -> Classes | None:
    """The classes; None if the dump has none. room: how many may be folded; of more, report.json has the rest."""
    if not dump.per_class:
        return None
    shown, parts = _parted(dump.per_class)
    k, order = (
        len(dump.per_class),
        sorted(range(len(dump.per_class)), key=lambda i: -dump.per_class[i].calibration_error),
    )
    labels = class_labels(dump.per_class)
    places = digits.decimals(100 * dump.per_class[order[0]].calibration_error, 3)
    widest = (
        max(max(c.calibration_error, c.floor_high or 0.0) for c in (dump.per_class[i] for i in shown or order)) or 1.0
    )

    def rows(chosen: Sequence[int]) -> tuple[ClassRow, ...]:
        return tuple(_row(dump.per_class[i], labels[i], places, widest) for i in chosen)

    fits = sum(len(chosen) for _, chosen in parts) <= room
    tested = any(class_stands_out(c) is not None for c in dump.per_class)
    beyond = sum(class_stands_out(c) is True for c in dump.per_class)
    said = f"{beyond or 'none'} of {k:,} beyond noise" if tested else "worst first"
    few = " With so few rows per class, the order is mostly noise." if dump.n < _FEW_ROWS * k and not tested else ""
    return Classes(
        title=f"Classes{': ' if tested else ', '}{said}",
        note="Calibration error: of the probability of the class, in bins over all rows. It is the smaller the more "
        f"classes there are (here {k:,}), also for a poor model. Gap: mean probability − frequency.{few}",
        tested=tested,
        shown=rows(shown),
        folded=tuple(
            FoldedClasses(title, rows(chosen) if fits else (), 0 if fits else len(chosen)) for title, chosen in parts
        ),
    )


def folded_count(dump: DumpReport) -> int:
    """How many classes of the dump are folded."""
    return sum(len(chosen) for _, chosen in _parted(dump.per_class)[1])


def _parted(classes: Sequence[ClassResult]) -> tuple[list[int], list[tuple[str, list[int]]]]:
    """The classes of the first table, and those that are folded, with a title each; all of them worst first."""
    order = sorted(range(len(classes)), key=lambda i: -classes[i].calibration_error)
    within = [i for i in order if class_stands_out(classes[i]) is False]
    others = [i for i in order if class_stands_out(classes[i]) is not False]
    parts = []
    if len(within) > FEW_WITHIN:
        parts = [(f"{_count(len(within), 'class')} within noise", within)]
        within = []
    if len(others) > MOST_SHOWN:
        rest = others[MOST_SHOWN:]
        known = class_stands_out(classes[rest[0]]) is not None
        parts.insert(0, (f"{_count(len(rest), 'more class')}{' beyond noise' if known else ''}", rest))
    shown = {*others[:MOST_SHOWN], *within}
    return [i for i in order if i in shown], parts


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}es"


def class_labels(classes: Sequence[ClassResult]) -> list[str]:
    """Names short enough for a table, with the number of the class in front if shortening made two names equal."""
    shown = [plain(c.name, _NAME) for c in classes]
    if len(set(shown)) < len({c.name for c in classes}):
        return [f"{i} {name}" for i, name in enumerate(shown)]
    return shown


def _row(c: ClassResult, name: str, places: int, widest: float) -> ClassRow:
    length, error = (min(0.5, 0.5 * size / widest) for size in (abs(c.gap), c.calibration_error))
    directed = 2 * abs(c.gap) >= c.calibration_error - (c.floor or 0.0)  # else the gaps of its bins cancel
    noise = None if c.floor_high is None else min(0.5, 0.5 * c.floor_high / widest)
    return ClassRow(
        name=name,
        rows=f"{c.support:,}",
        error=f"{100 * c.calibration_error:.{places}f}",
        floor="" if c.floor_high is None else f"≤ {100 * c.floor_high:.{places}f}",
        gap=signed(100 * c.gap, places),
        sign="over" if directed and c.gap > 0 else "under" if directed and c.gap < 0 else "",
        left=pct(0.5 if c.gap > 0 else 0.5 - length),
        width=pct(length),
        error_place=pct(0.5 - error if c.gap < 0 else 0.5 + error),
        noise="" if noise is None else pct(0.5 - noise),
        noise_width="" if noise is None else pct(2 * noise),
        beyond=class_stands_out(c),
    )
