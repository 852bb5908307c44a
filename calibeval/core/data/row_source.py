"""Scores as (n, k) rows, whatever their shape and wherever they are stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast, get_args

import numpy as np
import numpy.typing as npt

from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.foreign import stays, to_numpy
from calibeval.core.data.precision import Tolerance, stored_precision
from calibeval.core.errors import InputError, UsageError, nearest

Kind = Literal["logits", "probs", "log_probs", "confidence"]
LAST_CHARACTER = 0x10FFFF
KINDS: tuple[Kind, ...] = get_args(Kind)


class RowSource(Protocol):
    """Anything that provides rows of scores: an array, rows in a file, or a stream that can only be read forward."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then of classes, then of any further axes."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers as stored."""
        ...

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive rows."""
        ...


@dataclass(frozen=True, slots=True)
class BinaryColumns:
    """A single column, P(class 1) or its logit, as the two columns of a two-class problem.

    A probability that is above 1 by rounding counts as 1, one that is below 0 by rounding as 0.
    """

    column: RowSource
    kind: Kind

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and 2 columns."""
        return (self.column.shape[0], 2)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers as stored."""
        return self.column.dtype

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        one = np.asarray(self.column[rows]).reshape(-1)
        if self.kind == "logits":
            return np.stack([np.zeros_like(one), one], axis=1)
        tolerance = Tolerance.of(stored_precision(self.dtype))
        if self.kind == "probs":
            if one.size and not (one.min() >= 0 and one.max() <= 1):
                one = np.where((one > 1) & (one <= tolerance.largest), one.dtype.type(1), one)
                one = np.where((one < 0) & (one >= -tolerance.spare), one.dtype.type(0), one)
            return np.stack([1 - one, one], axis=1)
        one = np.where((one > 0) & (one <= math.log(tolerance.largest)), one.dtype.type(0), one)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return np.stack([np.log1p(-np.exp(one.astype(np.float64))), one], axis=1)


def as_kind(name: str) -> Kind:
    """The kind of that name.

    Raises: UsageError with the nearest kind.
    """
    for kind in KINDS:
        if kind == name:
            return kind
    raise UsageError(f'kind "{name}" is unknown{nearest(name, KINDS)}; kinds are {", ".join(KINDS)}')


def only_kind(given: Mapping[str, object]) -> Kind:
    """The kind of the scores that were given. Raises: UsageError unless they are of one kind."""
    kinds = [kind for kind in KINDS if given[kind] is not None]
    if len(kinds) != 1:
        raise UsageError(f"give exactly one of logits, probs, log_probs and confidence, not {len(kinds)} of them")
    return kinds[0]


def as_array(values: object, name: str) -> npt.NDArray[Any]:
    """Numbers or texts as an array; torch tensors and pandas columns are supported.

    Raises: InputError for lists of unequal length, for masked entries, and for text of numbers that are no characters.
    """
    plain = to_numpy(values, name)
    try:
        array = np.asarray(plain)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{name} do not form an array: {str(error).rstrip('.')}") from None
    check_texts(array, name)
    return array


def check_texts(array: npt.NDArray[Any], name: str) -> None:
    """See that the texts of an array, if there are any, are made of characters: Python can hold no others.

    Raises: InputError.
    """
    if array.dtype.kind != "U" or not array.size or not array.dtype.itemsize:
        return
    codes = np.ascontiguousarray(array).reshape(-1).view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
    if codes.max() > LAST_CHARACTER:
        raise InputError(f"{name}: a text holds the number {int(codes.max())}, which is no character: it is damaged")


def as_column(name: str, values: object, lengths: set[int]) -> npt.NDArray[Any]:
    """A column as an array with one value per row. Raises: InputError."""
    column = as_array(values, f'"{name}"')
    if column.ndim != 1:
        raise InputError(f'"{name}" has shape {show_shape(column.shape)}, but one value per row is needed')
    if len(column) not in lengths:
        raise InputError(f'"{name}" has {len(column)} entries, but there are {max(lengths)} rows')
    return column


def as_source(scores: object, kind: Kind) -> RowSource:
    """Scores as a source of numeric rows; streams are returned unchanged. Raises: InputError for other types.

    A tensor on a device stays there: it is a source that takes its own sums.
    """
    if kind != "confidence" and stays(scores):
        there: RowSource | None = elsewhere("calibeval.devices.scores", "scores_of")(scores)
        if there is not None:
            return there
    found = to_numpy(scores, kind)
    stream = not isinstance(found, np.ndarray) and isinstance(getattr(found, "dtype", None), np.dtype)
    source = cast("RowSource", found) if stream else as_array(found, kind)
    if source.dtype.kind not in "fiub":
        raise InputError(f"{kind} have dtype {source.dtype}, but numbers are needed")
    return source


def show_shape(shape: Sequence[int]) -> str:
    """A shape as error messages show it: (5000, 10)."""
    return f"({', '.join(str(size) for size in shape)})"
