"""The settings under which dumps were measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.documents import Place
from calibeval.core.data.records import Layout, to_plain
from calibeval.core.report.left_out import LeftOut

MOST_BINS = 10_000
# At levels even closer to 1, an interval would only show the limits of floating-point numbers.
MOST_LEVEL = 1 - 1e-9
LEAST_LEVEL = 1e-9


def _columns(place: Place) -> tuple[str, ...]:
    """The names of columns; null means none."""
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
    """The settings that the numbers depend on; `core.evaluation.settings.checked` checks them.

    bins: number of equal-width bins, and the largest number of equal-mass bins, from 1 to 10,000. convention: name of
    the tool whose definitions apply. level: confidence level of the intervals, in (0, 1); None for no intervals.
    slices: columns that are cut into slices. min_rows: smallest number of rows of a measured slice; None without
    slices.
    group: column that names groups of dependent rows; None without one. renormalize: True if the user asked to divide
    rows of probabilities by their sums, else None. positive: the positive class of two, by name or number, if one was
    chosen; None: class 1. classes: classes that are also looked at one against the rest; None without. background: of
    images, what is left out of class 0: the pixels with this label, or the class; None: nothing. seed: of simulated
    outcomes, where segments are searched; None: 0.

    >>> Settings(level=None).to_dict()
    {'bins': 15, 'convention': 'calibeval', 'level': None, 'slices': None, 'min_rows': None, 'group': None, \
'positive': None, 'classes': None}
    """

    LAYOUT: ClassVar = Layout(
        rare=("renormalize", "background", "seed"),
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
    renormalize: bool | None = None
    positive: str | None = None
    classes: tuple[str, ...] | None = None
    background: LeftOut | None = None
    seed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of these settings; slices is null if there are none."""
        return {**to_plain(self), "slices": list(self.slices) or None}
