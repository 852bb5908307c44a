"""Value, slope and curvatures of the mean NLL in log(1/T), from one pass over the scores in blocks.

A row with log-scores z, d = z - max(z) and t = d at its label has at the inverse temperature beta the loss
log(sum exp(beta d)) - beta t. With x = beta d and weights exp(x), its derivatives by log(beta) follow from the
weighted mean, variance and third cumulant of x: no second pass, and nothing of the size rows x classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.predictions import Block, Predictions
from calibeval.recalibrate.scores import BLOCK_SCORES, FEW_CLASSES, Floats, chunk_rows, label_scores, log_scores

Coarse = npt.NDArray[np.floating[Any]]

VANISHED = -800.0  # exp(x) is 0 from here on, so x may as well end here: -inf times 0 would be NaN
SAMPLE_SCORES = 2**18
WHOLE_SCORES = 2**18  # so many scores are kept in memory and worked on there
COPRIME_TO = 2 * 3 * 5 * 7 * 11 * 13  # a stride that shares no factor with the usual periods of data


class Piece(NamedTuple):
    """Some rows: d (b, k), or (k, b) on axis 0; t (b,), the label's d."""

    d: Coarse
    t: Coarse
    axis: int


class Fused(NamedTuple):
    """Means over rows at one inverse temperature beta, with h = log(beta'/beta).

    value: the NLL. slope, curvature, third: its derivatives by h. before: the NLL at beta = 1, if asked for.
    confidence, rise: mean confidence, and its derivative by h.
    """

    value: float
    slope: float
    curvature: float
    third: float
    before: float
    confidence: float
    rise: float


class Facts(NamedTuple):
    """What tells whether there is an optimum inside: means over rows.

    spread: mean distance of a possible class from its row's best. misses: mean distance of the label from it.
    slope, curvature: derivatives of the NLL by beta at beta = 0. infimum: the NLL for beta without end, if no row
    misses.
    """

    spread: float
    misses: float
    slope: float
    curvature: float
    infimum: float


def pieces(predictions: Predictions, clip: float | None = None, *, coarse: bool = False) -> Iterator[Piece]:
    """All rows that count; each piece is valid until the next one is asked for.

    coarse: in float32, good for a step towards the optimum, but not for the last one.
    Raises: BadValues for values that contradict the kind; Impossible where a label has probability 0.
    """
    k = predictions.scores.shape[1]
    step = max(1, BLOCK_SCORES // k)
    room: Coarse = np.empty(step * k, np.float32) if coarse else np.empty(step * k)
    for block in predictions.blocks(chunk_rows(predictions)):
        for start in range(0, len(block.labels), step):
            part = Block(block.scores[start : start + step], block.labels[start : start + step], 0)
            yield _piece(part, predictions, clip, room)


def sample(predictions: Predictions, clip: float | None = None) -> tuple[list[Piece], bool]:
    """Evenly strided rows with about SAMPLE_SCORES scores, kept in memory, and whether these are all rows.

    Raises: as `pieces`.
    """
    k = predictions.scores.shape[1]
    if predictions.rows * k <= WHOLE_SCORES:
        whole = [Piece(piece.d.copy(), piece.t, piece.axis) for piece in pieces(predictions, clip)]
        return whole, True
    step = predictions.rows * k // SAMPLE_SCORES + 1
    while math.gcd(step, COPRIME_TO) > 1:
        step += 1
    if isinstance(predictions.scores, np.ndarray):
        every = Block(predictions.scores[::step], predictions.labels[::step], 0)
    else:
        every = _spread_runs(predictions, predictions.rows // step)
    kept = every.labels != predictions.ignore_index if predictions.ignored else slice(None)
    scores, labels = every.scores[kept], every.labels[kept]
    rows = max(1, BLOCK_SCORES // k)
    parts = (Block(scores[i : i + rows], labels[i : i + rows], 0) for i in range(0, len(labels), rows))
    return [_piece(part, predictions, clip, None) for part in parts], False


def _spread_runs(predictions: Predictions, rows: int, runs: int = 256) -> Block:
    """About so many rows of a source that serves consecutive rows only, in short runs."""
    length = max(1, rows // runs)
    starts = np.linspace(0, predictions.rows - length, max(1, min(runs, rows))).astype(np.intp).tolist()
    scores = [np.array(predictions.scores[start : start + length]) for start in starts]
    labels = [predictions.labels[start : start + length] for start in starts]
    return Block(np.concatenate(scores), np.concatenate(labels), 0)


def _piece(block: Block, predictions: Predictions, clip: float | None, room: Coarse | None) -> Piece:
    b, k = block.scores.shape
    axis = 0 if k <= FEW_CLASSES else 1
    shape = (k, b) if axis == 0 else (b, k)
    out = None if room is None else room[: b * k].reshape(shape)
    d, best = log_scores(block.scores, predictions.kind, clip=clip, axis=axis, out=out)
    with np.errstate(over="ignore"):
        t = label_scores(d, block.labels, axis) - best
        d -= np.expand_dims(best, axis)
    return Piece(d, t, axis)


def fused(every: Iterable[Piece], beta: float, *, before: bool = False, third: bool = True) -> Fused:
    """All means at beta from one pass.

    third: whether the third derivative is needed; else it is 0.

    >>> one = Piece(np.array([[0.0, -1.0]]), np.array([0.0]), axis=1)
    >>> round(fused([one], 1.0).value, 6), round(fused([one], 1.0).slope, 6)
    (0.313262, -0.268941)
    """
    n, total = 0, np.zeros(7)
    room_x = room_e = np.empty(0)
    clamp = False
    for piece in every:
        if piece.d.size > len(room_x):
            room_x, room_e = np.empty_like(piece.d, shape=piece.d.size), np.empty_like(piece.d, shape=piece.d.size)
        x, e = (room[: piece.d.size].reshape(piece.d.shape) for room in (room_x, room_e))
        sums = _sums(piece, beta, x, e, before=before, cubic=third, clamp=clamp)
        if not clamp and not np.isfinite(sums).all():
            clamp = True
            sums = _sums(piece, beta, x, e, before=before, cubic=third, clamp=True)
        total += sums
        n += len(piece.t)
    return Fused(*(total / n).tolist())


def _sums(piece: Piece, beta: float, x: Coarse, e: Coarse, *, before: bool, cubic: bool, clamp: bool) -> Floats:
    """Sums over the piece's rows; x and e are room to work in. clamp: whether there may be impossible classes."""
    axis = piece.axis
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        now = 0.0
        if before:
            np.exp(piece.d, out=e)
            now = _total(np.log(np.add.reduce(e, axis=axis))) - _total(piece.t)
        np.multiply(piece.d, beta, out=x)
        if clamp:
            np.maximum(x, VANISHED, out=x)
        np.exp(x, out=e)
        inverse = 1.0 / np.add.reduce(e, axis=axis)
        e *= x
        m1 = np.add.reduce(e, axis=axis)
        if axis == 1:
            m2 = np.einsum("ij,ij->i", e, x)
        else:
            e *= x
            m2 = np.add.reduce(e, axis=0)
        m1 *= inverse
        m2 *= inverse
        squares = m1 * m1
        second = _total(m2) - _total(squares)
        label = beta * _total(piece.t)
        slope = _total(m1) - label
        third = 0.0
        if cubic:
            e *= x
            m3 = np.einsum("ij,ij->i", e, x) if axis == 1 else np.add.reduce(e, axis=0)
            third = float(m3 @ inverse - 3.0 * (m1 @ m2) + 2.0 * (m1 @ squares)) + 3.0 * second + slope
        value = -_total(np.log(inverse)) - label
        rise = -float(inverse @ m1)
    return np.array([value, slope, second + slope, third, now, _total(inverse), rise])


def _total(values: Coarse) -> float:
    return float(np.add.reduce(values, dtype=np.float64))


def facts(every: Iterable[Piece]) -> Facts:
    """The facts of all rows, in one pass.

    >>> facts([Piece(np.array([[0.0, -2.0]]), np.array([-2.0]), axis=1)])
    Facts(spread=1.0, misses=2.0, slope=1.0, curvature=1.0, infimum=0.0)
    """
    n, entries, total = 0, 0, np.zeros(5)
    for piece in every:
        axis = piece.axis
        possible = piece.d > -np.inf
        count = possible.sum(axis=axis)
        d = np.where(possible, piece.d, 0.0)
        with np.errstate(over="ignore", under="ignore"):
            mean = d.sum(axis=axis) / count
            variance = ((d - np.expand_dims(mean, axis)) ** 2).sum(axis=axis, where=possible) / count
        ties = np.log((piece.d == 0).sum(axis=axis))
        parts = (-d, -piece.t, mean - piece.t, variance, ties)
        total += [float(part.sum()) for part in parts]
        n += len(piece.t)
        entries += int(count.sum())
    spread, misses, slope, curvature, infimum = total.tolist()
    return Facts(spread / entries, misses / n, slope / n, curvature / n, infimum / n)
