"""Small JSON documents from untrusted sources: parsed strictly, with errors that name the first invalid value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from types import NoneType
from typing import Any, NoReturn, TypeVar

from calibeval.core.data.arguments import refused
from calibeval.core.data.ci_commands import without_commands
from calibeval.core.data.ranges import MOST_BITS, MOST_COUNT, THOUSANDS_OF_DIGITS
from calibeval.core.errors import InputError, nearest

# Characters that control, hide or reorder text, and halves of characters, which UTF-8 cannot hold.
_UNSEEN = (
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

DEEPEST = 32  # nesting of lists and objects in the parts of a document that may hold any value
LONGEST = 60  # characters of a value that a message shows
_READ = 'Path("FILE").read_text(encoding="utf-8")'

T = TypeVar("T")


def read_document(text: str | bytes, schemas: str | Sequence[str], noun: str, build: Callable[[Place], T]) -> T:
    """The result of `build` for a JSON document. noun: what messages call the document.

    schemas: the name of its schema, or this and the names of earlier schemas that are still supported.

    Raises: InputError if the text is not such a document, naming the first invalid field; UsageError if it is not text.

    >>> read_document('{"schema": "x/1", "n": 3}', "x/1", "thing", lambda whole: whole["n"].count())
    3
    """
    if not isinstance(text, str | bytes | bytearray):
        hint = f", such as {_READ}" if isinstance(text, PathLike) else ""
        raise refused(f"the JSON of a {noun}", text, f"a text, or its bytes in UTF-8{hint}")
    if isinstance(text, str) and text.endswith(".json") and "{" not in text:
        raise InputError(f"{shown(text)} is a path, but the JSON of a {noun} itself is needed, such as {_READ}")
    known = (schemas,) if isinstance(schemas, str) else schemas
    schema = known[0]
    try:
        whole = Place(_parsed(text), "", f"the {noun}")
        came = whole["schema"].text()
        if came not in known:
            raise InputError(f'schema is {shown(came)}, but "{schema}" is needed')
        return build(whole)
    except Wrong as error:
        raise InputError(f"this is not a {noun} of schema {schema}: {error}") from None
    except RecursionError:
        raise InputError(f"this is not a {noun} of schema {schema}: it is nested too deeply") from None


def json_text(document: Mapping[str, Any], *, ascii_only: bool = True) -> str:
    r"""A document as text; numbers round-trip exactly, and it never contains NaN.

    ascii_only: whether all other characters are escapes; if not, only those that control, hide or reorder text are.

    >>> json_text({"n": 0.1})
    '{\n "n": 0.1\n}\n'
    """
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=ascii_only)
    if not ascii_only or "\x7f" in text:  # the only one of them that is ASCII
        text = re.sub(_UNSEEN, _escape, text)
    return without_commands(text) + "\n"


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


class Wrong(Exception):
    """A document is invalid; the text says where, and which value it has there."""


class Place:
    """A JSON value and its path. path: "" for the whole document, which messages call `whole`.

    The methods up to `anything` return the value as one type, and raise Wrong if it is something else.
    """

    __slots__ = ("path", "value", "whole")

    def __init__(self, value: Any, path: str, whole: str) -> None:
        self.value, self.path, self.whole = value, path, whole

    def __getitem__(self, key: str) -> Place:
        """The field of that name. Raises: Wrong if there is none."""
        found = self.get(key)
        return self.fail(f'has no "{key}"') if found is None else found

    def get(self, key: str) -> Place | None:
        """The field of that name; None if there is none."""
        return self._below(key) if key in self.object() else None

    def object(self) -> dict[str, Any]:
        """An object."""
        return self.value if isinstance(self.value, dict) else self.refuse("an object")

    def items(self) -> list[tuple[str, Place]]:
        """The fields of an object."""
        return [(key, self._below(key)) for key in self.object()]

    def only(self, known: Sequence[str]) -> None:
        """Check that an object has no other fields than these."""
        unknown = min(self.object().keys() - set(known), default=None)
        if unknown is not None:
            there = f"; known fields are {', '.join(known)}" if known else ""
            self.fail(f"has an unknown field {shown(unknown)}{nearest(unknown[:LONGEST], known)}{there}")

    def each(self, read: Callable[[Place], T]) -> tuple[T, ...]:
        """A list, with each entry read by `read`."""
        if not isinstance(self.value, list):
            self.refuse("a list")
        return tuple(read(Place(item, f"{self.path}[{i}]", self.whole)) for i, item in enumerate(self.value))

    def number(self) -> float:
        """A finite number in the range of float64; a boolean is not a number."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
            self.refuse("a finite number")
        try:
            return float(value)
        except OverflowError:
            self.refuse("a finite number")

    def numbers(self) -> tuple[float, ...]:
        """A list of numbers. It may be long, so entries are checked one by one only to name the first invalid one."""
        value = self.value
        easy = isinstance(value, list) and all(type(one) is float for one in value) and all(map(math.isfinite, value))
        return tuple(value) if easy else self.each(Place.number)

    def count(self) -> int:
        """A whole number of at least 0 that fits 64 bits."""
        return self._whole_number(0, "a count")

    def integer(self) -> int:
        """A whole number that fits 64 bits; it may be negative."""
        return self._whole_number(-MOST_COUNT, "a whole number of 64 bits")

    def truth(self) -> bool:
        """A boolean."""
        return self.value if isinstance(self.value, bool) else self.refuse("true or false")

    def text(self) -> str:
        """A string."""
        return self.value if isinstance(self.value, str) else self.refuse("a string")

    def one_of(self, known: Sequence[str]) -> str:
        """One of several strings."""
        if self.value not in known:
            self.refuse(f"one of {', '.join(map(shown, known))}")
        return str(self.value)

    def anything(self, depth: int = DEEPEST) -> Any:
        """Any value in which all numbers fit float64, nested no deeper than `depth`."""
        value = self.value
        if isinstance(value, dict | list) and not depth:
            self.fail("is nested too deeply")
        if isinstance(value, dict):
            return {key: inner.anything(depth - 1) for key, inner in self.items()}
        if isinstance(value, list):
            return list(self.each(lambda inner: inner.anything(depth - 1)))
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.number()
        return value

    def refuse(self, needed: str) -> NoReturn:
        """Raise Wrong, saying what the value is and what is needed instead."""
        self.fail(f"is {shown(self.value)}, but {needed} is needed")

    def fail(self, problem: str) -> NoReturn:
        """Raise Wrong with the path and the problem."""
        raise Wrong(f"{self.path or self.whole} {problem}")

    def _whole_number(self, least: int, needed: str) -> int:
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < MOST_COUNT:
            self.refuse(needed)
        return int(value)

    def _below(self, key: str) -> Place:
        name = key if len(key) <= LONGEST else f"{key[: LONGEST - 3]}..."
        return Place(self.value[key], f"{self.path}.{name}" if self.path else name, self.whole)


def shown(value: Any) -> str:
    """A JSON value in a few words.

    >>> shown([1, 2]), shown(True), shown("high"), len(shown("x" * 99))
    ('a list', 'a boolean', '"high"', 60)
    """
    kinds = {dict: "an object", list: "a list", bool: "a boolean", NoneType: "null"}
    if type(value) in kinds:
        return kinds[type(value)]
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return THOUSANDS_OF_DIGITS
    came = json.dumps(value[: LONGEST + 1] if isinstance(value, str) else value)
    return came if len(came) <= LONGEST else f"{came[: LONGEST - 3]}..."


def _parsed(text: str | bytes) -> Any:
    """The JSON value of a text; NaN, infinities and duplicate keys are refused."""
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return json.loads(decoded, parse_constant=_no_number, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise Wrong(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Wrong(str(error)) from None
    except ValueError:  # Python's limit on the digits of a whole number
        raise Wrong("a whole number has thousands of digits") from None


def _no_number(name: str) -> NoReturn:
    raise Wrong(f"{name} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Wrong(f"{shown(twice)} occurs twice in one object")
    return found
