"""Batches of rows at the door of an accumulator: checked before anything is added up."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arguments import came
from calibeval.core.data.arrays import Floats
from calibeval.core.data.check_values import bad_values_error
from calibeval.core.data.copied import copied
from calibeval.core.data.foreign import is_masked
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns, as_array, as_column
from calibeval.core.data.source import Source
from calibeval.core.data.weights import COLUMN, check_ratio
from calibeval.core.errors import InputError

SURE = 0.9  # of the tolerance of a sum: within it, a sum in float32 is right for sure
FARTHEST = 1e60  # of weights: the fourth powers of larger ones do not fit float64
_PLACE = re.compile(r"\b(row|image) (\d+)")


class Batch(NamedTuple):
    """A batch whose values are right. rows: its predictions; scores: (b, k), or (b,) confidences, in memory.

    keep: which of them count. weights: as given, None without. groups: what names the group of each row, or image; None
    without. zero: the number of rows that are left out because of their weight.
    """

    rows: Predictions
    scores: npt.NDArray[Any]
    keep: npt.NDArray[np.bool_]
    weights: Floats | None
    groups: npt.NDArray[Any] | None
    zero: int


def read_batch(
    given: Mapping[str, Any], outcome: str, groups: object, weights: object, options: Mapping[str, Any]
) -> Batch:
    """The batch. given: scores by their kind, and the outcome under its name. options: of `Predictions`.

    Raises: InputError, UsageError as `Predictions`, and for values that contradict the kind.
    """
    ignore, found = options.get("ignore_index"), dict(given)
    nothing = False
    if ignore is not None and given.get(outcome) is not None and not is_masked(given[outcome]):
        labels = as_array(given[outcome], outcome)
        nothing = bool(labels.size) and labels.dtype.kind in "iuf" and bool((labels == ignore).all())
        if nothing:  # no row counts, which predictions would refuse
            found[outcome] = np.zeros_like(labels)
    own_weights = None if weights is None else as_array(weights, COLUMN)
    none = own_weights is not None and own_weights.size > 0 and own_weights.dtype.kind in "biuf"
    none = none and own_weights is not None and not own_weights.any()
    rows = Predictions(**found, **options, weights=None if none else own_weights)
    check_labelled(rows, "to measure calibration")
    units, stored = rows.layout[0], rows.rows
    keep = rows.labels != rows.ignore_index if rows.ignored else np.ones(stored, bool)
    values, zero = None, 0
    if own_weights is not None:
        values, zero = raw_weights(rows, own_weights, none=none)
    if none:
        zero = int(np.count_nonzero(keep))
    if nothing or none:
        keep, zero = np.zeros(stored, bool), 0 if nothing else zero
    named = None if groups is None else as_column("groups", groups, {stored, units})
    if named is not None and len(named) < stored:
        named = np.repeat(named, stored // len(named))
    scores = np.asarray(rows.scores[0:stored])
    if keep.any():
        _check(rows, scores)
    return Batch(rows, scores, keep, values, named, zero)


def check_empty(kind: str, scores: object, others: Mapping[str, object]) -> int | None:
    """The number of classes of scores without rows, None if that is not known; others must have no rows either.

    Raises: InputError, UsageError.
    """
    found: tuple[int, ...] = ()
    for name, values in {kind: scores, **others}.items():
        if values is None:
            continue
        array = as_array(values, name)
        if array.ndim == 0 or (name == kind and array.size and array.dtype.kind not in "fiub"):
            raise InputError(f"{name} must be an array with one entry per row, but came as {came(values)}")
        found = array.shape if name == kind else found
        if len(array):
            raise InputError(f"{name} have {len(array):,} rows, but there are no labels: give one label per row")
    return found[1] if len(found) > 1 else None


def counted(error: Exception, batch: int, rows: int, images: int) -> str:
    """The text of an error about a batch, with rows and images counted over all batches.

    batch: its number. rows, images: the numbers of those before it.

    >>> counted(InputError("row 5: label 12, but the scores have 10 classes"), 3, 8192, 0)
    'batch 3: row 8197 (row 5 of this batch): label 12, but the scores have 10 classes'
    """

    def moved(found: re.Match[str]) -> str:
        before = rows if found[1] == "row" else images
        if not before:
            return found[0]
        return f"{found[1]} {int(found[2]) + before} ({found[0]} of this batch)"

    text = str(error).removeprefix("predictions: ")
    return f"batch {batch}: {_PLACE.sub(moved, text, count=1)}"


def raw_weights(rows: Predictions, given: npt.NDArray[Any], *, none: bool) -> tuple[Floats, int]:
    """The weights of all stored rows as given, and the number of rows that are left out because of them."""
    values = np.zeros(len(given)) if none else given.astype(np.float64)
    positive = values[values > 0.0]
    if len(positive):
        least, most = float(positive.min()), float(positive.max())
        check_ratio(least, most, COLUMN)
        if not (least >= 1.0 / FARTHEST and most <= FARTHEST):
            raise InputError(f"weights from {least:.0e} to {most:.0e}, but 1e-60 to 1e60 can be added up: scale them")
    values = np.repeat(values, rows.rows // len(values)) if len(values) < rows.rows else values
    return values, 0 if rows.weights is None else rows.weights.zero


def without_rows(rows: Predictions) -> Predictions:
    """Predictions of the same kind without any."""
    scores: Any = np.empty((0, *rows.scores.shape[1:]), rows.scores.dtype)
    if isinstance(rows.scores, BinaryColumns):
        scores = BinaryColumns(np.empty(0, rows.scores.dtype), rows.kind)
    return copied(
        rows,
        scores=scores,
        labels=np.empty(0, np.int64),
        columns={},
        ids=None,
        ignore_index=None,
        ignored=0,
        layout=(0,),
        warnings=(),
        weights=None,
    )


def group_names(batch: Batch, images: int) -> npt.NDArray[Any]:
    """What names the group of each row: by default the number of its image. images: the number of those before."""
    if batch.groups is not None:
        return batch.groups
    return image_numbers(batch.rows, images)


def image_numbers(rows: Predictions, before: int) -> npt.NDArray[Any]:
    """The number of the image of each pixel. before: the number of images before the first."""
    count, *shape = rows.layout
    return np.repeat(np.arange(before, before + count), int(np.prod(shape)))


def _check(rows: Predictions, scores: npt.NDArray[Any]) -> None:
    """Check the values: quickly, and only where a doubt remains row by row. Raises: InputError."""
    if not _surely_right(rows, scores):
        dense = len(rows.layout) > 1 or isinstance(rows.scores, BinaryColumns)
        found = bad_values_error(rows if dense else copied(rows, scores=scores, source=Source()))
        if found is not None:
            raise found


def _surely_right(rows: Predictions, scores: npt.NDArray[Any]) -> bool:
    """Whether all values suit the kind, of ignored rows too; False where that is not sure."""
    if rows.kind == "confidence":
        return False
    with np.errstate(all="ignore"):
        if rows.kind == "logits":
            low, high = float(scores.min()), float(scores.max())
            if math.isfinite(low) and math.isfinite(high):
                return True
            return high < math.inf and bool(np.isfinite(scores.max(axis=1)).all())
        p = scores if scores.dtype.itemsize > 2 else scores.astype(np.float32)
        p = np.exp(p) if rows.kind == "log_probs" else p
        tolerance = rows.tolerance
        if not (p.min() >= 0.0 and p.max() <= 1.0):
            return False
        return bool((np.abs(p.sum(axis=1) - 1.0) <= SURE * tolerance.of_sum).all())
