"""Columns of a file without another role: possible slices, loaded when they are used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.lazy_columns import LazyColumns, refuse_left
from calibeval.core.errors import InputError, nearest
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.splits import pick
from calibeval.readers.stored.stored import Stored


def slice_columns(
    arrays: Mapping[str, Stored],
    used: Collection[str | None],
    rows: npt.NDArray[np.integer[Any]] | None,
    n: int,
    file: str,
) -> LazyColumns:
    """Every array that has one entry a row and no other use, loaded when somebody asks for it.

    rows: those of the split; None: all. n: rows in the file.
    """

    def loader(stored: Stored) -> Callable[[], npt.NDArray[Any]]:
        return lambda: pick(stored.array(), rows, n, file)

    fitting = {key: stored for key, stored in arrays.items() if key not in used and stored.shape == (n,)}
    return LazyColumns(
        {key: loader(stored) for key, stored in fitting.items() if stored.refusal is None},
        {key: stored.load for key, stored in fitting.items() if stored.refusal is not None},
    )


def check_weights(columns: Mapping[str, Any], keys: Keys, file: str) -> None:
    """Check that there is the column by which rows are weighted, if one was named.

    Raises: InputError.
    """
    if keys.weights is None or keys.weights in columns:
        return
    refuse_left(columns, keys.weights)
    there, hint = ", ".join(columns) or "none", nearest(keys.weights, columns)
    raise InputError(
        f'{file}: {keys.said("weights")}: there is no column "{keys.weights}"{hint} with one number per row; '
        f"columns are {there}"
    )


def joined_columns(parts: Sequence[LazyColumns]) -> LazyColumns:
    """The columns that all parts have, one part after the other."""

    def loader(key: str) -> Callable[[], npt.NDArray[Any]]:
        return lambda: np.concatenate([part[key] for part in parts])

    left = {key: load for part in parts for key, load in part.left.items()}
    return LazyColumns({key: loader(key) for key in parts[0] if all(key in part for part in parts)}, left)
