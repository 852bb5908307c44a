"""Under which settings dumps were measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.documents import Place
from calibeval.core.data.records import Layout, to_plain

MOST_BINS = 10_000
# Nearer to 1 an interval is as wide as the range of numbers lets it be.
MOST_LEVEL = 1 - 1e-9
LEAST_LEVEL = 1e-9


def _columns(place: Place) -> tuple[str, ...]:
    """Names of columns; null for none."""
    return () if place.value is None else place.each(Place.text)


def _level(place: Place) -> float | None:
    level = None if place.value is None else place.number()
    if level is not None and 0 < level < LEAST_LEVEL:
        place.refuse(f"a level of at least {LEAST_LEVEL}")
    return level if level is None or 0 < level <= MOST_LEVEL else place.refuse(f"a level above 0, at most {MOST_LEVEL}")


def _bins(place: Place) -> int:
    bins = place.count()
    return bins if 1 <= bins <= MOST_BINS else place.refuse(f"a number of bins from 1 to {MOST_BINS:,}")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that numbers depend on, checked by `core.evaluation.settings.checked`.

    bins: number of equal-width bins, and the most equal-mass bins. convention: whose numbers these are, by name.
    level: of the intervals, in (0, 1); None for none. slices: columns that are cut into slices. min_rows: of a slice;
    None without slices. group: column of rows that depend on each other; None where it was not asked for.

    >>> Settings(level=None).to_dict()
    {'bins': 15, 'convention': 'calibeval', 'level': None, 'slices': None, 'min_rows': None, 'group': None}
    """

    LAYOUT: ClassVar = Layout(
        optional=("slices",),
        earlier={"level": "confidence"},
        read={"slices": _columns, "level": _level, "bins": _bins},
        open=True,
    )

    bins: int = 15
    convention: str = "calibeval"
    level: float | None = 0.95
    slices: tuple[str, ...] = ()
    min_rows: int | None = None
    group: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of these settings; slices are null where none were asked for."""
        return {**to_plain(self), "slices": list(self.slices) or None}
