"""Other columns that say what the labels, or the predictions, are, and contradict those that are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.readers.stored.names import sounds_predicted

LEAST_ROWS = 30
PEEK_ROWS, PEEK_SCORES = 2**12, 2**18
HALF = 0.5  # of the rows
TRUE = ("true", "gold", "actual", "real", "ground", "human")  # how names of columns with the truth begin
OF_CLASSES = ("label", "labels", "class", "target", "y", "truth")  # and how they end
PREDICTIONS = {"prediction", "predicted", "predict", "pred", "y_pred", "pred_label", "predicted_label", "pred_class",
             "predicted_class", "prediction_label"}  # fmt: skip


def contradictions(predictions: Predictions, labels_key: str | None) -> tuple[Notice, ...]:
    """Warnings about columns that contradict the labels or the scores.

    labels_key: the usual name by which the labels were found; None: the user named them, or there are none.
    """
    if predictions.kind == "confidence" or len(predictions.layout) > 1 or predictions.n < LEAST_ROWS:
        return ()
    found = [
        _of_labels(predictions, name, labels_key)
        for name in predictions.columns
        if labels_key is not None and _sounds_true(name)
    ]
    found += [_of_scores(predictions, name) for name in predictions.columns if name.lower() in PREDICTIONS]
    return tuple(one for one in found if one is not None)


def _sounds_true(name: str) -> bool:
    lower = name.lower()
    return not sounds_predicted(lower) and (
        lower in ("truth", "gold") or (lower.startswith(TRUE) and lower.endswith(OF_CLASSES))
    )


def _of_labels(predictions: Predictions, name: str, labels_key: str | None) -> Notice | None:
    """A warning if a column that is called true_label, or so, holds other labels than the one that is used."""
    other = _classes(np.asarray(predictions.columns[name]), predictions.class_names, predictions.k or 0)
    if other is None:
        return None
    kept = predictions.labels != predictions.ignore_index
    different = int(np.count_nonzero((other != predictions.labels) & kept))
    if not different:
        return None
    text = (
        f'"{labels_key}" holds the labels that are used, but "{name}" differs from it in {different:,} of '
        f"{predictions.n:,} rows: say --key labels={name} if that column holds the true labels"
    )
    return warning("other_labels_differ", text)


def _of_scores(predictions: Predictions, name: str) -> Notice | None:
    """A warning if the predictions in a column are not the classes of the largest scores, in most of the first rows."""
    k = predictions.k or 1
    rows = min(predictions.rows, PEEK_ROWS, max(LEAST_ROWS, PEEK_SCORES // k))
    said = _classes(np.asarray(predictions.columns[name])[:rows], predictions.class_names, k)
    if said is None:
        return None
    with np.errstate(invalid="ignore"):
        top = np.asarray(predictions.scores[0:rows]).argmax(axis=1)
    if np.mean(top == said) >= HALF or np.mean(top == said - 1) >= HALF:
        return None
    text = (
        f'"{name}" is the class of the largest score in only {100 * float(np.mean(top == said)):.1f} % of rows: check '
        "the order of the classes"
    )
    return warning("predictions_differ", text)


def _classes(values: npt.NDArray[Any], names: Sequence[str] | None, k: int) -> npt.NDArray[np.int64] | None:
    """The classes that a column names, by name or number; None where a value is neither."""
    if values.ndim != 1 or not len(values):
        return None
    if names is not None:
        places = {name: i for i, name in enumerate(names)}
        known, codes = np.unique(values.astype(str) if values.dtype.kind in "OUSb" else values, return_inverse=True)
        found = [places.get(str(value)) for value in known.tolist()]
        if None not in found:
            return np.array(found, np.int64)[codes]
    if values.dtype.kind not in "iu" or int(values.min()) < 0 or int(values.max()) > k:
        return None
    return values.astype(np.int64)
