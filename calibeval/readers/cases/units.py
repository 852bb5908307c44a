"""The patient of each case, or whatever several cases have in common: two columns of a small table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.cases.stems import suffix_of_case
from calibeval.readers.small_files import read_small
from calibeval.readers.stored.place import place_of

NEEDED = "a table with a header is needed: the name of the case in the first column, its group in another one"
LISTED = 3


class CaseUnits(NamedTuple):
    """column: what the groups are called. names: the group of each case."""

    column: str
    names: tuple[str, ...]


def read_units(name: str, cases: Sequence[str]) -> CaseUnits:
    """The groups of cases in a .csv or .tsv file; `patients.csv#patient` names the column, by default the second.

    Raises: InputError for another table, and cases that are not in it; FileProblem.
    """
    path, _, column = name.partition("#") if not Path(name).exists() else (name, "", "")
    try:
        text = read_small(place_of(path)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: {NEEDED}, in UTF-8") from None
    rows = [row for row in csv.reader(io.StringIO(text), delimiter="\t" if path.endswith(".tsv") else ",") if row]
    if len(rows) < 2 or len(rows[0]) < 2:
        raise InputError(f"{path}: {NEEDED}")
    header = [one.strip() for one in rows[0]]
    if column and column not in header[1:]:
        raise InputError(f'{path}: there is no column "{column}"; there are {", ".join(header[1:])}')
    place = header.index(column, 1) if column else 1
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) <= place:
            raise InputError(f"{path}: line {number} has {len(row)} cells, but {place + 1} are needed")
        case = row[0].strip()
        stem = case[: len(case) - len(suffix_of_case(case) or "")]
        if found.setdefault(stem, row[place].strip()) != row[place].strip():
            raise InputError(f'{path}: line {number}: "{case}" belongs to two groups')
    missing = [one for one in cases if one not in found]
    if missing:
        some = ", ".join(missing[:LISTED])
        raise InputError(f"{path}: {len(missing):,} of {len(cases):,} cases are not in it: {some}")
    return CaseUnits(header[place], tuple(found[one] for one in cases))
