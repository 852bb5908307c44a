"""Columns of a dump as numbered values, the basis of slices and groups."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.lazy_columns import LazyColumns, refuse_left
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import as_column
from calibeval.core.data.shot_names import SHOTS_TRUE
from calibeval.core.errors import UsageError, nearest

TRUE_CLASS, PREDICTED_CLASS = "class", "predicted"
PART_SCORES = 2**20
MOST_COUNTED = 2**16  # integers within a range of this size are counted, which takes a tenth of the time of sorting


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column by its distinct values in ascending order: row i has the value values[codes[i]].

    codes: (rows,), over all stored rows.
    """

    values: npt.NDArray[Any]
    codes: npt.NDArray[np.intp]

    def texts(self) -> tuple[str, ...]:
        """The values as text; bytes are decoded as UTF-8."""
        return tuple(
            value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
            for value in self.values
        )


def coded_column(predictions: Predictions, name: str, others: tuple[str, ...] = ()) -> Coded:
    """The column of that name; an entry per image applies to its pixels. Values that are not numbers compare as text.

    others: other valid names, for the message.
    Raises: UsageError, with the nearest name, if there is no such column; InputError for one that cannot be used.

    >>> p = Predictions(probs=[0.1, 0.2, 0.9], labels=[0, 0, 1], columns={"night": ["yes", "no", "yes"]})
    >>> coded_column(p, "night").codes.tolist(), coded_column(p, "night").texts()
    ([1, 0, 1], ('no', 'yes'))
    """
    found = coded_units(predictions, name, others)
    return Coded(found.values, np.repeat(found.codes, predictions.rows // len(found.codes)))


def coded_units(predictions: Predictions, name: str, others: tuple[str, ...] = ()) -> Coded:
    """Like `coded_column`, with one code for each entry of the column, which may stand for the pixels of an image."""
    if name not in predictions.columns:
        refuse_left(predictions.columns, name)
        there = [*predictions.columns, *others]
        known = ", ".join(there) or "none"
        raise UsageError(
            f'{predictions.source.name}: there is no column "{name}"{nearest(name, there)}; there are {known}'
        )
    column = np.asarray(predictions.columns[name])
    if column.dtype.kind == "O":
        column = as_objects(column)
    return Coded(*_coded(column))


def group_of(predictions: Predictions, named: str | None) -> str | None:
    """The column of groups: the one that was named, else the documents of a log that has several answers to one."""
    log = predictions.source.log
    return log.group if named is None and log is not None else named


def _coded(column: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """The distinct values in ascending order, and the index of each entry's value; integers are counted, not sorted."""
    if column.dtype.kind in "iu" and len(column):
        low, high = int(column.min()), int(column.max())
        if high - low < MOST_COUNTED and high <= np.iinfo(np.intp).max:
            places = column.astype(np.intp) - low
            there = np.bincount(places) > 0
            return (np.flatnonzero(there) + low).astype(column.dtype), (np.cumsum(there) - 1)[places]
    values, codes = np.unique(column, return_inverse=True)
    return values, codes


def as_objects(column: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """The entries as texts that Python holds: as wide as each is, not as the longest."""
    texts = np.empty(len(column), object)
    texts[:] = [str(value) for value in column.tolist()]
    return texts


def with_column(predictions: Predictions, name: str, values: object) -> Predictions:
    """The predictions with an additional column, which replaces a column of the same name.

    Raises: InputError unless it has one value per row (for dense scores, one per pixel or image).

    >>> p = with_column(Predictions(probs=[0.2, 0.9], labels=[0, 1]), "site", ["A", "B"])
    >>> p.columns["site"].tolist()
    ['A', 'B']
    """
    column = as_column(name, values, {predictions.rows, predictions.layout[0]})
    other = copy.copy(predictions)
    known = predictions.columns
    more = known.with_column(name, column) if isinstance(known, LazyColumns) else {**known, name: column}
    object.__setattr__(other, "columns", more)
    return other


def coded_slices(predictions: Predictions, name: str) -> Coded:
    """The column of that name; "class" and "predicted" are the true and the predicted class if there is no such column.

    Raises: UsageError if there is no such column, or the dump has no predicted classes.

    >>> p = Predictions(probs=[[0.9, 0.1], [0.2, 0.8]], labels=[0, 0], class_names=["cat", "dog"])
    >>> coded_slices(p, "predicted").codes.tolist(), coded_slices(p, "class").texts()
    ([0, 1], ('cat', 'dog'))
    """
    if name in predictions.columns or name not in (TRUE_CLASS, PREDICTED_CLASS):
        return coded_column(predictions, name, () if predictions.k is None else (TRUE_CLASS, PREDICTED_CLASS))
    if predictions.k is None:
        raise UsageError(f'{predictions.source.name}: there are no slices by "{name}": the dump has the top label only')
    if name == TRUE_CLASS:
        check_labelled(predictions, f'for slices by "{name}"')
    names = np.array(predictions.class_names or [str(k) for k in range(predictions.k)], np.object_)
    if name == TRUE_CLASS:
        return Coded(names, counted_labels(predictions))
    return Coded(names, top_classes(predictions))


def is_by_label(predictions: Predictions, name: str) -> bool:
    """Whether slices of that name are rows chosen by their label, so that none is calibrated by itself.

    >>> p = Predictions(probs=[0.2, 0.9], labels=[0, 1], columns={"site": ["A", "B"]})
    >>> is_by_label(p, "class"), is_by_label(p, "site"), is_by_label(p, "predicted")
    (True, False, False)
    """
    return name == SHOTS_TRUE or (name == TRUE_CLASS and name not in predictions.columns)


def counted_labels(predictions: Predictions) -> npt.NDArray[np.intp]:
    """The labels of all stored rows, with 0 for ignored rows."""
    labels = predictions.labels.astype(np.intp)
    if predictions.ignored:
        labels[labels == predictions.ignore_index] = 0
    return labels


def top_classes(predictions: Predictions) -> npt.NDArray[np.intp]:
    """The class with the largest score (the first, if tied) of all stored rows, in one pass over the scores."""
    step = max(1, PART_SCORES // predictions.scores.shape[1])
    parts = [predictions.scores[start : start + step].argmax(axis=1) for start in range(0, predictions.rows, step)]
    return np.concatenate(parts)


def kept_labels(predictions: Predictions) -> npt.NDArray[np.integer[Any]]:
    """The labels of the rows that are not ignored; not a copy if none is."""
    return predictions.labels[kept_rows(predictions)] if predictions.ignored else predictions.labels


def kept_rows(predictions: Predictions) -> npt.NDArray[np.intp]:
    """The numbers of the stored rows that are not ignored."""
    if not predictions.ignored:
        return np.arange(predictions.rows)
    return np.flatnonzero(predictions.labels != predictions.ignore_index)
