"""The patient of each case, its scanner, or whatever several cases have in common: columns of a small table."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.cases.stems import suffix_of_case
from calibeval.readers.small_files import read_small
from calibeval.readers.stored.place import place_of

NEEDED = "a table with a header is needed: the name of the case in the first column, its group in another one"
LISTED, EXAMPLE = 3, "scanners.csv#site"


class CaseUnits(NamedTuple):
    """column: what the groups are called. names: the group of each case."""

    column: str
    names: tuple[str, ...]


def read_units(name: str, cases: Sequence[str]) -> CaseUnits:
    """The groups of cases in a .csv or .tsv file; `patients.csv#patient` names the column, by default the second.

    Raises: InputError for another table, and cases that are not in it; FileProblem.
    """
    table = _Table.of(name)
    column = table.column or table.header[1]
    names = table.values(column, cases)
    empty = [case for case, unit in zip(cases, names, strict=True) if not unit]
    if empty:
        some = ", ".join(empty[:LISTED])
        raise InputError(
            f'{table.path}: {len(empty):,} of {len(cases):,} cases have an empty cell in the column "{column}": '
            f"{some}; write a name of its own for each that belongs to no other case"
        )
    return CaseUnits(column, names)


def read_columns(names: Sequence[str], cases: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The columns of cases in tables, by their names: `scanners.csv#site` names one, `scanners.csv` all but the first.

    Raises: as `read_units`; InputError for a column that comes twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        table = _Table.of(name)
        for column in [table.column] if table.column else table.header[1:]:
            if column in found:
                raise InputError(f'{table.path}: the column "{column}" comes twice; name the columns, as in {EXAMPLE}')
            found[column] = table.values(column, cases)
    return found


class _Table(NamedTuple):
    """A small table with the names of cases in its first column. column: the one that was asked for, or nothing."""

    path: str
    column: str
    header: list[str]
    rows: list[list[str]]

    @classmethod
    def of(cls, name: str) -> _Table:
        """The table of that name. Raises: InputError, FileProblem."""
        path, _, column = name.partition("#") if not Path(name).exists() else (name, "", "")
        try:
            text = read_small(place_of(path)).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{path}: {NEEDED}, in UTF-8") from None
        except FileProblem as error:
            raise FileProblem(f"{error}; cases have the columns of a table, such as {EXAMPLE}") from None
        try:
            lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if path.endswith(".tsv") else ",")
            rows = [row for row in lines if row]
        except csv.Error as error:
            raise InputError(f"{path}: line {lines.line_num}: {error}; {NEEDED}") from None
        if len(rows) < 2 or len(rows[0]) < 2:
            sign = next((one for one in (";", "\t", ",") if rows and len(rows[0]) == 1 and one in rows[0][0]), None)
            hint = "" if sign is None else f"; commas divide cells in .csv, and tabs in .tsv, not {sign!r}"
            raise InputError(f"{path}: {NEEDED}{hint}")
        header = [one.strip() for one in rows[0]]
        if column and column not in header[1:]:
            raise InputError(f'{path}: there is no column "{column}"; there are {", ".join(header[1:])}')
        return cls(path, column, header, rows[1:])

    def values(self, column: str, cases: Sequence[str]) -> tuple[str, ...]:
        """The value of each case. Raises: InputError."""
        place, found, known = self.header.index(column, 1), dict[str, str](), set(cases)
        if _stem(self.header[0], known) in known:
            raise InputError(f'{self.path}: line 1 is no header, but the case "{self.header[0]}"; {NEEDED}')
        for number, row in enumerate(self.rows, 2):
            if len(row) <= place:
                raise InputError(f"{self.path}: line {number} has {len(row)} cells, but {place + 1} are needed")
            case = row[0].strip()
            if found.setdefault(_stem(case, known), row[place].strip()) != row[place].strip():
                where = self._where(known)
                raise InputError(f'{self.path}: line {number}: "{case}" belongs to two groups{where}')
        missing = [one for one in cases if one not in found]
        if missing:
            some = ", ".join(missing[:LISTED])
            where = self._where(known) or f"; its first column has {', '.join(list(found)[:LISTED])}"
            raise InputError(f"{self.path}: {len(missing):,} of {len(cases):,} cases are not in it: {some}{where}")
        return tuple(found[one] for one in cases)

    def _where(self, known: Collection[str]) -> str:
        """What to do where the names of cases are in another column than the first; empty where they are not."""
        for place, column in enumerate(self.header[1:], 1):
            if any(len(row) > place and _stem(row[place].strip(), known) in known for row in self.rows):
                return f'; names of cases are in the column "{column}": put it first'
        return ""


def _stem(name: str, known: Collection[str]) -> str:
    """The name of a case, which may be written with the suffix of its file."""
    return name if name in known else name[: len(name) - len(suffix_of_case(name) or "")]
