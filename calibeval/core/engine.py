"""One pass over the scores: from predictions to the additive sums that every metric is computed from.

Rows are read in chunks, whose size depends on the number of classes alone, and each chunk in blocks that stay in the
processor's cache; nothing of the size rows x classes is ever built. All arithmetic is float64, each row is treated
the same wherever it stands, and chunks are added in the order of their rows: results do not depend on `jobs`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.equal_mass import CountedKeys, KeptKeys, Keys, confidence_keys
from calibeval.core.errors import InputError
from calibeval.core.metrics.binning import BinSums, bin_index, equal_width_edges, sums_by_index, totals_by_index
from calibeval.core.predictions import Block, Predictions
from calibeval.core.rows import BadValues, ClassTotals, Tolerance, full_rows, top_label_rows
from calibeval.core.sums import RowScores, Sums
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
    keys: Keys
    rows: RowScores | None


def summarise(
    predictions: Predictions,
    bins: int = 15,
    *,
    jobs: int = 1,
    max_memory: int | None = None,
    progress: Callable[[int], None] | None = None,
    keep_rows: bool = False,
) -> Sums:
    """All sums of the predictions in one reading of the scores.

    bins: number of equal-width bins, and the most equal-mass bins. jobs: threads; the result does not depend on it.
    max_memory: scores of more bytes are read again, once or a few times, for the equal-mass bins, and nothing is kept
    for each row; None: there is no limit. progress: called with the number of rows of each finished chunk.
    keep_rows: keep the results of every row, too: 25 bytes a row.
    Memory beyond the scores: about 10 MiB a thread, and 8 bytes a row within max_memory.
    Raises: InputError naming the first rows whose values are not what the kind promises.

    >>> sums = summarise(Predictions(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0]), bins=2)
    >>> sums.top.count.tolist(), sums.top.y.tolist()
    ([0.0, 2.0], [0.0, 1.0])
    """
    edges = equal_width_edges(bins)
    compared = _stored_edges(edges, predictions)
    streamed = max_memory is not None and stored_bytes(predictions) > max_memory
    keys = (
        CountedKeys(predictions.n, lambda: (c.keys for c in _in_order(predictions, compared, jobs, keep_rows=False)))
        if streamed
        else KeptKeys(predictions.n)
    )
    total: _Chunk | None = None
    kept: list[RowScores] = []
    try:
        for chunk in _in_order(predictions, compared, jobs, keep_rows=keep_rows):
            keys.add(chunk.keys)
            kept += [] if chunk.rows is None else [chunk.rows]
            total = chunk if total is None else _add(total, chunk)
            if progress is not None:
                progress(chunk.n)
    except BadValues:
        check_values(predictions)
        raise InputError(f"{predictions.source.name}: values contradict the kind {predictions.kind}") from None
    if total is None:
        raise InputError(f"{predictions.source.name}: there are no rows")
    mass, mass_edges = keys.result(bins)
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
        impossible_place="" if total.impossible_row is None else predictions.locate(total.impossible_row),
        rows=_joined(kept) if keep_rows else None,
    )


def stored_bytes(predictions: Predictions) -> int:
    """How many bytes the scores take as they are stored."""
    return math.prod(predictions.scores.shape) * predictions.scores.dtype.itemsize


def _stored_edges(edges: Floats, predictions: Predictions) -> Floats:
    """Edges as probabilities of the stored type can meet them: a float32 0.2 is on the float32 edge 0.2."""
    if predictions.kind not in ("probs", "confidence"):
        return edges
    mantissa, exponent = np.frexp(edges)
    bits = 1.0 - np.log2(predictions.precision)
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, int(bits))), exponent - int(bits)), np.float64)


def _tolerance(predictions: Predictions) -> Tolerance:
    return Tolerance(predictions.sum_tolerance, predictions.largest_probability)


def _in_order(predictions: Predictions, edges: Floats, jobs: int, *, keep_rows: bool) -> Iterator[_Chunk]:
    """The chunks' results in the order of their rows; at most jobs + 1 chunks are under way."""
    width = predictions.scores.shape[-1] if predictions.k else 1
    every = predictions.blocks(max(1, min(CHUNK_SCORES // width, CHUNK_ROWS)))
    blocks = (block for block in every if len(block.labels))  # a block may hold ignored rows alone
    if jobs <= 1:
        for block in blocks:
            yield _summarise_chunk(predictions, block, edges, keep_rows=keep_rows)
        return
    with ThreadPoolExecutor(jobs) as pool:
        waiting: deque[Future[_Chunk]] = deque()
        try:
            for block in blocks:
                waiting.append(pool.submit(_summarise_chunk, predictions, block, edges, keep_rows=keep_rows))
                if len(waiting) > jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _summarise_chunk(predictions: Predictions, block: Block, edges: Floats, *, keep_rows: bool) -> _Chunk:
    m = len(edges) - 1
    rows = (
        top_label_rows(block)
        if predictions.kind == "confidence"
        else full_rows(block, predictions.kind, edges, _tolerance(predictions))
    )
    bins = bin_index(rows.confidence, edges)
    impossible = np.flatnonzero(np.isneginf(rows.label_log_p))
    log_p = np.delete(rows.label_log_p, impossible) if len(impossible) else rows.label_log_p
    brier = 1.0 - 2.0 * rows.label_p + rows.squares
    return _Chunk(
        n=len(block.labels),
        top=sums_by_index(bins, m, rows.confidence, rows.correct),
        classes=None if rows.classes is None else _class_sums(rows.classes, rows.label_p, block.labels, edges),
        nll=_totals(-log_p),
        brier=_totals(brier),
        impossible=len(impossible),
        impossible_row=predictions.stored_row(block, int(impossible[0])) if len(impossible) else None,
        keys=confidence_keys(rows.confidence, rows.correct),
        rows=RowScores(rows.confidence, rows.correct, -rows.label_log_p, brier) if keep_rows else None,
    )


def _joined(parts: list[RowScores]) -> RowScores:
    return RowScores(
        confidence=np.concatenate([part.confidence for part in parts]),
        correct=np.concatenate([part.correct for part in parts]),
        nll=np.concatenate([part.nll for part in parts]),
        brier=np.concatenate([part.brier for part in parts]),
    )


def _totals(values: Floats) -> tuple[float, float]:
    """Sum and sum of squares; inf where they are beyond float64."""
    with np.errstate(over="ignore"):
        return float(np.add.reduce(values)), float(np.add.reduce(values * values))


def _class_sums(totals: ClassTotals, label_p: Floats, labels: npt.NDArray[np.integer[Any]], edges: Floats) -> BinSums:
    """Class-wise sums; a class's outcomes enter through the probability that each row gives its label."""
    k, m = totals.rows.shape
    index = labels.astype(np.intp) * m + bin_index(label_p, edges)
    y, yp = totals_by_index(index, k * m, None, label_p)
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
        rows=None,
    )
