"""Predictions whose rows are weighted, or partly left out."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weights import Marked, Weighed, Weights, marked_as_ignored, weighed
from calibeval.core.errors import InputError, UsageError


def weighted(predictions: Predictions, weights: Any) -> Predictions:
    """The predictions with weights of rows: the name of a column, or an array with one value per row; None: as is.

    Raises: UsageError if there is no such column; InputError for weights that are no finite numbers of at least 0.

    >>> p = weighted(Predictions(probs=[0.2, 0.9], labels=[0, 1], columns={"w": [1.0, 3.0]}), "w")
    >>> p.weights.column, p.weights.effective
    ('w', 1.6)
    """
    if weights is None:
        return predictions
    try:
        units, labelled = predictions.layout[0], predictions.labelled
        return _with(
            predictions, weighed(weights, predictions.columns, marks_of(predictions), units, labelled=labelled)
        )
    except InputError as error:
        raise InputError(f"{predictions.source.name}: {error}") from None
    except UsageError as error:
        raise UsageError(f"{predictions.source.name}: {error}") from None


def row_weights(predictions: Predictions) -> Floats | None:
    """The weights of the rows that are not ignored, (n,); None if all rows count the same."""
    if predictions.weights is None:
        return None
    return predictions.weights.kept(predictions.labels != predictions.ignore_index if predictions.ignored else None)


def scaled(predictions: Predictions) -> Predictions:
    """The predictions with weights that add up to the effective number of rows, as do their squares.

    >>> p = scaled(Predictions(probs=[0.2, 0.9], labels=[0, 1], weights=[1.0, 3.0]))
    >>> worth_of(p), worth_of(Predictions(probs=[0.2, 0.9], labels=[0, 1]))
    (1.6, 2)
    """
    own = row_weights(predictions)
    if predictions.weights is None or own is None:
        return predictions
    values = predictions.weights.values * (float(own.sum()) / float(own @ own))
    weights = replace(predictions.weights, values=values)
    return _with(predictions, Weighed(weights, predictions.labels, predictions.ignore_index, predictions.columns))


def worth_of(predictions: Predictions) -> float:
    """The sum of the weights of the rows that are not ignored; without weights, their number."""
    weights = row_weights(predictions)
    return predictions.n if weights is None else float(weights.sum())


def marks_of(predictions: Predictions) -> Marked:
    """The labels and the one that marks ignored rows, as they were before rows of weight 0 were marked, too."""
    if predictions.weights is not None:
        return predictions.weights.marked
    return Marked(predictions.labels, predictions.ignore_index)


def unweighted(predictions: Predictions) -> Predictions:
    """The same rows without weights: those of weight 0 have their labels again. Columns stay.

    >>> unweighted(Predictions(probs=[0.2, 0.9], labels=[0, 1], weights=[0.0, 2.0])).labels.tolist()
    [0, 1]
    """
    if predictions.weights is None:
        return predictions
    return _with(predictions, Weighed(None, *predictions.weights.marked, predictions.columns))


def refuse_weights(predictions: Predictions, what: str) -> None:
    """Refuse weights where they are not taken into account; equal ones change nothing. Raises: UsageError."""
    if predictions.weights is not None and not predictions.weights.even:
        column = predictions.weights.column
        raise UsageError(f'{predictions.source.name}: rows are weighted by "{column}", but {what} cannot weight rows')


def weighted_like(part: Predictions, whole: Predictions, rows: npt.NDArray[np.intp]) -> Predictions:
    """Some rows of weighted predictions with their weights. part: these rows; none of them is ignored."""
    if whole.weights is None:
        return part
    labels, ignore = part.labels, part.ignore_index
    own = whole.weights.values[rows]
    effective = float(own.sum()) ** 2 / max(float(own @ own), 1e-300)
    told = Weights(whole.weights.column, own, whole.weights.even, effective, 0, labels, ignore)
    return _with(part, Weighed(told, labels, ignore, part.columns))


def without(predictions: Predictions, rows: npt.NDArray[np.bool_]) -> Predictions:
    """The predictions with some more stored rows (a mask) ignored; scores are not copied.

    Raises: InputError if no row is left.

    >>> without(Predictions(probs=[0.5, 0.6], labels=[0, 1]), np.array([True, False])).n
    1
    """
    labels, ignore = marked_as_ignored(predictions.labels, predictions.ignore_index, rows)
    if (labels == ignore).all():
        raise InputError(f"{predictions.source.name}: there is no row left to fit on")
    return _with(predictions, Weighed(predictions.weights, labels, ignore, predictions.columns))


def _with(predictions: Predictions, found: Weighed) -> Predictions:
    ignored = 0 if found.ignore_index is None else int(np.count_nonzero(found.labels == found.ignore_index))
    result = copy.copy(predictions)
    for name, value in {**found._asdict(), "ignored": ignored}.items():
        object.__setattr__(result, name, value)
    return result
