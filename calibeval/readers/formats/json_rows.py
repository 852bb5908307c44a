"""Objects of many rows as arrays by key; keys that not every row has, or not of one kind, are left alone."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.formats.json_values import VALUE_KINDS, Parser, Unfit, as_vector, in_short, kind_of, named
from calibeval.readers.formats.table import MOST_COLUMNS, Table, stacked
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import IGNORE_KEYS, NAME_KEYS
from calibeval.readers.stored.stored import Stored

BATCH_VALUES = 2**19
BATCH_BYTES = 2**24
LARGEST = 2**63 - 1
LARGEST_DOUBLE = 2**1024 - 2**970 - 1  # integers above it do not even round to a float64
NUMBERS = {int, float}
NULL = type(None)
KINDS = {int: "number", float: "number", str: "text", bool: "bool", list: "list", NULL: "null"}

Array = npt.NDArray[Any]


class _Left:
    """In the place of the values of a key that is left alone: counts them."""

    def __init__(self, count: int) -> None:
        self.count = count

    def append(self, value: Any) -> None:
        """Count a value."""
        self.count += value is not None

    def clear(self) -> None:
        """Keep the count."""


class Rows:
    """Collects rows. Those after the first are expected to be like the first; each key that is not is left alone.

    second: keys of the second row, or None. parse: says where a row is.
    """

    def __init__(self, first: dict[str, Any], second: Collection[str] | None, limits: Limits, parse: Parser) -> None:
        self._parse = parse
        alone = {key for key in first if second is None or key not in second}
        self._facts = {
            key: value
            for key, value in first.items()
            if _is_names(key, value) or (key in alone and key in IGNORE_KEYS and type(value) is int)
        }
        self._once = alone & self._facts.keys()
        self._first = {key: as_vector(value) for key, value in first.items() if key not in self._facts}
        self._kinds: dict[str, str | None] = dict.fromkeys(self._first)
        self._nulls: dict[str, int] = {}  # rows of keys that were null up to now
        self._table = Table([*self._first], parse.file, limits)
        self._groups = {column: group.key for group in self._table.groups for column in group.columns}
        self._batch: dict[str, list[Any] | _Left] = {key: [] for key in self._first}
        self._batch_rows = max(1, BATCH_VALUES // max(1, sum(_size(value) for value in self._first.values())))
        self._held = self._bytes = self._line = 0  # rows and bytes of the batch, and the number of the last row
        self._rare: dict[str, list[Any] | _Left] = {}  # as the batch, of keys that not every row has
        self._some: set[str] = set()  # those of them that are left alone for this reason

    def add(self, line: int, row: dict[str, Any], size: int = 0) -> None:
        """Add one row. line: its number, one more than that of the row before. size: bytes of its text.

        Raises: InputError for too many different keys.
        """
        if not self._held and not self._table.rows:
            self._note_first(row, line)
        self._line = line
        for key, fact in [*self._facts.items()] if self._facts else ():
            if row.pop(key, fact if key in self._once else None) != fact:
                self._leave(key, "differing lists", f'"{key}" differs from the first {self._parse.unit}')
                del self._facts[key]
        if row.keys() != self._batch.keys():
            self._note_missing(row, line)
        batch, rare = self._batch, self._rare
        for key, value in row.items():
            (batch[key] if key in batch else rare[key]).append(value)
        self._held += 1
        self._bytes += size
        if self._held == self._batch_rows or self._bytes >= BATCH_BYTES:
            self._flush()

    def arrays(self) -> dict[str, Stored]:
        """All rows as arrays by key."""
        self._flush()
        for key, rows in self._nulls.items():
            self._table.put(key, np.full(rows, np.nan))
        for key in self._table.mixed:
            if not self._table.join(key):
                why = f'"{key}" holds integers of more than 63 bits and others; write them as text'
                self._table.leave(key, "large integers", f"{self._parse.file}: {why}")
        for key in self._some:
            count = self._rare[key]
            if isinstance(count, _Left):
                what = f"in {count.count:,} of {self._table.rows:,} rows"
                self._table.leave(key, what, more=f" (it is {what})")
        return {**self._table.arrays(), **{key: Stored.of(_fact(value)) for key, value in self._facts.items()}}

    def _note_missing(self, row: dict[str, Any], line: int) -> None:
        """Leave alone each key that only some rows have."""
        for key in [key for key in self._batch if key not in row]:
            if not isinstance(self._batch[key], _Left):
                self._some.add(key)
                self._leave(key, "", f'"{key}" is missing, but the first {self._parse.unit} has it')
            self._rare[key] = self._batch.pop(key)
        first = line - self._table.rows - self._held
        for key in [key for key in row if key not in self._batch and key not in self._rare]:
            self._some.add(key)
            why = f'"{key}" is missing, but {self._parse.unit} {line} has it'
            self._leave(key, "", why, first)
            self._rare[key] = self._batch.pop(key)
        if len(self._batch) + len(self._rare) > MOST_COLUMNS:
            raise InputError(f"{self._parse.place(line)}: there are more than {MOST_COLUMNS} different keys")

    def _leave(self, key: str, what: str, why: str, line: int | None = None) -> None:
        """Leave the values of a key alone. what: they are, in short. why: the message where they are used after all."""
        held = self._batch.get(key, [])
        count = held.count if isinstance(held, _Left) else 0
        if not isinstance(held, _Left):
            count = self._table.rows + sum(value is not None for value in held) if key in self._batch else 0
        self._batch[key] = _Left(count)
        self._nulls.pop(key, None)
        self._table.leave(key, what, f"{self._parse.place(self._line if line is None else line)}: {why}")

    def _flush(self) -> None:
        """Hand the rows of the batch to the table."""
        if self._held:
            taken: dict[str, Array] = {}
            for key, values in self._batch.items():
                if not isinstance(values, _Left):
                    found = self._taken(key, values)
                    if found is not None:
                        taken[key] = found
            scores = {
                group.key: stacked([taken.pop(column) for column in group.columns], np.float64)
                for group in self._table.groups
                if all(column in taken for column in group.columns)
            }
            self._table.add(scores, taken, self._held)
        for values in self._batch.values():
            values.clear()
        self._held = self._bytes = 0

    def _note_first(self, row: dict[str, Any], line: int) -> None:
        """Leave alone what no array can hold, before many rows of it are held."""
        self._line = line
        for key, value in row.items():
            if key in self._first and kind_of(as_vector(value)) is None:
                self._leave(key, in_short(value), _unfit(key, value))

    def _taken(self, key: str, values: list[Any]) -> Array | None:
        """The values of a key as an array; None where they are left alone, or were null up to now."""
        kinds = self._kinds_of(key, values)
        known = self._kinds[key]
        only = kinds - {"null"}
        kind = only.pop() if len(only) == 1 else None if only else known
        usual = {"number", "text"} if "null" in kinds or key in self._nulls else {"number", "text", "bool", "list"}
        if key in self._groups:
            usual = set() if "null" in kinds else {"number"}
        if kind is None and kinds == {"null"} and key not in self._groups:
            self._nulls[key] = self._nulls.get(key, 0) + len(values)
            return None
        if kind not in usual or known not in {None, kind}:
            self._leave_odd(key, values)
            return None
        self._kinds[key] = kind
        try:
            return _array(str(kind), [*itertools.repeat(None, self._nulls.pop(key, 0)), *values])
        except OverflowError:
            row = _far_row(values)
            unit, other = ("1,024", "a decimal") if kind == "list" else ("64", "text")
            why = f'"{key}" holds an integer of more than {unit} bits; write it as {other}'
            self._leave(key, "large integers", why, self._line - self._held + 1 + row)
            return None

    def _kinds_of(self, key: str, values: list[Any]) -> set[str | None]:
        """The kinds of the values; None for what is no value of a row, and for a list of another length."""
        types = set(map(type, values))
        if dict in types:
            values[:] = map(as_vector, values)
            types = set(map(type, values))
        kinds = {KINDS.get(one) for one in types}
        if list in types:
            width = _size(self._first[key])
            lists = values if len(types) == 1 else [value for value in values if type(value) is list]
            flat = set(map(len, lists)) == {width} and set(map(type, itertools.chain.from_iterable(lists))) <= NUMBERS
            kinds |= set() if flat and width else {None}
        return kinds

    def _leave_odd(self, key: str, values: list[Any]) -> None:
        """Leave a key alone because of the first of its values that does not fit those before."""
        known, nulls = self._kinds[key], key in self._nulls
        for i, value in enumerate(values):
            kind = kind_of(value)
            why = self._why(key, value, known, nulls=nulls)
            if why is not None:
                lengths = kind == known == "list"
                what = in_short(value) if kind is None else "lists of differing lengths" if lengths else "mixed values"
                self._leave(key, what, why, self._line - self._held + 1 + i)
                return
            nulls = nulls or kind == "null"
            known = known if kind == "null" else kind

    def _why(self, key: str, value: Any, known: str | None, *, nulls: bool) -> str | None:
        """Why a value does not fit those before it, if it does not. known: their kind. nulls: whether any is null."""
        kind = kind_of(value)
        if kind is None:
            return _unfit(key, value)
        if key in self._groups:
            return None if kind == "number" else f'"{key}" is {VALUE_KINDS[kind]}, but a score is needed'
        if kind == "null":
            mixed = known in {"bool", "list"}
        else:
            mixed = kind != known if known is not None else nulls and kind in {"bool", "list"}
        if mixed:
            return f'"{key}" is {VALUE_KINDS[kind]}, but was {VALUE_KINDS[known or "null"]} before'
        width = _size(self._first[key])
        if kind == "list" and len(value) != width:
            return f'"{key}" has {len(value)} numbers, but the first {self._parse.unit} has {width}'
        return None


def _array(kind: str, values: list[Any]) -> Array:
    """Values of one kind, or null.

    Raises: OverflowError for integers that no array holds together with the other values.
    """
    if kind == "text":
        texts = np.empty(len(values), object)
        texts[:] = values
        return texts
    if kind == "bool":
        return np.asarray(values, np.bool_)
    if kind == "list":
        return np.asarray(values, np.float64).reshape(len(values), -1)
    if all(isinstance(value, int) for value in values):
        return np.asarray(values, np.uint64 if max(values) > LARGEST and min(values) >= 0 else np.int64)
    return np.asarray([np.nan if value is None else value for value in values], np.float64)


def _unfit(key: str, value: Any) -> str:
    """Why no array holds a value."""
    odd = next((item for item in value if isinstance(item, Unfit)), None) if isinstance(value, list) else value
    if isinstance(odd, Unfit):
        return odd.why
    needed = "a number, text or a flat list of numbers is needed"
    if isinstance(value, dict) and value and set(map(type, value.values())) <= NUMBERS:
        needed += ' (scores by class are read if the key is called "probs" or "logits")'
    return f'"{key}" holds {named(value)}, but {needed}'


def _is_names(key: str, value: Any) -> bool:
    return key in NAME_KEYS and isinstance(value, list) and all(isinstance(item, str) for item in value)


def _fact(value: Any) -> Array:
    """A fact about all rows, as an array."""
    try:
        return np.asarray(value, str if isinstance(value, list) else np.int64)
    except OverflowError:
        return np.asarray(float(value))


def _far_row(values: Sequence[Any]) -> int:
    """The first row with an integer that no array of numbers holds together with the other rows."""
    if isinstance(values[0], list):
        return next(i for i, row in enumerate(values) if any(abs(item) > LARGEST_DOUBLE for item in row))
    most = LARGEST if any(value is not None and value < 0 for value in values) else 2 * LARGEST + 1
    return next(i for i, value in enumerate(values) if value is not None and not -LARGEST - 1 <= value <= most)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, list) else 1
