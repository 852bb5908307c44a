"""What a file says of an array before its values: shape, type and strides, checked once for every format."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibeval.core.errors import InputError

MOST_AXES = 32
MOST_BYTES = 2**62
READ_KINDS = "biufcSUMm"


@dataclass(frozen=True, slots=True)
class Header:
    """An array as a file describes it, which is possible as far as the description goes.

    strides: bytes from one entry to the next along each axis.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...]

    @classmethod
    def checked(cls, shape: object, dtype: np.dtype[Any], place: str, *, fortran: bool = False) -> Header:
        """The header of values that lie one after the other.

        place: file and key, for messages. fortran: whether the first axis runs fastest.
        Raises: InputError for sizes that are no whole numbers from 0, too many axes or bytes, or entries of no bytes.
        """
        sizes = checked_shape(shape, dtype, place)
        steps, step = [], dtype.itemsize
        for size in sizes if fortran else reversed(sizes):
            steps.append(step)
            step *= max(size, 1)
        return cls(sizes, dtype, tuple(steps if fortran else reversed(steps)))

    @property
    def count(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size of the values."""
        return self.count * self.dtype.itemsize

    @property
    def in_rows(self) -> bool:
        """Whether rows lie one after the other, each as it is."""
        return _dense(reversed(self.shape), reversed(self.strides), self.dtype.itemsize)

    @property
    def rows_apart(self) -> bool:
        """Whether rows lie in their order, each as it is, perhaps with gaps between them."""
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        dense = _dense(reversed(self.shape[1:]), reversed(self.strides[1:]), self.dtype.itemsize)
        return bool(self.shape) and self.strides[0] >= row and dense

    @property
    def in_columns(self) -> bool:
        """Whether the first axis runs fastest: a table column by column."""
        return _dense(self.shape, self.strides, self.dtype.itemsize)

    @property
    def refusal(self) -> str | None:
        """Why such values are never read, if they are not; another array of the same file may be."""
        kind = self.dtype.kind
        if self.dtype.hasobject:
            return (
                "Python objects. Reading them would run a pickle, which calibeval never does. "
                "Save plain numbers or text."
            )
        if kind not in READ_KINDS:
            return f"entries of type {str(self.dtype)[:60]}, but numbers or text are needed"
        if kind in "Mm" and np.datetime_data(self.dtype)[0] == "generic":
            return "dates without a unit. Save them with one, as datetime64[s], or as text."
        return None


def checked_shape(shape: object, dtype: np.dtype[Any], place: str) -> tuple[int, ...]:
    """The sizes of an array that could exist.

    Raises: as `Header.checked`.
    """
    sizes = tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else (shape,)
    shown = f"({', '.join(str(size)[:20] for size in sizes[:6])}{', ...' if len(sizes) > 6 else ''})"
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise InputError(f"{place}: the header gives shape {shown}, but sizes must be whole numbers from 0")
    if len(sizes) > MOST_AXES:
        raise InputError(f"{place}: the header gives {len(sizes)} axes, but at most {MOST_AXES} are read")
    if dtype.itemsize < 1:
        raise InputError(f"{place}: the header gives entries of type {dtype.str[:40]}, which have no bytes")
    if math.prod(max(size, 1) for size in sizes) * dtype.itemsize >= MOST_BYTES:
        raise InputError(f"{place}: the header gives the impossible shape {shown}")
    return sizes


def _dense(sizes: Iterable[int], strides: Iterable[int], step: int) -> bool:
    """Whether each axis strides over all of the ones before it, and no further."""
    for size, stride in zip(sizes, strides, strict=True):
        if size > 1 and stride != step:
            return False
        step *= max(size, 1)
    return True
