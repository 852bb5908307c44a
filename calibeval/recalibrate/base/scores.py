"""Scores of any kind as log-probabilities, up to a constant for each row, on which all maps work."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arguments import came
from calibeval.core.data.arrays import Floats
from calibeval.core.data.labels import Labels
from calibeval.core.data.precision import Tolerance, stored_precision
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.rounding import absent_options
from calibeval.core.data.row_source import Kind
from calibeval.core.errors import InputError, UsageError
from calibeval.core.sums.lines import quiet_lines, row_maxima, row_sums
from calibeval.core.sums.rows import BadValues

FEW_CLASSES = 16
CHUNK_SCORES, CHUNK_ROWS = 2**21, 2**16  # limits of what is read at a time
BLOCK_SCORES = 2**18  # processed at a time: 2 MiB of float64, and the same for their exponentials


class Impossible(Exception):
    """In some row, the label has probability 0."""


class LogScores(NamedTuple):
    """Log-scores z, and the largest of each row. The classes are on axis 0 of z, (k, b), or on axis 1, (b, k)."""

    z: Floats
    best: Floats


def number_of_classes(predictions: Predictions) -> int:
    """The number of classes k.

    Raises: InputError if only the top label is known.
    """
    if predictions.k is None:
        name = predictions.source.name
        raise InputError(f"{name}: only the top label is known, but recalibration needs the scores of every class")
    return predictions.k


def check_clip(clip: float | None, k: int) -> None:
    """Check that clipping probabilities at this limit cannot change the predicted class.

    Raises: UsageError unless 0 < clip < 1/k.
    """
    if clip is not None and not 0 < clip < 1 / k:
        shown = f"{clip:g}" if isinstance(clip, float) else came(clip)
        raise UsageError(f"clip is {shown}, but it must lie between 0 and 1/k = {1 / k:g}, such as 1e-12")


def chunk_rows(predictions: Predictions) -> int:
    """Number of rows to read at a time; it depends only on the number of classes."""
    if predictions.k is None:
        return CHUNK_ROWS
    return max(1, min(CHUNK_SCORES // predictions.scores.shape[-1], CHUNK_ROWS))


def log_scores(
    scores: npt.NDArray[Any],
    kind: Kind,
    *,
    clip: float | None = None,
    axis: int = 1,
    tolerance: Tolerance | None = None,
    out: npt.NDArray[Any] | None = None,
    best: npt.NDArray[Any] | None = None,
) -> LogScores:
    """Scores as float64 logits, log-probabilities or logarithms of probabilities; -inf for a class of probability 0.

    scores: (b, k) of any numeric type. clip: probabilities below it are raised to it, but not those of
    options that a row of a log does not have. axis: 0 for a transposed result, (k, b), which is faster with few
    classes. tolerance: what rounding explains, `Predictions.tolerance`; None: values are not checked, and are of no
    log. out, best: arrays for the results.
    Raises: BadValues for values that contradict the kind.

    >>> log_scores(np.array([[0.5, 0.5]]), "probs").z.round(3).tolist()
    [[-0.693, -0.693]]
    """
    source = scores if axis == 1 else scores.T
    z = np.empty(source.shape) if out is None else out
    np.copyto(z, source)
    absent = None
    with quiet_lines():
        if tolerance is not None and kind != "logits":
            p = np.exp(z) if kind == "log_probs" else z
            sums = row_sums(p, axis)
            if not (p.min(initial=0.0) >= -tolerance.spare and (np.abs(sums - 1) <= tolerance.of_sum).all()):
                raise BadValues
        if kind == "probs":
            if z.min(initial=0.0) < 0:  # by rounding, which counts as 0; the logarithm of others is no number
                spare = (tolerance or Tolerance.of(stored_precision(scores.dtype))).spare
                z[(z < 0) & (z >= -spare)] = 0.0
            if clip is not None and tolerance is not None and tolerance.of_log:
                absent = absent_options(z)
            np.log(z, out=z)
        best = row_maxima(z, axis, out=best)
        if tolerance is not None and not np.isfinite(best).all():
            raise BadValues
        if clip is not None:
            z -= np.expand_dims(best, axis)
            shift = np.log(row_sums(np.exp(z), axis))
            z -= np.expand_dims(shift, axis)
            np.maximum(z, math.log(clip), out=z)
            if absent is not None:
                z[absent] = -np.inf
            best = -shift
    return LogScores(z, best)


def label_scores(z: Floats, labels: Labels, axis: int = 1) -> Floats:
    """The log-score of each row's label, (b,).

    Raises: Impossible if one is -inf.
    """
    b = len(labels)
    at_label = z[np.arange(b), labels] if axis == 1 else z.ravel().take(labels.astype(np.intp) * b + np.arange(b))
    if np.isneginf(at_label).any():
        raise Impossible
    return at_label


def log_softmax(z: Floats) -> Floats:
    """Log-scores (b, k) as logarithms of probabilities; -inf stays -inf.

    >>> np.exp(log_softmax(np.array([[0.0, 0.0, -np.inf]]))).round(6).tolist()
    [[0.5, 0.5, 0.0]]
    """
    with np.errstate(invalid="ignore", under="ignore", over="ignore"):
        d = z - over_classes(np.maximum, z)[:, None]
        d -= np.log(over_classes(np.add, np.exp(d)))[:, None]
    return np.asarray(d)


def over_classes(operation: np.ufunc, values: Floats) -> Floats:
    """A reduction over the classes of values (b, k); few classes are transposed, as numpy is slow along short rows.

    >>> over_classes(np.add, np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [3.0, 7.0]
    """
    if values.shape[1] > FEW_CLASSES:
        return np.asarray(operation.reduce(values, axis=1))
    return np.asarray(operation.reduce(np.ascontiguousarray(values.T), axis=0))


def row_nll(predictions: Predictions) -> Floats:
    """The negative log-likelihood of every row that is not ignored, (n,), in nats; inf if its label has probability 0.

    >>> row_nll(Predictions(probs=[[0.25, 0.75]], labels=[1])).round(4).tolist()
    [0.2877]
    """
    number_of_classes(predictions)
    parts = []
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_softmax(log_scores(block.scores, predictions.kind, tolerance=predictions.tolerance).z)
        parts.append(-z[np.arange(len(block.labels)), block.labels])
    return np.concatenate(parts)


def impossible_error(predictions: Predictions) -> InputError:
    """The error that counts the rows whose label has probability 0, and names the first."""
    if predictions.k is None:
        return _wrong_though_sure(predictions)
    count, first = 0, None
    for block in predictions.blocks(chunk_rows(predictions)):
        at_label = np.asarray(block.scores[np.arange(len(block.labels)), block.labels], np.float64)
        rows = np.flatnonzero(at_label <= 0 if predictions.kind == "probs" else np.isneginf(at_label))
        count += len(rows)
        if first is None and len(rows):
            first = predictions.stored_row(block, int(rows[0]))
    gives = "1 row assigns" if count == 1 else f"{count:,} rows assign"
    where = "" if first is None else f" (first: {predictions.locate(first)})"
    return InputError(
        f"{predictions.source.name}: {gives} probability 0 to the label{where}, so every fit has an infinite NLL. "
        "Use --clip 1e-12 to raise all smaller probabilities to 1e-12."
    )


def _wrong_though_sure(predictions: Predictions) -> InputError:
    """The error that counts the predictions that are wrong with confidence 1, or right with confidence 0."""
    count, first = 0, None
    for block in predictions.blocks(chunk_rows(predictions)):
        rows = np.flatnonzero(np.where(block.labels == 1, block.scores <= 0, block.scores >= 1))
        count += len(rows)
        if first is None and len(rows):
            first = predictions.stored_row(block, int(rows[0]))
    rows_are = "1 prediction is" if count == 1 else f"{count:,} predictions are"
    where = "" if first is None else f" (first: {predictions.locate(first)})"
    return InputError(
        f"{predictions.source.name}: {rows_are} wrong with confidence 1, or right with confidence 0{where}, so every "
        "fit has an infinite NLL. Use --clip 1e-12 to keep all confidences between 1e-12 and 1 - 1e-12."
    )


def count_clipped(predictions: Predictions, clip: float) -> int:
    """The number of rows whose label has a probability below clip; of a top label, that is right or wrong."""
    count, limit = 0, math.log(clip)
    if predictions.k is None:
        for block in predictions.blocks(chunk_rows(predictions)):
            count += int(np.count_nonzero(np.where(block.labels == 1, block.scores, 1.0 - block.scores) < clip))
        return count
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_softmax(log_scores(block.scores, predictions.kind, tolerance=predictions.tolerance).z)
        count += int(np.count_nonzero(z[np.arange(len(block.labels)), block.labels] < limit))
    return count
