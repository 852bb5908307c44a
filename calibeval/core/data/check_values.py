"""The values that each kind of score may have, and the message that names the rows with other values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.divided import DividedRows
from calibeval.core.data.precision import Tolerance, stored_precision
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.remedies import remedy
from calibeval.core.data.rounding import blocks_of, decimals_of, in_words, sum_bounds, wrong_sums
from calibeval.core.data.row_source import BinaryColumns
from calibeval.core.errors import InputError

ROWS_SCORES = 2**20
FLOAT64 = Tolerance.of(2.0**-52)


def looks_like_probs(scores: npt.NDArray[Any], tolerance: Tolerance = FLOAT64) -> bool:
    """Whether all rows are non-negative and sum to 1, but for rounding, which practically never happens with logits.

    Sums that are not 1 within the tolerance may come from rounding to two decimals or more.

    >>> looks_like_probs(np.array([[0.25, 0.75]])), looks_like_probs(np.array([[2.5, 0.75]]))
    (True, False)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.asarray(scores, np.float64)
        off = np.abs(values.sum(axis=-1) - 1)
        if not (values >= -tolerance.spare).all() or not (off <= 0.5).all():
            return False
        if (off <= tolerance.of_sum).all():
            return True
        decimals = decimals_of(values, stored_precision(np.asarray(scores).dtype))
        return decimals is not None and decimals >= 2 and not wrong_sums(values, decimals, tolerance).any()


def check_values(predictions: Predictions) -> None:
    """Read all scores once, only to check that they are valid for their kind.

    Raises: InputError naming the first row whose values contradict the kind, and counting all such rows.
    """
    error = bad_values_error(predictions)
    if error is not None:
        raise error


def bad_values_error(predictions: Predictions) -> InputError | None:
    """The error that names the first row whose values contradict the kind, and counts all such rows."""
    found = _wrong_rows(predictions, None)
    if found is None:
        return None
    decimals = _decimals(predictions)
    found = (_wrong_rows(predictions, decimals) or found) if decimals else found
    others = f" ({found.rows:,} rows of {predictions.n:,} are wrong)" if found.rows > 1 else ""
    return InputError(f"{predictions.source.name}: {predictions.locate(found.row)} {found.what}{others}.{found.remedy}")


class _Wrong(NamedTuple):
    """Rows that contradict the kind. rows: their number; row: the first of them, and what is wrong with it."""

    rows: int
    row: int
    what: str
    remedy: str


def _wrong_rows(predictions: Predictions, decimals: int | None) -> _Wrong | None:
    """decimals: to which the probabilities were rounded; None: not rounded."""
    first: tuple[int, str, str] | None = None
    count = 0
    width = predictions.scores.shape[-1] if predictions.k else 1
    for block in predictions.blocks(max(1, ROWS_SCORES // width)):
        wrong, what, values = _wrong_in_block(block, predictions, decimals)
        count += len(wrong)
        if len(wrong) and first is None:
            first = predictions.stored_row(block, int(wrong[0])), what, remedy(predictions, values, wrong)
    return None if first is None else _Wrong(count, *first)


def _decimals(predictions: Predictions) -> int | None:
    """The number of decimals of all probabilities; None if they were not rounded."""
    scores = predictions.scores
    if predictions.kind != "probs" or isinstance(scores, BinaryColumns | DividedRows) or scores.dtype.kind != "f":
        return None
    found: int | None = 0
    kept = predictions.labels != predictions.ignore_index if predictions.ignored else None
    for values in blocks_of(scores, kept):
        found = decimals_of(values, predictions.precision, found or 0)
        if found is None:
            break
    return found or None


def _wrong_in_block(
    block: Block, predictions: Predictions, decimals: int | None
) -> tuple[npt.NDArray[np.intp], str, Floats]:
    """The rows of the block that are not valid for the kind, the problem of the first of them, and the values."""
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.asarray(block.scores, np.float64)
    tolerance = predictions.tolerance
    if predictions.kind == "confidence":
        wrong = np.flatnonzero(~((values >= -tolerance.spare) & (values <= tolerance.largest)))
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
    bad = ~((p >= -tolerance.spare) & (p <= tolerance.largest))
    wrong = np.flatnonzero(bad.any(axis=1) | wrong_sums(p, decimals, tolerance))
    if not len(wrong):
        return wrong, "", values
    row = int(wrong[0])
    if bad[row].any():
        what = f"holds {_first(values[row], bad[row], predictions)}"
    else:
        what = f"sums to {p[row].sum():.6g}, not to 1 within {_explained(p[row], decimals, tolerance)}"
    return wrong, f"{what}, so these are not {_words(predictions)}", values


def _explained(row: Floats, decimals: int | None, tolerance: Tolerance) -> str:
    """How far from 1 rounding may have taken the sum of a row."""
    if decimals is None:
        return f"{tolerance.of_sum:g}"
    deficit, excess = sum_bounds(row[None], decimals, tolerance)
    return f"{excess[0] if row.sum() > 1 else deficit[0]:.4g} (rounded to {in_words(decimals)})"


def _first(row: Floats, bad: npt.NDArray[np.bool_], predictions: Predictions) -> str:
    """The first bad value of a row, with its column; a single column is the one that was given, P(class 1)."""
    if isinstance(predictions.scores, BinaryColumns):
        return f"{row[1]:.10g}"
    column = int(bad.argmax())
    return f"{row[column]:.10g} in column {column}"


def _words(predictions: Predictions) -> str:
    return "log-probabilities" if predictions.kind == "log_probs" else "probabilities"
