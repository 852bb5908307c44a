"""Scores of the best classes in place of those of every class: best-first lists, and one column of confidences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.best_first import best_first_error, beyond_best
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns, Kind, RowSource
from calibeval.core.errors import InputError
from calibeval.readers.stored.names import CORRECT_KEYS, LABEL_KEYS, PREDICTION_KEYS
from calibeval.readers.stored.stored import Stored

FIRST_ROWS, PEEK_ROWS = 256, 2**18
LEAST_ROWS = 100
MOST_LABELS = 2  # that one column fits, one of them to be left out
HALF: dict[Kind, float] = {"probs": 0.5, "logits": 0.0, "log_probs": float(np.log(0.5))}  # P(class 1) is 1/2


def refuse_best_first(predictions: Predictions, raw: npt.NDArray[Any], file: str) -> None:
    """Refuse scores that fall from left to right in every row, or rise, where the labels contradict their means.

    raw: the labels as stored. Raises: InputError.
    """
    named = raw.dtype.kind in "OUSb" or (raw.shape == predictions.labels.shape and (raw != predictions.labels).any())
    error = best_first_error(predictions, "names" if named and predictions.class_names else "positions")
    if error is not None:
        raise InputError(f"{file}: {error}")


def explained(
    error: InputError, scores: RowSource, kind: Kind, raw: npt.NDArray[Any], key: str, file: str
) -> InputError:
    """An error about labels, or a better one if the scores are those of the best classes of each row. key: theirs."""
    other = beyond_best(scores, kind, raw)
    if other is not None:
        return InputError(f"{file}: {other}")
    one = len(scores.shape) == 1 and kind == "probs" and raw.shape == scores.shape
    if one and raw.dtype.kind in "iu" and raw.max(initial=0) > 1 and len(np.unique(raw[:PEEK_ROWS])) > MOST_LABELS:
        remedy = f"--key confidence={key} --key prediction=NAME"
        return InputError(f"{error} If the column is the confidence of the predicted class, say {remedy}.")
    return error


def refuse_confidences(predictions: Predictions, key: str, arrays: Mapping[str, Stored], file: str) -> None:
    """Refuse a single column that never falls below 1/2: it is the confidence of the predicted class, not P(class 1).

    Only of a hundred rows or more, and not where all labels are 1, which such a column fits, or where all rows are
    equal, as those of a model that knows only the share of class 1. Of nearly all other columns, the first rows are
    enough to tell. key: of the scores.
    Raises: InputError.
    """
    scores, kind = predictions.scores, predictions.kind
    if not isinstance(scores, BinaryColumns) or len(predictions.layout) > 1 or predictions.n < LEAST_ROWS:
        return
    column, start, step = scores.column, 0, FIRST_ROWS
    first = np.asarray(column[0:1]).reshape(-1)
    constant = True
    while start < predictions.rows:
        values = np.asarray(column[start : start + step])
        if not (values >= HALF[kind]).all():
            return
        constant = constant and bool((values == first).all())
        start, step = start + step, PEEK_ROWS
    if constant:
        return
    labels = predictions.labels
    if predictions.labelled and (labels[labels != predictions.ignore_index] == 1).all():
        return
    never = "1/2" if kind == "probs" else "0" if kind == "logits" else "ln 1/2"
    looks = f'{file}: the single column "{key}" never falls below {never} in {predictions.n:,} rows, so it looks like'
    if kind != "probs":
        raise InputError(
            f"{looks} the score of the predicted class, not of class 1. Save the scores of all classes, or say --kind "
            f"{kind} if it belongs to class 1"
        )
    lower = {name.lower() for name in arrays}
    predicted = not lower.isdisjoint(PREDICTION_KEYS) and not lower.isdisjoint(LABEL_KEYS)
    needs = "" if predicted or not lower.isdisjoint(CORRECT_KEYS) else ' (with an array "correct", or "prediction")'
    raise InputError(
        f"{looks} the confidence of the predicted class, not like P(class 1). Say --key confidence={key}{needs}, or "
        "--kind probs if it is P(class 1)"
    )
