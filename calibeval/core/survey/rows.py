"""What is kept of the rows of a cell: sums of a few values for each unit, of which cells may share some.

Units are independent of each other, and cells that share them are not: an image under twenty corruptions is one unit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.columns import coded_units, kept_rows
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_ids import hashed
from calibeval.core.sums.sums import RowScores

By = Literal["group", "id", "position"]
Single = npt.NDArray[np.float32]
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class UnitValues:
    """Sums of four values over the rows of each unit, (u,) each in float32: 16 bytes a row where rows are the units."""

    confidence: Single
    correct: Single
    nll: Single
    brier: Single

    @classmethod
    def of(cls, rows: RowScores, units: Units) -> UnitValues:
        """The sums from the results of rows, in the order of the units."""
        return cls(*(units.summed(one) for one in (rows.confidence, rows.correct, rows.nll, rows.brier)))


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units of a cell. key: equal for cells with the same units, which are then in the same order.

    by: what tells them apart: "group", "id", or "position" in the file. names: (u,), ascending numbers of groups or
    ids; None by position. sizes: (u,), the rows, or the weight, of each unit; None if each is one row. places: of each
    row, its unit; None if rows are units in their order. weights: of rows; None if all count the same.
    """

    key: str
    by: By
    count: int
    names: Keys | None = None
    sizes: Floats | None = None
    places: npt.NDArray[np.intp] | None = None
    weights: Floats | None = None

    @classmethod
    def of(cls, predictions: Predictions, rows: RowScores, group: str | None) -> Units:
        """The units of the rows that are not ignored: groups by a column, ids (of images, if these have ids), images,
        or else the rows at their positions, which are the same units for cells with the same labels (or, where labels
        only say whether the top label is right, for cells of as many rows: taken together, rows that are independent
        make no interval too narrow).
        """
        kept, weights = kept_rows(predictions), rows.weights
        entries: npt.NDArray[Any] | None = None
        by: By = "position"
        if group is not None:
            coded = coded_units(predictions, group)
            entries, by = coded.values[coded.codes], "group"
        elif predictions.ids is not None:
            entries, by = np.asarray(predictions.ids), "id"
        pixels = predictions.rows // predictions.layout[0]
        if entries is not None:
            names, places = np.unique(hashed(entries), return_inverse=True)
            places = places[kept // (predictions.rows // len(entries))]
            return _counted(_digest(by, names), by, names, places, weights)
        key = _digest(by, _told_apart(predictions), predictions.layout)
        if pixels > 1:
            return _counted(key, by, np.arange(predictions.layout[0], dtype=np.uint64), kept // pixels, weights)
        return cls(key, by, len(kept), None, weights, None, weights)

    @property
    def rows(self) -> Floats:
        """The rows, or the weight, of each unit, also where each is one row."""
        return np.ones(self.count) if self.sizes is None else self.sizes

    def summed(self, values: npt.NDArray[Any]) -> Single:
        """The sums of the values of rows by unit."""
        weighted = values if self.weights is None else values * self.weights
        if self.places is None:
            return np.asarray(weighted, np.float32)
        return np.bincount(self.places, weighted, self.count).astype(np.float32)

    @property
    def bare(self) -> Units:
        """The units without what only rows need."""
        return Units(self.key, self.by, self.count, self.names, self.sizes)


def _told_apart(predictions: Predictions) -> npt.NDArray[np.int64]:
    """What cells of the same rows have in common, where nothing names the rows."""
    if predictions.k is None:
        return np.zeros(0, np.int64)
    return np.ascontiguousarray(predictions.labels, np.int64)


def _counted(key: str, by: By, names: Keys, places: npt.NDArray[np.intp], weights: Floats | None) -> Units:
    """Units with the rows of each; those in the order of the rows with one row each need no numbers."""
    count = len(names)
    sizes = np.bincount(places, weights, count).astype(np.float64)
    single = len(places) == count and weights is None and bool((sizes == 1).all())
    named = None if by == "position" else names
    return Units(key, by, count, named, None if single else sizes, places, weights)


def _digest(by: str, values: npt.NDArray[Any], more: object = "") -> str:
    found = hashlib.sha256(f"{by} {more}".encode())
    found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()
