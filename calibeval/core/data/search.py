"""The word for a search of the worst segments, which stands in place of a column of slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import UsageError

AUTO = "auto"
DEPTH = 2


class Search(NamedTuple):
    """A search over these columns (None: all of the dump), which combines up to `depth` of them."""

    columns: tuple[str, ...] | None
    depth: int


def asked_search(slices: tuple[str, ...], predictions: Predictions) -> tuple[Search | None, tuple[str, ...]]:
    """The search among these words, and the columns that are cut into slices. Raises: UsageError for two searches.

    >>> asked_search(("auto:1", "site"), Predictions(probs=[0.2, 0.9], labels=[0, 1]))
    (Search(columns=None, depth=1), ('site',))
    """
    found = {word: search for word in slices if word not in predictions.columns and (search := search_of(word))}
    if len(found) > 1:
        raise UsageError(f"one search is made at a time: {' and '.join(found)} exclude each other")
    return next(iter(found.values()), None), tuple(word for word in slices if word not in found)


def refuse_search(slices: Sequence[str], predictions: Predictions, what: str) -> None:
    """Refuse a search where there is none. what: does not search. Raises: UsageError."""
    if asked_search(tuple(slices), predictions)[0] is not None:
        raise UsageError(
            f"{what} does not search segments; see calibeval report --slice {AUTO}, and name a column here"
        )


def search_of(word: str) -> Search | None:
    """The search that auto, auto:DEPTH, auto:COLUMN,… or auto:DEPTH:COLUMN,… asks for; None for any other column.

    Raises: UsageError for a depth that is not 1, 2 or 3, and for names that are missing or doubled.

    >>> search_of("auto"), search_of("auto:1:site,age"), search_of("site")
    (Search(columns=None, depth=2), Search(columns=('site', 'age'), depth=1), None)
    """
    head, sign, rest = word.partition(":")
    if head != AUTO:
        return None
    if not sign:
        return Search(None, DEPTH)
    first, more, names = rest.partition(":")
    number = first.removeprefix("-").isdigit()
    if not number:
        first, more, names = str(DEPTH), sign, rest
    if first not in ("1", "2", "3"):
        raise UsageError(f'slice "{word}": {first} columns cannot be combined; the depth is 1, 2 or 3, as in {AUTO}:2')
    columns = tuple(name.strip() for name in names.split(","))
    if more and not all(columns):
        raise UsageError(f'slice "{word}": a name is missing; write {AUTO}:{first}:COLUMN,COLUMN')
    if len(set(columns)) < len(columns):
        raise UsageError(f'slice "{word}": a column is named twice')
    return Search(columns if more else None, int(first))
