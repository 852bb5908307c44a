"""A confidence as the log-odds of two classes, wrong and right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.precision import Tolerance
from calibeval.core.sums.rows import BadValues


def odds_of_confidence(confidence: npt.NDArray[Any], clip: float | None, tolerance: Tolerance | None) -> Floats:
    """log(c) - log(1 - c) of confidences (b,); infinite for 0 and 1. clip: both are at least this.

    tolerance: what rounding explains beyond 0 and 1; None: all values count as 0 or 1.
    Raises: BadValues for other confidences outside [0, 1].

    >>> odds_of_confidence(np.array([0.5, 1.0]), None, None).tolist()
    [0.0, inf]
    """
    c = np.asarray(confidence, np.float64)
    if tolerance is not None and not ((c >= -tolerance.spare) & (c <= tolerance.largest)).all():
        raise BadValues
    low = 0.0 if clip is None else clip
    with np.errstate(divide="ignore"):
        right, wrong = np.maximum(np.clip(c, 0.0, 1.0), low), np.maximum(1.0 - np.clip(c, 0.0, 1.0), low)
        return np.asarray(np.log(right) - np.log(wrong))


def of_odds(odds: Floats) -> Floats:
    """Log-odds as log-scores of two classes, (b, 2): 0 and the odds; where they are infinite, one score is -inf.

    >>> of_odds(np.array([1.5, np.inf])).tolist()
    [[0.0, 1.5], [-inf, 0.0]]
    """
    sure = odds == np.inf
    return np.stack([np.where(sure, -np.inf, 0.0), np.where(sure, 0.0, odds)], axis=1)


def confidence_of(pairs: Floats) -> Floats:
    """The probability of the second of two classes with these log-scores, (b,).

    >>> confidence_of(np.array([[0.0, 0.0], [-np.inf, 0.0], [0.0, -np.inf]])).tolist()
    [0.5, 1.0, 0.0]
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(pairs[:, 0] - pairs[:, 1])))
