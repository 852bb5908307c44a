"""Scores that can hardly be what they are called: probabilities among logits, integers that would tie."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from calibeval.core.data.check_values import looks_like_probs
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns, RowSource
from calibeval.core.errors import InputError
from calibeval.readers.meaning.rivals import PEEK_SCORES

LARGEST_INTEGER = 2**53


def refuse_large_integers(scores: RowSource, place: str) -> None:
    """Refuse integers that float64 cannot tell apart."""
    if scores.dtype.kind not in "iu" or scores.dtype.itemsize < 8:
        return
    step = max(1, PEEK_SCORES // max(math.prod(scores.shape[1:]), 1))
    for start in range(0, scores.shape[0], step):
        block = scores[start : start + step]
        if block.size and (int(block.max()) > LARGEST_INTEGER or int(block.min()) < -LARGEST_INTEGER):
            raise InputError(
                f"{place} holds integers beyond 2^53, which float64 cannot tell apart. Save floating-point numbers."
            )


def refuse_probs(predictions: Predictions, parts: Sequence[tuple[str, int]], file: str) -> None:
    """Refuse logits that look like probabilities: rows that are non-negative and sum to 1, or one column in [0, 1].

    parts: the shards with their numbers of rows; if only some of them look so, they were not saved alike.
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
            spare = predictions.largest_probability - 1
            if not (one >= -spare).all() or not (one <= 1 + spare).all():
                return False
        elif not looks_like_probs(scores, predictions.sum_tolerance):
            return False
    return stop > start
