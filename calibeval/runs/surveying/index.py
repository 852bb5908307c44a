"""A table of dumps: a path a row, and its other columns are axes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from calibeval.core.errors import InputError, cut
from calibeval.readers.small_files import read_small
from calibeval.readers.stored.place import is_remote, place_of
from calibeval.runs.surveying.planned import Found

PATHS = ("path", "file", "dump", "filename")
NEEDED = f"a column of paths is needed, called {', '.join(PATHS[:-1])} or {PATHS[-1]}"


def found_in(index: Path) -> list[Found]:
    """The dumps that a table in CSV (or TSV) names, by paths that are relative to it, each with the texts of its axes.

    Raises: InputError for a table without paths or with empty fields; FileProblem if it cannot be read.
    """
    try:
        text = read_small(place_of(index)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{index}: a table of dumps must be UTF-8 text") from None
    sign = "\t" if index.suffix.lower() == ".tsv" else ","
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=sign) if any(one.strip() for one in row)]
    if not rows:
        raise InputError(f"{index}: the table is empty; {NEEDED}")
    head = [one.strip() for one in rows[0]]
    by_name = {name.lower(): place for place, name in reversed([*enumerate(head)])}
    place = next((by_name[name] for name in PATHS if name in by_name), None)
    if place is None:
        raise InputError(f"{index}: has the columns {', '.join(map(cut, head))}; {NEEDED}")
    twice = next((name for i, name in enumerate(head) if name in head[:i] or not name), None)
    if twice is not None:
        raise InputError(f"{index}: {f'the column {cut(twice)} occurs twice' if twice else 'a column has no name'}")
    found = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head) or not all(one.strip() for one in row):
            raise InputError(
                f"{index}: row {number} has {sum(bool(one.strip()) for one in row)} filled fields, but the head has "
                f"{len(head)}: every dump needs a path and a value of each axis"
            )
        texts = {name: text.strip() for i, (name, text) in enumerate(zip(head, row, strict=True)) if i != place}
        found.append(Found(texts, _beside(index, row[place].strip())))
    if not found:
        raise InputError(f"{index}: the table names no dump")
    return found


def _beside(index: Path, name: str) -> str:
    """A path in the table as one from here."""
    return name if is_remote(name) or Path(name).is_absolute() else (index.parent / name).as_posix()
