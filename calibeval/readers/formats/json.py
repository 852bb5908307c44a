"""`.json`, plain or gzipped: an array of objects, one per row, or an object of columns; read in pieces."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from calibeval.core.errors import InputError, cut
from calibeval.readers.formats.groups import best_columns, check_groups, score_columns
from calibeval.readers.formats.json_column import JsonColumn
from calibeval.readers.formats.json_text import JsonText
from calibeval.readers.formats.json_values import decoded, kind_of, labelled
from calibeval.readers.formats.jsonl import arrays_of, read_objects
from calibeval.readers.formats.table import MOST_COLUMNS, stacked
from calibeval.readers.formats.text import TextSource
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import COLUMN, CORRECT_KEYS, ID_KEYS, LABEL_KEYS, MEASURED_KEYS, PREDICTION_KEYS
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored, read_from_text

NUMBER = re.compile(r"^[0-9]+\Z")
OF_ROWS = (*LABEL_KEYS, *CORRECT_KEYS, *PREDICTION_KEYS)
LARGEST_ROW = 2**20  # bytes of an object that could be a row by itself
OWN = re.compile(r"^calibeval\.([a-z]+)/[0-9]+\Z")
NEEDED = "an array of objects, one per row, or an object of arrays, such as logits and labels"


def read_json(file: SteadyFile, limits: Limits) -> Contents:
    """The arrays of an array of objects, as of JSON lines; of JSON lines; or of an object whose values are columns.

    Columns are lists, or objects by the name of the row, as pandas writes them. An object of such objects holds splits.
    An array without objects is scores, or labels, under the key "" (nothing).
    Raises: InputError for a text that is not JSON, or none of these.
    """
    return read_json_text(TextSource.of(file), limits)


def read_json_text(source: TextSource, limits: Limits) -> Contents:
    """The arrays of a JSON text; see `read_json`. Raises: as `read_json`."""
    text = JsonText(source, limits)
    opening = text.next_character()
    if opening == b"{":
        whole = text.whole_value(LARGEST_ROW)
        if whole is not None and text.follows(whole):
            return read_objects(source, limits)
        arrays = _Object(text, limits).read(whole)
    elif opening == b"[":
        text.enter()
        if text.next_character() in (b"{", b"]"):
            arrays = arrays_of(_rows(text), source.name, limits, "row")
        elif _of_a_pipeline(text):
            wrapped = ((number, b'{"output":' + member + b"}") for number, member in _rows(text))
            arrays = arrays_of(wrapped, source.name, limits, "row")
        else:
            arrays = {"": _column(text, source.name, limits)}
    else:
        raise InputError(f"{source.name}: this is not a JSON array or object. Expected {NEEDED}")
    text.finish()
    return Contents(read_from_text(arrays))


def _rows(text: JsonText) -> Iterator[tuple[int, bytes]]:
    """The members of an array, with their numbers."""
    number = 0
    for piece in text.pieces():
        if piece.last and not number and not piece.text.strip():
            continue
        for member in piece.members():
            yield number, member
            number += 1


def _of_a_pipeline(text: JsonText) -> bool:
    """Whether an array begins with [{"label": ..., "score": ...}, ...], as text-classification pipelines return it."""
    whole = text.whole_value(LARGEST_ROW) if text.next_character() == b"[" else None
    if whole is None or b"{" not in whole:
        return False
    first = decoded(whole, text.place())
    return isinstance(first, list) and bool(first) and labelled(first) is not None


def _column(text: JsonText, place: str, limits: Limits) -> Stored:
    """The array that was entered."""
    column = JsonColumn(place, limits)
    for piece in text.pieces():
        column.add(decoded(b"[" + piece.text + b"]", text.place()))
    return column.stored()


class _Object:
    """The outermost object: its arrays, and its arrays of objects, of which the end of the text decides."""

    def __init__(self, text: JsonText, limits: Limits) -> None:
        self._text, self._limits, self._name = text, limits, text.name
        self._arrays: dict[str, Stored] = {}
        self._rows: dict[str, dict[str, Stored] | InputError] = {}  # arrays of objects
        self._index: tuple[str, int] | None = None  # a column by the names of rows, and a hash of these names

    def read(self, whole: bytes | None) -> dict[str, Stored]:
        """All arrays. whole: the object's text, if it is in memory."""
        if whole is not None and self._is_row(whole):
            arrays = arrays_of(iter([(0, whole)]), self._name, self._limits, "row")
            self._text.enter()
            for _ in self._text.pieces():
                pass
            return arrays
        values: Iterable[Any] = () if whole is None else decoded(whole, self._text.place()).values()
        rows = all(isinstance(value, dict) for value in values)
        self._text.enter()
        keys = self._text.keys()
        for key in keys:
            inner = rows and self._text.next_character() == b"{" and not self._arrays and not self._rows
            if inner and self._is_row(self._text.whole_value(LARGEST_ROW), key):
                return self._rows_by_name(key, keys)
            self._member(key, "", splits=True)
        return self._chosen()

    def _is_row(self, whole: bytes | None, name: str = "") -> bool:
        """Whether the text of an object is one row: it has one label, or one prediction.

        A row may also have its scores alone if its name is that of a file, such as img_01.png, which no split has.
        """
        value = None if whole is None else decoded(whole, self._text.place())
        if not isinstance(value, dict):
            return False
        found = {key: one for key, one in value.items() if key.lower() in OF_ROWS}
        if found or "." not in name:
            return any(not isinstance(one, list | dict) and one is not None for one in found.values())
        return any(key.lower() in MEASURED_KEYS and kind_of(one) in {"number", "list"} for key, one in value.items())

    def _rows_by_name(self, first: str, keys: Iterator[str]) -> dict[str, Stored]:
        """The rows of an object whose members are rows; their names are ids, unless they only count."""
        ids: list[str] = []

        def numbered() -> Iterator[tuple[int, bytes]]:
            for number, key in enumerate(chain([first], keys)):
                ids.append(key)
                yield number, self._text.value()

        arrays = arrays_of(numbered(), self._name, self._limits, "row")
        if ids != [str(i) for i in range(len(ids))] and not any(key.lower() in ID_KEYS for key in arrays):
            arrays["ids"] = Stored.of(np.asarray(ids))
        return arrays

    def _member(self, key: str, prefix: str, *, splits: bool) -> None:
        """Take one member. splits: whether an object may be a split, or a column by the names of rows."""
        text, name = self._text, prefix + key
        place, opening = f'{self._name}: "{cut(name)}"', text.next_character()
        if opening == b"[":
            text.enter()
            if text.next_character() == b"{" and splits:
                self._rows[name] = self._objects()
                return
            stored = _column(text, place, self._limits)
        elif opening == b"{":
            text.enter()
            found = self._inner(key, place) if splits else self._skipped(place)
            if found is None:
                return
            stored = found
        else:
            stored = self._fact(name, decoded(text.value(), text.place()), place)
        self._add(name, stored)

    def _objects(self) -> dict[str, Stored] | InputError:
        """The rows of an array of objects, or why they cannot be rows, which matters only if nothing else is."""
        try:
            return arrays_of(_rows(self._text), self._name, self._limits, "row")
        except InputError as error:
            for _ in self._text.pieces():
                pass
            return error

    def _inner(self, key: str, place: str) -> Stored | None:
        """An inner object: a column by the names of rows, or a split, whose arrays are added; None for a split."""
        keys = self._text.keys()
        first = next(keys, None)
        if first is None:
            return None
        opening = self._text.next_character()
        if opening == b"{":
            return self._skipped(place)
        if opening == b"[" and not NUMBER.match(first):
            for inner in chain([first], keys):
                self._member(inner, f"{key}_", splits=False)
            return None
        return self._by_name(key, first, place)

    def _by_name(self, key: str, first: str, place: str) -> Stored:
        """A column as pandas writes it: an object whose keys are the names of the rows, the same for every column."""
        column, index, start = JsonColumn(place, self._limits), 0, json.dumps(first).encode() + b":"
        for piece in self._text.pieces():
            found = decoded(b"{" + start + piece.text + b"}", self._text.place())
            column.add(list(found.values()))
            for name in found:  # one by one, since pieces may end anywhere
                index = hash((index, name))
            start = b""
        if self._index is None:
            self._index = key, index
        if self._index[1] != index:
            return Stored.refused((0,), np.dtype(object), place, f'other rows than "{cut(self._index[0])}"')
        return column.stored()

    def _skipped(self, place: str) -> Stored:
        for _ in self._text.pieces():
            pass
        return Stored.refused((), np.dtype(object), place, "objects, but numbers, texts or lists of numbers are needed")

    def _fact(self, key: str, value: Any, place: str) -> Stored:
        """A number or text that stands for itself."""
        if key == "schema" and isinstance(value, str) and (own := OWN.match(value)):
            raise InputError(
                f"{self._name}: this is calibeval's own {own[1]} ({value}), not a dump. Name the file that holds the "
                "predictions."
            )
        if value is None or (type(value) is int and not -(2**63) <= value < 2**63):
            return Stored.refused((), np.dtype(object), place, "null" if value is None else "more than 64 bits")
        return Stored.of(np.asarray(value))

    def _add(self, name: str, stored: Stored) -> None:
        if name in self._arrays:
            raise InputError(f'{self._name}: "{cut(name)}" occurs twice')
        if len(self._arrays) >= MOST_COLUMNS:
            raise InputError(f"{self._name}: more than {MOST_COLUMNS} keys")
        self._arrays[name] = stored

    def _chosen(self) -> dict[str, Stored]:
        """The columns; without any scores among them the rows of the arrays of objects, each a split if there are more.

        Raises: InputError if the object holds neither.
        """
        arrays, name = self._arrays, self._name
        if any(_ends_like_scores(key) for key in arrays):
            return _grouped({**{key: self._refused(key) for key in self._rows}, **arrays}, name)
        for key, found in self._rows.items():
            if isinstance(found, InputError) and len(self._rows) == 1:
                raise found
            prefix = "" if len(self._rows) == 1 else f"{key}_"
            rows = {key: self._refused(key)} if isinstance(found, InputError) else found
            arrays = {**arrays, **{prefix + one: stored for one, stored in rows.items()}}
        if {"columns", "data"} <= arrays.keys():
            raise InputError(
                f'{name}: this looks like what pandas writes with orient="split". Write the table with '
                'df.to_json("dump.json", orient="records").'
            )
        if not arrays:
            raise InputError(f"{name}: the object holds no arrays. Expected {NEEDED}")
        return arrays

    def _refused(self, key: str) -> Stored:
        """An array of objects that is not used."""
        why = "objects, but numbers, texts or lists of numbers are needed"
        return Stored.refused((), np.dtype(object), f'{self._name}: "{cut(key)}"', why)


def _ends_like_scores(key: str) -> bool:
    lower = key.lower()
    return COLUMN.match(key) is not None or any(lower == one or lower.endswith(f"_{one}") for one in MEASURED_KEYS)


def _grouped(arrays: dict[str, Stored], file: str) -> dict[str, Stored]:
    """The arrays, with logit_0, logit_1, ... as one.

    Raises: InputError if such columns differ in length, or hold no numbers.
    """
    groups = score_columns(list(arrays), file)
    found = {**arrays, **{key: Stored.left((0,), *told) for key, told in best_columns(list(arrays), file).items()}}
    for group in groups:
        columns = [found.pop(column).array() for column in group.columns]
        for name, column in zip(group.columns, columns, strict=True):
            if column.shape != columns[0].shape or column.ndim != 1 or column.dtype.kind not in "iuf":
                raise InputError(
                    f'{file}: "{cut(name)}" is {Stored.of(column).describe()}, but a list of numbers is needed, as '
                    "long as the scores of the other classes"
                )
        scores = stacked(columns, np.float64)
        check_groups([group], list(found), {}, file)
        found[group.key] = group.marked(Stored.of(scores, origin=group.origin))
        found |= group.class_names()
    return found
