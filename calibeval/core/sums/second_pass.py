"""What metrics on request need of the probabilities of all classes, from one more pass over the scores for all of them.

Blocks have a size that depends only on the number of classes and are added in their order, so sums do not depend on
threads or memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.far_rows import Span, all_spans
from calibeval.core.data.notices import NotComputable
from calibeval.core.data.precision import as_stored
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.best_classes import largest, places_of_labels
from calibeval.core.sums.binning import GRID, BinSums, bin_index, is_computed, rounded, sums_by_index
from calibeval.core.sums.class_mass import class_mass
from calibeval.core.sums.passes import over_blocks
from calibeval.core.sums.rows import BLOCK_SCORES, FEW_CLASSES
from calibeval.core.sums.small_p import small_sums


class Rank(NamedTuple):
    """Which probability of a row: the place-th largest, or, if cumulative, the sum of so many largest ones."""

    place: int
    cumulative: bool

    def exists(self, k: int) -> bool:
        """Whether there is one among k classes that says something: the sum of all probabilities is always 1."""
        return self.place < k or (self.place == k and not self.cumulative)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What some metrics need of a second pass; false if they need none.

    ranks: probabilities whose sums they need. limits: class-wise sums of probabilities up to these. by_count: whether
    class-wise sums in bins of equally many rows are needed.
    """

    ranks: frozenset[Rank] = frozenset()
    limits: frozenset[float] = frozenset()
    by_count: bool = False

    def __or__(self, other: Wanted) -> Wanted:
        return Wanted(self.ranks | other.ranks, self.limits | other.limits, self.by_count or other.by_count)

    def __bool__(self) -> bool:
        return bool(self.ranks or self.limits or self.by_count)


NOTHING = Wanted()


@dataclass(frozen=True, slots=True, eq=False)
class SecondSums:
    """Sums of a second pass, which add up unless they hold `by_count`.

    ranks: in equal-width bins, (m,) each, of the probabilities that exist. small: by limit, class-wise sums of
    probabilities up to it, (k, m). by_count: class-wise sums in bins of equally many rows, (k, m); None if
    they were not wanted, or for the reason `no_count`.
    """

    ranks: Mapping[Rank, BinSums] = field(default_factory=dict)
    small: Mapping[float, BinSums] = field(default_factory=dict)
    by_count: BinSums | None = None
    no_count: str | None = None

    def __add__(self, other: SecondSums) -> SecondSums:
        return SecondSums(
            {rank: own + other.ranks[rank] for rank, own in self.ranks.items()},
            {limit: own + other.small[limit] for limit, own in self.small.items()},
        )

    def scaled(self, factor: float) -> SecondSums:
        """The sums if each weight is multiplied by the factor."""
        return SecondSums(
            {rank: own.scaled(factor) for rank, own in self.ranks.items()},
            {limit: own.scaled(factor) for limit, own in self.small.items()},
            None if self.by_count is None else self.by_count.scaled(factor),
            self.no_count,
        )


class Told(Protocol):
    """What is told the probabilities of further rows: p (k, b), labels (b,), and weights (b,) or None."""

    def __call__(self, p: Floats, labels: npt.NDArray[np.intp], weights: Floats | None, /) -> None:
        """Further rows."""


def second_pass(predictions: Predictions, wanted: Wanted, edges: Floats, rows: int) -> SecondSums | None:
    """The sums over all rows; None if only the top label is known, or there are no rows.

    edges: (m + 1,) of equal-width bins, rounded like the probabilities. rows: the number of rows of a chunk.
    """
    k = predictions.k
    if k is None or k < 2:
        return None
    found: SecondSums | None = None
    mass, refused = None, None
    if wanted.by_count:
        slack = GRID if is_computed(predictions.kind) else 0.0
        weighted = predictions.weights is not None and not predictions.weights.even  # as are those of blocks
        try:
            mass = class_mass(k, predictions.n, slack, weighted=weighted)
        except NotComputable as missing:
            refused = str(missing)
    work = partial(_of_span, edges=edges, wanted=wanted, told=None if mass is None else mass.add)
    spans = over_blocks(predictions, rows, work) if mass is None else map(work, all_spans(predictions, rows))
    for own in spans:
        found = own if found is None else found + own
    if found is None:
        return None
    return replace(found, by_count=None if mass is None else mass.result(len(edges) - 1), no_count=refused)


def _of_span(span: Span, edges: Floats, wanted: Wanted, told: Told | None) -> SecondSums:
    return sums_of(span.block, span.predictions.kind, edges, wanted, told, span.predictions.precision)


def sums_of(
    block: Block,
    kind: Kind,
    edges: Floats,
    wanted: Wanted,
    told: Told | None = None,
    precision: float = 2.0**-52,
) -> SecondSums:
    """The sums of a block of rows with the scores of every class, except those by count.

    told: is told the probabilities of the rows. precision: the relative step between stored scores.
    """
    n, k = block.scores.shape
    step, axis = max(1, BLOCK_SCORES // k), 0 if k <= FEW_CLASSES else 1
    labels = block.labels.astype(np.intp, copy=False)
    ranks = sorted(rank for rank in wanted.ranks if rank.exists(k))
    most = max((rank.place for rank in ranks), default=0)
    best, places = np.empty((most, n)), np.empty(n, np.intp)
    small: dict[float, BinSums] = {}
    for start in range(0, n, step):
        here = slice(start, start + step)
        stored, own = np.asarray(block.scores[here]), labels[here]
        weights = None if block.weights is None else block.weights[here]
        p = probabilities(np.ascontiguousarray(stored.T) if axis == 0 else stored, kind, axis)
        p = rounded(p, kind, out=p)
        if most:
            best[:, here] = largest(p, axis, most)
            places[here] = places_of_labels(p, own, axis)
        for limit in sorted(wanted.limits):
            compared = limit if is_computed(kind) else float(as_stored(np.array([limit]), precision)[0])
            part = small_sums(p, own, compared, edges, axis, weights)
            small[limit] = small[limit] + part if limit in small else part
        if told is not None:
            told(p if axis == 0 else np.ascontiguousarray(p.T), own, weights)
    return SecondSums({rank: _of_rank(rank, best, places, edges, block.weights) for rank in ranks}, small)


def _of_rank(rank: Rank, best: Floats, places: npt.NDArray[np.intp], edges: Floats, weights: Floats | None) -> BinSums:
    if rank.cumulative:
        p, right = np.minimum(np.add.reduce(best[: rank.place], axis=0), 1.0), places < rank.place
    else:
        p, right = best[rank.place - 1], places == rank.place - 1
    return sums_by_index(bin_index(p, edges), len(edges) - 1, p, right, weights)
