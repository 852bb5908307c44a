"""The rows that a map is fitted on out of fold: those of all other folds."""

from __future__ import annotations

from calibeval.core.data.amended import titled
from calibeval.core.data.folds import Folds
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import without


def training_rows(predictions: Predictions, dealt: Folds, fold: int, folds: int) -> Predictions:
    """The rows of all folds except one; what they lack may be in the file, so that messages name the fold.

    Raises: InputError if no row is left.

    >>> import numpy as np
    >>> p = Predictions(probs=[0.2, 0.9, 0.6], labels=[0, 1, 1])
    >>> training_rows(p, np.array([0, 1, 1], np.int16), 0, 2).source.name
    'predictions without fold 1 of 2'
    """
    name = f"{predictions.source.name} without fold {fold + 1} of {folds}"
    return titled(without(predictions, dealt == fold), name)
