"""Per-row and class-wise results of a chunk of scores: the innermost loop of every evaluation.

At most m - 1 probabilities of a row exceed 1/m, so only those are binned class by class, and the first bin follows from
the column sums. With few classes a block is transposed, so that vector operations run along its rows. Each row's result
depends on that row alone, bit by bit, wherever it stands.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.metrics.binning import Floats, bin_index, totals_by_index
from calibeval.core.predictions import Block
from calibeval.core.row_source import Kind

Indices = npt.NDArray[np.intp]
Scores = npt.NDArray[Any]
Labels = npt.NDArray[np.integer[Any]]
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


def top_label_rows(block: Block) -> Rows:
    """Rows of which only the confidence and whether the prediction is right are known.

    Raises: BadValues unless confidences lie in [0, 1].
    """
    confidence = np.ascontiguousarray(block.scores, np.float64)
    if len(confidence) and not (confidence.min() >= 0 and confidence.max() <= 1):
        raise BadValues
    nothing = np.zeros(len(confidence))
    return Rows(confidence, nothing, nothing, nothing, block.labels.astype(bool), None)


class Tolerance(NamedTuple):
    """What rounding may do to probabilities: how far a row may sum from 1, and how large one may be."""

    of_sum: float
    largest: float


def full_rows(block: Block, kind: Kind, edges: Floats, tolerance: Tolerance) -> Rows:
    """Rows with a score for each class.

    edges: (m + 1,) of the equal-width bins of class-wise probabilities.
    tolerance: what is taken for rounding; a probability that rounding took above 1 counts as 1 in everything.
    Raises: BadValues where values contradict the kind.
    """
    b, k = block.scores.shape
    step = max(1, min(BLOCK_SCORES // k, b))
    layout = _few_classes if k <= FEW_CLASSES else _many_classes
    sums = _ClassSums(k, edges, tolerance)
    work = np.empty(step * k), np.empty(step * k)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        pieces = [
            layout(block.scores[start : start + step], block.labels[start : start + step], kind, sums, work)
            for start in range(0, b, step)
        ]
    if len(pieces) == 1:
        return pieces[0]._replace(classes=sums.totals(b))
    confidence, label_p, label_log_p, squares = (np.concatenate([piece[i] for piece in pieces]) for i in range(4))
    correct = np.concatenate([piece.correct for piece in pieces])
    return Rows(confidence, label_p, label_log_p, squares, correct, sums.totals(b))


class _ClassSums:
    """Class-wise sums of a chunk: column sums, and every single probability above the first bin."""

    def __init__(self, k: int, edges: Floats, tolerance: Tolerance) -> None:
        self.edges, self.tolerance = edges, tolerance
        self._p, self._pp = np.zeros(k), np.zeros(k)
        self._classes: list[Indices] = []
        self._entries: list[Floats] = []

    def add(self, p: Floats, pp: Floats, classes: Indices, entries: Floats) -> None:
        """Column sums of p and p squared, and the classes and values of all probabilities above the first bin.

        Entries may include some on its edge.
        """
        self._p += p
        self._pp += pp
        self._classes.append(classes)
        self._entries.append(entries)

    def totals(self, n: int) -> ClassTotals:
        """The sums by bin over n rows; the first bin holds whatever the others leave of the column sums."""
        k, m = len(self._p), len(self.edges) - 1
        p = np.concatenate(self._entries)
        index = np.concatenate(self._classes) * m + bin_index(p, self.edges)
        rows, first, second = (t.reshape(k, m) for t in totals_by_index(index, k * m, None, p, p * p))
        rows[:, 0] = n - rows[:, 1:].sum(axis=1)
        occupied = rows[:, 0] > 0
        first[:, 0] = np.where(occupied, np.maximum(self._p - first[:, 1:].sum(axis=1), 0.0), 0.0)
        second[:, 0] = np.where(occupied, np.maximum(self._pp - second[:, 1:].sum(axis=1), 0.0), 0.0)
        return ClassTotals(rows, first, second)


def _few_classes(scores: Scores, labels: Labels, kind: Kind, sums: _ClassSums, work: tuple[Floats, Floats]) -> Rows:
    """The block transposed, (k, b): operations run along the rows."""
    b, k = scores.shape
    p, squares = (part[: k * b].reshape(k, b) for part in work)
    np.copyto(p, scores.T)
    best, predicted = _first_largest(p)
    at_label = labels.astype(np.intp) * b
    at_label += np.arange(b)
    label_score = p.ravel().take(at_label)
    norm = _weights(p, kind, best, 0, sums.tolerance)
    if kind == "logits":
        p /= norm
    np.multiply(p, p, out=squares)
    place = np.flatnonzero(p > sums.edges[1])
    sums.add(p.sum(axis=1), squares.sum(axis=1), place // b, p.ravel().take(place))
    label_p = p.ravel().take(at_label)
    return _results(kind, best, norm, label_score, label_p, squares.sum(axis=0), predicted == labels)


def _many_classes(scores: Scores, labels: Labels, kind: Kind, sums: _ClassSums, work: tuple[Floats, Floats]) -> Rows:
    """The block as it comes, (b, k); weights are divided by their sum only where it matters."""
    b, k = scores.shape
    weights, squares = (part[: k * b].reshape(b, k) for part in work)
    np.copyto(weights, scores)
    row = np.arange(b)
    predicted = weights.argmax(axis=1)
    best, label_score = weights[row, predicted], weights[row, labels]
    norm = _weights(weights, kind, best, 1, sums.tolerance)
    if kind != "logits":
        norm.fill(1.0)
    np.multiply(weights, weights, out=squares)
    inverse = 1.0 / norm
    # The threshold lies a hair below the edge, so that rounding loses nothing; bins are found from p itself.
    place = np.flatnonzero(weights > (norm * (sums.edges[1] * (1 - 1e-12)))[:, None])
    entry_row = place // k
    sums.add(
        np.einsum("i,ij->j", inverse, weights),
        np.einsum("i,ij->j", inverse * inverse, squares),
        place - entry_row * k,
        weights.ravel().take(place) / norm.take(entry_row),
    )
    label_p = weights[row, labels] / norm
    row_squares = np.einsum("ij->i", squares) * inverse * inverse
    return _results(kind, best, norm, label_score, label_p, row_squares, predicted == labels)


def _first_largest(scores: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
    """The largest of the classes' scores, (k, b), and the first class that has it; NaN where any score is NaN."""
    best, predicted = scores[0].copy(), np.zeros(scores.shape[1], np.int8)
    for j in range(1, len(scores)):
        greater = (scores[j] > best).view(np.int8)
        greater *= np.int8(j)
        np.maximum(predicted, greater, out=predicted)
        np.maximum(best, scores[j], out=best)
    return best, predicted


def _weights(scores: Floats, kind: Kind, best: Floats, axis: int, tolerance: Tolerance) -> Floats:
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
    if kind == "logits":
        return norm
    most = scores.max()
    if not ((np.abs(norm - 1) <= tolerance.of_sum).all() and scores.min() >= 0 and most <= tolerance.largest):
        raise BadValues
    if most > 1:
        np.minimum(scores, 1.0, out=scores)
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
    return Rows(confidence, label_p, np.minimum(label_log_p, 0.0), squares, correct, None)
