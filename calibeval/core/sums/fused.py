"""Sums of a chunk of rows by the compiled kernel, in one pass over the scores.

Without weights, the kernel adds up everything; with weights, the bins are made of single rows here, as for numpy.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.precision import Tolerance
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.binning import ROUNDER, BinSums, is_computed
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.kernel import Kernel, chosen
from calibeval.core.sums.rows import ClassTotals, Rows
from calibeval.core.sums.sums import Moments, RowScores

KINDS: dict[Kind, int] = {"logits": 0, "log_probs": 1, "probs": 2}
DONE = 0
MOST_CELLS = 2**21  # classes times bins, 96 bytes each
FEW_ROWS = 2**14  # results of single rows of chunks up to this size cost little
TOTALS, COLUMNS = 10, 5
MOST_OFF = 0.3  # of a bin


class Fused(NamedTuple):
    """The sums of a chunk without weights, and its keys.

    rows: the results of single rows; None if they were not kept. impossible: rows whose label has probability 0, and
    first_impossible: the position of the first of them in the chunk.
    """

    top: BinSums
    classes: BinSums
    nll: Moments
    brier: Moments
    excess: Excess
    impossible: int
    first_impossible: int
    keys: npt.NDArray[np.uint64]
    rows: Rows | None


class KeptSums(NamedTuple):
    """The sums of some rows that follow from their kept results: the same bits as from their scores."""

    top: BinSums
    nll: Moments
    brier: Moments


class _Outcome(NamedTuple):
    totals: Floats
    classes: Floats
    top: Floats
    keys: npt.NDArray[np.uint64]
    columns: Floats | None


def fusing(predictions: Predictions, edges: Floats) -> Kernel | None:
    """The kernel that adds up rows of these predictions without weights; None: numpy does. edges: rounded."""
    kernel, m = chosen(), len(edges) - 1
    if kernel is None or predictions.kind not in KINDS or not predictions.k or predictions.k < 2:
        return None
    weighted = predictions.weights is not None and not predictions.weights.even
    if weighted or predictions.k * m > MOST_CELLS or not _even(edges) or not _is_plain(predictions.scores.dtype):
        return None
    return kernel


def kept_sums(
    kernel: Kernel, predictions: Predictions, rows: RowScores, labels: npt.NDArray[Any], edges: Floats
) -> KeptSums | None:
    """The sums of rows of one chunk without weights; None if there is no memory. labels: (n,), of the rows."""
    totals, top = np.empty(4), np.empty((5, len(edges) - 1))
    columns = [np.ascontiguousarray(one) for one in (edges, rows.confidence, rows.correct, rows.nll, rows.brier)]
    by_label = predictions.k == 2 and predictions.kind == "logits" and _is_small(predictions.scores.dtype)
    own = np.ascontiguousarray(labels, np.int64) if by_label else None
    if kernel.module.kept_rows(kernel.which, *columns, own, totals, top) != DONE:
        return None
    nll, nll_squares, brier, brier_squares = totals.tolist()
    return KeptSums(BinSums(*top), Moments(nll, nll_squares), Moments(brier, brier_squares))


def fused_sums(
    kernel: Kernel,
    block: Block,
    kind: Kind,
    edges: Floats,
    tolerance: Tolerance,
    *,
    keep_rows: bool,
    room: npt.NDArray[np.uint64] | None = None,
) -> Fused | None:
    """The sums of a block without weights; None where numpy must: of bad values, it refuses them.

    room: the array that its keys are put into; None: a new one.
    """
    keep_rows = keep_rows or len(block.labels) <= FEW_ROWS
    found = _run(kernel, block, kind, edges, tolerance, keep_rows=keep_rows, room=room)
    if found is None:
        return None
    nll, nll_squares, brier, brier_squares, *excess, impossible, first = found.totals.tolist()
    return Fused(
        top=BinSums(*found.top),
        classes=BinSums(*found.classes),
        nll=Moments(nll, nll_squares),
        brier=Moments(brier, brier_squares),
        excess=Excess(*excess),
        impossible=int(impossible),
        first_impossible=int(first),
        keys=found.keys,
        rows=None if found.columns is None else _rows(found.columns, found.keys, None, None),
    )


def fused_rows(kernel: Kernel, block: Block, kind: Kind, edges: Floats, tolerance: Tolerance) -> Rows | None:
    """The rows of a block with weights, as `full_rows`; None where numpy must: of bad values, it refuses them."""
    found = _run(kernel, block, kind, edges, tolerance, keep_rows=True)
    if found is None or found.columns is None:
        return None
    one, squared = ClassTotals(*found.classes[:3]), ClassTotals(*found.classes[3:6])
    plain = ClassTotals(found.classes[6], one.p, one.pp)
    return _rows(found.columns, found.keys, (one, squared, plain), found.totals[5:8])


def _rows(
    columns: Floats, keys: npt.NDArray[np.uint64], others: tuple[ClassTotals, ...] | None, cumulants: Floats | None
) -> Rows:
    confidence, label_p, label_log_p, other_squares, excess = columns
    correct = (keys & np.uint64(1)).astype(bool)
    return Rows(confidence, label_p, label_log_p, other_squares, excess, correct, others, cumulants)


def _run(
    kernel: Kernel,
    block: Block,
    kind: Kind,
    edges: Floats,
    tolerance: Tolerance,
    *,
    keep_rows: bool,
    room: npt.NDArray[np.uint64] | None = None,
) -> _Outcome | None:
    n, k = block.scores.shape
    m, weighted = len(edges) - 1, block.weights is not None
    if k < 2 or not n or k * m > MOST_CELLS or kind not in KINDS:
        return None
    if not _is_plain(block.scores.dtype) or not _even(edges):
        return None
    scores = _plain(block.scores)
    outcome = _Outcome(
        np.zeros(TOTALS),
        np.empty((7 if weighted else 5, k, m)),
        np.empty((5, m)),
        np.empty(n, np.uint64) if room is None else room,
        np.empty((COLUMNS, n)) if keep_rows else None,
    )
    flag = kernel.module.sums(
        kernel.which,
        KINDS[kind],
        scores.itemsize,
        k,
        scores,
        np.ascontiguousarray(block.labels, np.int64),
        None if block.weights is None else np.ascontiguousarray(block.weights, np.float64),
        np.ascontiguousarray(edges),
        ROUNDER if is_computed(kind) else 0.0,
        tolerance.spare,
        tolerance.of_sum,
        *outcome,
    )
    return outcome if flag == DONE else None


def _even(edges: Floats) -> bool:
    """Whether edges are nearly i / m, so that a product finds the bin but for one step."""
    return _even_bytes(edges.tobytes())


@lru_cache
def _even_bytes(stored: bytes) -> bool:
    edges = np.frombuffer(stored)
    m = len(edges) - 1
    return float(np.abs(edges * m - np.arange(m + 1)).max()) < MOST_OFF


def _is_plain(dtype: np.dtype[Any]) -> bool:
    """Whether scores of this type become float32 or float64 without loss, unlike those of longdouble."""
    return dtype.kind in "iub" or (dtype.kind == "f" and dtype.itemsize <= 8)


def _plain(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The scores as contiguous float32, if that is without loss, or float64."""
    return np.ascontiguousarray(scores, np.float32 if _is_small(scores.dtype) else np.float64)


def _is_small(dtype: np.dtype[Any]) -> bool:
    """Whether scores of this type become float32 without loss."""
    return dtype.kind == "f" and dtype.itemsize <= 4
