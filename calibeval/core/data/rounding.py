"""Probabilities that were rounded to a few decimals, or to half precision, so that their rows do not sum to 1."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.precision import Tolerance, as_stored
from calibeval.core.data.row_source import RowSource

MOST_DECIMALS = 6
MOST_DEFICIT = 0.15  # of the sum of a row, however many classes there are
FIRST_SCORES, BLOCK_SCORES = 2**12, 2**20
FEW_CLASSES = 64
HALF = 2.0**-20  # types with larger steps are called half precision
LEAST_HALF = 2.0**-25  # probabilities below this become 0 in float16
NOISE = 1e-6  # sums this close to 1 count as 1
NUDGE = 1e-12  # the share by which readers of logs lower the first of equal values, where a later one was chosen
SLACK = 1 + 1e-9  # for the arithmetic of the bounds

Counts = npt.NDArray[np.intp]
Kept = npt.NDArray[np.bool_] | None  # rows that are not ignored; None: all


class Rounding(NamedTuple):
    """How probabilities were rounded. decimals: None for half precision.

    off: number of rows that do not sum to 1; most: by how much at most.
    """

    decimals: int | None
    off: int
    most: float

    @property
    def words(self) -> str:
        """How they were rounded: "rounded to 4 decimals"."""
        return f"rounded to {in_words(self.decimals)}"


def in_words(decimals: int | None) -> str:
    """The number of decimals, or half precision.

    >>> in_words(1), in_words(None)
    ('1 decimal', 'half precision')
    """
    return "half precision" if decimals is None else f"{decimals} decimal{'' if decimals == 1 else 's'}"


def rounding_of(scores: RowSource, kept: Kept, precision: float, *, of_log: bool = False) -> Rounding | None:
    """How probabilities were rounded, if that alone explains why rows do not sum to 1.

    None if all rows sum to 1 within the tolerance of their type, or something else is wrong. Scores with more than six
    decimals, which most have, are recognised by the first few rows. of_log: as in `Tolerance`.

    >>> probs = np.array([[0.3334, 0.3334, 0.3334], [0.25, 0.5, 0.25]])
    >>> rounding_of(probs, None, 2.0**-52)
    Rounding(decimals=4, off=1, most=0.0002)
    """
    if scores.dtype.kind != "f":
        return None
    k, tolerance = scores.shape[1], Tolerance.of(precision, of_log=of_log)
    decimals, out, off, most, lost, per_cell, per_option = 0, False, 0, 0.0, 0.0, 0.0, 0.0
    for values in blocks_of(scores, kept):
        found = decimals_of(values, precision, decimals)
        if found is None or values.min() < 0:
            return _half(scores, kept, precision)
        decimals = found
        if decimals and k * unit_of(decimals) <= 0.9 * tolerance.of_sum:  # rounding takes no row out of tolerance
            return None
        excess = np.rint(values * 10.0**decimals).sum(axis=1) / 10.0**decimals - 1
        cells = np.maximum(np.count_nonzero(values, axis=1), 1)
        per_cell = max(per_cell, float(((excess - tolerance.of_sum) / cells).max()))
        options = np.maximum(options_of(values, tolerance), 1)
        per_option = max(per_option, float(((-excess - tolerance.of_sum) / options).max()))
        lost = max(lost, -float(excess.min()))
        if max(per_cell, per_option) > unit_of(decimals) * SLACK or lost > MOST_DEFICIT * SLACK + tolerance.of_sum:
            return None
        out = out or bool((np.abs(_engine_sums(values) - 1) > tolerance.of_sum).any())
        off += int(np.count_nonzero(np.abs(excess) > NOISE / 2))
        most = max(most, float(np.abs(excess).max()))
    return Rounding(decimals, off, round(most, MOST_DECIMALS)) if out and decimals else None


def wrong_sums(values: Floats, decimals: int | None, tolerance: Tolerance) -> npt.NDArray[np.bool_]:
    """Which rows have sums that are not 1, and that rounding to these decimals does not explain; None: unrounded.

    values: (b, k).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        excess = values.sum(axis=1) - 1
    if decimals is None:
        # Slightly stricter than the engine, which sums in another order: whatever the engine refuses is found here.
        return np.asarray(~(np.abs(excess) <= tolerance.of_sum * (1 - 1e-9)))
    deficit, most = sum_bounds(values, decimals, tolerance)
    return np.asarray(~((excess <= most) & (-excess <= deficit)))


def sum_bounds(values: Floats, decimals: int, tolerance: Tolerance) -> tuple[Floats, Floats]:
    """How far rounding to decimals may take the sums of rows (b, k) below 1 and above it, by row."""
    return bounds_of_cells(options_of(values, tolerance), np.count_nonzero(values, axis=1), decimals, tolerance)


def options_of(values: Floats, tolerance: Tolerance) -> Counts:
    """The number of classes of rows (b, k), (b,); of a log, that of the options that each row has.

    >>> values = np.array([[0.5, 0.5, -0.0], [1.0, 0.0, 0.0]])
    >>> [options_of(values, Tolerance.of(2.0**-52, of_log=log)).tolist() for log in (True, False)]
    [[2, 3], [3, 3]]
    """
    b, k = values.shape
    return np.full(b, k) - np.count_nonzero(absent_options(values), axis=1) if tolerance.of_log else np.full(b, k)


def absent_options(values: Floats) -> npt.NDArray[np.bool_]:
    """Where a row of probabilities of a log does not have the option of the column: at -0.0."""
    return np.asarray(np.signbit(values) & (values == 0))


def bounds_of_cells(cells: int | Counts, filled: Counts, decimals: int, tolerance: Tolerance) -> tuple[Floats, Floats]:
    """The same for rows of so many cells, of which `filled`, (b,), are not 0."""
    deficit = np.minimum(cells * unit_of(decimals), MOST_DEFICIT) * SLACK + tolerance.of_sum
    return np.asarray(deficit), np.asarray(filled * (unit_of(decimals) * SLACK) + tolerance.of_sum, np.float64)


def unit_of(decimals: int) -> float:
    """How much rounding to decimals changes a number at most."""
    return 0.5 * 10.0**-decimals


def decimals_of(values: Floats, precision: float, least: int = 0) -> int | None:
    """The number of decimals, at least this many, that all values have at most; None if there are more than six.

    Counted in the shortest decimals that the stored type tells apart, so fewer than six for half precision.

    >>> decimals_of(np.array([[0.25, 0.5]]), 2.0**-52), decimals_of(np.array([[1 / 3]]), 2.0**-52)
    (2, None)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        for decimals in range(least, min(MOST_DECIMALS, int(-math.log10(precision))) + 1):
            scale = 10.0**decimals
            rounded = as_stored(np.rint(values * scale) / scale, precision)
            if np.array_equal(rounded, values) or np.allclose(rounded, values, rtol=2 * NUDGE, atol=0):
                return decimals
    return None


def whole_parts(values: Floats, decimals: int) -> tuple[Floats, Floats]:
    """Rounded values as whole numbers of their last digit, and the same in which lowered ones stay lower.

    >>> [parts.tolist() for parts in whole_parts(np.array([0.5 * (1 - NUDGE), 0.5]), 2)]
    [[50.0, 50.0], [49.99999999995, 50.0]]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(values * 10.0**decimals)
        shares = values * 10.0**decimals - whole
        lower = (shares < -whole * (NUDGE / 2)) & (shares > -whole * (NUDGE * 2))
        return whole, np.where(lower, whole * (1 - NUDGE), whole)


def blocks_of(scores: RowSource, kept: Kept) -> Iterator[Floats]:
    """All rows in float64 without the ignored ones, the first few apart."""
    n, width = scores.shape[0], max(1, scores.shape[1])
    start, step = 0, max(1, FIRST_SCORES // width)
    while start < n:
        block = np.asarray(scores[start : min(start + step, n)])
        rows = block if kept is None else block[kept[start : start + len(block)]]
        if len(rows):
            with np.errstate(over="ignore", invalid="ignore"):
                yield np.ascontiguousarray(rows, np.float64)
        start += step
        step = max(1, BLOCK_SCORES // width)


def _engine_sums(values: Floats) -> Floats:
    """The sums of rows, added in the order of `calibeval.core.sums.rows`, which decides what is out of tolerance."""
    if values.shape[1] <= FEW_CLASSES:
        return np.asarray(np.add.reduce(np.ascontiguousarray(values.T), axis=0))
    return np.asarray(np.einsum("ij->i", values))


def _half(scores: RowSource, kept: Kept, precision: float) -> Rounding | None:
    """The same for half precision, which takes sums out of tolerance only if there are very many classes."""
    tolerance = Tolerance.of(precision)
    lost = precision / 2 + scores.shape[1] * LEAST_HALF
    if precision < HALF or lost <= 0.9 * tolerance.of_sum:
        return None
    off, most = 0, 0.0
    for values in blocks_of(scores, kept):
        sums = values.sum(axis=1)
        spare = tolerance.of_sum
        if not ((sums - 1 <= sums * precision / 2 + spare) & (1 - sums <= min(lost, MOST_DEFICIT) + spare)).all():
            return None
        off += int(np.count_nonzero(np.abs(sums - 1) > spare))
        most = max(most, float(np.abs(sums - 1).max()))
    return Rounding(None, off, most) if off else None
