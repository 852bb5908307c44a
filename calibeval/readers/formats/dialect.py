"""How a text table is written: what separates its columns, how its numbers look, and the names of its columns."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.formats.decimals import COMMA
from calibeval.readers.formats.text import LineBlock

SAID = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # a first line for Excel
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
QUOTED = re.compile(r'"[^"]*"')


class Dialect(NamedTuple):
    """How a table is written.

    decimal: what stands before decimals, if the user said it. columns: their names. told: what was recognised.
    """

    separator: str
    decimal: str | None
    columns: list[str]
    told: tuple[str, ...]


def dialect_of(
    blocks: Iterator[LineBlock], name: str, usual: str, decimal: str | None
) -> tuple[Dialect, Iterator[LineBlock]]:
    """How a table is written, and its rows.

    usual: the separator that the format says. A first line `sep=;` names another, and so does a header without the
    usual one; with decimal commas, semicolons come first.
    Raises: InputError for an empty file, or a header that cannot be one.
    """
    block = next(blocks, None)
    if block is None:
        raise InputError(f"{name}: the file is empty")
    line, number, rows = _first_line(block, blocks)
    said = SAID.fullmatch(line)
    if said is not None:
        if said[1] not in SEPARATORS:
            raise InputError(f"{name} line 1: {line!r} does not name one of the separators , ; | and tab")
        block = next(rows, None)
        if block is None:
            raise InputError(f"{name}: the file has no header after line 1")
        line, number, rows = _first_line(block, rows)
    separator = said[1] if said is not None else _separator(line, usual, decimal)
    columns = _names(line, f"{name} line {number}", separator)
    told = () if separator == usual else (f"columns separated by {SEPARATORS[separator]}",)
    if decimal == COMMA:
        told = (*told, "decimal commas")
    return Dialect(separator, decimal, columns, told), rows


def _first_line(block: LineBlock, others: Iterator[LineBlock]) -> tuple[str, int, Iterator[LineBlock]]:
    """The first line of a block with its number, and the blocks without it."""
    line, rest = block.without_first()
    rows = others if rest is None else itertools.chain([rest], others)
    return line.rstrip(b"\r").decode("utf-8"), block.first_line, rows


def _separator(line: str, usual: str, decimal: str | None) -> str:
    """The usual separator, or, if it is not in the header, the only other one that is."""
    bare = QUOTED.sub("", line)
    if decimal == COMMA and usual == COMMA and ";" in bare:
        return ";"
    if usual in bare:
        return usual
    return next((other for other in ("\t", ";", ",", "|") if other in bare), usual)


def _names(line: str, place: str, separator: str) -> list[str]:
    """The names of the columns."""
    try:
        tidy = re.sub(rf'" +(?={re.escape(separator)}|$)', '"', line)
        rows = csv.reader([tidy], delimiter=separator, strict=True, skipinitialspace=True)
        columns = [column.strip() for column in next(rows, [])]
    except csv.Error as error:
        raise InputError(f"{place}: the header cannot be read ({error})") from None
    if not columns:
        raise InputError(f"{place}: the line is empty, but the names of the columns are needed")
    if columns.count("") > 1:  # as of a spreadsheet with empty columns on its right
        columns = [column or ("" if "" not in columns[:i] else f"Unnamed: {i}") for i, column in enumerate(columns)]
    columns[0] = columns[0].removeprefix("#").lstrip() or columns[0]  # as np.savetxt begins a header
    if all(is_number(part) for column in columns for part in column.split() or [column]):
        raise InputError(
            f'{place}: the line holds numbers ("{columns[0]}"), but the names of the columns are needed, such as '
            "prob_0,prob_1,label; if all numbers are scores, say --read-as txt"
        )
    return columns


def is_number(text: str) -> bool:
    """Whether a text is a number, be it NaN or infinite.

    >>> is_number("1e-3"), is_number("nan"), is_number("cat")
    (True, True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True
