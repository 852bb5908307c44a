"""A column of a JSON object: a list of numbers, texts, truth values or lists of numbers, added in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.readers.formats.json_values import named
from calibeval.readers.formats.texts import Texts
from calibeval.readers.stored.header import MOST_AXES
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.spool import Spool
from calibeval.readers.stored.stored import Stored

KINDS: dict[str, set[type]] = {
    "numbers": {int, float, type(None)},
    "texts": {str, type(None)},
    "true and false": {bool},
    "lists": {list},
}


class JsonColumn:
    """Collects the values of one key. What cannot be an array is an error only if it is used."""

    def __init__(self, place: str, limits: Limits) -> None:
        self._place, self._limits = place, limits
        self._rows = 0
        self._kind: str | None = None
        self._why: str | None = None
        self._pieces: list[npt.NDArray[Any]] = []
        self._lists = Spool(limits.max_memory)
        self._texts = Texts(limits.max_memory)
        self._shape: tuple[int, ...] | None = None

    def add(self, values: Sequence[Any]) -> None:
        """Add some values, in their order."""
        if self._why is None and values:
            self._why = self._added(values)
        self._rows += len(values)

    def stored(self) -> Stored:
        """All values as an array."""
        if self._why is not None:
            return Stored.refused((self._rows,), np.dtype(object), self._place, self._why)
        if self._kind == "lists":
            source = self._lists.source()
            return Stored(source.shape, source.dtype, lambda: source)
        if self._kind == "texts":
            return Stored.of(self._texts.array())
        return Stored.of(np.concatenate(self._pieces) if self._pieces else np.empty(0))

    def _added(self, values: Sequence[Any]) -> str | None:
        """Add values of one kind; otherwise why they cannot be an array."""
        types = set(map(type, values))
        kind = next((kind for kind, known in KINDS.items() if types <= known), None)
        if self._kind is None:
            self._kind = kind
        if kind is None or kind != self._kind:
            known = KINDS.get(self._kind or "", {type(values[0])})
            odd = next((i for i, value in enumerate(values) if type(value) not in known), 0)
            return f"{named(values[odd])} in row {self._rows + odd}, but numbers, texts or lists of numbers are needed"
        if kind == "lists":
            return self._added_lists(values)
        if kind == "texts":
            self._texts.add(np.array([*values, None], object)[:-1], self._place)
            return None
        return self._added_numbers(values, truths=kind != "numbers")

    def _added_numbers(self, values: Sequence[Any], *, truths: bool) -> str | None:
        try:
            if truths:
                piece = np.asarray(values, np.bool_)
            elif all(type(value) is int for value in values):
                piece = np.asarray(values)
                if piece.dtype.kind not in "iu":
                    return _too_large(values, self._rows)
            else:
                piece = np.asarray([np.nan if value is None else value for value in values], np.float64)
        except OverflowError:
            return _too_large(values, self._rows)
        if "".join(sorted({piece.dtype.kind, *(one.dtype.kind for one in self._pieces[-1:])})) in ("iu", "fu"):
            return "integers above 2^63 and other numbers"
        self._pieces.append(piece)
        return None

    def _added_lists(self, values: Sequence[list[Any]]) -> str | None:
        shape, inner = [len(values)], values
        while set(map(type, inner)) == {list}:
            lengths = set(map(len, inner))
            if len(lengths) > 1 or (len(shape) == 1 and self._shape and lengths != {self._shape[0]}):
                return self._ragged(inner, self._shape[0] if self._shape and len(shape) == 1 else None)
            shape.append(lengths.pop())
            inner = list(chain.from_iterable(inner))
        if not set(map(type, inner)) <= {int, float} or not inner:
            odd = next((value for value in inner if type(value) not in {int, float}), None)
            return f"lists that hold {named(odd)}" if inner else "empty lists"
        if len(shape) > MOST_AXES or (self._shape is not None and tuple(shape[1:]) != self._shape):
            return "lists in lists that differ in their lengths, or are nested too deeply"
        self._shape = tuple(shape[1:])
        try:
            self._lists.add(np.asarray(inner, np.float64).reshape(shape))
        except OverflowError:
            return "an integer of more than 1,024 bits"
        return None

    def _ragged(self, lists: Sequence[list[Any]], width: int | None) -> str:
        """That lists differ in length, and where the first such is, if they are those of rows."""
        first = len(lists[0]) if width is None else width
        odd = next(i for i, one in enumerate(lists) if len(one) != first)
        if lists and self._shape is not None and width is None:
            return "lists in lists that differ in their lengths"
        return f"lists of different lengths: row {self._rows + odd} has {len(lists[odd])}, the first row {first}"


def _too_large(values: Sequence[Any], rows: int) -> str:
    """That an integer is too large for 64 bits, and in which row."""
    odd = next((i for i, one in enumerate(values) if one is not None and abs(one) >= 2**63), 0)
    return f"an integer of more than 64 bits in row {rows + odd}; write it as text"
