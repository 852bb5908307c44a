"""The sums of a chunk of rows, by the compiled kernel where it is used, else by numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.sums.binning import BinSums, bin_index, sums_by_index, totals_by_index, weighed
from calibeval.core.sums.curve_cells import CellsByName
from calibeval.core.sums.equal_mass import RowKeys, confidence_keys
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.fused import Fused, fused_rows, fused_sums
from calibeval.core.sums.kernel import Kernel, chosen
from calibeval.core.sums.risk import decided_by_few, log_risk
from calibeval.core.sums.rows import ClassTotals, Rows, full_rows, top_label_rows
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.sums import Moments, RowScores, Sums


class Piece(NamedTuple):
    """The sums of consecutive rows, these rows' sort keys, the rows that belong to a sample, and cells of curves."""

    sums: Sums
    keys: RowKeys
    sample: Sample | None = None
    cells: CellsByName | None = None


def piece_of(
    predictions: Predictions,
    block: Block,
    edges: Floats,
    compared: Floats,
    *,
    keep_rows: bool,
    room: RowKeys | None = None,
) -> Piece:
    """The sums of a block. room: an array that its keys may be put into. Raises: BadValues."""
    kernel = chosen()
    if kernel is not None and block.weights is None:
        fused = _fused(kernel, predictions, block, compared, room, keep_rows=keep_rows)
        if fused is not None:
            return _of_fused(fused, predictions, block, edges, compared, keep_rows=keep_rows)
    return _of_rows(
        _rows(kernel, predictions, block, compared), predictions, block, edges, compared, keep_rows=keep_rows
    )


def _fused(
    kernel: Kernel, predictions: Predictions, block: Block, compared: Floats, room: RowKeys | None, *, keep_rows: bool
) -> Fused | None:
    """What the kernel adds up; with results of single rows, if they are needed. None: it cannot."""
    if predictions.kind == "confidence":
        return None
    arguments = (kernel, block, predictions.kind, compared, predictions.tolerance)
    fused = fused_sums(*arguments, keep_rows=keep_rows, room=room)
    if fused is None or fused.rows is not None or not decided_by_few(float(fused.top.y.sum()), len(block.labels)):
        return fused
    return fused_sums(*arguments, keep_rows=True, room=room)


def _of_fused(
    fused: Fused, predictions: Predictions, block: Block, edges: Floats, compared: Floats, *, keep_rows: bool
) -> Piece:
    n, rows = len(block.labels), fused.rows
    risk = None
    if rows is not None and (keep_rows or decided_by_few(float(fused.top.y.sum()), n)):
        risk = log_risk(rows, predictions.k)
    impossible_row = predictions.stored_row(block, fused.first_impossible) if fused.impossible else None
    sums = Sums(
        n=n,
        k=predictions.k,
        positive=predictions.positive,
        weights=Moments(float(n), float(n)),
        edges=edges,
        compared=compared,
        top=fused.top,
        classes=fused.classes,
        nll=fused.nll,
        brier=fused.brier,
        impossible=fused.impossible,
        impossible_row=impossible_row,
        excess=None if fused.impossible else fused.excess,
        rows=None if not keep_rows or rows is None or risk is None else _scores(rows, brier_of(rows), risk, None),
        risk=None if risk is None else float(np.add.reduce(risk)),
    )
    return Piece(sums, fused.keys)


def _rows(kernel: Kernel | None, predictions: Predictions, block: Block, compared: Floats) -> Rows:
    """The results of every row. Raises: BadValues."""
    if predictions.kind == "confidence":
        return top_label_rows(block, predictions.tolerance)
    arguments = (block, predictions.kind, compared, predictions.tolerance)
    found = None if kernel is None or block.weights is None else fused_rows(kernel, *arguments)
    return full_rows(*arguments) if found is None else found


def brier_of(rows: Rows) -> Floats:
    """The Brier score of every row."""
    return np.asarray(np.square(1.0 - rows.label_p) + rows.other_squares)


def _of_rows(
    rows: Rows, predictions: Predictions, block: Block, edges: Floats, compared: Floats, *, keep_rows: bool
) -> Piece:
    """The sums of a block from the results of its rows."""
    weights = block.weights
    top, classes = _all_bin_sums(rows, block.labels, compared, weights)
    impossible = np.flatnonzero(np.isneginf(rows.label_log_p))
    log_p, of_log = rows.label_log_p, weights
    if len(impossible):
        log_p, of_log = np.delete(log_p, impossible), None if weights is None else np.delete(weights, impossible)
    brier = brier_of(rows)
    n = len(block.labels)
    needed = keep_rows or weights is not None or decided_by_few(float(top.y.sum()), n)
    risk = log_risk(rows, predictions.k) if needed else None
    sums = Sums(
        n=n,
        k=predictions.k,
        positive=predictions.positive,
        weights=Moments(float(n), float(n)) if weights is None else Moments.of(weights),
        edges=edges,
        compared=compared,
        top=top,
        classes=classes,
        nll=Moments.of(-log_p, of_log),
        brier=Moments.of(brier, weights),
        impossible=len(impossible),
        impossible_row=predictions.stored_row(block, int(impossible[0])) if len(impossible) else None,
        excess=_excess(rows, weights) if not len(impossible) else None,
        rows=None if not keep_rows or risk is None else _scores(rows, brier, risk, weights),
        risk=None if risk is None else float(np.add.reduce(risk if weights is None else risk * weights)),
    )
    return Piece(sums, confidence_keys(rows.confidence, rows.correct))


def _scores(rows: Rows, brier: Floats, risk: Floats, weights: Floats | None) -> RowScores:
    return RowScores(rows.confidence, rows.correct, -rows.label_log_p, brier, rows.excess, risk, weights=weights)


def _excess(rows: Rows, weights: Floats | None) -> Excess | None:
    if rows.cumulants is None:
        return None
    variance, third, fourth = rows.cumulants.tolist()
    with np.errstate(over="ignore"):
        total = np.add.reduce(rows.excess if weights is None else rows.excess * weights)
        return Excess(float(total), variance, third, fourth)


def _all_bin_sums(
    rows: Rows, labels: npt.NDArray[np.integer[Any]], edges: Floats, weights: Floats | None
) -> tuple[BinSums, BinSums | None]:
    """Top-label sums, (m,), and class-wise sums, (k, m); with weights, also with their squares."""
    if rows.others is None:
        index, m = bin_index(rows.confidence, edges), len(edges) - 1
        return sums_by_index(index, m, rows.confidence, rows.correct, weights), None
    top, classes = _bin_sums(rows, rows.others[0], labels, edges, weights)
    if weights is None:
        return top, classes
    squared, of_classes = _bin_sums(rows, rows.others[1], labels, edges, weights * weights)
    counted = np.asarray(np.bincount(bin_index(rows.confidence, edges), minlength=len(edges) - 1), np.float64)
    m, k = classes.count.shape[1], len(classes.count)
    own = np.bincount(labels.astype(np.intp) * m + bin_index(rows.label_p, edges), minlength=k * m).reshape(k, m)
    in_class = rows.others[2].rows + own
    return replace(top, squared=squared, rows=counted), replace(classes, squared=of_classes, rows=in_class)


def _bin_sums(
    rows: Rows, others: ClassTotals, labels: npt.NDArray[np.integer[Any]], edges: Floats, weights: Floats | None
) -> tuple[BinSums, BinSums]:
    """Top-label sums, (m,), and class-wise sums, (k, m), of some weights.

    The confidence of a correct row is the probability of its label, so both use the sums over labels.
    """
    m, k, p = len(edges) - 1, len(others.rows), rows.label_p
    index = labels.astype(np.intp) * m + bin_index(p, edges) + k * m * rows.correct
    totals = np.array(totals_by_index(index, 2 * k * m, *weighed(p, weights))).reshape(3, 2, k, m)
    count, total, squares = totals[:, 0] + totals[:, 1]
    classes = BinSums(others.rows + count, others.p + total, others.pp + squares, y=count, yp=total)
    return top_sums(totals[:, 1].sum(axis=1), rows.confidence, rows.correct, edges, weights), classes


def top_sums(
    hit: Floats, confidence: Floats, correct: npt.NDArray[np.bool_], edges: Floats, weights: Floats | None = None
) -> BinSums:
    """Top-label sums, (m,), of correct and wrong rows.

    hit: (3, m), for correct rows the count, and the sums of confidence and its square. confidence, correct, weights: of
    all rows.
    """
    wrong = np.flatnonzero(~correct)
    c, w = confidence.take(wrong), None if weights is None else weights.take(wrong)
    count, total, squares = hit + totals_by_index(bin_index(c, edges), len(edges) - 1, *weighed(c, w))
    return BinSums(count, total, squares, y=hit[0], yp=hit[1])
