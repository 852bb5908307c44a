"""Sums of products of the gaps of all class-wise bins of two models: how their class-wise errors vary together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.block import Block
from calibeval.core.data.row_source import Kind
from calibeval.core.evaluation.group_joints import compared
from calibeval.core.sums.binning import bin_index, totals_by_index

MOST_CELLS = 200  # class-wise bins of a model: with 15 bins, 13 classes; the table has the square of twice as many


class ClassGaps(NamedTuple):
    """Of rows, the bin of each class's probability, and outcome - probability, (b, k) each."""

    bins: npt.NDArray[np.uint8]
    gaps: Floats

    @classmethod
    def of(cls, block: Block, kind: Kind, edges: Floats) -> ClassGaps | None:
        """Those of a block; None for two classes, whose bins are kept anyway, and for too many bins."""
        k = 1 if block.scores.ndim == 1 else block.scores.shape[1]
        if not 2 < k <= MOST_CELLS // (len(edges) - 1):
            return None
        p = compared(np.asarray(block.scores), kind)
        gaps, bins = -p, bin_index(p, edges).astype(np.uint8)
        gaps[np.arange(len(p)), block.labels] += 1.0
        return cls(bins, gaps)

    def between(self, here: slice) -> ClassGaps:
        """Some of the rows."""
        return ClassGaps(self.bins[here], self.gaps[here])


def joined_gaps(parts: list[ClassGaps | None]) -> ClassGaps | None:
    """Those of consecutive rows; None if they are not known of all."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return ClassGaps(np.concatenate([part.bins for part in known]), np.concatenate([part.gaps for part in known]))


def cell_products(base: ClassGaps, candidate: ClassGaps, m: int) -> Floats:
    """Sums over rows of the products of gaps by classes and bins of both models, (2 k, 2 k, m, m).

    The classes of the base come before those of the candidate; a pair of classes has its products where the first one
    is the smaller number.
    """
    bins = np.concatenate((base.bins, candidate.bins), axis=1).T.astype(np.intp)
    gaps = np.concatenate((base.gaps, candidate.gaps), axis=1).T.copy()
    columns = len(bins)
    found, first = np.zeros((columns, columns, m, m)), bins * m
    for i in range(columns):
        for j in range(i, columns):
            table = totals_by_index(first[i] + bins[j], m * m, gaps[i] * gaps[j])[0]
            found[i, j] = table.reshape(m, m)
    return found


def class_of_model(products: Floats) -> Floats:
    """The products of both models' gaps within each class, (k, m, m), base first."""
    k = len(products) // 2
    return np.stack([products[i, k + i] for i in range(k)])


def squared_scores(products: Floats, weights: tuple[Floats, Floats]) -> float:
    """The sum over rows of the square of: weights times gaps of the candidate, minus those of the base.

    weights: (k, m) of the cells of both models, base first.
    """
    signed = np.concatenate((-weights[0], weights[1]))
    every = np.einsum("ia,ijab,jb->ij", signed, products, signed)
    return float(2.0 * every.sum() - np.trace(every))
