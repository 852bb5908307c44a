"""The records of a log in JSON: lines of objects, an array of objects, or one object of objects by their ids."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.formats.json_values import lenient, named
from calibeval.readers.formats.text import READ_BYTES, TextSource, byte_blocks, line_blocks
from calibeval.readers.logs.values import as_name, first_of
from calibeval.readers.stored.limits import Limits

MOST_DOCUMENT = 2**30
HEAD = READ_BYTES
FIRST = 20  # records by which a log is recognised
ROWS = frozenset(
    ("answers", "response", "labels", "gold", "golds", "targets", "judge_response")
)  # keys whose values are objects, though they are no ids


class Record(NamedTuple):
    """One object. place: for messages. key: its key, in an object of objects."""

    place: str
    row: dict[str, Any]
    key: str | None = None

    def id(self, names: Sequence[str]) -> str | None:
        """The key, or what the record has under the first of these names; None without.

        Raises: InputError for what cannot be an id.
        """
        found = self.key if self.key is not None else first_of(self.row, names)
        return None if found is None else as_name(found, f"{self.place}: the id")


def head_of(source: TextSource, limits: Limits) -> bytes:
    """The beginning of a text, without blanks; nothing of what is not text."""
    try:
        return next(byte_blocks(source, limits), b"")[:HEAD].lstrip()
    except InputError:
        return b""


def records(source: TextSource, limits: Limits) -> Iterator[Record]:
    """Every object of a text, which is one a line if its first line is an object by itself.

    Raises: InputError for what is not JSON, and values in the place of objects.
    """
    if of_lines(head_of(source, limits)):
        return _of_lines(source, limits)
    return _of_document(source, limits)


def of_lines(head: bytes) -> bool:
    """Whether a text holds one object a line, by its first line.

    >>> of_lines(b'{"a": 1}'), of_lines(b'{"a":'), of_lines(b'[{"a": 1}]')
    (True, False, False)
    """
    line = head.partition(b"\n")[0]
    if not line.startswith(b"{"):
        return False
    try:
        lenient(line, "")
    except InputError:
        return False
    return True


def _of_lines(source: TextSource, limits: Limits) -> Iterator[Record]:
    for block in line_blocks(source, limits, quotes=False):
        start = 0
        for number, end in enumerate(block.ends.tolist(), block.first_line):
            text, start = block.data[start:end], end + 1
            if text.strip():
                yield from _each(lenient(text, place := f"{source.name} line {number}"), place)


def _of_document(source: TextSource, limits: Limits) -> Iterator[Record]:
    pieces, size = [], 0
    for piece in byte_blocks(source, limits):
        pieces.append(piece)
        if (size := size + len(piece)) > MOST_DOCUMENT:
            raise InputError(
                f"{source.name}: one JSON document of more than {MOST_DOCUMENT:,} bytes; write one answer a line"
            )
    whole = lenient(b"".join(pieces), source.name)
    if isinstance(whole, list):
        return (_record(row, f"{source.name} item {number}") for number, row in enumerate(whole))
    if not isinstance(whole, dict):
        raise InputError(f"{source.name}: an object or a list of objects is needed")
    return _each(whole, source.name)


def _each(row: Any, place: str) -> Iterator[Record]:
    """An object, or each one in an object of objects by their ids."""
    if isinstance(row, dict) and row and ROWS.isdisjoint(row) and all(isinstance(one, dict) for one in row.values()):
        return (Record(f'{place} "{key[:80]}"', one, key) for key, one in row.items())
    return iter([_record(row, place)])


def _record(row: Any, place: str) -> Record:
    if not isinstance(row, dict):
        raise InputError(f"{place}: an object is needed, but this is {named(row)}")
    return Record(place, row)


def first_records(source: TextSource, limits: Limits) -> Iterator[Record]:
    """The first objects of a text, up to what is not JSON, among which some may be odd: a failed answer, say."""
    with contextlib.suppress(InputError):
        yield from itertools.islice(records(source, limits), FIRST)
