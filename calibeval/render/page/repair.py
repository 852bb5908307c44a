"""A dump before and after its map, as the page shows both side by side: the numbers of each in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport
from calibeval.core.report.standing import standing_in, with_floor
from calibeval.words import digits
from calibeval.words.marks import plain

_NAME = 60


@dataclass(frozen=True, slots=True)
class Side:
    """One number: its value, the parts of its estimate (corrected value, interval), and how it stands against noise."""

    value: str
    estimate: tuple[str, ...]
    word: str


@dataclass(frozen=True, slots=True)
class Change:
    """One metric before and after."""

    label: str
    title: str
    unit: str
    before: Side
    after: Side


def changes(before: DumpReport, after: DumpReport, names: Sequence[str]) -> list[Change]:
    """The named metrics that both have, in that order."""
    return [
        Change(
            label=plain(digits.label(name), _NAME),
            title=EVERY[name].title if name in EVERY else "",
            unit=digits.unit(name),
            before=_side(before, name),
            after=_side(after, name),
        )
        for name in names
        if name in before.metrics and name in after.metrics
    ]


def _side(dump: DumpReport, name: str) -> Side:
    metric, standing = with_floor(dump, name), standing_in(dump, name)
    corrected, bracket, interval = digits.estimate(metric).partition("[")
    parts = tuple(part for part in (corrected.strip(), bracket + interval) if part)
    return Side(digits.value(metric), parts, "" if standing is None else standing.short)
