"""Small documents: maps, reports, configurations, lists of names."""

from __future__ import annotations

import json
import os
from pathlib import Path

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.stored.place import Place, Url
from calibeval.readers.stored.regular import opened

MOST_BYTES = 2**24
NEEDED = 'a list of names, or an object such as {"0": "cat", "1": "dog"}, is needed'


def read_small(path: Place) -> bytes:
    """The content of a regular file of at most 16 MiB.

    Raises: FileProblem if there is no such file, it is not a regular file, or it cannot be read; InputError if it is
    larger.
    """
    content = read_beginning(path, MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: has more than {MOST_BYTES // 2**20} MiB, which no such file needs")
    return content


def read_beginning(path: Place, most: int) -> bytes:
    """The first bytes of a regular file.

    Raises: FileProblem if there is no such file, it is not a regular file, or it cannot be read.
    """
    if isinstance(path, Url):
        from calibeval.readers.remote.small import beginning

        return beginning(path, most)
    with opened(path) as descriptor:
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(most)
        except OSError as error:
            raise FileProblem(f"{path}: cannot be read ({error.strerror or error})") from None


def is_there(path: Path) -> bool:
    """Whether there is anything of that name, be it a link to nowhere, or to itself."""
    return os.path.lexists(path)


def names_in_json(content: bytes, path: Place) -> tuple[str, ...]:
    """The class names in a `.json` file, in class order: a list, or an object by number, as id2label of transformers.

    An object may also hold the number of each name, {"cat": 0, "dog": 1}.

    Raises: InputError for anything else, and for names that are empty or occur twice.

    >>> names_in_json(b'{"1": "dog", "0": "cat"}', Path("names.json")), names_in_json(b'{"dog": 0}', Path("names.json"))
    (('cat', 'dog'), ('dog',))
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not valid JSON; {NEEDED}") from None
    if isinstance(found, dict):
        found = found.get("id2label", found)
    if isinstance(found, dict):
        found = _in_order(found)
    if not isinstance(found, list) or not found or not all(isinstance(one, str) and one.strip() for one in found):
        raise InputError(f"{path}: {NEEDED}")
    names = tuple(one.strip() for one in found)
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise InputError(f'{path}: two classes are called "{twice}"')
    return names


def _in_order(by: dict[str, object]) -> list[object] | None:
    """The names in an object from numbers to names, or from names to numbers; None unless these are 0 to k - 1."""
    if all(type(value) is int for value in by.values()):
        numbered: dict[object, object] = {value: name for name, value in by.items()}
    else:
        numbered = {int(key): name for key, name in by.items() if key.isascii() and key.isdigit()}
    if len(numbered) != len(by) or {*numbered} != {*range(len(by))}:
        return None
    return [numbered[i] for i in range(len(by))]
