"""The largest whole numbers that options and arguments take: what 64 bits, a machine or a day hold.

Free of numpy, for a fast help.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable

from calibeval.core.errors import UsageError

MOST_COUNT = 2**63
MOST_JOBS = 1024
MOST_SEED = 2**62
LEAST_LABEL, MOST_LABEL = -MOST_COUNT, MOST_COUNT - 1
MOST_ROWS = MOST_COUNT - 1
MOST_BITS = 2**13  # of a whole number that is shown; Python refuses to write much longer ones
THOUSANDS_OF_DIGITS = "a whole number of thousands of digits"


def _came(value: object) -> str:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        return repr(value)
    found = int(value)
    return str(found) if found.bit_length() <= MOST_BITS else THOUSANDS_OF_DIGITS


def check_whole(
    name: str,
    value: object,
    least: int | None,
    most: int | None = MOST_COUNT - 1,
    came: Callable[[object], str] = _came,
) -> int:
    """An argument that must be a whole number within a range; True and False are none.

    came: what a wrong value is called.
    Raises: UsageError.

    >>> check_whole("jobs", 0, 1, MOST_JOBS)
    Traceback (most recent call last):
    calibeval.core.errors.UsageError: jobs is 0, but it must be a whole number, at least 1
    """
    found = int(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else None
    if found is None or (least is not None and found < least):
        needed = "a whole number" if least is None else f"a whole number, at least {least}"
        raise UsageError(f"{name} is {came(value)}, but it must be {needed}")
    if most is not None and found > most:
        raise UsageError(f"{name} is {came(value)}, but it can be {most:,} at most")
    return found
