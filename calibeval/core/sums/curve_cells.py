"""Cells of smooth curves that sort keys of rows tell: by the compiled kernel where it is used, else by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.block import Block
from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.cells import CELLS, Cells, cell_sums
from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.kernel import chosen

TOP, POSITIVE = "top", "positive"
# By these names, and by the numbers of chosen classes.
CellsByName = Mapping[str | int, Cells]


def curve_cells(predictions: Predictions, block: Block, keys: RowKeys) -> dict[str | int, Cells]:
    """The cells of a block of rows: of the confidence and, for two classes, of P(positive class) against the label.

    keys: of these rows, as `confidence_keys`.

    >>> two = Predictions(probs=[[0.75, 0.25], [0.4, 0.6]], labels=[0, 0])
    >>> keys = (np.array([0.75, 0.6]).view(np.uint64) << np.uint64(1)) | np.array([True, False])
    >>> cells = curve_cells(two, two.block(0, 2), keys)
    >>> {name: own.merged(9).p.round(9).tolist() for name, own in cells.items()}
    {'top': [0.6, 0.75], 'positive': [0.25, 0.6]}
    """
    labels = block.labels if predictions.k == 2 else None
    if block.weights is None and len(keys):
        found = _fused(keys, labels, predictions.positive)
        if found is not None:
            return found
    confidence, correct = (keys >> np.uint64(1)).view(np.float64), (keys & np.uint64(1)).astype(bool)
    cells: dict[str | int, Cells] = {TOP: cell_sums(confidence, correct, block.weights)}
    if labels is not None:
        label = labels == predictions.positive
        p = np.where(label == correct, confidence, 1.0 - confidence)  # it is predicted where equal
        cells[POSITIVE] = cell_sums(p, label, block.weights)
    return cells


def _fused(keys: RowKeys, labels: npt.NDArray[np.integer[Any]] | None, positive: int) -> dict[str | int, Cells] | None:
    """The cells of rows without weights; None where numpy must add them up."""
    kernel = chosen()
    if kernel is None:
        return None
    own = None if labels is None else np.ascontiguousarray(labels, np.int64)
    sums = np.empty((1 if own is None else 2, 3, CELLS))
    if kernel.module.curve_cells(kernel.which, np.ascontiguousarray(keys), own, positive, sums) != 0:
        return None
    return {name: Cells(count, p, y, count) for name, (count, p, y) in zip((TOP, POSITIVE), sums, strict=False)}
