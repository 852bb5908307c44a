"""The precision of numbers by the type in which they were stored."""

from __future__ import annotations

from typing import Any

import numpy as np


def sum_tolerance(precision: float) -> float:
    """How far the sum of a row's probabilities may be from 1: eight steps of the stored type, at least 1e-4.

    >>> sum_tolerance(2.0**-23), sum_tolerance(2.0**-10)
    (0.0001, 0.0078125)
    """
    return max(1e-4, 8 * precision)


def stored_precision(dtype: np.dtype[Any]) -> float:
    """The relative step between numbers of a type; integers and text are treated as float64."""
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 2.0**-52
