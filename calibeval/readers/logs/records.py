"""The records of a log in JSON: lines of objects, an array of objects, or one object of objects by their ids."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.formats.json_values import lenient
from calibeval.readers.formats.text import TextSource, byte_blocks, line_blocks
from calibeval.readers.stored.limits import Limits

MOST_DOCUMENT = 2**30
HEAD = 2**20


class Record(NamedTuple):
    """One object. place: for messages. key: its key, in an object of objects."""

    place: str
    row: dict[str, Any]
    key: str | None = None


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
    """Whether a text holds one object a line, by its first line, which may be cut off where it is very long.

    >>> of_lines(b'{"a": 1}'), of_lines(b'{"a":'), of_lines(b'[{"a": 1}]'), of_lines(b'{' + HEAD * b"x")
    (True, False, False, True)
    """
    line, found, _ = head.partition(b"\n")
    if not line.startswith(b"{"):
        return False
    if not found and len(head) >= HEAD - 1:
        return True
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
                yield _record(lenient(text, place := f"{source.name} line {number}"), place)


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
    if whole and all(isinstance(row, dict) for row in whole.values()):
        return (Record(f'{source.name} "{key[:80]}"', row, key) for key, row in whole.items())
    return iter([Record(source.name, whole)])


def _record(row: Any, place: str) -> Record:
    if not isinstance(row, dict):
        raise InputError(f"{place}: an object is needed, but this is {type(row).__name__}")
    return Record(place, row)


def first_record(source: TextSource, limits: Limits) -> Record | None:
    """The first object of a text; None if there is none, or the text is not JSON."""
    try:
        return next(itertools.islice(records(source, limits), 1), None)
    except InputError:
        return None
