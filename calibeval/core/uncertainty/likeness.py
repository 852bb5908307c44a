"""Whether two models give the same results on the same rows, exactly or up to rounding."""

from __future__ import annotations

from functools import partial

import numpy as np

from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import RowScores

# Smaller differences of probabilities come from numbers saved with fewer digits, or from another order of sums.
ROUNDING = 1e-6


def identical(one: RowScores, other: RowScores) -> bool:
    """Whether every result of every row is the same."""
    return all(np.array_equal(getattr(one, part), getattr(other, part)) for part in RowScores.__slots__)


def alike(one: RowScores, other: RowScores) -> bool:
    """Whether both models are right on the same rows, and give the same probabilities up to rounding."""
    if not np.array_equal(one.correct, other.correct):
        return False
    close = partial(np.allclose, rtol=0.0, equal_nan=True)
    same = close(one.confidence, other.confidence, atol=ROUNDING)
    return bool(same and close(one.brier, other.brier, atol=4.0 * ROUNDING))


def equal_sums(one: BinSums | None, other: BinSums | None) -> bool:
    """Whether the sums are the same."""
    if one is None or other is None:
        return one is other
    first = all(np.array_equal(getattr(one, part), getattr(other, part)) for part in ("count", "p", "pp", "y", "yp"))
    return first and equal_sums(one.squared, other.squared)
