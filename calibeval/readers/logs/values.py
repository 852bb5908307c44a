"""Values of a log, checked where they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calibeval.core.errors import InputError
from calibeval.readers.formats.json_values import Unfit, named

MOST_LETTERS = 200


def as_number(value: Any, place: str, hint: str = "") -> float:
    """A number, also one in a text; NaN and infinities are left to the caller.

    hint: what to say of any other text.
    Raises: InputError for anything else.

    >>> as_number("-3.25", ""), as_number(2, "")
    (-3.25, 2.0)
    """
    if isinstance(value, Unfit):
        raise InputError(f"{place}: {value.why}")
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value[:MOST_LETTERS])
        except ValueError:
            pass
    elif isinstance(value, int | float):
        return float(value)
    raise InputError(f"{place}: a number is needed, but this is {named(value)}" + (f". {hint}" if hint else ""))


def as_option(value: Any) -> str:
    """An option as text: truth values as JSON has them, whole numbers without a point.

    >>> as_option(True), as_option(2.0), as_option(" a ")
    ('true', '2', 'a')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def first_of(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The value of the first of these keys that a record has; None without."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def documents(ids: Sequence[str | None]) -> list[str]:
    """The name of each document: its id, or its number, which is told apart from the ids of others.

    >>> documents([None, None]), documents(["1", None])
    (['0', '1'], ['1', 'row 1'])
    """
    known, word = set(ids) - {None}, ""
    while any(one is None and f"{word}{number}" in known for number, one in enumerate(ids)):
        word += "row "
    return [f"{word}{number}" if one is None else one for number, one in enumerate(ids)]


def as_name(value: Any, place: str) -> str:
    """A text or a whole number as a name of something: a document, a task, a filter.

    Raises: InputError for anything else, for texts that are empty or have half a character.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError(f"{place} must be text or a whole number, but this is {named(value)}")
    text = str(value).strip()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{place} holds half of a surrogate pair, which is not a character") from None
    if not text:
        raise InputError(f"{place} is empty")
    return text
