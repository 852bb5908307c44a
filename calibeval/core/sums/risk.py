"""What a wrong row would cost: how far a mean over rows may move if a few more of them are wrong."""

from __future__ import annotations

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.rows import Rows

FEW = 30  # errors, or right rows, below which a mean over rows is far from normal


def decided_by_few(right: float, n: float) -> bool:
    """Whether there are fewer than 30 errors, or fewer than 30 right rows."""
    return round(min(right, n - right), 9) < FEW  # sums of 30 equal weights are 30, whatever their rounding


def log_risk(rows: Rows, k: int | None) -> Floats:
    """The negative log-likelihood that a row has if it is wrong, minus that if it is right, (n,); may be infinite.

    If it is wrong, its label is drawn from the other classes by their probabilities, whose mean is then s / r with
    their sum r and the sum s of their squares. r is 1 - c, but within the limits that s leaves: of a confidence c near
    1, 1 - c has lost its digits. For two classes, this is the logarithm of the odds. k: number of classes; None if only
    the top label is known, of which nothing follows: 0.

    >>> rows = Rows(*(np.array([x]) for x in (0.8, 0.8, -0.2, 0.04, -0.3, True)), None, None)
    >>> bool(np.isclose(log_risk(rows, 2)[0], np.log(0.8 / 0.2)))
    True
    """
    if k is None:
        return np.zeros(len(rows.confidence))
    c, label = rows.confidence, rows.label_p * rows.label_p
    squares = np.where(rows.correct, rows.other_squares, np.maximum(rows.other_squares + label - c * c, label))
    least = np.sqrt(squares)
    rest = np.clip(1.0 - c, least, least * np.sqrt(k - 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(squares > 0.0, np.log(c * rest / squares), np.inf))
