"""Files of saved sums where a dump may be named: a path, a pattern, or a list of such, which are one dump together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from calibeval.core.data.source import Source
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.readers.formats.sums_names import are_sums
from calibeval.readers.formats.sums_together import read_all, source_of

NOTHING: tuple[Any, ...] = (None, False, ())


def names_of_sums(dumps: object) -> list[str] | None:
    """The names, if these are paths of saved sums, or patterns; None for other dumps. Raises: as `are_sums`."""
    every: Sequence[object] = dumps if isinstance(dumps, list | tuple) else [dumps]
    names = [fspath(one) if isinstance(one, str | PathLike) else "" for one in every]
    return [str(name) for name in names] if names and are_sums([str(name) for name in names]) else None


def opened_sums(names: Sequence[str], bins: int | None, given: Mapping[str, object]) -> tuple[Accumulation, Source]:
    """The rows of all files, and where they came from. given: what needs rows, or was settled with the sums.

    Raises: UsageError for these, and other bins; as `read_all`.
    """
    check_settled(given)
    rows = read_all(names)
    if bins not in (None, rows.settings.bins):
        raise UsageError(f"bins is {bins}, but these sums have {rows.settings.bins}: bins cannot be changed later")
    return rows, source_of(names)


def check_settled(given: Mapping[str, object]) -> None:
    """Check that nothing was given that needs rows, or was settled with the sums. Raises: UsageError."""
    for name, value in given.items():
        if not any(value is one or (one == () and isinstance(value, tuple | list) and not value) for one in NOTHING):
            raise UsageError(f"{name} cannot be combined with saved sums, which hold no rows and their own settings")
