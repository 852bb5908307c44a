"""Sums in bins for the two best classes of every row, from one more pass over the scores: for metrics on request."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.binning import BinSums, bin_index, rounded, sums_by_index
from calibeval.core.sums.engine import chunk_rows, edges_of
from calibeval.core.sums.sums import Ranks, Sums


def with_ranks(sums: Sums, predictions: Predictions, bins: int) -> Sums:
    """The sums of all rows with those of the two best classes; unchanged if only the top label is known."""
    if predictions.k is None or predictions.k < 2:
        return sums
    _, edges = edges_of(predictions, bins)
    total: Ranks | None = None
    for block in predictions.blocks(chunk_rows(predictions)):
        if not len(block.labels):
            continue
        own = ranks_of(block, predictions.kind, edges)
        total = own if total is None else total.joined(own)
    return sums if total is None else with_these_ranks(sums, total)


def with_these_ranks(sums: Sums, total: Ranks) -> Sums:
    """The sums with those of the two best classes of all rows."""
    scaled = total if total.both.squared is None else Ranks(*(one.scaled(sums.scale) for one in total))
    return replace(sums, ranks=scaled)


def ranks_of(block: Block, kind: Kind, edges: Floats) -> Ranks:
    """The sums of a block. edges: those that probabilities are compared with."""
    p = rounded(probabilities(np.asarray(block.scores), kind), kind)
    rows = np.arange(len(p))
    best = p.argmax(axis=1)
    first = p[rows, best]
    p[rows, best] = -1.0
    next_best = p.argmax(axis=1)
    second = p[rows, next_best]
    right = next_best == block.labels
    return Ranks(
        _binned(np.minimum(first + second, 1.0), right | (best == block.labels), edges, block.weights),
        _binned(second, right, edges, block.weights),
    )


def _binned(p: Floats, right: npt.NDArray[np.bool_], edges: Floats, weights: Floats | None) -> BinSums:
    return sums_by_index(bin_index(p, edges), len(edges) - 1, p, right, weights)
