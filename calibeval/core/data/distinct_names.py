"""Distinct names for dumps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from calibeval.core.data.predictions import Predictions, Source


def name_of(predictions: Predictions) -> str:
    """The dump's name, and after a comma the map that makes its scores: "test.npz, T = 2.58".

    >>> name_of(Predictions(probs=[0.2, 0.9], labels=[0, 1], source=Source("runs/test.npz")))
    'test.npz'
    """
    made_by: str | None = getattr(predictions.scores, "made_by", None)
    return predictions.source.name if made_by is None else f"{predictions.source.name}, {made_by}"


def distinct_names(dumps: Sequence[tuple[str, Source]]) -> list[str]:
    """The names; dumps that share a name get as much of their paths as is needed, or a number if the paths are equal.

    >>> distinct_names([("a.npz", Source("one/a.npz")), ("a.npz", Source("two/a.npz")), ("b.npz", Source("b.npz"))])
    ['one/a.npz', 'two/a.npz', 'b.npz']
    >>> distinct_names([("a.npz", Source("a.npz"))] * 2)
    ['a.npz (1)', 'a.npz (2)']
    """
    return [_distinct(place, dumps) for place in range(len(dumps))]


def _distinct(place: int, dumps: Sequence[tuple[str, Source]]) -> str:
    own, _ = dumps[place]
    twins = [_tails(*dump) for dump in dumps if dump[0] == own]
    if len(twins) == 1:
        return own
    for depth, tail in enumerate(_tails(*dumps[place])):
        if sum(tail == tails[min(depth, len(tails) - 1)] for tails in twins) == 1:
            return tail
    same = _tails(*dumps[place])
    return f"{own} ({sum(_tails(*dump) == same for dump in dumps[: place + 1] if dump[0] == own)})"


def _tails(name: str, source: Source) -> list[str]:
    """The name with more and more folders of its path; what stands behind the file's name stays."""
    parts = PurePath(source.path or name).parts
    split = "" if source.split is None else f"#{source.split}"
    rest = name.removeprefix(source.name) if source.path is not None and name.startswith(f"{source.name}, ") else ""
    return [PurePath(*parts[-depth:]).as_posix() + split + rest for depth in range(1, len(parts) + 1)]
