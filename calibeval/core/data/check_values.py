"""The values that each kind of score may have, and the message that names the rows with other values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.row_source import BinaryColumns
from calibeval.core.errors import InputError

ROWS_SCORES = 2**20


def looks_like_probs(scores: npt.NDArray[Any], tolerance: float = 1e-4) -> bool:
    """Whether all rows are non-negative and sum to 1, which practically never happens with logits.

    >>> looks_like_probs(np.array([[0.25, 0.75]])), looks_like_probs(np.array([[2.5, 0.75]]))
    (True, False)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.asarray(scores, np.float64)
        sums = values.sum(axis=-1)
        return bool((values >= 0).all() and (np.abs(sums - 1) <= tolerance).all())


def check_values(predictions: Predictions) -> None:
    """Read all scores once, only to check that they are valid for their kind.

    Raises: InputError naming the first row whose values contradict the kind, and counting all such rows.
    """
    error = bad_values_error(predictions)
    if error is not None:
        raise error


def bad_values_error(predictions: Predictions) -> InputError | None:
    """The error that names the first row whose values contradict the kind, and counts all such rows."""
    first: tuple[int, str, str] | None = None
    count = 0
    width = predictions.scores.shape[-1] if predictions.k else 1
    for block in predictions.blocks(max(1, ROWS_SCORES // width)):
        wrong, what, values = _wrong_rows(block, predictions)
        count += len(wrong)
        if len(wrong) and first is None:
            first = (predictions.stored_row(block, int(wrong[0])), what, _hint(predictions, values[wrong[0]]))
    if first is None:
        return None
    row, what, hint = first
    others = f" ({count:,} rows of {predictions.n:,} are wrong)" if count > 1 else ""
    return InputError(f"{predictions.source.name}: {predictions.locate(row)} {what}{others}.{hint}")


def _wrong_rows(block: Block, predictions: Predictions) -> tuple[npt.NDArray[np.intp], str, Floats]:
    """The rows of the block that are not valid for the kind, the problem of the first of them, and the values."""
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.asarray(block.scores, np.float64)
    if predictions.kind == "confidence":
        wrong = np.flatnonzero(~((values >= 0) & (values <= predictions.largest_probability)))
        what = f"has confidence {values[wrong[0]]:.10g}, but it must lie in [0, 1]" if len(wrong) else ""
        return wrong, what, values
    if predictions.kind == "logits":
        bad = np.isnan(values) | np.isposinf(values)
        wrong = np.flatnonzero(bad.any(axis=1) | np.isneginf(values).all(axis=1))
        if not len(wrong):
            return wrong, "", values
        row = int(wrong[0])
        if not bad[row].any():
            return wrong, "has only -inf logits, so no class has a probability", values
        return wrong, f"holds {_first(values[row], bad[row], predictions)}, but logits must be finite or -inf", values
    with np.errstate(over="ignore", invalid="ignore"):
        p = np.exp(values) if predictions.kind == "log_probs" else values
        tolerance, sums = predictions.sum_tolerance, p.sum(axis=1)
    bad = ~((p >= 0) & (p <= predictions.largest_probability))
    # Slightly stricter than the engine, which sums in another order, so that whatever the engine refuses is found here.
    wrong = np.flatnonzero(bad.any(axis=1) | ~(np.abs(sums - 1) <= tolerance * (1 - 1e-9)))
    if not len(wrong):
        return wrong, "", values
    row = int(wrong[0])
    what = f"sums to {sums[row]:.6g}, not to 1 within {tolerance:g}"
    if bad[row].any():
        what = f"holds {_first(values[row], bad[row], predictions)}"
    return wrong, f"{what}, so these are not {_words(predictions)}", values


def _first(row: Floats, bad: npt.NDArray[np.bool_], predictions: Predictions) -> str:
    """The first bad value of a row, with its column; a single column is the one that was given, P(class 1)."""
    if isinstance(predictions.scores, BinaryColumns):
        return f"{row[1]:.10g}"
    column = int(bad.argmax())
    return f"{row[column]:.10g} in column {column}"


def _words(predictions: Predictions) -> str:
    return "log-probabilities" if predictions.kind == "log_probs" else "probabilities"


def _hint(predictions: Predictions, row: Floats) -> str:
    """What these values may be instead. row: the first that is wrong."""
    if predictions.kind in ("logits", "confidence"):
        given = float(row) if predictions.kind == "confidence" else 0.0
        return " If these are percentages, divide them by 100." if 2 < given <= 100 else ""
    single = isinstance(predictions.scores, BinaryColumns)
    finite = bool(np.isfinite(row).all())
    percent = predictions.kind == "probs" and finite and (2 < row[1] <= 100 if single else abs(row.sum() - 100) < 1)
    in_memory = predictions.source.path is None
    logits = f" If they are logits, {'pass them as logits=' if in_memory else 'use --kind logits'}."
    if percent and (row >= 0).all():
        return " If they are percentages, divide them by 100."
    return logits + (" If they are percentages, divide them by 100." if percent else "")
