"""What metrics on request need of the probabilities of all classes, from one more pass over the scores for all of them.

Blocks have a size that depends only on the number of classes and are added in their order, so sums do not depend on
threads or memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.best_classes import largest, places_of_labels
from calibeval.core.sums.binning import BinSums, bin_index, rounded, sums_by_index
from calibeval.core.sums.rows import BLOCK_SCORES, FEW_CLASSES


class Rank(NamedTuple):
    """Which probability of a row: the place-th largest, or, if cumulative, the sum of so many largest ones."""

    place: int
    cumulative: bool

    def exists(self, k: int) -> bool:
        """Whether there is one among k classes that says something: the sum of all probabilities is always 1."""
        return self.place < k or (self.place == k and not self.cumulative)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What some metrics need of a second pass; false if they need none. ranks: probabilities whose sums they need."""

    ranks: frozenset[Rank] = frozenset()

    def __or__(self, other: Wanted) -> Wanted:
        return Wanted(self.ranks | other.ranks)

    def __bool__(self) -> bool:
        return bool(self.ranks)


NOTHING = Wanted()


@dataclass(frozen=True, slots=True, eq=False)
class SecondSums:
    """Additive sums of a second pass. ranks: in equal-width bins, (m,) each, of the probabilities that exist."""

    ranks: Mapping[Rank, BinSums] = field(default_factory=dict)

    def __add__(self, other: SecondSums) -> SecondSums:
        return SecondSums({rank: own + other.ranks[rank] for rank, own in self.ranks.items()})

    def scaled(self, factor: float) -> SecondSums:
        """The sums if each weight is multiplied by the factor."""
        return SecondSums({rank: own.scaled(factor) for rank, own in self.ranks.items()})


def second_pass(predictions: Predictions, wanted: Wanted, edges: Floats, rows: int) -> SecondSums | None:
    """The sums over all rows; None if only the top label is known, or there are no rows.

    edges: (m + 1,) of equal-width bins, rounded like the probabilities. rows: the number of rows of a chunk.
    """
    if predictions.k is None or predictions.k < 2:
        return None
    total: SecondSums | None = None
    for block in predictions.blocks(rows):
        if len(block.labels):
            own = sums_of(block, predictions.kind, edges, wanted)
            total = own if total is None else total + own
    return total


def sums_of(block: Block, kind: Kind, edges: Floats, wanted: Wanted) -> SecondSums:
    """The sums of a block of rows with the scores of every class."""
    n, k = block.scores.shape
    step, axis = max(1, BLOCK_SCORES // k), 0 if k <= FEW_CLASSES else 1
    ranks = sorted(rank for rank in wanted.ranks if rank.exists(k))
    most = max((rank.place for rank in ranks), default=0)
    best, places = np.empty((most, n)), np.empty(n, np.intp)
    for start in range(0, n, step):
        here = slice(start, start + step)
        stored = np.asarray(block.scores[here])
        p = probabilities(np.ascontiguousarray(stored.T) if axis == 0 else stored, kind, axis)
        p = rounded(p, kind, out=p)
        if most:
            best[:, here] = largest(p, axis, most)
            places[here] = places_of_labels(p, block.labels[here], axis)
    return SecondSums({rank: _of_rank(rank, best, places, edges, block.weights) for rank in ranks})


def _of_rank(rank: Rank, best: Floats, places: npt.NDArray[np.intp], edges: Floats, weights: Floats | None) -> BinSums:
    if rank.cumulative:
        p, right = np.minimum(np.add.reduce(best[: rank.place], axis=0), 1.0), places < rank.place
    else:
        p, right = best[rank.place - 1], places == rank.place - 1
    return sums_by_index(bin_index(p, edges), len(edges) - 1, p, right, weights)
