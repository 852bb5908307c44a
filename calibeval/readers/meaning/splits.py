"""What a #split selects from a file: the arrays with a prefix, some rows, or one array by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import InputError, nearest
from calibeval.readers.meaning.unlabelled import is_unlabelled_split
from calibeval.readers.stored.names import NAME_KEYS, index_splits, measured
from calibeval.readers.stored.stored import Stored


@dataclass(frozen=True, slots=True)
class View:
    """The arrays of one dump: those with one prefix, or all of them, with all rows or some.

    name: the name of the split. chosen: the key of the scores or features, if the split named it. prefixed: whether
    the arrays are those with one prefix. joined: whether it will be joined with other splits.
    """

    arrays: dict[str, Stored]
    rows: npt.NDArray[np.integer[Any]] | None = None
    chosen: str | None = None
    name: str = "all"
    prefixed: bool = False
    joined: bool = False

    @property
    def part(self) -> bool:
        """Whether the file holds other rows, too."""
        return self.rows is not None or self.prefixed


def split_views(
    arrays: dict[str, Stored], split: str | None, found: Sequence[str], file: str, *, alone: bool
) -> list[View]:
    """What the #split selects, one view for each part.

    found: the prefixes of the splits in the file. alone: whether the other arrays are a dump without a split.
    Raises: InputError for a split that does not exist or is named twice, or if a split must be named.
    """
    if split is not None and split != "all":
        parts = split.split("+")
        twice = next((part for i, part in enumerate(parts) if part in parts[:i]), None)
        if twice is not None:
            raise InputError(f'{file}: split "{twice}" is named twice')
        return [replace(_view(arrays, part, found, file), joined=len(parts) > 1) for part in parts]
    if found and not alone:
        raise InputError(f"{file}: holds several splits: {', '.join(found)}. Name one, as in {file}#{found[-1]}")
    return [View(arrays)]


def pooled_notice(arrays: dict[str, Stored], split: str | None, file: str) -> tuple[Notice, ...]:
    """That all rows are read together although the file keeps splits as row numbers, and none was named."""
    names = index_splits(arrays) if split is None else []
    if not names:
        return ()
    *others, last = names
    held = f"splits {', '.join(others)} and {last}" if others else f"split {last}"
    text = f"{file} holds the {held}; all rows are read together. Use {file}#{last} for one, or {file}#all to say so."
    return (warning("pooled_splits", text),)


def pick(
    values: RowSource, rows: npt.NDArray[np.integer[Any]] | None, n: int, file: str, what: str = "entries"
) -> npt.NDArray[Any]:
    """All values, or those of some rows; what: the role of the values, in messages.

    Raises: as `check_rows`; InputError unless there is one value for each of the n rows.
    """
    if rows is None:
        return values if isinstance(values, np.ndarray) else values[0:n]
    check_rows(rows, n, file)
    if values.shape[:1] != (n,):
        count = values.shape[0] if values.shape else "a single number in place of"
        raise InputError(f"{file}: {n} rows of scores, but {count} {what}")
    return rows_at(values, rows)


def check_rows(rows: npt.NDArray[np.integer[Any]], n: int, file: str) -> None:
    """Refuse row numbers outside a file of n rows, and numbers that occur twice.

    Raises: InputError.
    """
    if len(rows) and (rows.min() < 0 or rows.max() >= n):
        raise InputError(
            f"{file}: the split's row numbers run from {rows.min()} to {rows.max()}, but there are {n} rows"
        )
    if len(np.unique(rows)) < len(rows):
        raise InputError(f"{file}: the split names {len(rows) - len(np.unique(rows))} rows more than once")


def _view(arrays: dict[str, Stored], part: str, found: Sequence[str], file: str) -> View:
    indexed = index_splits(arrays)
    if part in found or (part not in indexed and part not in arrays and is_unlabelled_split(arrays, part)):
        others = tuple(f"{prefix}_" for prefix in (found if part in found else {*found, *measured(arrays)}))
        shared = {key: one for key, one in arrays.items() if key.lower() in NAME_KEYS or not key.startswith(others)}
        own = {key.removeprefix(f"{part}_"): value for key, value in arrays.items() if key.startswith(f"{part}_")}
        return View({**shared, **own}, name=part, prefixed=True)
    if part in indexed:
        return View(arrays, rows=arrays[f"{part}_index"].array(), name=part)
    if part in arrays and len(arrays[part].shape) >= 2:
        return View(arrays, chosen=part, name=part)
    matrices = [key for key, stored in arrays.items() if len(stored.shape) >= 2]
    splits = [*found, *indexed]
    known = [*splits, *matrices]
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "") if known else "none"
    without = "" if splits or nearest(part, known) else f". This file has no splits; leave out #{part}"
    raise InputError(f'{file}: there is no split or array "{part}"{nearest(part, known)}; found {listed}{without}')
