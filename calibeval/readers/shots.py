"""Training images a class, from a table of counts, a list of counts, or the training labels themselves."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.shots import TrainingCounts
from calibeval.core.errors import InputError
from calibeval.readers.formats.dialect import is_number
from calibeval.readers.open import open_input, split_name
from calibeval.readers.small_files import read_small
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import LABEL_KEYS
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.stored import Stored

TABLES = (".csv", ".tsv", ".txt")
NEEDED = 'a table "class,count", a list or an object of counts such as {"cat": 120}, or training labels are needed'


def read_shots(name: str, classes: Sequence[str]) -> TrainingCounts:
    """The training images a class in that file, perhaps of a #split. classes: names, or numbers as text.

    A list of as many whole numbers as there are classes holds counts; any other list holds labels, which are counted.
    Raises: InputError, FileProblem.
    """
    path, split = split_name(name)
    suffix = path.suffix.lower()
    if suffix in TABLES and split is None:
        return _table(name, _rows(path, suffix), classes)
    if suffix == ".json" and split is None:
        return _document(name, path, classes)
    found = _array(name, open_input(path, Limits()).contents.arrays, split)
    return _listed(name, found, classes)


def _table(name: str, rows: list[tuple[int, list[str]]], classes: Sequence[str]) -> TrainingCounts:
    """Of lines with their numbers: "class, count" with or without a head, a label a line, or "image label"."""
    widths = {len(cells) for _, cells in rows}
    if not rows or not widths <= {1, 2} or len(widths) > 1:
        where = next((line for line, cells in rows if len(cells) not in (1, 2)), rows[0][0] if rows else 1)
        raise InputError(f"{name} line {where}: {NEEDED}")
    known = {*classes, *map(str, range(len(classes)))}
    if widths == {1}:
        head = rows[0][1][0]
        rows = rows[1:] if head not in known and _whole(head) is None else rows
        return _listed(name, [cells[0] for _, cells in rows], classes)
    if len(rows) > len(classes) + 1 and sum(cells[0] in known for _, cells in rows) < len(rows) / 2:
        return _listed(name, [cells[1] for _, cells in rows], classes)  # an image and its label
    rows = rows if is_number(rows[0][1][1]) else rows[1:]
    counts: dict[str, int] = {}
    for line, (one, count) in rows:
        if one in counts:
            raise InputError(f'{name} line {line}: the class "{one}" has a count already')
        counts[one] = _count(count, f"{name} line {line}")
    return TrainingCounts(name, counts)


def _document(name: str, path: Place, classes: Sequence[str]) -> TrainingCounts:
    try:
        found = json.loads(read_small(path))
    except ValueError as error:
        raise InputError(f"{name}: is not JSON ({error})") from None
    if isinstance(found, Mapping):
        return TrainingCounts(name, {one: _count(count, f'{name}: class "{one}"') for one, count in found.items()})
    if not isinstance(found, list) or any(isinstance(one, list | dict) for one in found):
        raise InputError(f"{name}: {NEEDED}")
    return _listed(name, found, classes)


def _listed(name: str, values: Iterable[Any], classes: Sequence[str]) -> TrainingCounts:
    """Of a list: counts if there is one for each class, else labels."""
    texts = [str(one) for one in values]
    if len(texts) == len(classes) and all(map(is_number, texts)):
        return TrainingCounts(name, [_count(one, f"{name} entry {place}") for place, one in enumerate(texts)])
    if not texts:
        raise InputError(f"{name}: is empty; {NEEDED}")
    if len(texts) < 2 * len(classes) and all(map(is_number, texts)):
        raise InputError(
            f"{name}: has {len(texts):,} numbers; counts would be {len(classes):,}, one for each class of the scores, "
            "and training labels many more"
        )
    numbers = {one: _whole(one) for one in set(texts)}
    if all(number is not None for number in numbers.values()):
        found = Counter(numbers[one] for one in texts)
        return TrainingCounts(name, {str(one): count for one, count in found.items()}, of_labels=True)
    return TrainingCounts(name, dict(Counter(texts)), of_labels=True)


def _array(name: str, arrays: Mapping[str, Stored], split: str | None) -> npt.NDArray[Any]:
    """The labels, or the only array, of a file."""
    own = [f"{split}_{key}" for key in LABEL_KEYS] if split is not None else LABEL_KEYS
    found = [key for key in own if key in arrays]
    if not found and len(arrays) == 1 and split is None:
        found = list(arrays)
    if len(found) != 1:
        there = ", ".join(arrays) or "nothing"
        raise InputError(f"{name}: counts or labels are needed, in one array or under {own[0]}; there is {there}")
    values = np.asarray(arrays[found[0]].array())
    if values.ndim != 1:
        raise InputError(f"{name}: {found[0]} has the shape {values.shape}, but one number or name a row is needed")
    if values.dtype.kind == "f" and (values == np.round(values)).all():
        values = values.astype(np.int64)
    return values


def _rows(path: Place, suffix: str) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers, as cells."""
    try:
        lines = read_small(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 ({error.reason} at byte {error.start})") from None
    if suffix == ".txt" and not any("," in line for line in lines[:1]):
        cells = [line.rsplit(None, 1) for line in lines]
    else:
        cells = list(csv.reader(lines, delimiter="\t" if suffix == ".tsv" else ","))
    return [(line, [cell.strip() for cell in row]) for line, row in enumerate(cells, 1) if any(map(str.strip, row))]


def _count(value: object, place: str) -> int:
    number = _whole(value)
    if number is None or number < 0:
        raise InputError(f"{place}: {value!r} is no count; a whole number of at least 0 is needed")
    return number


def _whole(value: object) -> int | None:
    """A whole number, also of a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and number == int(number) else None
