"""Settings of an evaluation, checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibeval.core.conventions.table import OWN, find_convention
from calibeval.core.data.documents import shown
from calibeval.core.data.ranges import check_whole
from calibeval.core.errors import UsageError
from calibeval.core.report.settings import LEAST_LEVEL, MOST_BINS, MOST_LEVEL, Settings

MIN_ROWS = 100


def checked(
    *,
    bins: int | None = None,
    convention: str = OWN,
    level: float | None = 0.95,
    slices: Sequence[str] = (),
    min_rows: int | None = None,
    group: str | None = None,
) -> Settings:
    """The settings as a report carries them: the convention by its own name, and its number of bins for None.

    Raises: UsageError for a setting that cannot work.

    >>> checked(convention="gpleiss").convention, checked(slices=["site"]).min_rows
    ('guo', 100)
    """
    known = find_convention(convention)
    if bins is None:
        bins = known.bins
    if not _is_whole(bins):
        raise UsageError(f"bins is {bins!r}, but it must be a whole number")
    if not 1 <= bins <= MOST_BINS:
        raise UsageError(f"bins is {shown(int(bins))}, but it must lie between 1 and {MOST_BINS}")
    if level is not None:
        check_level(level)
    if isinstance(slices, str):
        raise UsageError(f'slices is "{slices}", but a list of columns is needed')
    if slices and known.name != OWN:
        raise UsageError(f"slices are measured by calibeval's own bins, not by those of {known.name}")
    if min_rows is not None and not slices:
        raise UsageError("a least number of rows (min-rows) belongs to slices, but there are none")
    if min_rows is not None:
        check_whole("the least number of rows of a slice", min_rows, 1)
    columns = tuple(dict.fromkeys(slices))
    least = int(min_rows or MIN_ROWS) if columns else None
    return Settings(int(bins), known.name, level, columns, least, group)


def check_level(level: float) -> None:
    """That intervals can be of that level. Raises: UsageError."""
    if not (_is_number(level) and 0 < level < 1):
        came = f"{level:g}" if _is_number(level) else repr(level)
        raise UsageError(f"level is {came}, but it must lie between 0 and 1, as 0.95 does")
    if level > MOST_LEVEL:
        raise UsageError(f"level is {level}, but it must be at most {MOST_LEVEL}")
    if level < LEAST_LEVEL:
        raise UsageError(f"level is {level}, but it must be at least {LEAST_LEVEL}")


def _is_whole(value: object) -> bool:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    """Whether it is a number; True and False are none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
