"""Weights of the rows of features, with a mean of 1 over the rows that count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.weights import Weights


@dataclass(frozen=True, slots=True, eq=False)
class RowWeights:
    """The weights of n rows.

    column: which column holds them; None if rows are not weighted. values: (n,), with a mean of 1; None if all rows
    count the same. effective: (sum of w)^2 / (sum of w^2), the number of rows of equal weight that tell as much.
    zero: the number of rows that are left out because their weight is 0.
    """

    column: str | None
    values: Floats | None
    effective: float
    zero: int = 0

    @classmethod
    def of(cls, weights: Weights | None, kept: Indices | None, n: int) -> RowWeights:
        """The weights of the rows that are kept (None: all). n: how many these are.

        >>> from calibeval.core.data.weights import Marked, weighed
        >>> found = weighed([1.0, 0.0, 3.0], {}, Marked(np.array([1, 0, 1]), None), 3, labelled=True)
        >>> RowWeights.of(found.weights, np.array([0, 2]), 2).values.tolist()
        [0.5, 1.5]
        """
        if weights is None:
            return cls(None, None, float(n))
        if weights.even:
            return cls(weights.column, None, weights.effective, weights.zero)
        values = weights.values if kept is None else weights.values[kept]
        return cls(weights.column, np.asarray(values / values.mean(), np.float64), weights.effective, weights.zero)
