"""Whether there are enough rows of every class for a map that fits each class by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibeval.core.data.columns import kept_rows
from calibeval.core.data.documents import shown
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import LEAST_ROWS


def check_classes_present(predictions: Predictions, method: str) -> None:
    """Refuse rows that lack one of three or more classes: the map would hardly predict that class again.

    Raises: InputError with the number of absent classes, the first, and what to do.

    >>> check_classes_present(Predictions(logits=[[1.0, 0.0, 2.0]] * 3, labels=[0, 0, 2]), "isotonic")
    Traceback (most recent call last):
    ...
    calibeval.core.errors.InputError: predictions: 1 of 3 classes has no row to fit on (the first: 1). isotonic fits \
each class by itself, so classes without rows would hardly be predicted again. Use temperature, ets or vector, or rows \
of all classes.
    """
    counts = _rows_of_classes(predictions)
    absent = np.flatnonzero(counts == 0)
    if len(counts) <= 2 or not len(absent):
        return
    raise InputError(
        f"{predictions.source.name}: {_some(len(absent), counts)} no row to fit on (the first: "
        f"{_named(predictions, int(absent[0]))}). {method} fits each class by itself, so classes without rows would "
        "hardly be predicted again. Use temperature, ets or vector, or rows of all classes."
    )


def few_rows(predictions: Predictions, method: str) -> str | None:
    """A sentence if some class has no row, or fewer than ten; None if all have as many.

    >>> few_rows(Predictions(probs=[0.2] * 19, labels=[0] * 10 + [1] * 9), "isotonic")
    'isotonic fits each class by itself, but 1 of 2 classes has fewer than 10 rows (the fewest: 9 rows of 1)'
    """
    counts = _rows_of_classes(predictions)
    few = int(np.count_nonzero(counts < LEAST_ROWS))
    if not few:
        return None
    absent = int(np.count_nonzero(counts == 0))
    if absent:
        return f"{method} fits each class by itself, but {_some(absent, counts)} no row"
    which = _fewest(predictions, counts)
    return f"{method} fits each class by itself, but {_some(few, counts)} fewer than {LEAST_ROWS} rows ({which})"


def few_right_or_wrong(two: Predictions, method: str) -> str | None:
    """A sentence if fewer than ten predictions are right, or wrong; None if there are as many of both.

    two: their labels are 1 for a prediction that is right, and 0 for others.

    >>> few_right_or_wrong(Predictions(confidence=[0.9] * 30, correct=[0] * 9 + [1] * 21), "top-isotonic")
    'top-isotonic needs at least 10 right and 10 wrong predictions, but 9 are wrong'
    """
    labels = two.labels[kept_rows(two)]
    counts = {"right": int((labels == 1).sum()), "wrong": int((labels == 0).sum())}
    few = [f"{count} {'is' if count == 1 else 'are'} {name}" for name, count in counts.items() if count < LEAST_ROWS]
    if not few:
        return None
    return f"{method} needs at least {LEAST_ROWS} right and {LEAST_ROWS} wrong predictions, but {' and '.join(few)}"


def few_for_prior(predictions: Predictions) -> str | None:
    """A sentence if the share of some class, which a prior corrects, comes from fewer than ten rows; None if none does.

    >>> few_for_prior(Predictions(probs=[0.2] * 19, labels=[0] * 10 + [1] * 9))
    'the prior corrects a share that is known from few rows: 1 of 2 classes has fewer than 10 (the fewest: 9 rows of 1)'
    """
    counts = _rows_of_classes(predictions)
    few = int(np.count_nonzero(counts < LEAST_ROWS))
    if not few:
        return None
    told = f"{_some(few, counts)} fewer than {LEAST_ROWS} ({_fewest(predictions, counts)})"
    return f"the prior corrects a share that is known from few rows: {told}"


def few_rows_instead(predictions: Predictions, method: str) -> str | None:
    """The sentence of `few_rows`, with the maps to use instead.

    >>> few_rows_instead(Predictions(probs=[0.2] * 19, labels=[0] * 10 + [1] * 9), "isotonic")[-52:]
    '(the fewest: 9 rows of 1); use platt or beta instead'
    """
    said = few_rows(predictions, method)
    instead = "platt or beta" if predictions.k == 2 else "temperature, ets or vector"
    return None if said is None else f"{said}; use {instead} instead"


def _rows_of_classes(predictions: Predictions) -> npt.NDArray[np.intp]:
    """The number of rows of each class that are not ignored, (k,)."""
    labels = predictions.labels[kept_rows(predictions)]
    return np.bincount(labels.astype(np.intp), minlength=predictions.k or 0)


def _fewest(predictions: Predictions, counts: npt.NDArray[np.intp]) -> str:
    fewest = int(counts.argmin())
    rows = "1 row" if counts[fewest] == 1 else f"{counts[fewest]} rows"
    return f"the fewest: {rows} of {_named(predictions, fewest)}"


def _some(count: int, counts: npt.NDArray[np.intp]) -> str:
    return f"{count:,} of {len(counts):,} classes {'has' if count == 1 else 'have'}"


def _named(predictions: Predictions, number: int) -> str:
    names = predictions.class_names
    return str(number) if names is None else shown(names[number])
