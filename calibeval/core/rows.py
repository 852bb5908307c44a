"""Per-row and class-wise results of a chunk of scores: the innermost loop of every evaluation.

With few classes a block is transposed, so that vector operations run along its rows, and every probability is binned.
With many classes at most m - 1 probabilities of a row exceed 1/m, so only those are binned, and the first bin follows
from the column sums. Either way each row's result depends on that row alone, bit by bit.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from calibeval.core.metrics.binning import Floats, bin_index
from calibeval.core.predictions import Block
from calibeval.core.row_source import Kind
from calibeval.core.values import sum_tolerance

Indices = npt.NDArray[np.intp]
FEW_CLASSES = 16
BLOCK_SCORES = 2**17  # scores of a block: 1 MiB of float64, so that block and scratch stay near a core


class BadValues(Exception):
    """Some value contradicts the kind of the scores."""


class ClassTotals(NamedTuple):
    """Class-wise sums by bin, (k, m) each: rows, p, and p squared."""

    rows: Floats
    p: Floats
    pp: Floats


class Rows(NamedTuple):
    """Results of a chunk of b rows.

    confidence, label_p, label_log_p: (b,) largest probability, probability of the label, its logarithm.
    squares: (b,) sum of squared probabilities over the classes. correct: (b,) whether the first class of largest
    probability is the label. classes: None where only the top label is known.
    """

    confidence: Floats
    label_p: Floats
    label_log_p: Floats
    squares: Floats
    correct: npt.NDArray[np.bool_]
    classes: ClassTotals | None


class _Layout(Protocol):
    def rows(self, block: Block) -> Rows: ...
    def totals(self, n: int) -> ClassTotals: ...


def top_label_rows(block: Block) -> Rows:
    """Rows of which only the confidence and whether the prediction is right are known.

    Raises: BadValues unless confidences lie in [0, 1].
    """
    confidence = np.ascontiguousarray(block.scores, np.float64)
    if len(confidence) and not (confidence.min() >= 0 and confidence.max() <= 1):
        raise BadValues
    nothing = np.zeros(len(confidence))
    return Rows(confidence, nothing, nothing, nothing, block.labels.astype(bool), None)


def full_rows(block: Block, kind: Kind, edges: Floats) -> Rows:
    """Rows with a score for each class.

    edges: (m + 1,) of the equal-width bins of class-wise probabilities.
    Raises: BadValues where values contradict the kind.
    """
    b, k = block.scores.shape
    step = max(1, BLOCK_SCORES // k)
    tolerance = sum_tolerance(block.scores.dtype)
    layout: _Layout = (_FewClasses if k <= FEW_CLASSES else _ManyClasses)(k, min(step, b), kind, edges, tolerance)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        pieces = [
            layout.rows(Block(block.scores[start : start + step], block.labels[start : start + step], start))
            for start in range(0, b, step)
        ]
    if len(pieces) == 1:
        return pieces[0]._replace(classes=layout.totals(b))
    confidence, label_p, label_log_p, squares = (np.concatenate([piece[i] for piece in pieces]) for i in range(4))
    correct = np.concatenate([piece.correct for piece in pieces])
    return Rows(confidence, label_p, label_log_p, squares, correct, layout.totals(b))


class _FewClasses:
    """Blocks transposed to (k, b); all probabilities are binned."""

    def __init__(self, k: int, step: int, kind: Kind, edges: Floats, tolerance: float) -> None:
        self._kind: Kind = kind
        self._edges, self._tolerance = edges, tolerance
        self._work, self._spare = np.empty(k * step), np.empty(k * step)
        self._first = np.arange(k, dtype=np.intp)[:, None] * (len(edges) - 1)
        self._sums = np.zeros((3, k * (len(edges) - 1)))

    def rows(self, block: Block) -> Rows:
        b, k = block.scores.shape
        p, squares = self._work[: k * b].reshape(k, b), self._spare[: k * b].reshape(k, b)
        np.copyto(p, block.scores.T)
        best, predicted = _first_largest(p)
        at_label = block.labels.astype(np.intp) * b
        at_label += np.arange(b)
        label_score = p.ravel().take(at_label)
        norm = _weights(p, self._kind, best, 0, self._tolerance)
        if self._kind == "logits":
            p /= norm
        np.multiply(p, p, out=squares)
        self._bin(p, squares)
        label_p = p.ravel().take(at_label)
        return _results(self._kind, best, norm, label_score, label_p, squares.sum(axis=0), predicted == block.labels)

    def _bin(self, p: Floats, squares: Floats) -> None:
        index = (bin_index(p, self._edges) + self._first).ravel()
        size = self._sums.shape[1]
        self._sums[0] += np.bincount(index, minlength=size)
        self._sums[1] += np.bincount(index, weights=p.ravel(), minlength=size)
        self._sums[2] += np.bincount(index, weights=squares.ravel(), minlength=size)

    def totals(self, n: int) -> ClassTotals:  # noqa: ARG002 - the other layout needs it
        return ClassTotals(*self._sums.reshape(3, len(self._first), -1))


class _ManyClasses:
    """Blocks as they come, (b, k); only probabilities above the first bin are binned."""

    def __init__(self, k: int, step: int, kind: Kind, edges: Floats, tolerance: float) -> None:
        self._kind: Kind = kind
        self._edges, self._tolerance = edges, tolerance
        self._work, self._spare = np.empty((step, k)), np.empty((step, k))
        self._p, self._pp = np.zeros(k), np.zeros(k)
        self._entries: list[tuple[Indices, Floats]] = []  # class and probability

    def rows(self, block: Block) -> Rows:
        b = len(block.labels)
        weights, squares = self._work[:b], self._spare[:b]
        np.copyto(weights, block.scores)
        row = np.arange(b)
        predicted = weights.argmax(axis=1)
        best, label_score = weights[row, predicted], weights[row, block.labels]
        norm = _weights(weights, self._kind, best, 1, self._tolerance)
        if self._kind != "logits":
            norm.fill(1.0)
        np.multiply(weights, weights, out=squares)
        inverse = 1.0 / norm
        self._p += np.einsum("i,ij->j", inverse, weights)
        self._pp += np.einsum("i,ij->j", inverse * inverse, squares)
        self._keep_entries(weights, norm)
        label_p = weights[row, block.labels] / norm
        row_squares = np.einsum("ij->i", squares) * inverse * inverse
        return _results(self._kind, best, norm, label_score, label_p, row_squares, predicted == block.labels)

    def _keep_entries(self, weights: Floats, norm: Floats) -> None:
        # The threshold lies a hair below the edge, so that rounding loses none; what is on the edge is put back below.
        place = np.flatnonzero(weights > (norm * (self._edges[1] * (1 - 1e-12)))[:, None])
        row = place // weights.shape[1]
        classes = place - row * weights.shape[1]
        p = np.minimum(weights.ravel().take(place) / norm.take(row), 1.0)
        above = p > self._edges[1]
        self._entries.append((classes, p) if above.all() else (classes[above], p[above]))

    def totals(self, n: int) -> ClassTotals:
        k, m = len(self._p), len(self._edges) - 1
        classes = np.concatenate([c for c, _ in self._entries])
        p = np.concatenate([p for _, p in self._entries])
        index = classes * m + bin_index(p, self._edges)
        count, first, second = (
            np.asarray(np.bincount(index, weights=weights, minlength=k * m), np.float64).reshape(k, m)
            for weights in (None, p, p * p)
        )
        count[:, 0] = n - count[:, 1:].sum(axis=1)
        occupied = count[:, 0] > 0
        first[:, 0] = np.where(occupied, np.maximum(self._p - first[:, 1:].sum(axis=1), 0.0), 0.0)
        second[:, 0] = np.where(occupied, np.maximum(self._pp - second[:, 1:].sum(axis=1), 0.0), 0.0)
        return ClassTotals(count, first, second)


def _first_largest(scores: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
    """The largest of the classes' scores, (k, b), and the first class that has it; NaN where any score is NaN."""
    best, predicted = scores[0].copy(), np.zeros(scores.shape[1], np.int8)
    for j in range(1, len(scores)):
        greater = (scores[j] > best).view(np.int8)
        greater *= np.int8(j)
        np.maximum(predicted, greater, out=predicted)
        np.maximum(best, scores[j], out=best)
    return best, predicted


def _weights(scores: Floats, kind: Kind, best: Floats, axis: int, tolerance: float) -> Floats:
    """Scores, in place, as weights proportional to the probabilities; returns their sum over the classes.

    Probabilities pass as they are: their own sum is checked, never divided by.
    """
    if kind == "logits":
        if not np.isfinite(best).all():
            raise BadValues
        scores -= np.expand_dims(best, axis)
    if kind != "probs":
        np.exp(scores, out=scores)
    norm = np.asarray(np.add.reduce(scores, axis=axis))
    if kind != "logits" and not ((np.abs(norm - 1) <= tolerance).all() and scores.min() >= 0):
        raise BadValues
    return norm


def _results(
    kind: Kind,
    best: Floats,
    norm: Floats,
    label_score: Floats,
    label_p: Floats,
    squares: Floats,
    correct: npt.NDArray[np.bool_],
) -> Rows:
    if kind == "logits":
        confidence, label_log_p = 1.0 / norm, (label_score - best) - np.log(norm)
    elif kind == "log_probs":
        confidence, label_log_p = np.minimum(np.exp(best), 1.0), label_score
    else:
        confidence, label_log_p = np.minimum(best, 1.0), np.log(label_score)
    return Rows(confidence, np.minimum(label_p, 1.0), label_log_p, squares, correct, None)
