"""The groups of rows that are read block by block: one number for each row, or for each image of dense predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.columns import coded_units
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights

PART_ROWS = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The group of every unit: a stored row, or an image, whose pixels are consecutive rows.

    codes: (units,) in [0, j), in the order of the units; of a unit without a row that counts, any number. sizes: (j,),
    the rows of each group that are not ignored, or the sums of their weights; each above 0.
    """

    predictions: Predictions
    codes: npt.NDArray[np.int32]
    sizes: Floats

    @classmethod
    def of(cls, predictions: Predictions, column: str | None) -> Units:
        """The groups by a column; None: each image is a group. Raises: as `coded_column`."""
        images = predictions.layout[0]
        codes = np.arange(images) if column is None else coded_units(predictions, column).codes
        codes = codes.astype(np.int32)
        worth, weights, first_kept = np.zeros(len(codes)), row_weights(predictions), 0
        each = predictions.rows // len(codes)
        for start in range(0, predictions.rows, PART_ROWS):
            stop = min(start + PART_ROWS, predictions.rows)
            first, last = start // each, -(-stop // each)
            places = np.arange(start, stop) // each - first
            if predictions.ignored:
                places = places[predictions.labels[start:stop] != predictions.ignore_index]
            own = None if weights is None else weights[first_kept : first_kept + len(places)]
            worth[first:last] += np.bincount(places, weights=own, minlength=last - first)
            first_kept += len(places)
        sizes = np.asarray(np.bincount(codes, weights=worth), np.float64)
        there = sizes > 0
        numbers = np.cumsum(there, dtype=np.int32) - 1
        return cls(predictions, np.maximum(numbers, 0).take(codes), sizes[there])

    @property
    def count(self) -> int:
        """The number of groups."""
        return len(self.sizes)

    def at(self, rows: npt.NDArray[np.intp]) -> Codes:
        """The groups of stored rows, by their numbers."""
        return self.codes.take(rows // self._each).astype(np.intp)

    def blocks(self, rows: int) -> Iterator[Codes]:
        """The groups of the rows that are not ignored, in blocks of stored rows as `Predictions.blocks` gives them.

        Blocks without such rows are left out.
        """
        for start in range(0, self.predictions.rows, rows):
            numbers = np.arange(start, min(start + rows, self.predictions.rows))
            if self.predictions.ignored:
                numbers = numbers[self.predictions.labels[start : start + rows] != self.predictions.ignore_index]
            if len(numbers):
                yield self.at(numbers)

    @property
    def _each(self) -> int:
        return math.prod(self.predictions.layout) // len(self.codes)
