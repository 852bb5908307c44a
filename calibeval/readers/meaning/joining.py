"""Several splits of one file as one: what scores and features have in common when they are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from calibeval.core.data.lazy_columns import LazyColumns
from calibeval.core.data.notices import Notice
from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import InputError
from calibeval.readers.meaning.columns import joined_columns


class Part(Protocol):
    """One split, of scores or of features."""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names in class order."""
        ...

    @property
    def columns(self) -> LazyColumns:
        """Columns without another role."""
        ...

    @property
    def ids(self) -> npt.NDArray[Any] | None:
        """A name for each row."""
        ...

    @property
    def ignore_index(self) -> int | None:
        """The label of rows to leave out."""
        ...

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What weakens the numbers."""
        ...

    @property
    def file_rows(self) -> npt.NDArray[Any] | None:
        """Numbers of the rows in the file."""
        ...


P = TypeVar("P", bound=Part)


class Joined(NamedTuple):
    """What the rows of several splits have together."""

    columns: LazyColumns
    ids: npt.NDArray[Any] | None
    warnings: tuple[Notice, ...]
    file_rows: npt.NDArray[Any] | None


def joined_parts(
    parts: Sequence[P],
    names: Sequence[str],
    file: str,
    rows_of: Callable[[P], tuple[RowSource, npt.NDArray[Any] | None]],
) -> Joined:
    """The columns, ids, warnings and row numbers of several splits, in the order named.

    rows_of: the scores or features of a split, and its labels.
    Raises: InputError if splits differ in class names or the label to ignore, or share rows.
    """
    first = parts[0]
    for part, name in zip(parts[1:], names[1:], strict=True):
        if part.class_names != first.class_names:
            raise InputError(f"{file}: the splits {names[0]} and {name} differ in their class names")
        if part.ignore_index != first.ignore_index:
            raise InputError(
                f"{file}: {names[0]} ignores label {first.ignore_index}, {name} ignores {part.ignore_index}: "
                "say which with --ignore-index"
            )
    held = [rows_of(part) for part in parts]
    pair = next(((i, j) for j in range(len(held)) for i in range(j) if _are_equal(held[i], held[j])), None)
    if pair is not None:
        one, other = names[pair[0]], names[pair[1]]
        raise InputError(f"{file}: the splits {one} and {other} hold the same rows, which would count twice")
    rows = [part.file_rows for part in parts if part.file_rows is not None]
    twice = sum(map(len, rows)) - len(np.unique(np.concatenate(rows))) if rows else 0
    if twice:
        raise InputError(f"{file}: the splits {' and '.join(names)} share {twice} rows, which would count twice")
    ids = [part.ids for part in parts if part.ids is not None]
    return Joined(
        joined_columns([part.columns for part in parts]),
        np.concatenate(ids) if len(ids) == len(parts) else None,
        tuple(one.reworded(f"{name}: {one}") for part, name in zip(parts, names, strict=True) for one in part.warnings),
        np.concatenate(rows) if len(rows) == len(parts) else None,
    )


def _are_equal(
    one: tuple[RowSource, npt.NDArray[Any] | None], other: tuple[RowSource, npt.NDArray[Any] | None]
) -> bool:
    """Whether two splits hold the same values and labels, row by row; the first row decides nearly always."""
    (mine, labels), (theirs, others) = one, other
    if mine.shape != theirs.shape or (labels is None) != (others is None):
        return False
    if labels is not None and others is not None and not np.array_equal(labels, others):
        return False
    return np.array_equal(mine[0:1], theirs[0:1]) and np.array_equal(
        mine[0 : mine.shape[0]], theirs[0 : theirs.shape[0]]
    )
