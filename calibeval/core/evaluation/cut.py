"""A column cut into slices: which of its values have enough rows, and which rows those are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.columns import Coded
from calibeval.core.errors import UsageError

# With more values, a column does not hold categories; with more slices, nobody reads the table.
MOST_VALUES, MOST_SLICES = 1000, 200
SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A column cut into slices, over the rows that are not ignored.

    codes: (n,), the code of each of these rows. names, counts: name and number of rows of every code. measured, small:
    codes of the slices with enough rows, and of the other slices.
    """

    codes: Rows
    names: tuple[str, ...]
    counts: Rows
    measured: tuple[int, ...]
    small: tuple[int, ...]

    @classmethod
    def of(
        cls,
        coded: Coded,
        rows: Rows,
        least: int,
        place: str,
        *,
        verb: str = "measured",
        hint: str = "",
        weights: Floats | None = None,
    ) -> Cut:
        """The slices of these stored rows, with `least` rows or more; with weights, of their effective number.

        weights: (n,), of these rows.
        place, verb, hint: for messages: which column it is, what is done with slices, and advice for a column of
        numbers.
        Raises: UsageError for too many values or slices.
        """
        codes = coded.codes[rows]
        counts = np.bincount(codes, minlength=len(coded.values))
        there = np.flatnonzero(counts)
        if len(there) > MOST_VALUES:
            raise UsageError(
                f"{place} has {len(there):,} distinct values, but slices need categories, at most {MOST_VALUES:,}{hint}"
            )
        worth = counts if weights is None else effective_rows(codes, weights, len(counts))
        measured = tuple(int(code) for code in there if worth[code] >= least)
        if len(measured) > MOST_SLICES:
            raise UsageError(
                f"{place} makes {len(measured)} slices of at least {least} rows, but at most {MOST_SLICES} are {verb}; "
                "raise --min-rows"
            )
        small = tuple(int(code) for code in there if worth[code] < least)
        return cls(codes, coded.texts(), counts, measured, small)

    def places(self) -> list[Rows]:
        """For each measured slice, the positions of its rows among those that were cut, ascending."""
        order = np.argsort(self.codes, kind="stable")
        first, last = (np.searchsorted(self.codes, self.measured, side=side, sorter=order) for side in SIDES)
        return [order[low:high] for low, high in zip(first.tolist(), last.tolist(), strict=True)]


def effective_rows(codes: Rows, weights: Floats, size: int) -> Floats:
    """The effective number of rows of every code; those of equal weights count whole."""
    total, squares = (np.bincount(codes, weights=w, minlength=size) for w in (weights, weights * weights))
    return np.round(total * total / np.where(squares > 0.0, squares, 1.0), 9)
