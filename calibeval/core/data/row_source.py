"""Scores as (n, k) rows, whatever their shape and wherever they are stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast, get_args

import numpy as np
import numpy.typing as npt

from calibeval.core.data.foreign import to_numpy
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


class DensePixels:
    """Scores of images, (n, k, h, w) or (n, h, w, k), as rows of pixels in the order of (n, h, w).

    If pixels are read in order, each image is read only once, because the last images are kept.
    """

    def __init__(self, images: RowSource, channels_first: bool) -> None:
        self._images, self._channels_first = images, channels_first
        n, *rest = images.shape
        k = rest.pop(0 if channels_first else -1)
        self.layout: tuple[int, ...] = (n, *rest)
        self.shape: tuple[int, ...] = (n * math.prod(rest), k)
        self._last: tuple[int, npt.NDArray[Any]] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers as stored."""
        return self._images.dtype

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        total, k = self.shape
        start, stop, _ = rows.indices(total)
        if stop <= start:
            return np.empty((0, k), self.dtype)
        pixels = total // self.layout[0]
        first, end = start // pixels, -(-stop // pixels)
        images = self._read(first, end)
        if not self._channels_first:
            return images.reshape(-1, k)[start - first * pixels : stop - first * pixels]
        if len(images) == 1:
            return images.reshape(k, pixels)[:, start - first * pixels : stop - first * pixels].T
        return np.moveaxis(images, 1, -1).reshape(-1, k)[start - first * pixels : stop - first * pixels]

    def _read(self, first: int, end: int) -> npt.NDArray[Any]:
        """Consecutive images; the last ones are kept and not read again."""
        if isinstance(self._images, np.ndarray):
            return np.asarray(self._images[first:end])
        begin, kept = (first, None) if self._last is None else self._last
        if kept is None or not begin <= first < begin + len(kept):
            images = np.asarray(self._images[first:end])
        elif end <= begin + len(kept):
            return kept[first - begin : end - begin]
        else:
            images = np.concatenate([kept[first - begin :], self._images[begin + len(kept) : end]])
        self._last = first, images
        return images


def as_kind(name: str) -> Kind:
    """The kind of that name.

    Raises: UsageError with the nearest kind.
    """
    for kind in KINDS:
        if kind == name:
            return kind
    raise UsageError(f'kind "{name}" is unknown{nearest(name, KINDS)}; kinds are {", ".join(KINDS)}')


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
    """A column as an array with one value per row."""
    column = as_array(values, f'"{name}"')
    if column.ndim != 1:
        raise InputError(f'"{name}" has shape {show_shape(column.shape)}, but one value per row is needed')
    if len(column) not in lengths:
        raise InputError(f'"{name}" has {len(column)} entries, but there are {max(lengths)} rows')
    return column


def as_source(scores: object, kind: Kind) -> RowSource:
    """Scores as a source of numeric rows; streams are returned unchanged."""
    found = to_numpy(scores, kind)
    stream = not isinstance(found, np.ndarray) and isinstance(getattr(found, "dtype", None), np.dtype)
    source = cast("RowSource", found) if stream else as_array(found, kind)
    if source.dtype.kind not in "fiub":
        raise InputError(f"{kind} have dtype {source.dtype}, but numbers are needed")
    return source


def as_rows(scores: RowSource, kind: Kind, labels: npt.NDArray[Any]) -> tuple[RowSource, npt.NDArray[Any]]:
    """Binary columns and dense images as rows of (n, k) scores, with labels to match."""
    shape = scores.shape
    if kind == "confidence":
        if len(shape) != 1:
            raise InputError(f"confidence has shape {show_shape(shape)}, but one number per row is needed")
        return scores, labels
    if 0 in shape[1:]:
        raise InputError(f"{kind} have shape {show_shape(shape)}: there are no classes")
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        return BinaryColumns(scores, kind), labels
    if len(shape) == 2:
        return scores, labels
    if len(shape) >= 3 and labels.ndim == len(shape) - 1:
        n, *space = labels.shape
        channels_first = shape[0] == n and tuple(shape[2:]) == tuple(space)
        channels_last = shape[0] == n and tuple(shape[1:-1]) == tuple(space)
        if channels_first != channels_last:
            return DensePixels(scores, channels_first), labels.reshape(-1)
        if channels_first:
            raise InputError(f"{kind} {show_shape(shape)} could have the classes on axis 1 or on the last axis")
    raise InputError(
        f"{kind} have shape {show_shape(shape)} with labels {show_shape(labels.shape)}, but (n, k) with (n,), "
        "or (n, k, h, w) or (n, h, w, k) with (n, h, w) are needed"
    )


def show_shape(shape: Sequence[int]) -> str:
    """A shape as error messages show it: (5000, 10)."""
    return f"({', '.join(str(size) for size in shape)})"
