"""Small JSON documents from strangers: parsed strictly, and the first value that is not what it must be is named."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, NoReturn, TypeVar

from calibeval.core.errors import InputError, nearest

MOST_COUNT = 2**63
DEEPEST = 32  # lists and objects within each other, where a document may hold anything
MOST_BITS = 2**13  # of a whole number that is shown
LONGEST = 60  # characters of a value that is shown

T = TypeVar("T")


def read_document(text: str | bytes, schemas: str | Sequence[str], noun: str, build: Callable[[Place], T]) -> T:
    """What `build` makes of a JSON document. noun: what it is called in messages.

    schemas: the name of its schema, or that and the names of earlier ones that are still read.

    Raises: InputError if the text is no such document, naming the first field that is not what it must be.

    >>> read_document('{"schema": "x/1", "n": 3}', "x/1", "thing", lambda whole: whole["n"].count())
    3
    """
    known = (schemas,) if isinstance(schemas, str) else schemas
    schema = known[0]
    try:
        whole = Place(_parsed(text), "", f"the {noun}")
        came = whole["schema"].text()
        if came not in known:
            raise InputError(f'schema {shown(came)} came, but "{schema}" is needed')
        return build(whole)
    except Wrong as error:
        raise InputError(f"this is no {noun} of schema {schema}: {error}") from None
    except RecursionError:
        raise InputError(f"this is no {noun} of schema {schema}: it is nested too deeply") from None


def json_text(document: Mapping[str, Any], *, ascii_only: bool = True) -> str:
    r"""A document as text: numbers round-trip exactly, and there is never a NaN in it.

    >>> json_text({"n": 0.1})
    '{\n "n": 0.1\n}\n'
    """
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=ascii_only) + "\n"


class Wrong(Exception):
    """A document is not what it must be; the text says where, and what came."""


class Place:
    """A JSON value and where it stands. path: "" for the whole document, which is called `whole`.

    Each method but the last ones says what the value must be, and raises Wrong where it is something else.
    """

    __slots__ = ("path", "value", "whole")

    def __init__(self, value: Any, path: str, whole: str) -> None:
        self.value, self.path, self.whole = value, path, whole

    def __getitem__(self, key: str) -> Place:
        """The field of that name, which must be there."""
        found = self.get(key)
        return self.fail(f'has no "{key}"') if found is None else found

    def get(self, key: str) -> Place | None:
        """The field of that name; None where there is none."""
        return self._below(key) if key in self.object() else None

    def object(self) -> dict[str, Any]:
        """An object."""
        return self.value if isinstance(self.value, dict) else self.refuse("an object")

    def items(self) -> list[tuple[str, Place]]:
        """The fields of an object."""
        return [(key, self._below(key)) for key in self.object()]

    def only(self, known: Sequence[str]) -> None:
        """An object with no other fields than these."""
        unknown = min(self.object().keys() - set(known), default=None)
        if unknown is not None:
            there = f"; there can be {', '.join(known)}" if known else ""
            self.fail(f"has an unknown field {shown(unknown)}{nearest(unknown[:LONGEST], known)}{there}")

    def each(self, read: Callable[[Place], T]) -> tuple[T, ...]:
        """A list, each of its entries read by `read`."""
        if not isinstance(self.value, list):
            self.refuse("a list")
        return tuple(read(Place(item, f"{self.path}[{i}]", self.whole)) for i, item in enumerate(self.value))

    def number(self) -> float:
        """A finite number that float64 holds; a truth value is none."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
            self.refuse("a finite number")
        try:
            return float(value)
        except OverflowError:
            self.refuse("a finite number")

    def numbers(self) -> tuple[float, ...]:
        """A list of numbers, perhaps a long one: each is looked at alone only where one has to be named."""
        value = self.value
        easy = isinstance(value, list) and all(type(one) is float for one in value) and all(map(math.isfinite, value))
        return tuple(value) if easy else self.each(Place.number)

    def count(self) -> int:
        """A whole number from 0 on that 64 bits hold."""
        return self._whole_number(0, "a count")

    def integer(self) -> int:
        """A whole number that 64 bits hold, which may be negative."""
        return self._whole_number(-MOST_COUNT, "a whole number of 64 bits")

    def truth(self) -> bool:
        """True or false."""
        return self.value if isinstance(self.value, bool) else self.refuse("true or false")

    def text(self) -> str:
        """A text."""
        return self.value if isinstance(self.value, str) else self.refuse("a text")

    def one_of(self, known: Sequence[str]) -> str:
        """One of several texts."""
        if self.value not in known:
            self.refuse(f"one of {', '.join(map(shown, known))}")
        return str(self.value)

    def anything(self, depth: int = DEEPEST) -> Any:
        """Any value without numbers that float64 does not hold, nested no deeper than that."""
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
        """Say what came, and what is needed instead."""
        self.fail(f"is {shown(self.value)}, but {needed} is needed")

    def fail(self, problem: str) -> NoReturn:
        """Say what is wrong here."""
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
    ('a list', 'a truth value', '"high"', 60)
    """
    kinds = {dict: "an object", list: "a list", bool: "a truth value", NoneType: "null"}
    if type(value) in kinds:
        return kinds[type(value)]
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return "a whole number of thousands of digits"
    came = json.dumps(value[: LONGEST + 1] if isinstance(value, str) else value)
    return came if len(came) <= LONGEST else f"{came[: LONGEST - 3]}..."


def _parsed(text: str | bytes) -> Any:
    """The JSON value of a text, without what JSON does not have: NaN, infinities, a key twice."""
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(decoded, parse_constant=_no_number, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise Wrong(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Wrong(str(error)) from None
    except ValueError:  # Python's limit on the digits of a whole number
        raise Wrong("a whole number has thousands of digits") from None


def _no_number(name: str) -> NoReturn:
    raise Wrong(f"{name} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Wrong(f"{shown(twice)} occurs twice in one object")
    return found
