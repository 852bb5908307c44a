"""Spiegelhalter's test: whether the Brier score of the top label is what its confidences promise."""

from __future__ import annotations

import math

import numpy as np

from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.of_pairs import OfPairs, Tested
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.brownian import LEAST
from calibeval.core.uncertainty.floors import Floor

# Of the size of a standard normal variable: expectation, 95 % and 99.9 % quantiles.
NORMAL = Floor(math.sqrt(2.0 / math.pi), 1.959964, 3.290527)
ROUNDED = 1e-13  # of a confidence that comes from sums, at most


class Spiegelhalter(OfPairs):
    """The Brier score minus its expectation under the stated confidences, in standard deviations.

    It is positive where rows of high confidence are wrong more often than stated. For two classes it is the same of
    P(positive class).

    >>> z = Spiegelhalter(name="z", title="", least=0, most=None, better="zero", unit="", source="")
    >>> round(z.of_pairs(Pairs.of([0.8, 0.8], [False, False])), 6)
    2.828427
    """

    __slots__ = ()

    def of_pairs(self, pairs: Pairs) -> float:
        """The statistic. Raises: NotComputable if no confidence lies inside (0, 1), except at 1/2."""
        c = pairs.confidence
        lever = 1.0 - 2.0 * c
        spread = pairs.variance(np.square(lever) * c * (1.0 - c))
        if spread <= 0.0:
            raise NotComputable("not_measured", "every confidence is 0, 1/2 or 1, where the test has no variance")
        return float(np.add.reduce(pairs.surplus * lever)) / math.sqrt(spread)

    def cell_error(self, pairs: Pairs) -> float:
        """Each part is smooth in the confidence, whose mean is exact: its second derivative bounds the error.

        Of (a - c)(1 - 2c) that is 4, of (1 - 2c)^2 c(1 - c) at most 10, and the variance of confidences within an entry
        at most a quarter of the square of its width. Means of sums of many rows are rounded as well.
        """
        c, lever = pairs.confidence, 1.0 - 2.0 * pairs.confidence
        moved = 0.25 * float(np.add.reduce(pairs.weighed(np.square(pairs.width))))
        moved += ROUNDED * pairs.rows if pairs.of_sums else 0.0
        spread = pairs.variance(np.square(lever) * c * (1.0 - c))
        total, least = abs(float(np.add.reduce(pairs.surplus * lever))), spread - 5.0 * moved
        if least <= 0.0:
            return math.inf
        return (total + 2.0 * moved) / math.sqrt(least) - total / math.sqrt(spread)

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """That of a standard normal variable."""
        return NORMAL

    def tested(self, pairs: Pairs) -> Tested | None:
        """The statistic and its two-sided p."""
        z = self.of_pairs(pairs)
        return Tested(z, max(math.erfc(abs(z) / math.sqrt(2.0)), LEAST))
