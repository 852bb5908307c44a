"""The classes of a dump for every view: those beyond noise first, all others marked as what noise gives."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.report.report import DumpReport
from calibeval.core.report.rows import ClassResult
from calibeval.core.report.standing import class_stands_out
from calibeval.words import cells
from calibeval.words.signs import signed

NOTE = "calibration error: of the probability of the class, in bins over all rows; gap: mean probability − frequency"


@dataclass(frozen=True, slots=True)
class ClassCells:
    """One class as text. beyond: whether it is beyond noise; None where that is unknown. place: its number."""

    place: int
    result: ClassResult
    error: str
    floor: str
    gap: str
    rows: str
    beyond: bool | None


def class_cells(dump: DumpReport) -> list[ClassCells]:
    """Every class: first those beyond noise, then the others, both with the largest errors first."""
    if not dump.per_class:
        return []
    found = sorted(enumerate(dump.per_class), key=lambda one: (not class_stands_out(one[1]), -one[1].calibration_error))
    largest = max(one.calibration_error for one in dump.per_class)
    floors = [one.floor_high for one in dump.per_class if one.floor_high]
    needed = max([cells.decimals(100 * largest, 3), *([cells.decimals(100 * min(floors), 2)] if floors else [])])
    places = min(needed, 6)
    return [
        ClassCells(
            place=i,
            result=one,
            error=f"{100 * one.calibration_error:.{places}f}",
            floor=_floor(one, places),
            gap=signed(100 * one.gap, places),
            rows=f"{one.support:,}",
            beyond=class_stands_out(one),
        )
        for i, one in found
    ]


def class_finding(dump: DumpReport) -> str:
    """In words how many classes are beyond noise.

    >>> from calibeval.core.data.predictions import Source
    >>> rows = (ClassResult("a", 9, 0.2, 0.1, 0.05, 0.1), ClassResult("b", 9, 0.1, 0.1, 0.05, 0.1))
    >>> class_finding(DumpReport(Source(), "probs", 18, 2, 0, {}, (), None, rows))
    '1 of 2 classes beyond noise'
    """
    k, judged = len(dump.per_class), [class_stands_out(one) for one in dump.per_class]
    if None in judged:
        return f"{cells.plural(k, 'class')}, largest error first; their noise is not known"
    return f"{sum(map(bool, judged)) or 'none'} of {cells.plural(k, 'class')} beyond noise"


def _floor(one: ClassResult, places: int) -> str:
    if one.floor is None or one.floor_high is None:
        return ""
    return f"{100 * one.floor:.{places}f} (≤ {100 * one.floor_high:.{places}f})"
