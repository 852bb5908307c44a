"""Scores that can hardly be what they are called: probabilities among logits, integers that would tie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.check_values import looks_like_probs
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns, RowSource
from calibeval.core.errors import InputError
from calibeval.readers.meaning.rivals import PEEK_SCORES

LARGEST_INTEGER = 2**53
FEW = 30  # rows below which chance could explain much
LEAP = 0.3  # of the accuracy
VOID = 255  # the usual mark of pixels, and of rows, without a label


def refuse_large_integers(scores: RowSource, place: str) -> None:
    """Refuse integers that float64 cannot tell apart. Raises: InputError."""
    if scores.dtype.kind not in "iu" or scores.dtype.itemsize < 8:
        return
    step = max(1, PEEK_SCORES // max(math.prod(scores.shape[1:]), 1))
    for start in range(0, scores.shape[0], step):
        block = scores[start : start + step]
        if block.size and (int(block.max()) > LARGEST_INTEGER or int(block.min()) < -LARGEST_INTEGER):
            raise InputError(
                f"{place} holds integers beyond 2^53, which float64 cannot tell apart. Save floating-point numbers."
            )


def counted_from_one(prediction: npt.NDArray[Any], labels: npt.NDArray[Any], what: str) -> tuple[Notice, ...]:
    """A warning if subtracting 1 from all labels, or from all predictions, would make far more predictions right.

    what: the names of labels and predictions.
    """
    if len(labels) < FEW or labels.dtype.kind not in "iu" or prediction.dtype.kind not in "iu":
        return ()
    right = float(np.mean(prediction == labels))
    for shift, whose in ((-1, "labels"), (1, "predictions")):
        shifted = float(np.mean(prediction == labels.astype(np.int64) + shift))
        if shifted > right + LEAP:
            text = (
                f"{what}: {100 * right:.1f} % of predictions are right, but {100 * shifted:.1f} % would be if 1 were "
                f"subtracted from the {whose}: they seem to start at 1"
            )
            return (warning("labels_from_one", text),)
    return ()


def labels_from_one(predictions: Predictions) -> tuple[Notice, ...]:
    """The same for labels and the largest of their scores, in a first piece of rows.

    Only where no label is 0: otherwise labels start at 0.
    """
    if predictions.kind == "confidence" or predictions.scores.shape[-1] < 3:
        return ()
    rows = min(predictions.rows, max(FEW, PEEK_SCORES // predictions.scores.shape[-1]))
    labels = predictions.labels[:rows]
    kept = labels[labels != predictions.ignore_index] if predictions.ignored else labels
    if len(kept) < FEW or kept.min() < 1:  # of most dumps, no score has to be read for this
        return ()
    block = predictions.block(0, rows)
    with np.errstate(invalid="ignore"):
        top = np.asarray(block.scores).argmax(axis=1)
    return counted_from_one(top, block.labels, "labels and scores")


def class_of_255(predictions: Predictions) -> tuple[Notice, ...]:
    """A warning if 255 is the ignored label of two classes and no other label is 1: in image files, 255 is class 1."""
    if predictions.ignore_index != VOID or not predictions.ignored or predictions.k != 2:
        return ()
    if (predictions.labels == 1).any():
        return ()
    text = (
        f"{predictions.ignored:,} rows with label 255 are ignored, and no label is 1: if 255 marks class 1, as in "
        "image files, divide the labels by 255 before saving, and ignore none"
    )
    return (warning("labels_of_255", text),)


def refuse_probs(predictions: Predictions, parts: Sequence[tuple[str, int]], file: str) -> None:
    """Refuse logits that look like probabilities: rows that are non-negative and sum to 1, or one column in [0, 1].

    parts: the shards with their numbers of rows; if only some of them look so, they were not saved alike.
    Raises: InputError.
    """
    if predictions.scores.shape[-1] < 2:
        return
    start = 0
    alike: list[str] = []
    different: list[str] = []
    for name, rows in parts or [(file, predictions.rows)]:
        (alike if _look_like_probs(predictions, start, start + rows) else different).append(name)
        start += rows
    if not alike:
        return
    if different and parts:
        raise InputError(
            f"{file}: the scores of {alike[0]} look like probabilities, those of {different[0]} do not: the shards of "
            "one dump must hold the same kind of scores"
        )
    binary = isinstance(predictions.scores, BinaryColumns)
    what = "all lie between 0 and 1" if binary else "are all non-negative and every row sums to 1"
    raise InputError(
        f"{file}: these logits {what}: they look like probabilities. "
        "Say --kind probs, or --kind logits if they really are logits."
    )


def _look_like_probs(predictions: Predictions, start: int, stop: int) -> bool:
    """Whether these stored rows could be probabilities, all of them."""
    step = max(1, PEEK_SCORES // predictions.scores.shape[-1])
    for first in range(start, stop, step):
        scores = predictions.block(first, min(first + step, stop)).scores
        if isinstance(predictions.scores, BinaryColumns):
            one = np.asarray(scores[:, 1], np.float64)
            spare = predictions.tolerance.spare
            if not (one >= -spare).all() or not (one <= 1 + spare).all():
                return False
        elif not looks_like_probs(scores, predictions.tolerance):
            return False
    return stop > start
