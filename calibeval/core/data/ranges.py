"""The largest whole numbers that options and arguments take: what 64 bits, a machine or a day hold."""

from __future__ import annotations

from calibeval.core.data.arguments import whole

MOST_COUNT = 2**63

MOST_JOBS = 1024
MOST_SEED = 2**62
LEAST_LABEL, MOST_LABEL = -MOST_COUNT, MOST_COUNT - 1
MOST_ROWS = MOST_COUNT - 1


def check_whole(name: str, value: object, least: int, most: int = MOST_COUNT - 1) -> None:
    """Check that an argument is a whole number within a range; True and False are not.

    Raises: UsageError.

    >>> check_whole("jobs", 0, 1, MOST_JOBS)
    Traceback (most recent call last):
    calibeval.core.errors.UsageError: jobs is 0, but it must be a whole number, at least 1
    """
    whole(least, most)(name, value)
