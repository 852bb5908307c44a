"""Sums of some rows from the known results of all rows, without reading the scores again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums, bin_index, sums_by_index, totals_by_index, weighed
from calibeval.core.sums.engine import chunk_rows, edges_of, tie_slack
from calibeval.core.sums.equal_mass import confidence_keys, from_keys
from calibeval.core.sums.equal_weight import from_weighted_keys
from calibeval.core.sums.fused import fusing, kept_sums
from calibeval.core.sums.piece import top_sums
from calibeval.core.sums.sums import EqualMass, Moments, RowScores, Sums

Labels = npt.NDArray[np.intp]


def sums_from_rows(predictions: Predictions, rows: RowScores, labels: Labels, bins: int) -> Sums:
    """All sums of these rows, except the class-wise ones and the excess, which need the probability of every class.

    They are bit by bit those of `summarise` for a dump of these rows. predictions: which the rows belong to. rows:
    their results. labels: (n,), their labels. The first impossible row is given by its position among these rows.
    Raises: InputError if there are no rows.

    >>> dump = Predictions(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0])
    >>> right, other = np.array([True, False]), np.array([[0.2, 0.9], [0.1, 0.7], [-0.3, 0.2], [1.4, 0.4]])
    >>> rows = RowScores(np.array([0.8, 0.6]), right, *other)
    >>> sums_from_rows(dump, rows, dump.labels, bins=2).top.y.tolist()
    [0.0, 1.0]
    """
    edges, compared = edges_of(predictions, bins)
    total: Sums | None = None
    kernel = fusing(predictions, compared)
    for start, part, own in _chunks(rows, labels, chunk_rows(predictions)):
        impossible = np.flatnonzero(np.isposinf(part.nll))
        weights, nll, of_nll = part.weights, part.nll, part.weights
        if len(impossible):
            nll, of_nll = np.delete(nll, impossible), None if weights is None else np.delete(weights, impossible)
        n = len(own)
        fused = None if kernel is None else kept_sums(kernel, predictions, part, own, compared)
        sums = Sums(
            n=n,
            k=predictions.k,
            positive=predictions.positive,
            weights=Moments(float(n), float(n)) if weights is None else Moments.of(weights),
            edges=edges,
            compared=compared,
            top=_top(part, own, predictions.k, compared) if fused is None else fused.top,
            classes=None,
            nll=Moments.of(nll, of_nll) if fused is None else fused.nll,
            brier=Moments.of(part.brier, weights) if fused is None else fused.brier,
            impossible=len(impossible),
            impossible_row=start + int(impossible[0]) if len(impossible) else None,
            risk=float(np.add.reduce(part.risk if weights is None else part.risk * weights)),
        )
        total = sums if total is None else total + sums
    if total is None:
        raise InputError("there are no rows to measure")
    keys, slack = confidence_keys(rows.confidence, rows.correct), tie_slack(predictions)
    mass = (
        from_keys(keys, bins, slack=slack)
        if rows.weights is None
        else from_weighted_keys(keys, rows.weights, bins, slack)
    )
    return replace(total, equal_mass=EqualMass(*mass)).finished()


def _chunks(rows: RowScores, labels: Labels, size: int) -> Iterator[tuple[int, RowScores, Labels]]:
    """Consecutive rows in the chunks of the engine, so that sums round in the same way."""
    for start in range(0, len(labels), size):
        chunk = slice(start, start + size)
        yield start, rows.between(chunk), labels[chunk]


def _top(rows: RowScores, labels: Labels, k: int | None, edges: Floats) -> BinSums:
    """Top-label sums, (m,), added in the order of the engine: correct rows by their class first."""
    if rows.weights is None:
        return _one_top(rows, labels, k, edges, None)
    one, squared = (_one_top(rows, labels, k, edges, w) for w in (rows.weights, rows.weights * rows.weights))
    counted = np.asarray(np.bincount(bin_index(rows.confidence, edges), minlength=len(edges) - 1), np.float64)
    return replace(one, squared=squared, rows=counted)


def _one_top(rows: RowScores, labels: Labels, k: int | None, edges: Floats, weights: Floats | None) -> BinSums:
    m = len(edges) - 1
    if k is None:
        one = sums_by_index(bin_index(rows.confidence, edges), m, rows.confidence, rows.correct, weights)
        return replace(one, squared=None, rows=None)
    p = np.where(rows.correct, rows.confidence, 0.0)
    index = np.where(rows.correct, labels * m + bin_index(p, edges) + k * m, 0)
    hit = np.array(totals_by_index(index, 2 * k * m, *weighed(p, weights))).reshape(3, 2, k, m)[:, 1].sum(axis=1)
    return top_sums(hit, rows.confidence, rows.correct, edges, weights)
