"""Names that tell the dumps of one report apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from calibeval.core.data.predictions import Source

Named = tuple[str, Source]


def distinct_names(dumps: Sequence[Named]) -> list[str]:
    """The dumps' names, those that occur twice replaced by as much of their paths as tells them apart, or numbered.

    >>> distinct_names([("x.npz", Source("a/x.npz")), ("x.npz", Source("b/x.npz")), ("y.npz", Source("a/y.npz"))])
    ['a/x.npz', 'b/x.npz', 'y.npz']
    """
    return [_distinct(dump, dumps, place) for place, dump in enumerate(dumps)]


def _distinct(dump: Named, dumps: Sequence[Named], place: int) -> str:
    name, _ = dump
    twins = [_tails(other) for other in dumps if other[0] == name]
    if len(twins) == 1:
        return name
    for depth, tail in enumerate(_tails(dump)):
        if sum(tail == tails[min(depth, len(tails) - 1)] for tails in twins) == 1:
            return tail
    return f"{name} ({sum(other == name for other, _ in dumps[: place + 1])})"


def _tails(dump: Named) -> list[str]:
    """The dump's name with ever more of the folders of its path."""
    name, source = dump
    parts = PurePath(source.path or name).parts
    split = "" if source.split is None else f"#{source.split}"
    return [PurePath(*parts[-depth:]).as_posix() + split for depth in range(1, len(parts) + 1)]
