"""Named arrays from a table that is read in batches of rows: score columns become one array, kept in a spool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.formats.groups import RANKS, ScoreColumns, best_columns, check_groups, of_classes, score_columns
from calibeval.readers.formats.texts import Texts
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import (
    COLUMN,
    COLUMN_STEMS,
    FEATURE_KEYS,
    LABEL_KEYS,
    SCORE_KEYS,
)
from calibeval.readers.stored.spool import Spool
from calibeval.readers.stored.stored import Stored

MOST_COLUMNS = 2**15
NO_LISTS = -1
SOME_ROWS = " (it is in "  # begins what is added to a message, once for all columns of a group
LIST_KEYS = (RANKS, *(key for keys in SCORE_KEYS.values() for key in keys), "predictions", *LABEL_KEYS, *FEATURE_KEYS)

Array = npt.NDArray[Any]


def check_names(columns: Sequence[str], file: str) -> None:
    """Refuse too many columns, and names that occur twice.

    Raises: InputError.
    """
    if len(columns) > MOST_COLUMNS:
        raise InputError(
            f"{file}: there are {len(columns)} columns, but at most {MOST_COLUMNS} are read; "
            "write the scores of more classes as one column of lists"
        )
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise InputError(f'{file}: two columns are called "{column}"')
        seen.add(column)


class Table:
    """Collects batches of columns.

    columns: the names of all. strip: whether blanks around texts are no part of them. grouped: whether columns named
    as scores become one array. `groups` are those that do, `plain` all others.
    `mixed` are the columns with numbers in some batches and texts in others; `expected` is about how many rows there
    will be, if somebody knows it.
    """

    def __init__(
        self, columns: Sequence[str], file: str, limits: Limits, *, strip: bool = False, grouped: bool = True
    ) -> None:
        check_names(columns, file)
        self.groups = score_columns(columns, file) if grouped else []
        self.rows = 0
        self.mixed: set[str] = set()
        taken = {column for group in self.groups for column in group.columns}
        self.plain = [column for column in columns if column not in taken]
        self.expected = 0
        self._file, self._limits, self._strip = file, limits, strip
        self._wide: dict[str, Spool] = {}
        self._widths: dict[str, int] = {}
        self._narrow: dict[str, list[Array]] = {}
        self._texts: dict[str, Texts] = {}
        self._left: dict[str, tuple[str, str]] = best_columns(columns, file) if grouped else {}

    def add(self, scores: Mapping[str, Array], plain: Mapping[str, Array], rows: int) -> None:
        """Add a batch of rows.

        scores: an array (rows, k) for each group. plain: for each other column, numbers or bools (rows,), an object
        array of texts (None: empty), or an array (rows, k). What is left alone may be missing.
        Raises: InputError if lists differ in length from those before; FileProblem if the disk is full.
        """
        for group in self.groups:
            if group.key not in self._left:
                self._spool(group.key).add(scores[group.key])
        for column in self.plain:
            if column not in self._left and column in plain:
                self.put(column, plain[column])
        self.rows += rows

    def put(self, column: str, values: Array) -> None:
        """Add values to a column of no group."""
        if values.ndim > 1:
            self._widths[column] = values.shape[1]
            self._spool(column).add(values)
        elif values.dtype.kind == "O":
            if column not in self._texts:
                self._texts[column] = Texts(self._limits.max_memory, strip=self._strip)
            with self.leaving(column, "too much text"):
                self._texts[column].add(values, self._place(column))
        else:
            self._narrow.setdefault(column, []).append(values)
        self._note_mixture(column)

    def join(self, column: str) -> bool:
        """Make whole numbers of 63 and of 64 bits one array, as of one batch; False if no array holds them all."""
        pieces = self._narrow.get(column, [])
        if column in self._wide or column in self._texts or any(piece.dtype.kind not in "iuf" for piece in pieces):
            return False
        broken = any(piece.dtype.kind == "f" for piece in pieces)
        if not broken and any(int(piece.min()) < 0 for piece in pieces):
            return False
        self._narrow[column] = [piece.astype(np.float64 if broken else np.uint64) for piece in pieces]
        return True

    def is_left(self, key: str) -> bool:
        """Whether a column, or a group by its key, is left alone."""
        return key in self._left

    @contextmanager
    def leaving(self, column: str, what: str = "mixed values") -> Iterator[None]:
        """Leave a column alone if what happens here raises InputError: nobody may need it."""
        try:
            yield
        except InputError as error:
            self.leave(column, what, str(error))

    def leave(self, column: str, what: str, why: str = "", more: str = "") -> None:
        """Leave a column alone, or the group of scores that it belongs to: it becomes an array that cannot be used.

        what: it holds, in short; empty: said later. why: the message where it is used after all. An earlier call holds;
        more is added to its message.
        """
        key = next((group.key for group in self.groups if self._concerns(column, group)), column)
        for name in {key, column} - {one for group in self.groups for one in group.columns}:
            known, told = self._left.get(name, ("", ""))
            self._left[name] = (known or what, (told or why) + ("" if SOME_ROWS in told else more))
            for held in (self._wide, self._widths, self._narrow, self._texts):
                held.pop(name, None)

    def _concerns(self, column: str, group: ScoreColumns) -> bool:
        """Whether a column is one of a group, or, if it is new, would have been."""
        if column in group.columns:
            return True
        found = COLUMN.match(column)
        if found is None or COLUMN_STEMS[found[1]] != group.key or column in self.plain:
            return False
        known = {one.removeprefix(f"{found[1]}_"): one for one in group.columns}
        return column in of_classes({**known, found[2]: column}).values()

    def width(self, column: str) -> int | None:
        """The length of the lists in a column; None before the first row, and NO_LISTS if its first row was none."""
        return self._widths.get(column, NO_LISTS if self.rows else None)

    def arrays(self) -> dict[str, Stored]:
        """All columns as arrays.

        Raises: InputError for a table without rows.
        """
        if not self.rows:
            raise InputError(f"{self._file}: there is a header, but there are no rows")
        check_groups(self.groups, [one for one in self.plain if one not in self._left], self._widths, self._file)
        arrays: dict[str, Stored] = {}
        for group in self.groups:
            if group.key in self._left:
                left = Stored.left((self.rows, len(group.columns)), *self._left[group.key])
                arrays[group.key] = group.marked(left)
                continue
            arrays[group.key] = group.marked(self._of_all_rows(group.key, _stored(self._wide[group.key], group.origin)))
            arrays |= group.class_names()
        for column in (*self.plain, *self._left):
            if column not in arrays:
                arrays[column] = self._of_all_rows(column, self._array(column))
        return arrays

    def _of_all_rows(self, name: str, stored: Stored) -> Stored:
        if stored.shape[0] != self.rows:
            raise AssertionError(f"{self._place(name)}: {stored.shape[0]} values of {self.rows} rows")
        return stored

    def _array(self, column: str) -> Stored:
        """A column of no group."""
        if column in self._left:
            return Stored.left((self.rows,), *self._left[column])
        if column in self._wide:
            return _stored(self._wide[column])
        if column in self._texts:
            return Stored.of(self._texts[column].array())
        return Stored.of(np.concatenate(self._narrow[column]))

    def _spool(self, key: str) -> Spool:
        if key not in self._wide:
            self._wide[key] = Spool(self._limits.max_memory, self.expected)
        return self._wide[key]

    def _place(self, column: str) -> str:
        return f'{self._file}, column "{column}"'

    def _note_mixture(self, column: str) -> None:
        held = (column in self._wide, column in self._texts, column in self._narrow)
        if sum(held) > 1 or len({_family(piece) for piece in self._narrow.get(column, [])[-2:]}) > 1:
            self.mixed.add(column)


def stacked(columns: Sequence[Array], dtype: npt.DTypeLike) -> Array:
    """Score columns as one array."""
    scores = np.empty((len(columns[0]), len(columns)), dtype)
    for i, column in enumerate(columns):
        scores[:, i] = column
    return scores


def _family(values: Array) -> str:
    """Arrays of the same family can be joined without changing a value; bools are not numbers."""
    if values.dtype.kind in "iu":
        return "number" if values.dtype.itemsize < 8 or values.dtype.kind == "i" else "large number"
    return "number" if values.dtype.kind == "f" else values.dtype.str


def _stored(spool: Spool, origin: str | None = None) -> Stored:
    source = spool.source()
    return Stored(source.shape, source.dtype, lambda: source, origin=origin)
