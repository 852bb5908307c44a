"""`.jsonl`, plain or gzipped: one JSON object per row; lists of numbers become arrays (n, k)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from calibeval.core.errors import InputError
from calibeval.readers.formats.json_rows import Rows
from calibeval.readers.formats.json_values import Parser, by_class
from calibeval.readers.formats.text import TextSource, line_blocks
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import BY_SCORE, COLUMN
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored, read_from_text


def read_jsonl(file: SteadyFile, limits: Limits) -> Contents:
    """An array for each key of the objects.

    Keys that some rows lack, and keys whose values are not of one kind, are left alone: using them is an error. null is
    an empty cell, but never a score.
    `class_names`, if present, must be in the first line only, or the same list on every line. `ignore_index` applies to
    all rows if it is in the first line only.
    Raises: InputError that names the first line that is not a JSON object.
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
    Raises: as `read_jsonl`; InputError if there are no objects.
    """
    first = next(numbered, None)
    if first is None:
        raise InputError(f"{file}: the file is empty" if unit == "line" else f"{file}: there are no rows")
    parse = Parser(file, unit)
    row = parse(*first)
    parse = parse._replace(by_class=by_class(row) is not row)
    begin = [(number, text, parse(number, text)) for number, text in (first, *itertools.islice(numbered, 1))]
    order = _classes(begin[0][2])
    alike = _classes(begin[-1][2]) == order
    if parse.by_class and not alike:
        number, text, row = begin[0]
        begin[0] = number, text, {key: row[key] for key in (*sorted(order, key=str.lower), *row)}
    rows = Rows(begin[0][2], begin[1][2].keys() if len(begin) > 1 else None, limits, parse)
    for number, text, row in begin:
        rows.add(number, row, len(text))
    for number, text in numbered:
        row = parse(number, text)
        alike = alike and (not parse.by_class or _classes(row) == order)
        rows.add(number, row, len(text))
    arrays = read_from_text(rows.arrays())
    if parse.by_class and not alike and "class_names" in arrays:
        arrays["class_names"] = replace(arrays["class_names"], origin=BY_SCORE)
    return arrays


def _classes(row: dict[str, Any]) -> list[str]:
    """The columns of scores, in the order of a row."""
    return [key for key in row if COLUMN.match(key)]


def _lines(source: TextSource, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """Line numbers and lines."""
    for block in line_blocks(source, limits, quotes=False):
        start = 0
        for i, end in enumerate(block.ends.tolist()):
            yield block.first_line + i, block.data[start:end]
            start = end + 1
