"""What values that contradict their kind may be instead, and what to do: by the values themselves, not by a guess."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.divided import DividedRows
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns

MOSTLY = 0.95  # of the rows
PERCENT = " These look like percentages: divide them by 100."
BYTES = " These look like whole numbers from 0 to 255: divide them by 255."
FEW_ROWS = " The other rows are probabilities: see what is wrong with these."


def remedy(predictions: Predictions, values: Floats, wrong: npt.NDArray[np.intp]) -> str:
    """A sentence on what to do, with a space before it; nothing if the values do not show it.

    values: some rows of the scores in float64. wrong: which of these contradict the kind.
    """
    if predictions.kind == "logits":
        return ""
    if predictions.kind == "confidence" or isinstance(predictions.scores, BinaryColumns):
        return _of_column(predictions, values if values.ndim == 1 else values[:, 1])
    with np.errstate(all="ignore"):
        if predictions.kind == "log_probs":
            return _of_log_probs(predictions, values)
        return _of_rows(predictions, values, wrong)


def _of_column(predictions: Predictions, one: Floats) -> str:
    """Of one number a row: a confidence, P(class 1) or its logarithm."""
    if predictions.kind == "log_probs" or not np.isfinite(one).all():
        return "" if predictions.kind == "confidence" or np.isnan(one).any() else _kind(predictions, "logits")
    if one.min() >= 0 and one.max() > 2:
        if one.max() <= 100:
            return PERCENT
        if one.max() <= 255 and _whole(one):
            return BYTES
    return "" if predictions.kind == "confidence" else _kind(predictions, "logits")


def _of_log_probs(predictions: Predictions, values: Floats) -> str:
    if _sum_to_one(predictions, values) and values.min() >= 0:
        return _kind(predictions, "probs")
    if not np.isnan(values).any() and values.max() <= 0:
        for base in (2, 10):
            if _sum_to_one(predictions, np.power(float(base), values)):
                return f" These are logarithms to base {base}: multiply them by ln {base} = {math.log(base):.15g}."
    return _kind(predictions, "logits")


def _of_rows(predictions: Predictions, values: Floats, wrong: npt.NDArray[np.intp]) -> str:
    tolerance = predictions.tolerance
    if not np.isnan(values).any() and values.max() <= tolerance.spare and _sum_to_one(predictions, np.exp(values)):
        return _kind(predictions, "log_probs", "logarithms of probabilities")
    if not np.isfinite(values).all():
        return ""
    if isinstance(predictions.scores, DividedRows):
        bad = values[wrong]
        return f" {_renormalize(predictions)} divides non-negative numbers only." if bad.min() < 0 else _zero(bad)
    sums, least, most = values.sum(axis=1), values.min(), values.max()
    few = 2 * len(wrong) <= len(values)
    if few and values[wrong].min() < -tolerance.spare:
        return FEW_ROWS
    if few or (least >= -tolerance.spare and most <= tolerance.largest):
        return _of_unequal_sums(predictions, sums, few=few)
    if least < -tolerance.spare:
        return _kind(predictions, "logits")
    divide = f" {_renormalize(predictions)} divides every row by its sum."
    rounding = min(values.shape[1] / 2, 15) if _whole(values) else 0  # of whole percentages
    if np.mean(np.abs(sums - 100) <= max(1, rounding)) >= MOSTLY and most <= 101:
        return f"{PERCENT[:-1]};{divide}"
    if _whole(values) and np.mean(np.abs(sums - 255) <= values.shape[1] / 2) >= MOSTLY and most <= 255:
        return f"{BYTES[:-1]};{divide}"
    if _whole(values) and sums.min() == sums.max():
        return f" These look like votes or counts, {sums[0]:,.0f} in every row:{divide}"
    return f"{_kind(predictions, 'logits')[:-1]}; if they are counts or weights,{divide}"


def _of_unequal_sums(predictions: Predictions, sums: Floats, *, few: bool) -> str:
    """Of values that each could be a probability."""
    divide = f"{_renormalize(predictions)} divides every row by its sum"
    if not sums.min() > 0:
        return _zero(sums[:, None]) if few else f" One-vs-rest or multi-label scores?{_zero(sums[:, None])}"
    if few:
        return f" {divide}, and counts these rows."
    return (
        f" One-vs-rest or multi-label scores? {divide}, as one-vs-rest classifiers do; or measure one class against "
        "the rest: its column alone, with labels 0 and 1."
    )


def _zero(rows: Floats) -> str:
    """Where a row sums to 0."""
    return " A row that sums to 0 cannot be divided by its sum." if not rows.sum(axis=1).min() > 0 else ""


def _kind(predictions: Predictions, kind: str, what: str = "") -> str:
    said = f"pass them as {kind}=" if predictions.source.path is None else f"use --kind {kind}"
    return f" If they are {what or {'probs': 'probabilities'}.get(kind, kind)}, {said}."


def _renormalize(predictions: Predictions) -> str:
    return "renormalize=True" if predictions.source.path is None else "--renormalize"


def _sum_to_one(predictions: Predictions, p: Floats) -> bool:
    return bool((np.abs(p.sum(axis=1) - 1) <= predictions.tolerance.of_sum).all())


def _whole(values: Floats) -> bool:
    return bool((values == np.rint(values)).all())
