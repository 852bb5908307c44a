"""The same predictions with another word about them."""

from __future__ import annotations

import copy

from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions


def with_warning(predictions: Predictions, *notices: Notice) -> Predictions:
    """The predictions with more warnings.

    >>> with_warning(Predictions(probs=[0.2, 0.9], labels=[0, 1]), Notice("careful")).warnings
    ('careful',)
    """
    other = copy.copy(predictions)
    object.__setattr__(other, "warnings", (*predictions.warnings, *notices))
    return other
