"""What nnU-Net writes about its cases in dataset.json: names of labels, regions, the label to ignore."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.small_files import read_small
from calibeval.readers.stored.place import place_of

NAME = "dataset.json"
IGNORE, BACKGROUND = "ignore", "background"
DIGITS = 10  # of the numbers of labels, which have fewer


class Described(NamedTuple):
    """class_names: in class order, None without; ignore: the label to ignore; regions: by name, the labels of each."""

    class_names: tuple[str, ...] | None = None
    ignore: int | None = None
    regions: Mapping[str, tuple[int, ...]] | None = None


def described(*folders: Path) -> Described:
    """What dataset.json says, which lies in one of these folders or in the one above; nothing if there is none.

    Raises: InputError for a file that says something impossible.
    """
    for folder in (*folders, *(one.parent for one in folders)):
        file = folder / NAME
        if file.is_file():
            return _read(file)
    return Described()


def _read(file: Path) -> Described:
    try:
        found = json.loads(read_small(place_of(file)))
    except (ValueError, RecursionError):
        raise InputError(f"{file}: is not JSON") from None
    labels = found.get("labels") if isinstance(found, dict) else None
    if not isinstance(labels, dict) or not labels:
        return Described()
    if all(str(name).isdecimal() and len(str(name)) < DIGITS and isinstance(one, str) for name, one in labels.items()):
        return _by_number(labels)
    every = {str(name): _numbers(file, str(name), one) for name, one in labels.items()}
    ignore = every.pop(IGNORE, (None,))[0]
    if all(len(one) == 1 for one in every.values()):  # nnU-Net takes these as classes whatever regions_class_order says
        by_number = {one[0]: name for name, one in every.items()}
        whole = sorted(by_number) == list(range(len(by_number)))
        names = tuple(by_number[one] for one in sorted(by_number)) if whole and len(by_number) == len(every) else None
        return Described(names, ignore)
    regions = {name: one for name, one in every.items() if name.lower() != BACKGROUND and one != (0,)}
    return Described(None, ignore, regions)


def _by_number(labels: Mapping[str, str]) -> Described:
    """Of the Medical Segmentation Decathlon, whose labels are names by numbers."""
    names = {int(number): name for number, name in labels.items()}
    ignore = next((number for number, name in names.items() if name == IGNORE), None)
    names.pop(-1 if ignore is None else ignore, None)
    whole = sorted(names) == list(range(len(names))) and len(set(names.values())) == len(names)
    return Described(tuple(names[one] for one in sorted(names)) if whole else None, ignore)


def _numbers(file: Path, name: str, value: Any) -> tuple[int, ...]:
    every = value if isinstance(value, list) else [value]
    if not every or not all(isinstance(one, int) and not isinstance(one, bool) for one in every):
        raise InputError(
            f'{file}: the label "{name}" must be a whole number, or a list of some, but is {value!r:.60}; '
            "--layout arrays does not read this file"
        )
    return tuple(every)
