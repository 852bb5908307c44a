"""Values of JSON texts, strictly: no key twice, no NaN, no number that float64 cannot hold, no half characters."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from calibeval.core.errors import InputError

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Parser(NamedTuple):
    """Parses the text of an object; file and unit say where it is, for messages."""

    file: str
    unit: str

    def place(self, number: int) -> str:
        """The place of an object."""
        return f"{self.file} {self.unit} {number}"

    def __call__(self, number: int, text: bytes) -> dict[str, Any]:
        """The object.

        Raises: InputError unless the text is an object with keys.
        """
        row = decoded(text, self.place(number))
        if not isinstance(row, dict):
            raise InputError(f"{self.place(number)}: this is {named(row)}, but every {self.unit} must be a JSON object")
        if not row:
            raise InputError(f"{self.place(number)}: the object has no keys")
        return row


def decoded(text: bytes, place: str) -> Any:
    """The value that a JSON text stands for.

    place: for messages.
    Raises: InputError for a text that is not JSON, a key that occurs twice, and numbers and characters that cannot be.
    """
    try:
        value = (EXACT_DECODER if FAR.search(text) else DECODER).decode(text.decode("utf-8"))
        if SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise InputError(f"{place}: the object is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: not valid JSON ({error.msg}, column {error.colno})") from None
    except UnicodeEncodeError:
        raise InputError(f"{place}: half of a surrogate pair, which is not a character") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: byte 0x{text[error.start]:02x} is not UTF-8: save the file as UTF-8") from None
    except ValueError as error:
        why = "a number of thousands of digits" if "digits" in str(error) else str(error)
        raise InputError(f"{place}: {why}") from None
    return value


def named(value: Any) -> str:
    """A description of a value for error messages."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        odd = next((item for item in value if type(item) not in {int, float}), None)
        return f"a list that holds {named(odd)}" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f'text ("{value[:40]}")' if isinstance(value, str) else "a number"


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of an object as a dict; an error if a key occurs twice."""
    row = dict(pairs)
    if len(row) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        raise ValueError(f'the key "{counted.most_common(1)[0][0]}" occurs twice')
    return row


def _constant(token: str) -> float:
    """-Infinity, which Python writes for the logit of a masked class; NaN and Infinity are refused."""
    if token == "-Infinity":  # noqa: S105 - a token of JSON
        return -math.inf
    raise ValueError(f"{token} is neither a score nor a label")


def _finite(text: str) -> float:
    """A decimal; -1e500 is not the -inf of a masked class."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large for float64")
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
EXACT_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
# Numbers that may overflow: an exponent of three digits, or hundreds of digits before the point.
FAR = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{300}")
