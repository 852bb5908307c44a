"""Weights of rows: checked at the door, scaled so that nothing overflows; rows of weight 0 are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.lazy_columns import LazyColumns, refuse_left
from calibeval.core.data.row_source import as_column
from calibeval.core.errors import InputError, UsageError, nearest

Labels = npt.NDArray[np.integer[Any]]
COLUMN = "weights"
MOST_RATIO = 1e50  # of the largest weight to the smallest: the fourth powers of both still fit float64


class Marked(NamedTuple):
    """Labels, and the one that marks ignored rows."""

    labels: Labels
    ignore_index: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The weights of all stored rows.

    column: which column holds them. values: (rows,) at least 0, times a power of 2, so that the largest is about 1.
    even: whether all rows that are not left out have the same weight; calculations then need no weights.
    effective: (sum of w)^2 / (sum of w^2) over these rows. zero: the number of rows that are left out because of
    their weight; labels, ignore_index: as they were before these rows were marked.
    Source: Kish, Survey Sampling, Wiley 1965, of the effective number.
    """

    column: str
    values: Floats
    even: bool
    effective: float
    zero: int
    labels: Labels
    ignore_index: int | None

    @property
    def marked(self) -> Marked:
        """The labels before rows of weight 0 were marked, and the one that marks ignored rows."""
        return Marked(self.labels, self.ignore_index)

    def kept(self, mask: npt.NDArray[np.bool_] | None) -> Floats | None:
        """The weights of the rows of a mask (None: of all), (n,); None if all count the same."""
        if self.even:
            return None
        return self.values if mask is None else self.values[mask]


class Weighed(NamedTuple):
    """The weights, the labels in which rows of weight 0 are marked as ignored, and the columns with the weights."""

    weights: Weights | None
    labels: Labels
    ignore_index: int | None
    columns: Mapping[str, npt.NDArray[Any]]


def weighed(
    weights: object, columns: Mapping[str, npt.NDArray[Any]], before: Marked, units: int, *, labelled: bool
) -> Weighed:
    """The weights of rows with these labels: the name of a column, or an array, which becomes a column; None: none.

    units: the number of images of dense predictions, each of which may have one weight.
    labelled: whether the labels have a meaning; without, no row is left out.
    Raises: UsageError if there is no such column; InputError for weights that are no finite numbers of at least 0, all
    0, or of sizes that differ beyond MOST_RATIO.

    >>> found = weighed([2.0, 0.0, 2.0], {}, Marked(np.array([1, 0, 1]), None), 3, labelled=True)
    >>> found.weights.effective, found.weights.zero, found.labels.tolist(), found.weights.even
    (2.0, 1, [1, -1, 1], True)
    """
    labels, ignore_index = before
    if weights is None:
        return Weighed(None, labels, ignore_index, columns)
    if isinstance(weights, str):
        column = weights
        if column not in columns:
            refuse_left(columns, column)
            known = ", ".join(columns) or "none"
            raise UsageError(f'weights: there is no column "{column}"{nearest(column, columns)}; there are {known}')
    else:
        column = next(name for name in (COLUMN, *(f"{COLUMN}_{i}" for i in range(2, 1000))) if name not in columns)
        own = as_column(column, weights, {len(labels), units})
        columns = columns.with_column(column, own) if isinstance(columns, LazyColumns) else {**columns, column: own}
    values = _checked(columns[column], column, len(labels))
    marked, zero = before, 0
    if labelled:
        ignored = 0 if ignore_index is None else int(np.count_nonzero(labels == ignore_index))
        none = values == 0.0
        if none.any():
            marked = marked_as_ignored(labels, ignore_index, none)
            zero = int(np.count_nonzero(marked.labels == marked.ignore_index)) - ignored
    kept = values if marked.ignore_index is None else values[marked.labels != marked.ignore_index]
    kept = kept[kept > 0.0]
    if not len(kept):
        what = "every weight is 0" if len(values) else "there are no weights"
        raise InputError(f'"{column}": {what}, but rows are weighted by numbers above 0')
    least, most = float(kept.min()), float(kept.max())
    check_ratio(least, most, column)
    even = least == most
    effective = float(len(kept)) if even else float(kept.sum()) ** 2 / float(kept @ kept)
    return Weighed(Weights(column, values, even, effective, zero, labels, ignore_index), *marked, columns)


def marked_as_ignored(labels: Labels, ignore_index: int | None, rows: npt.NDArray[np.bool_]) -> Marked:
    """The labels with some more rows (a mask) marked as ignored.

    >>> marked_as_ignored(np.array([1, 0, 7]), 7, np.array([True, False, False])).labels.tolist()
    [7, 0, 7]
    """
    ignore = ignore_index if ignore_index is not None and abs(ignore_index) < 2**63 else -1
    more = labels.astype(np.int64)  # the label of ignored rows need not fit the type of the others
    more[rows if ignore_index is None else rows | (labels == ignore_index)] = ignore
    return Marked(more, ignore)


def check_ratio(least: float, most: float, column: str) -> None:
    """Check that the smallest and the largest weight above 0 can be added up together. Raises: InputError."""
    if most > MOST_RATIO * least:
        text = f"the largest weight is {most / least:.0e} times the smallest, beside which that counts for nothing"
        raise InputError(f'"{column}": {text}; the most is {MOST_RATIO:.0e}: write 0 for rows that should not count')


def _checked(given: npt.NDArray[Any], column: str, rows: int) -> Floats:
    """The weights of all rows, times a power of 2."""
    if given.dtype.kind not in "biuf":
        raise InputError(f'"{column}" holds {given.dtype}, but rows are weighted by numbers')
    with np.errstate(over="ignore"):
        values = given.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
    if len(wrong):
        row = int(wrong[0])
        more = "" if len(wrong) == 1 else f" ({len(wrong):,} rows have no such weight)"
        raise InputError(
            f'"{column}" row {row}: weight {values[row]:g}, but a weight must be a finite number of at least 0{more}'
        )
    largest = float(values.max(initial=0.0))
    if largest > 0.0:
        values = np.ldexp(values, -int(np.frexp(largest)[1]))
    return np.repeat(values, rows // len(values)) if 0 < len(values) < rows else values
