"""One pass over the scores: from predictions to the additive sums that every metric is computed from.

Rows are read in chunks, whose size depends on the number of classes alone, and each chunk in blocks that stay in the
processor's cache; nothing of the size rows x classes is ever built. All arithmetic is float64, each row is treated
the same wherever it stands, and chunks are added in the order of their rows: results do not depend on `jobs`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.core.metrics.binning import BinSums, bin_index, equal_mass_edges, equal_mass_ranks, equal_width_edges
from calibeval.core.predictions import Block, Predictions
from calibeval.core.rows import BadValues, ClassTotals, full_rows, top_label_rows
from calibeval.core.sums import Sums
from calibeval.core.values import check_values

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

CHUNK_SCORES, CHUNK_ROWS = 2**21, 2**16  # a chunk, the unit of work of a thread, has at most so many scores and rows


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """The additive part of Sums for consecutive rows, and the rows' sort keys."""

    n: int
    top: BinSums
    classes: BinSums | None
    nll: tuple[float, float]
    brier: tuple[float, float]
    impossible: int
    impossible_row: int | None
    keys: npt.NDArray[np.uint64]


def summarise(
    predictions: Predictions, bins: int = 15, jobs: int = 1, progress: Callable[[int], None] | None = None
) -> Sums:
    """All sums of the predictions in one reading of the scores.

    bins: number of equal-width bins, and the most equal-mass bins. jobs: threads; the result does not depend on it.
    progress: called with the number of rows of each finished chunk.
    Memory beyond the scores: about 20 MiB a thread, and 8 bytes a row for the sort keys.
    Raises: InputError naming the first rows whose values are not what the kind promises.

    >>> sums = summarise(Predictions(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0]), bins=2)
    >>> sums.top.count.tolist(), sums.top.y.tolist()
    ([0.0, 2.0], [0.0, 1.0])
    """
    edges = equal_width_edges(bins)
    compared = _stored_edges(edges, predictions)
    keys = np.empty(predictions.n, np.uint64)
    filled = 0
    total: _Chunk | None = None
    try:
        for chunk in _in_order(predictions, compared, jobs):
            keys[filled : filled + chunk.n] = chunk.keys
            filled += chunk.n
            total = chunk if total is None else _add(total, chunk)
            if progress is not None:
                progress(chunk.n)
    except BadValues:
        check_values(predictions)
        raise
    if total is None:
        raise InputError(f"{predictions.source.name}: there are no rows")
    mass, mass_edges = equal_mass_sums(keys, bins)
    return Sums(
        n=total.n,
        k=predictions.k,
        edges=edges,
        top=total.top,
        mass=mass,
        mass_edges=mass_edges,
        classes=total.classes,
        nll=total.nll,
        brier=total.brier,
        impossible=total.impossible,
        impossible_row=total.impossible_row,
    )


def _stored_edges(edges: Floats, predictions: Predictions) -> Floats:
    """Edges as probabilities of the stored dtype can meet them: a float32 0.2 is on the float32 edge 0.2."""
    dtype = predictions.scores.dtype
    if predictions.kind in ("probs", "confidence") and dtype.kind == "f" and dtype.itemsize < 8:
        return edges.astype(dtype).astype(np.float64)
    return edges


def _in_order(predictions: Predictions, edges: Floats, jobs: int) -> Iterator[_Chunk]:
    """The chunks' results in the order of their rows; at most jobs + 1 chunks are under way."""
    width = predictions.scores.shape[-1] if predictions.k else 1
    blocks = predictions.blocks(max(1, min(CHUNK_SCORES // width, CHUNK_ROWS)))
    if jobs <= 1:
        for block in blocks:
            yield _summarise_chunk(predictions, block, edges)
        return
    with ThreadPoolExecutor(jobs) as pool:
        waiting: deque[Future[_Chunk]] = deque()
        try:
            for block in blocks:
                waiting.append(pool.submit(_summarise_chunk, predictions, block, edges))
                if len(waiting) > jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _summarise_chunk(predictions: Predictions, block: Block, edges: Floats) -> _Chunk:
    m = len(edges) - 1
    rows = top_label_rows(block) if predictions.kind == "confidence" else full_rows(block, predictions.kind, edges)
    bins = bin_index(rows.confidence, edges)
    impossible = np.flatnonzero(np.isneginf(rows.label_log_p))
    log_p = np.delete(rows.label_log_p, impossible) if len(impossible) else rows.label_log_p
    brier = 1.0 - 2.0 * rows.label_p + rows.squares
    return _Chunk(
        n=len(block.labels),
        top=_sums(bins, m, rows.confidence, rows.correct),
        classes=None if rows.classes is None else _class_sums(rows.classes, rows.label_p, block.labels, edges),
        nll=(-_sum(log_p), _sum_squares(log_p)),
        brier=(_sum(brier), _sum_squares(brier)),
        impossible=len(impossible),
        impossible_row=predictions.stored_row(block, int(impossible[0])) if len(impossible) else None,
        keys=(rows.confidence.view(np.uint64) << np.uint64(1)) | rows.correct,
    )


def _sums(bins: Indices, m: int, p: Floats, y: npt.NDArray[np.bool_]) -> BinSums:
    """Sums by bin; outcomes enter through a doubled index, which spares two weighted counts."""
    index = bins * 2 + y
    count, total = _count(index, 2 * m), _count(index, 2 * m, p)
    return BinSums(
        count=count[0::2] + count[1::2],
        p=total[0::2] + total[1::2],
        pp=_count(bins, m, p * p),
        y=count[1::2],
        yp=total[1::2],
    )


def _count(index: Indices, size: int, weights: Floats | None = None) -> Floats:
    return np.asarray(np.bincount(index, weights=weights, minlength=size), np.float64)


def _sum(values: Floats) -> float:
    return float(np.add.reduce(values))


def _sum_squares(values: Floats) -> float:
    return float(np.add.reduce(values * values))


def _class_sums(totals: ClassTotals, label_p: Floats, labels: npt.NDArray[np.integer[Any]], edges: Floats) -> BinSums:
    """Class-wise sums; a class's outcomes enter through the probability that each row gives its label."""
    k, m = totals.rows.shape
    index = labels.astype(np.intp) * m + bin_index(label_p, edges)
    y, yp = _count(index, k * m), _count(index, k * m, label_p)
    return BinSums(totals.rows, totals.p, totals.pp, y.reshape(k, m), yp.reshape(k, m))


def _add(a: _Chunk, b: _Chunk) -> _Chunk:
    return _Chunk(
        n=a.n + b.n,
        top=a.top + b.top,
        classes=None if a.classes is None or b.classes is None else a.classes + b.classes,
        nll=(a.nll[0] + b.nll[0], a.nll[1] + b.nll[1]),
        brier=(a.brier[0] + b.brier[0], a.brier[1] + b.brier[1]),
        impossible=a.impossible + b.impossible,
        impossible_row=b.impossible_row if a.impossible_row is None else a.impossible_row,
        keys=a.keys[:0],
    )


def equal_mass_sums(keys: npt.NDArray[np.uint64], bins: int) -> tuple[BinSums, Floats]:
    """Sums and edges of equal-mass bins; the keys are reordered.

    keys: (n,); each is a confidence's float64 bits shifted left by one, plus 1 where the row is correct.
    """
    ranks = equal_mass_ranks(len(keys), bins)
    keys.partition(ranks)
    edges = equal_mass_edges(_confidences(keys[ranks]))
    total: BinSums | None = None
    for start in range(0, len(keys), CHUNK_ROWS):
        part = keys[start : start + CHUNK_ROWS]
        p, correct = _confidences(part), (part & np.uint64(1)).astype(bool)
        sums = _sums(bin_index(p, edges), len(edges) - 1, p, correct)
        total = sums if total is None else total + sums
    if total is None:
        raise InputError("there are no rows to bin")
    return total, edges


def _confidences(keys: npt.NDArray[np.uint64]) -> Floats:
    return (keys >> np.uint64(1)).view(np.float64)
