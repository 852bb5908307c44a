"""Scores of any kind as probabilities, outside the engine's own pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.row_source import Kind


def probabilities(scores: npt.NDArray[Any], kind: Kind, axis: int = -1) -> Floats:
    """Probabilities in float64, in [0, 1]. axis: the axis of the classes.

    >>> probabilities(np.array([[0.0, 0.0]]), "logits").tolist()
    [[0.5, 0.5]]
    """
    values = np.asarray(scores, np.float64)
    if kind == "probs":
        return np.clip(values, 0.0, 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        if kind == "log_probs":
            return np.minimum(np.exp(values), 1.0)
        weights = np.exp(values - values.max(axis=axis, keepdims=True))
        return np.asarray(weights / weights.sum(axis=axis, keepdims=True))
