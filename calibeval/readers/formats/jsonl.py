"""`.jsonl`, plain or gzipped: one JSON object per row; lists of numbers become arrays (n, k)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from calibeval.core.errors import InputError
from calibeval.readers.formats.json_rows import Rows
from calibeval.readers.formats.json_values import parsed_object
from calibeval.readers.formats.text import TextSource, line_blocks
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents


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
    lines = _lines(source, limits)
    begin = [
        (line, text, parsed_object(text, f"{source.name} line {line}")) for line, text in itertools.islice(lines, 2)
    ]
    if not begin:
        raise InputError(f"{source.name}: the file is empty")
    rows = Rows(begin[0][2], begin[1][2].keys() if len(begin) > 1 else None, source.name, limits)
    for line, text, row in begin:
        rows.add(line, row, len(text))
    for line, text in lines:
        rows.add(line, parsed_object(text, f"{source.name} line {line}"), len(text))
    return Contents(rows.arrays())


def _lines(source: TextSource, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """Line numbers and lines."""
    for block in line_blocks(source, limits, quotes=False):
        start = 0
        for i, end in enumerate(block.ends.tolist()):
            yield block.first_line + i, block.data[start:end]
            start = end + 1
