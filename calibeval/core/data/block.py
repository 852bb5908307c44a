"""Consecutive rows, as calculations read them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.row_source import RowSource
from calibeval.core.data.weights import Weights


class Block(NamedTuple):
    """Consecutive rows: scores (b, k) as stored, labels (b,), the number of the first row, and weights (b,), if any."""

    scores: npt.NDArray[Any]
    labels: npt.NDArray[np.integer[Any]]
    first_row: int
    weights: Floats | None = None


def block_of(
    scores: RowSource, labels: npt.NDArray[np.integer[Any]], ignore: int | None, weights: Weights | None, rows: slice
) -> Block:
    """The stored rows of a slice without those whose label is to be ignored (None: there are none)."""
    own, marks, w = scores[rows], labels[rows], None
    if weights is not None and not weights.even:
        w = weights.values[rows]
    if ignore is not None:
        keep = marks != ignore
        own, marks, w = own[keep], marks[keep], None if w is None else w[keep]
    return Block(own, marks, rows.start, w)
