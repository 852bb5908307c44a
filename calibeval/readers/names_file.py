"""Class names in a `.json` file: a list, or an object by the number of the class, as `id2label` of transformers."""

from __future__ import annotations

import json
from pathlib import Path

from calibeval.core.errors import InputError

NEEDED = 'a list of names, or an object such as {"0": "cat", "1": "dog"}, is needed'


def names_in_json(content: bytes, path: Path) -> tuple[str, ...]:
    """The names in class order. An object may also hold the number of each name, {"cat": 0, "dog": 1}.

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
