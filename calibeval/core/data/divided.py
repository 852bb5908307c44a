"""Rows of probabilities that are divided by their sums: rounded ones, and others if the user asks for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.precision import Tolerance, stored_precision
from calibeval.core.data.rounding import HALF, MOST_DECIMALS, NOISE, Kept, blocks_of, in_words, rounding_of, whole_parts
from calibeval.core.data.row_source import BinaryColumns, Kind, RowSource
from calibeval.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class DividedRows:
    """Rows of probabilities divided by their sums when they are read.

    Rounded ones become the quotients of whole numbers, so that a quotient that is an edge of bins stays on it. float32
    stays float32, for the same reason; other types become float64. Rows that cannot be divided (of sum 0, with negative
    or infinite values) stay as they are.
    decimals: to which the probabilities were rounded; None if they were not. precision: of the rows that are divided.
    """

    rows: RowSource
    kind: Kind
    decimals: int | None
    precision: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and of classes."""
        return self.rows.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the quotients."""
        stored = self.rows.dtype
        single = stored.kind == "f" and stored.itemsize == 4 and self.precision < HALF
        return np.dtype(np.float32 if single else np.float64)

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        with np.errstate(all="ignore"):
            values = np.array(self.rows[rows], np.float64, order="C")
            if self.kind == "log_probs":
                most = values.max(axis=1, keepdims=True)
                total = most + np.log(np.exp(values - most).sum(axis=1, keepdims=True))
                divided = np.where(np.isfinite(total) & (np.abs(total) > self._near), values - total, values)
                return np.asarray(divided, self.dtype)
            values = np.where((values < 0) & (values >= -Tolerance.of(self.precision).spare), 0.0, values)
            whole, parts = (values, values) if self.decimals is None else whole_parts(values, self.decimals)
            sums = whole.sum(axis=1, keepdims=True)
            usable = (sums > 0) & np.isfinite(sums) & (values >= 0).all(axis=1, keepdims=True)
            if self.decimals is None:
                usable &= np.abs(sums - 1) > self._near
            return np.asarray(np.where(usable, parts / sums, values), self.dtype)

    @property
    def _near(self) -> float:
        return near_one(self.precision)


class Division(Notice):
    """The warning that rows were divided by their sums; those of several batches can be joined.

    off: how many rows were, of how many. low, high: the smallest and the largest sum of those. decimals: to which they
    were rounded, None for half precision. asked: whether the user asked for it.

    >>> print(Division(1, 10, 0.999, 1.0, 3).joined(Division(2, 10, 0.998, 1.0, 3)))
    probabilities are rounded to 3 decimals: every row is divided by its sum (3 of 20 rows were off by up to 0.002)
    """

    __slots__ = ("asked", "decimals", "high", "low", "off", "rows")

    off: int
    rows: int
    low: float
    high: float
    decimals: int | None
    asked: bool

    def __new__(
        cls, off: int, rows: int, low: float, high: float, decimals: int | None = None, asked: bool = False
    ) -> Self:
        """The warning in words."""
        share = f"{off:,} of {rows:,} rows were"
        if asked:
            text = f"{share} divided by their sums (sums from {low:.5g} to {high:.5g})"
        else:
            most = round(max(1.0 - low, high - 1.0), MOST_DECIMALS)
            rounded = f"probabilities are rounded to {in_words(decimals)}"
            text = f"{rounded}: every row is divided by its sum ({share} off by up to {most:.2g})"
        told = warning("renormalized", text) if asked else warning("rounded", text)
        made = super().__new__(cls, told, told.code)
        made.off, made.rows, made.low, made.high, made.decimals, made.asked = off, rows, low, high, decimals, asked
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        """The arguments that a copy is made from."""
        return self.off, self.rows, self.low, self.high, self.decimals, self.asked

    def joined(self, other: Division) -> Division:
        """The same warning about both sets of rows."""
        both = (self.decimals, other.decimals)
        decimals = None if None in both else max(one for one in both if one is not None)
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Division(self.off + other.off, self.rows + other.rows, low, high, decimals, self.asked)

    def of_rows(self, rows: int) -> Division:
        """The same warning about this number of rows."""
        return Division(self.off, rows, self.low, self.high, self.decimals, self.asked)


class AtDoor(NamedTuple):
    """Scores as all calculations take them, the precision of their type, and what is said about them."""

    scores: RowSource
    precision: float
    warnings: tuple[Notice, ...] = ()
    recognised: tuple[str, ...] = ()


def was_asked(*warnings: Iterable[str]) -> bool:
    """Whether the user asked for a division that took place, by the warnings of one dump or several."""
    return any(isinstance(one, Notice) and one.code == "renormalized" for every in warnings for one in every)


def near_one(precision: float) -> float:
    """How far from 1 a sum may be and still need no division."""
    return max(NOISE, 8 * precision)


def at_door(
    scores: RowSource, kind: Kind, precision: float, kept: Kept, *, renormalize: bool, of_log: bool = False
) -> AtDoor:
    """The scores, divided by the sums of their rows if they were rounded, or if the user asks for it.

    kept: rows that are not ignored. renormalize: whether the user asks for it. of_log: as in `Tolerance`.
    Raises: UsageError for a kind whose rows have no sums.

    >>> at_door(np.array([[3, 1], [0, 4]]), "probs", 2.0**-52, None, renormalize=True).scores[0:2].tolist()
    [[0.75, 0.25], [0.0, 1.0]]
    """
    if renormalize and kind in ("logits", "confidence"):
        why = "a softmax makes every row sum to 1" if kind == "logits" else "one number per row has no sum"
        raise UsageError(f"renormalize divides rows of probabilities by their sums, but these are {kind}: {why}")
    if kind in ("logits", "confidence") or isinstance(scores, BinaryColumns) or (kind != "probs" and not renormalize):
        return AtDoor(scores, precision)
    if renormalize:
        return _renormalized(scores, kind, precision, kept)
    found = rounding_of(scores, kept, precision, of_log=of_log)
    if found is None:
        return AtDoor(scores, precision)
    told = Division(found.off, _count(scores, kept), 1.0 - found.most, 1.0, found.decimals)
    divided = DividedRows(scores, kind, found.decimals, precision)
    return AtDoor(divided, _precision_of(divided), (told,), (found.words,))


def _renormalized(scores: RowSource, kind: Kind, precision: float, kept: Kept) -> AtDoor:
    """The scores divided by the sums of their rows, if any is not 1."""
    count, low, high = 0, math.inf, -math.inf
    for values in blocks_of(scores, kept):
        with np.errstate(all="ignore"):
            sums = (np.exp(values) if kind == "log_probs" else values).sum(axis=1)
        far = sums[(np.abs(sums - 1) > near_one(precision)) & (sums > 0) & np.isfinite(sums)]
        if len(far):
            count, low, high = count + len(far), min(low, float(far.min())), max(high, float(far.max()))
    if not count:
        return AtDoor(scores, precision)
    told = Division(count, _count(scores, kept), low, high, None, True)
    divided = DividedRows(scores, kind, None, precision)
    return AtDoor(divided, _precision_of(divided), (told,), ("divided by the sums of rows",))


def _precision_of(divided: DividedRows) -> float:
    """The precision after the division: edges stay those of the stored type, and are float64 for half precision."""
    return stored_precision(divided.dtype)


def _count(scores: RowSource, kept: Kept) -> int:
    return scores.shape[0] if kept is None else int(np.count_nonzero(kept))
