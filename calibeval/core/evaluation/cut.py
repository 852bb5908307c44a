"""A column cut into slices: which of its values have enough rows, and which rows these are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.data.columns import Coded
from calibeval.core.errors import UsageError

# A column of more values is no column of categories, and of more slices nobody reads the table.
MOST_VALUES, MOST_SLICES = 1000, 200
SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A column cut into slices, over the rows that count.

    codes: (n,) of these rows. names, counts: of every code. measured, small: codes of slices with enough rows, and of
    those with fewer.
    """

    codes: Rows
    names: tuple[str, ...]
    counts: Rows
    measured: tuple[int, ...]
    small: tuple[int, ...]

    @classmethod
    def of(cls, coded: Coded, rows: Rows, least: int, place: str, *, verb: str = "measured", hint: str = "") -> Cut:
        """The slices of at least so many of these stored rows.

        place, verb, hint: for messages: whose column it is, what is done with slices, what helps a column of numbers.
        Raises: UsageError for too many values, or slices.
        """
        codes = coded.codes[rows]
        counts = np.bincount(codes, minlength=len(coded.values))
        there = np.flatnonzero(counts)
        if len(there) > MOST_VALUES:
            raise UsageError(
                f"{place} has {len(there):,} distinct values, but slices need categories, at most {MOST_VALUES:,}{hint}"
            )
        measured = tuple(int(code) for code in there if counts[code] >= least)
        if len(measured) > MOST_SLICES:
            raise UsageError(
                f"{place} makes {len(measured)} slices of at least {least} rows, but at most {MOST_SLICES} are {verb}; "
                "raise --min-rows"
            )
        small = tuple(int(code) for code in there if counts[code] < least)
        return cls(codes, coded.texts(), counts, measured, small)

    def places(self) -> list[Rows]:
        """Of each measured slice the places of its rows among those that were cut, ascending."""
        order = np.argsort(self.codes, kind="stable")
        first, last = (np.searchsorted(self.codes, self.measured, side=side, sorter=order) for side in SIDES)
        return [order[low:high] for low, high in zip(first.tolist(), last.tolist(), strict=True)]
