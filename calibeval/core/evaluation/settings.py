"""The settings of an evaluation, checked before any data is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from calibeval.core.conventions.images import IMAGE_CONVENTIONS
from calibeval.core.conventions.table import OWN, find_convention
from calibeval.core.data.arguments import came
from calibeval.core.data.divided import was_asked
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.ranges import check_whole
from calibeval.core.data.search import search_of
from calibeval.core.data.shots import shots_word
from calibeval.core.errors import UsageError
from calibeval.core.report.left_out import BACKGROUNDS, LeftOut
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
    positive: str | None = None,
    classes: Sequence[str] = (),
    background: str | None = None,
    seed: int | None = None,
    images: bool = True,
) -> Settings:
    """The settings as reports contain them: the convention by its name, not an alias, and its default if bins is None.

    seed: of simulated outcomes, where segments are searched. images: whether conventions of images will do, not those
    of rows only. Other arguments: as for `evaluate`.
    Raises: UsageError for an invalid setting.

    >>> checked(convention="gpleiss").convention, checked(slices=["site"]).min_rows
    ('guo', 100)
    """
    known = (IMAGE_CONVENTIONS.get(convention.casefold()) if images else None) or find_convention(convention)
    if bins is None:
        bins = known.bins
    if not _is_whole(bins):
        raise UsageError(f"bins is {bins!r}, but it must be a whole number")
    if not 1 <= bins <= MOST_BINS:
        raise UsageError(f"bins is {came(bins)}, but it must lie between 1 and {MOST_BINS}")
    if level is not None:
        check_level(level)
    if isinstance(slices, str):
        raise UsageError(f'slices is "{slices}", but it must be a list of columns')
    if slices and known.name != OWN:
        raise UsageError(f"slices can only be measured with calibeval's own bins, not with those of {known.name}")
    if min_rows is not None and not slices:
        raise UsageError("--min-rows applies to slices only, but there are no slices")
    if min_rows is not None:
        check_whole("min-rows", min_rows, 1)
    if known.name != OWN and (positive is not None or classes):
        option = "--class" if positive is None else "--positive"
        raise UsageError(f"{option} cannot be combined with the convention {known.name}, which chooses its classes")
    left_out = as_background(background)
    if known.name != OWN and left_out is not None:
        raise UsageError(f"--background cannot be combined with the convention {known.name}, which has its own rule")
    searched = [word for word in slices if search_of(word) is not None]
    for word in slices:
        shots_word(word)
    columns = tuple(dict.fromkeys(slices))
    least = int(min_rows or MIN_ROWS) if columns else None
    chosen = tuple(dict.fromkeys(classes)) or None
    drawn = (seed or 0) if searched else None
    return Settings(int(bins), known.name, level, columns, least, group, None, positive, chosen, left_out, drawn)


def of_dump(settings: Settings, predictions: Predictions, *, sliced: bool = True) -> Settings:
    """The settings of one dump: a log of several tasks or questions is cut into these, if no other slices were named.

    sliced: whether slices are measured at all.
    """
    if not sliced:
        return replace(settings, slices=(), min_rows=None)
    log = predictions.source.log
    if settings.slices or settings.convention != OWN or log is None or log.by is None:
        return settings
    return replace(settings, slices=(log.by,), min_rows=MIN_ROWS)


def stamped(settings: Settings, *warnings: Iterable[str]) -> Settings:
    """The settings, which say so if rows were divided by their sums because the user asked for it.

    warnings: of each dump.
    """
    return replace(settings, renormalize=was_asked(*warnings) or None)


def as_background(background: str | None) -> LeftOut | None:
    """What is left out of the background; None for nothing. Raises: UsageError.

    >>> as_background("exclude-label"), as_background("include")
    ('exclude-label', None)
    """
    if background is None or background == "include":
        return None
    if background == "exclude-label":
        return "exclude-label"
    if background == "exclude-class":
        return "exclude-class"
    raise UsageError(f"background is {background!r}, but it must be {', '.join(BACKGROUNDS)}")


def check_level(level: float) -> None:
    """Check that the level of intervals is valid. Raises: UsageError."""
    if not (_is_number(level) and 0 < level < 1):
        shown = f"{level:g}" if _is_number(level) else came(level)
        raise UsageError(f"level is {shown}, but it must lie between 0 and 1, such as 0.95")
    if level > MOST_LEVEL:
        raise UsageError(f"level is {level}, but it must be at most {MOST_LEVEL}")
    if level < LEAST_LEVEL:
        raise UsageError(f"level is {level}, but it must be at least {LEAST_LEVEL}")


def _is_whole(value: object) -> bool:
    """Whether the value is an integer; True and False are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    """Whether the value is a number; True and False are not."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
