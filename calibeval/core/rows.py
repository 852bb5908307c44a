"""Per-row quantities of a chunk of scores: confidence, correctness, probability of the label, class-wise entries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.predictions import Block, Kind
from calibeval.core.values import sum_tolerance

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

CLASS_MAJOR_LIMIT = 48  # up to this many classes a block is transposed, so that vector operations run along the rows
BLOCK_SCORES = 2**16  # scores of a block: 512 KiB of float64, so that block and scratch stay in a core's cache


class BadValues(Exception):  # noqa: N818 - a signal between core modules, never shown: the caller names the rows
    """Some value contradicts the kind of the scores."""


@dataclass(slots=True, eq=False)
class Rows:
    """Per-row results of a chunk, (b,) each, in float64, and its class-wise results.

    confidence: largest probability. correct: whether its first class is the label. label_p, label_log_p: probability
    of the label and its logarithm. squares: sum of squared probabilities over the classes.
    entries: (class, probability) of all probabilities above the first bin's upper edge, in pieces.
    total, total_squares: (k,) sums of p and p squared over the rows.
    """

    confidence: Floats
    correct: npt.NDArray[np.bool_]
    label_p: Floats
    label_log_p: Floats
    squares: Floats
    total: Floats
    total_squares: Floats
    entries: list[tuple[Indices, Floats]] = field(default_factory=list)


def top_label_rows(block: Block) -> Rows:
    """Rows of which only the confidence and whether the prediction is right are known.

    Raises: BadValues unless confidences lie in [0, 1].
    """
    confidence = np.ascontiguousarray(block.scores, np.float64)
    if not (confidence.min() >= 0 and confidence.max() <= 1):
        raise BadValues
    nothing = np.zeros(len(confidence))
    return Rows(confidence, block.labels.astype(bool), nothing, nothing, nothing, np.zeros(0), np.zeros(0))


def full_rows(block: Block, kind: Kind, first_edge: float) -> Rows:
    """Rows with a score for each class.

    first_edge: upper edge of the first bin of class-wise probabilities.
    Raises: BadValues where values contradict the kind.
    """
    b, k = block.scores.shape
    rows = Rows(*(np.empty(b, bool if i == 1 else np.float64) for i in range(5)), np.zeros(k), np.zeros(k))
    tolerance = sum_tolerance(block.scores.dtype)
    class_major = k <= CLASS_MAJOR_LIMIT
    step = max(1, BLOCK_SCORES // k)
    shape = (k, step) if class_major else (step, k)
    work, spare = np.empty(shape), np.empty(shape)
    fill = _class_major if class_major else _row_major
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        for start in range(0, b, step):
            part = slice(start, min(start + step, b))
            fill(rows, part, block, kind, tolerance, first_edge, work, spare)
    return rows


def _class_major(
    rows: Rows, part: slice, block: Block, kind: Kind, tolerance: float, first_edge: float, work: Floats, spare: Floats
) -> None:
    labels = block.labels[part]
    b, k = len(labels), len(work)
    p, spare = work[:, :b], spare[:, :b]
    np.copyto(p, block.scores[part].T)
    best, predicted = p[0].copy(), np.zeros(b, np.int8)
    for j in range(1, k):
        np.copyto(predicted, j, where=p[j] > best)
        np.maximum(best, p[j], out=best)
    at_label = (labels, np.arange(b))
    label_score = p[at_label]
    norm = _exponentials(p, kind, best, 0)
    _check(p, kind, best, norm, tolerance)
    label_weight = p[at_label]
    mask = np.greater(p, norm * first_edge if kind == "logits" else first_edge)
    _finish(rows, part, kind, best, label_score, label_weight, norm, predicted == labels)
    place = np.flatnonzero(mask)
    classes = place // b
    values = p.ravel()[place] if p.flags.c_contiguous else p[mask]
    if kind == "logits":
        values /= norm[place - classes * b]
        p /= norm
    _keep_entries(rows, classes, values, first_edge)
    np.multiply(p, p, out=spare)
    rows.squares[part] = np.add.reduce(spare, axis=0)
    rows.total += np.add.reduce(p, axis=1)
    rows.total_squares += np.add.reduce(spare, axis=1)


def _row_major(
    rows: Rows, part: slice, block: Block, kind: Kind, tolerance: float, first_edge: float, work: Floats, spare: Floats
) -> None:
    labels = block.labels[part]
    b, k = len(labels), work.shape[1]
    e, spare = work[:b], spare[:b]
    np.copyto(e, block.scores[part])
    predicted = e.argmax(axis=1)
    numbers = np.arange(b)
    best, label_score = e[numbers, predicted], e[numbers, labels]
    norm = _exponentials(e, kind, best, 1)
    _check(e, kind, best, norm, tolerance)
    _finish(rows, part, kind, best, label_score, e[numbers, labels], norm, predicted == labels)
    # A scalar threshold that no wanted entry misses is much cheaper than one a row; what passes is tested exactly.
    place = np.flatnonzero(e > norm.min() * first_edge * (1 - 1e-12))
    row = place // k
    _keep_entries(rows, place - row * k, e.ravel()[place] / norm[row], first_edge)
    weight = 1.0 / norm
    np.multiply(e, e, out=spare)
    rows.squares[part] = np.einsum("ij->i", spare) * weight * weight
    rows.total += np.einsum("i,ij->j", weight, e)
    rows.total_squares += np.einsum("i,ij->j", weight * weight, spare)


def _exponentials(scores: Floats, kind: Kind, best: Floats, axis: int) -> Floats:
    """Scores, in place, as weights proportional to the probabilities; returns their sum over the classes.

    Probabilities pass as they are: their own sum is checked, never divided by.
    """
    if kind == "logits":
        scores -= np.expand_dims(best, axis)
    if kind != "probs":
        np.exp(scores, out=scores)
    return np.asarray(np.add.reduce(scores, axis=axis))


def _check(p: Floats, kind: Kind, best: Floats, norm: Floats, tolerance: float) -> None:
    if kind == "logits":
        fine = np.isfinite(best).all()
    else:
        fine = (np.abs(norm - 1) <= tolerance).all() and p.min() >= 0
    if not fine:
        raise BadValues
    if kind != "logits":
        norm.fill(1.0)


def _finish(
    rows: Rows,
    part: slice,
    kind: Kind,
    best: Floats,
    label_score: Floats,
    label_weight: Floats,
    norm: Floats,
    correct: npt.NDArray[np.bool_],
) -> None:
    """The per-row results of one block."""
    rows.correct[part] = correct
    if kind == "logits":
        rows.confidence[part] = 1.0 / norm
        rows.label_p[part] = label_weight / norm
        rows.label_log_p[part] = (label_score - best) - np.log(norm)
        return
    rows.confidence[part] = np.minimum(np.exp(best) if kind == "log_probs" else best, 1.0)
    rows.label_p[part] = label_weight
    rows.label_log_p[part] = label_score if kind == "log_probs" else np.log(label_score)


def _keep_entries(rows: Rows, classes: Indices, p: Floats, first_edge: float) -> None:
    above = p > first_edge
    rows.entries.append((classes[above], np.minimum(p[above], 1.0)))
