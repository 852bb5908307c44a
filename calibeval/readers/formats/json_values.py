"""JSON objects and the kinds of their values; what no array can hold is marked, and an error only where it is used."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from calibeval.core.errors import InputError

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
HALF = "half of a surrogate pair, which is not a character"
DENSE, SPARSE = 1, 0  # the "type" of a vector of Spark
VALUE_KINDS = {
    "number": "a number",
    "text": "text",
    "bool": "true or false",
    "list": "a list of numbers",
    "null": "null",
}


class Unfit:
    """In the place of a value that is valid JSON, or nearly, but that no array can hold. why: the message."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


def parsed_object(text: bytes, place: str) -> dict[str, Any]:
    """The object that a text is.

    place: file and line, for messages.
    Raises: InputError unless the text is one JSON object, with each key once.
    """
    try:
        row = (EXACT_DECODER if FAR.search(text) else DECODER).decode(text.decode("utf-8"))
    except RecursionError:
        raise InputError(f"{place}: the object is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: not valid JSON ({error.msg}, column {error.colno})") from None
    except ValueError as error:
        why = "a number of thousands of digits" if "digits" in str(error) else str(error)
        raise InputError(f"{place}: {why}") from None
    check_object(row, place)
    return _whole(row, place) if SURROGATE.search(text) else row


def check_object(row: Any, place: str) -> None:
    """Refuse anything but an object with keys.

    Raises: InputError.
    """
    if not isinstance(row, dict):
        raise InputError(f"{place}: this is {in_words(row)}, but every line must be a JSON object")
    if not row:
        raise InputError(f"{place}: the object has no keys")


def _whole(row: dict[str, Any], place: str) -> dict[str, Any]:
    """The object without halves of characters, which no file can hold."""
    if any(_is_broken(key) for key in row):
        raise InputError(f"{place}: {HALF}")
    return {key: Unfit(HALF) if _is_broken(value) else value for key, value in row.items()}


def _is_broken(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        return True
    return False


def kind_of(value: Any) -> str | None:
    """The kind of a value, as a key of VALUE_KINDS; None for a value that is no number, text or list of numbers."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) and value and set(map(type, value)) <= {int, float} else None


def as_vector(value: Any) -> Any:
    """The numbers of a dense vector as Spark writes it, {"type": 1, "values": [...]}; any other value as it is.

    >>> as_vector({"type": 1, "values": [0.1, 0.9]}), as_vector({"type": 0})
    ([0.1, 0.9], {'type': 0})
    """
    if type(value) is dict and value.keys() == {"type", "values"} and value["type"] == DENSE:
        return value["values"]
    return value


def in_words(value: Any) -> str:
    """A description of a value for error messages."""
    if isinstance(value, dict):
        sparse = value.get("type") == SPARSE and "indices" in value
        return "a sparse vector of Spark (vector_to_array makes it dense)" if sparse else "an object"
    if isinstance(value, list):
        odd = next((item for item in value if type(item) not in {int, float}), None)
        return f"a list that holds {in_words(odd)}" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f'text ("{value[:40]}")' if isinstance(value, str) else "a number"


def in_short(value: Any) -> str:
    """What a value is, as `inspect` lists it.

    >>> in_short({"a": 1}), in_short(["a"]), in_short([]), in_short([[1, 2]])
    ('object', 'list of text', 'empty list', 'list of lists')
    """
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list) and value:
        inner = {in_short(item) for item in value}
        one = inner.pop() if len(inner) == 1 else "mixed values"
        plain = {"number": "numbers", "object": "objects", "text": "text", "mixed values": "mixed values"}
        return f"list of {plain.get(one, 'lists' if 'list' in one else one)}"
    if isinstance(value, list):
        return "empty list"
    if isinstance(value, Unfit):
        return value.why
    return {"bool": "true or false", "null": "null", "text": "text", "number": "number"}[str(kind_of(value))]


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of an object as a dict; an error if a key occurs twice."""
    row = dict(pairs)
    if len(row) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        raise ValueError(f'the key "{counted.most_common(1)[0][0]}" occurs twice')
    return row


def _constant(token: str) -> float | Unfit:
    """-Infinity, which Python writes for the logit of a masked class; NaN and Infinity fit nowhere."""
    if token == "-Infinity":  # noqa: S105 - a token of JSON
        return -math.inf
    return Unfit(f"{token} is neither a score nor a label")


def _finite(text: str) -> float | Unfit:
    """A decimal; -1e500 is not the -inf of a masked class."""
    number = float(text)
    return Unfit(f"{text[:40]} is too large for float64") if math.isinf(number) else number


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
EXACT_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
# Numbers that may overflow: an exponent of three digits, or hundreds of digits before the point.
FAR = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{300}")
