"""`.jsonl`, plain or gzipped: one JSON object per row; lists of numbers become arrays (n, k)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError, nearest
from calibeval.readers.formats.json_values import Parser, named
from calibeval.readers.formats.table import Table, stacked
from calibeval.readers.formats.text import TextSource, line_blocks
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import IGNORE_KEYS, NAME_KEYS
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored

BATCH_VALUES = 2**19
LARGEST = 2**63 - 1
LARGEST_DOUBLE = 2**1024 - 2**970 - 1  # integers above it do not even round to a float64
VALUE_KINDS = {
    "number": "a number",
    "text": "text",
    "bool": "true or false",
    "list": "a list of numbers",
    "null": "null",
}


def read_jsonl(file: SteadyFile, limits: Limits) -> Contents:
    """An array for each key of the objects.

    The first line decides the keys and the kinds of their values; null is an empty cell, but never a score.
    `class_names`, if present, must be in the first line only, or the same list on every line. `ignore_index` applies to
    all rows if it is in the first line only.
    Raises: InputError that names the first line that is not such an object, or differs from the first line.
    """
    return read_objects(TextSource.of(file), limits)


def read_objects(source: TextSource, limits: Limits) -> Contents:
    """An array for each key of a stream of JSON lines; see `read_jsonl`."""
    return Contents(arrays_of(_lines(source, limits), source.name, limits))


def arrays_of(
    numbered: Iterator[tuple[int, bytes]], file: str, limits: Limits, unit: str = "line"
) -> dict[str, Stored]:
    """An array for each key of some objects; see `read_jsonl`.

    numbered: the text of each object, after its number. unit: what the numbers count, for messages.
    """
    first = next(numbered, None)
    if first is None:
        raise InputError(f"{file}: the file is empty" if unit == "line" else f"{file}: there are no rows")
    second = next(numbered, None)
    parse = Parser(file, unit)
    keys = None if second is None else parse(*second).keys()
    rows = _Rows(parse(*first), keys, file, limits, parse)
    for line, text in (first, *([] if second is None else [second])):
        rows.add(line, text)
    for line, text in numbered:
        rows.add(line, text)
    return rows.arrays()


def _lines(source: TextSource, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """Line numbers and lines."""
    for block in line_blocks(source, limits, quotes=False):
        start = 0
        for i, end in enumerate(block.ends.tolist()):
            yield block.first_line + i, block.data[start:end]
            start = end + 1


class _Rows:
    """Collects rows with the same keys and kinds of values as the first. second: keys of the second row, or None."""

    def __init__(
        self, first: dict[str, Any], second: Collection[str] | None, file: str, limits: Limits, parse: Parser
    ) -> None:
        self._file, self._parse = file, parse
        alone = {key for key in first if second is None or key not in second}
        self._facts = {
            key: value
            for key, value in first.items()
            if _is_names(key, value) or (key in alone and key in IGNORE_KEYS and type(value) is int)
        }
        self._once = alone & self._facts.keys()
        self._first = {key: value for key, value in first.items() if key not in self._facts}
        self._keys = list(self._first)
        self._kinds: dict[str, str | None] = dict.fromkeys(self._keys)
        self._nulls: set[str] = set()
        self._table = Table(self._keys, file, limits)
        self._scores = {column for group in self._table.groups for column in group.columns}
        self._batch: dict[str, list[Any]] = {key: [] for key in self._keys}
        self._batch_rows = max(1, BATCH_VALUES // max(1, sum(_size(value) for value in self._first.values())))
        self._held = self._line = 0  # rows of the batch, and the line of the last

    def add(self, line: int, text: bytes) -> None:
        """Add one row.

        Raises: InputError if its keys or the kinds of its values differ from those of the first row.
        """
        row = self._parse(line, text)
        for key, fact in self._facts.items():
            if row.pop(key, fact if key in self._once else None) != fact:
                raise InputError(f'{self._parse.place(line)}: "{key}" differs from the first {self._parse.unit}')
        if row.keys() != self._batch.keys():
            self._refuse_keys(row, line)
        for key, value in row.items():
            self._check(key, value, line)
            self._batch[key].append(value)
        self._held += 1
        self._line = line
        if self._held == self._batch_rows:
            self._flush()

    def arrays(self) -> dict[str, Stored]:
        """All rows as arrays by key."""
        self._flush()
        unsure = min(self._table.mixed, default=None)
        if unsure is not None:
            raise InputError(
                f'{self._file}: "{unsure}" is null on at least {self._batch_rows} {self._parse.unit}s '
                "before the first text"
            )
        return {**self._table.arrays(), **{key: Stored.of(_fact(value)) for key, value in self._facts.items()}}

    def _refuse_keys(self, row: dict[str, Any], line: int) -> NoReturn:
        missing = next((key for key in self._keys if key not in row), None)
        if missing is not None:
            raise InputError(
                f'{self._parse.place(line)}: "{missing}" is missing, but the first {self._parse.unit} has it'
            )
        odd = next(key for key in row if key not in self._batch)
        raise InputError(
            f'{self._parse.place(line)}: "{odd}" is not among the keys of the first {self._parse.unit}'
            f"{nearest(odd, self._keys)}"
        )

    def _check(self, key: str, value: Any, line: int) -> None:
        """Check that a value is of the same kind as the earlier values of its key."""
        kind, known = _kind(value), self._kinds[key]
        place = f'{self._parse.place(line)}: "{key}"'
        if kind is None:
            raise InputError(f"{place} holds {named(value)}, but a number, text or a flat list of numbers is needed")
        if kind == "null" and known in {None, "number", "text"} and key not in self._scores:
            self._nulls.add(key)
            return
        if key in self._scores and kind != "number":
            raise InputError(f"{place} is {VALUE_KINDS[kind]}, but a score is needed")
        if known is None and (kind in {"number", "text"} or key not in self._nulls):
            self._kinds[key] = known = kind
        if kind != known:
            raise InputError(f"{place} is {VALUE_KINDS[kind]}, but was {VALUE_KINDS[known or 'null']} before")
        if kind == "list" and len(value) != len(self._first[key]):
            raise InputError(
                f"{place} has {len(value)} numbers, but the first {self._parse.unit} has {len(self._first[key])}"
            )

    def _flush(self) -> None:
        if self._held:
            plain = {key: self._array(key, values) for key, values in self._batch.items()}
            groups = self._table.groups
            scores = {g.key: stacked([plain.pop(key) for key in g.columns], np.float64) for g in groups}
            self._table.add(scores, plain, self._held)
        for values in self._batch.values():
            values.clear()
        self._held = 0

    def _array(self, key: str, values: list[Any]) -> npt.NDArray[Any]:
        kind = self._kinds[key]
        if kind == "text":
            texts = np.empty(len(values), object)
            texts[:] = values
            return texts
        if kind == "bool":
            return np.asarray(values, np.bool_)
        try:
            if kind == "list":
                return np.asarray(values, np.float64).reshape(len(values), -1)
            if all(isinstance(value, int) for value in values):
                return np.asarray(values, np.uint64 if max(values) > LARGEST and min(values) >= 0 else np.int64)
            return np.asarray([np.nan if value is None else value for value in values], np.float64)
        except OverflowError:
            line = self._line - self._held + 1 + _far_row(values)
            raise InputError(
                f'{self._parse.place(line)}: "{key}" holds an integer of more than '
                f"{'1,024' if kind == 'list' else '64'} bits; write it as {'a decimal' if kind == 'list' else 'text'}"
            ) from None


def _kind(value: Any) -> str | None:
    """The kind of a value, as a key of VALUE_KINDS; None for a value that no row may hold."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) and value and set(map(type, value)) <= {int, float} else None


def _is_names(key: str, value: Any) -> bool:
    return key in NAME_KEYS and isinstance(value, list) and all(isinstance(item, str) for item in value)


def _fact(value: Any) -> npt.NDArray[Any]:
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
