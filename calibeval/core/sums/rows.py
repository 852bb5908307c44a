"""Per-row and class-wise results of a chunk of scores: the innermost loop of every evaluation.

At most m - 1 probabilities of a row exceed 1/m, so only those are binned class by class, and the first bin follows from
the column sums. The probability of the label is handled separately from those of the other classes, because its bins
also give the outcomes. With few classes, a block is transposed, so that vector operations run along its rows. The
result of a row depends only on that row, bit by bit, whatever its position.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.precision import Tolerance
from calibeval.core.data.predictions import Block
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.binning import GRID, bin_index, is_computed, on_grid, totals_by_index, weighed
from calibeval.core.sums.excess import excess_of
from calibeval.core.sums.lines import Scores, few_places, quiet_lines, row_maxima, row_sums

FEW_CLASSES = 64
# Scores of a block. It takes three arrays of 2 MiB, so one block per thread still fits a shared cache, and processing
# one takes long enough that threads rarely wait for the interpreter.
BLOCK_SCORES = 2**18


class BadValues(Exception):
    """A value contradicts the kind of the scores."""


class ClassTotals(NamedTuple):
    """Class-wise sums by bin, (k, m) each: rows, p, and p squared."""

    rows: Floats
    p: Floats
    pp: Floats


class Rows(NamedTuple):
    """Results of a chunk of b rows.

    confidence, label_p, label_log_p: (b,) largest probability, probability of the label, its logarithm; the first two
    are on the grid if they are computed from logits.
    other_squares: (b,) sum of squared probabilities over all classes except the label. excess: (b,) the NLL minus its
    expectation. correct: (b,) whether the first class with the largest probability is the label. others: class-wise
    sums over the rows with other labels; with weights w, once more with w squared, and as plain numbers of rows, where
    sums of p lack the first bin. cumulants: (3,) sums of the second to fourth cumulants of the NLL. Both are None if
    only the top label is known.
    """

    confidence: Floats
    label_p: Floats
    label_log_p: Floats
    other_squares: Floats
    excess: Floats
    correct: npt.NDArray[np.bool_]
    others: tuple[ClassTotals, ...] | None
    cumulants: Floats | None

    def part(self, here: slice) -> Rows:
        """A view of some of the rows, to be filled in."""
        return Rows(
            self.confidence[here],
            self.label_p[here],
            self.label_log_p[here],
            self.other_squares[here],
            self.excess[here],
            self.correct[here],
            None,
            None,
        )


def top_label_rows(block: Block, tolerance: Tolerance) -> Rows:
    """Rows for which only the confidence and the correctness are known.

    tolerance: for rounding; a confidence that is outside [0, 1] by rounding is treated as 0 or 1.
    Raises: BadValues for confidences outside [0, 1].
    """
    with np.errstate(over="ignore"):  # a longdouble may be infinite as float64, which no confidence is
        confidence = np.ascontiguousarray(block.scores, np.float64)
    if len(confidence) and not (confidence.min() >= -tolerance.spare and confidence.max() <= tolerance.largest):
        raise BadValues
    confidence = np.clip(confidence, 0.0, 1.0)
    nothing = np.zeros(len(confidence))
    return Rows(confidence, nothing, nothing, nothing, nothing, block.labels.astype(bool), None, None)


def full_rows(block: Block, kind: Kind, edges: Floats, tolerance: Tolerance) -> Rows:
    """Rows with a score for each class.

    edges: (m + 1,), of the equal-width bins of class-wise probabilities.
    tolerance: for rounding; a probability that is outside [0, 1] by rounding is treated as 0 or 1.
    Raises: BadValues if values contradict the kind.
    """
    b, k = block.scores.shape
    labels = block.labels.astype(np.intp, copy=False)
    step = max(1, min(BLOCK_SCORES // k, b))
    weights = None if block.weights is None else np.stack([block.weights, block.weights**2])
    sums = _OtherClasses(k, edges, weights, rounded=is_computed(kind))
    confidence, label_p, label_log_p, squares, excess = np.empty((5, b))
    rows = Rows(confidence, label_p, label_log_p, squares, excess, np.empty(b, bool), None, None)
    work = np.empty((3, step * k))
    with quiet_lines():
        for start in range(0, b, step):
            here = slice(start, start + step)
            sums.start = start
            _fill(rows.part(here), block.scores[here], labels[here], kind, tolerance, sums, work)
    return rows._replace(others=sums.totals(labels), cumulants=sums.cumulants)


class _OtherClasses:
    """Class-wise sums over the rows with other labels: column sums, and each probability above the first bin.

    cumulants: of the NLL, over all rows.
    """

    def __init__(self, k: int, edges: Floats, weights: Floats | None, *, rounded: bool) -> None:
        self.edges, self._rounded, self.weights = edges, rounded, weights
        shape = (k,) if weights is None else (len(weights), k)
        self.p, self.pp, self.cumulants = np.zeros(shape), np.zeros(shape), np.zeros(3)
        self._classes: list[Indices] = []
        self._entries: list[Floats] = []
        self._rows: list[Indices] = []
        self.start = 0  # the number of rows before those that are added

    def add_entries(self, place: Indices, entries: Floats, shape: tuple[int, ...], axis: int) -> None:
        """The places, in an array of this shape with classes on this axis, and values of all that is above bin 1."""
        step = shape[1]
        self._classes.append(place // step if axis == 0 else place % step)
        self._entries.append(entries)
        if self.weights is not None:
            self._rows.append(self.start + (place % step if axis == 0 else place // step))

    def of_columns(self, values: Floats, axis: int) -> Floats:
        """The sums of the classes' columns, for each kind of weights. axis: of the classes."""
        if self.weights is None:
            return np.asarray(np.add.reduce(values, axis=1 - axis))
        rows = values.shape[1 - axis]
        weights = self.weights[:, self.start : self.start + rows]
        return np.asarray(np.einsum("wr,kr->wk" if axis == 0 else "wr,rk->wk", weights, values))

    def totals(self, labels: Indices) -> tuple[ClassTotals, ...]:
        """The sums by bin; the first bin is the column sums minus the other bins."""
        m, k = len(self.edges) - 1, self.p.shape[-1]
        p = np.concatenate(self._entries)
        p = on_grid(p, out=p) if self._rounded else p
        index = np.concatenate(self._classes) * m + bin_index(p, self.edges)
        rows, first, second = (t.reshape(k, m) for t in totals_by_index(index, k * m, None, p, p * p))
        rows[:, 0] = len(labels) - np.bincount(labels, minlength=k) - rows[:, 1:].sum(axis=1)
        occupied = rows[:, 0] > 0
        if self.weights is not None:
            weighted = (self._weighted(i, index, p, labels, occupied) for i in range(len(self.weights)))
            return (*weighted, ClassTotals(rows, first, second))
        first[:, 0] = _rest(occupied, self.p, first)
        second[:, 0] = _rest(occupied, self.pp, second)
        return (ClassTotals(rows, first, second),)

    def _weighted(
        self, which: int, index: Indices, p: Floats, labels: Indices, occupied: npt.NDArray[np.bool_]
    ) -> ClassTotals:
        """The sums with one kind of weights. occupied: whether the first bin of a class has rows."""
        weights = np.zeros(len(labels)) if self.weights is None else self.weights[which]
        w, (k, m) = weights.take(np.concatenate(self._rows)), (len(occupied), len(self.edges) - 1)
        count, first, second = (t.reshape(k, m) for t in totals_by_index(index, k * m, *weighed(p, w)))
        of_others = weights.sum() - np.bincount(labels, weights=weights, minlength=k)
        count[:, 0] = _rest(occupied, of_others, count)
        first[:, 0] = _rest(occupied, self.p[which], first)
        second[:, 0] = _rest(occupied, self.pp[which], second)
        return ClassTotals(count, first, second)


def _rest(occupied: npt.NDArray[np.bool_], whole: Floats, bins: Floats) -> Floats:
    """What the bins above the first leave of the whole, at least 0; 0 where the first bin is empty."""
    return np.where(occupied, np.maximum(whole - bins[:, 1:].sum(axis=1), 0.0), 0.0)


def _fill(
    rows: Rows, scores: Scores, labels: Indices, kind: Kind, tolerance: Tolerance, sums: _OtherClasses, work: Floats
) -> None:
    """The results of a block; probabilities and their logarithms are (k, b) with few classes, else (b, k)."""
    b, k = scores.shape
    axis = 0 if k <= FEW_CLASSES else 1  # of the classes
    p, z, spare = work[:, : k * b].reshape((3, k, b) if axis == 0 else (3, b, k))
    # Reading once in memory order is faster than transposing data that is not in the cache.
    np.copyto(p, scores.copy("K").T if axis == 0 else scores)
    at_label = labels * b + np.arange(b) if axis == 0 else np.arange(b) * k + labels
    best, label_score = row_maxima(p, axis), p.ravel().take(at_label)
    norm = _weights(p, z, kind, best, axis, tolerance)
    if kind == "logits":
        p *= np.expand_dims(1.0 / norm, axis)
    rows.label_p[:] = p.ravel().take(at_label)
    _label_results(rows, kind, best, norm, label_score)
    weights = None if sums.weights is None else sums.weights[0, sums.start : sums.start + b]
    sums.cumulants += excess_of(p, z, z.ravel().take(at_label), axis, spare, rows.excess, weights)
    p.ravel()[at_label] = 0.0
    place = few_places((p, sums.edges[1]))
    sums.add_entries(place, p.ravel().take(place), p.shape, axis)
    sums.p += sums.of_columns(p, axis)
    np.multiply(p, p, out=p)
    sums.pp += sums.of_columns(p, axis)
    rows.other_squares[:] = row_sums(p, axis)
    _settle_ties(rows, scores, labels)


def _weights(p: Floats, z: Floats, kind: Kind, best: Floats, axis: int, tolerance: Tolerance) -> Floats:
    """Turn scores p in place into weights proportional to the probabilities; returns their sum over the classes.

    z: for the logarithms of the weights. Probabilities stay unchanged: their sum is checked, but never divided by.
    """
    if kind == "logits":
        if not np.isfinite(best).all():
            raise BadValues
        np.exp(np.subtract(p, np.expand_dims(best, axis), out=z), out=p)
        return row_sums(p, axis)
    if kind == "log_probs":
        np.copyto(z, p)
        np.exp(z, out=p)
    norm = row_sums(p, axis)
    least, most = p.min(), p.max()
    within = least >= -tolerance.spare and most <= tolerance.largest
    if not (within and (np.abs(norm - 1) <= tolerance.of_sum).all()):
        raise BadValues
    if least < 0 or most > 1:
        np.clip(p, 0.0, 1.0, out=p)
    if kind == "probs":
        np.log(p, out=z)
    return norm


def _label_results(rows: Rows, kind: Kind, best: Floats, norm: Floats, label_score: Floats) -> None:
    if kind == "logits":
        np.divide(1.0, norm, out=rows.confidence)
        np.subtract(label_score - best, np.log(norm), out=rows.label_log_p)
    elif kind == "log_probs":
        np.minimum(np.exp(best), 1.0, out=rows.confidence)
        rows.label_log_p[:] = label_score
    else:
        np.minimum(best, 1.0, out=rows.confidence)
        np.log(np.maximum(label_score, 0.0), out=rows.label_log_p)
    np.minimum(rows.label_log_p, 0.0, out=rows.label_log_p)
    np.equal(label_score, best, out=rows.correct)
    if is_computed(kind):
        on_grid(rows.confidence, out=rows.confidence)
        on_grid(rows.label_p, out=rows.label_p)


def _settle_ties(rows: Rows, scores: Scores, labels: Indices) -> None:
    """If classes tie with the label, the first of them is predicted; such rows are found by their squares."""
    tied = rows.other_squares >= np.square(rows.confidence - GRID) * (1 - 1e-9)
    doubtful = np.flatnonzero(rows.correct & tied)
    if len(doubtful):
        rows.correct[doubtful] = scores[doubtful].astype(np.float64).argmax(axis=1) == labels[doubtful]
