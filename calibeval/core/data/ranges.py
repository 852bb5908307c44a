"""The largest whole numbers that options and arguments take: what 64 bits, a machine or a day hold."""

from __future__ import annotations

import numbers

from calibeval.core.data.documents import MOST_COUNT, shown
from calibeval.core.errors import UsageError

MOST_JOBS = 1024
MOST_SEED = 2**62
LEAST_LABEL, MOST_LABEL = -MOST_COUNT, MOST_COUNT - 1
MOST_ROWS = MOST_COUNT - 1


def check_whole(name: str, value: object, least: int, most: int = MOST_COUNT - 1) -> None:
    """See that an argument is a whole number within a range; True and False are none.

    Raises: UsageError.

    >>> check_whole("jobs", 0, 1, MOST_JOBS)
    Traceback (most recent call last):
    calibeval.core.errors.UsageError: jobs is 0, but it must be a whole number from 1 on
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or int(value) < least:  # type: ignore[call-overload]
        raise UsageError(f"{name} is {_came(value)}, but it must be a whole number from {least} on")
    if int(value) > most:  # type: ignore[call-overload]
        raise UsageError(f"{name} is {_came(value)}, but it can be {most:,} at most")


def _came(value: object) -> str:
    return shown(value) if isinstance(value, int) and not isinstance(value, bool) else repr(value)
