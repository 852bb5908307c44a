"""A gate on a file of saved sums, in Python."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, TypeGuard

from calibeval.api.gate_config import Asked
from calibeval.core.data.source import Source
from calibeval.core.errors import UsageError
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.of_sums import subject_of_sums
from calibeval.readers.formats.sums import read_sums
from calibeval.readers.stored.place import Place, place_of

NOTHING: tuple[Any, ...] = (None, False, ())


def are_saved_sums(candidate: object) -> TypeGuard[str | PathLike[str]]:
    """Whether it is the path of a file of sums."""
    return isinstance(candidate, str | PathLike) and place_of(candidate).suffix == ".sums"


def judged_sums(path: Place, asked: Asked, bins: int | None, given: Mapping[str, object]) -> tuple[Asked, Subject]:
    """The rules and what they are about. given: what was given that needs rows, or was settled with the sums.

    Raises: UsageError for these, other bins, and rules that need rows; InputError, FileProblem as `Accumulator.load`.
    """
    settled = {name: getattr(asked, name) for name in ("slices", "group", "weights", "positive")}
    for name, value in (*given.items(), *settled.items()):
        if not any(value is one or (one == () and isinstance(value, tuple) and not value) for one in NOTHING):
            raise UsageError(f"{name} cannot be combined with saved sums, which hold no rows and their own settings")
    rows = read_sums(path)
    if bins not in (None, rows.settings.bins):
        raise UsageError(f"bins is {bins}, but these sums have {rows.settings.bins}: bins cannot be changed later")
    source = Source(str(path), format="sums")
    asked = asked.for_dump(rows.measurement(None, source).predictions, None, "calibeval")
    return asked, subject_of_sums(rows, asked.rules, asked.settings, source)
