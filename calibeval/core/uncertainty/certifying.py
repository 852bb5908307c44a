"""The chance that a threshold is certified in another sample, and that it answers enough rows.

Another sample is drawn from the error that the confidences of this one show: isotonic in the confidence, and within a
level of it proportional to 1 - confidence. Its rows come in the order of their confidences, at their expected places.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.ranking import Ranking
from calibeval.core.uncertainty.certified import DELTA, units_needed
from calibeval.core.uncertainty.isotonic import isotonic
from calibeval.core.uncertainty.special import binomial_cdf

DRAWS, SEED = 300, 2025
# Tests after each of so many rows, and then each time that there are 2 % more.
SINGLE, STEP, MOST = 512, 1.02, 1e9
LEAST_RISK = 1e-9


class RiskProfile(NamedTuple):
    """The error by rank: from the most confident rows down, (m,) each.

    place: the share of rows up to the end of each step. missed: the share of all rows that is wrong up to there. tied:
    whether steps are rows of equal confidence, that no threshold separates.
    """

    place: Floats
    missed: Floats
    tied: bool

    @classmethod
    def of(cls, confidence: npt.ArrayLike, correct: npt.ArrayLike, slack: float = 0.0) -> Self:
        """The profile of rows, (n,) each; slack: how far apart two neighbouring confidences may be and still tie.

        Levels without an error have half an error more.
        """
        ranked = Ranking.of(confidence, correct, slack)
        rows, share = ranked.rows, ranked.wrong / ranked.rows
        level = isotonic(share, rows)
        start = np.flatnonzero(np.diff(level, prepend=-1.0))
        held = np.add.reduceat(rows, start)
        error = (np.add.reduceat(ranked.wrong, start) + 0.5) / (held + 1.0)
        doubt = np.maximum(1.0 - ranked.confidence, LEAST_RISK)
        usual = np.add.reduceat(rows * doubt, start) / held
        size = np.diff(np.append(start, len(rows)))
        risk = np.minimum(np.repeat(error / usual, size) * doubt, 1.0)
        n = float(rows.sum())
        return cls(np.cumsum(rows) / n, np.cumsum(rows * risk) / n, len(rows) < 0.5 * n)

    def reach(self, limit: float) -> float:
        """The largest coverage at which the error is at most the limit.

        >>> RiskProfile(np.array([0.5, 1.0]), np.array([0.0, 0.1]), tied=True).reach(0.05)
        0.5
        """
        within = np.flatnonzero(self.missed <= limit * self.place)
        return float(self.place[within[-1]]) if len(within) else 0.0

    def chance(self, coverage: float, rows: int, limit: float, delta: float = DELTA) -> float:
        """The share of samples of so many rows whose certified threshold answers at least this coverage.

        >>> profile = RiskProfile(np.array([0.5, 1.0]), np.array([0.0, 0.25]), tied=False)
        >>> profile.chance(0.4, 118, 0.05), profile.chance(0.4, 58, 0.05), profile.chance(0.8, 10_000, 0.05)
        (1.0, 0.0, 0.0)
        """
        needed = units_needed(limit, delta)
        wanted = max(math.ceil(coverage * rows - 1e-9), needed)
        if not 0.0 < coverage <= 1.0 or wanted > rows:
            return 0.0
        if self.tied:
            ends = np.unique(np.rint(self.place * rows))
            allowed = _allowed(ends, limit, delta)
        else:
            ends, allowed = _usual_tests(limit, delta)
        last = int(np.searchsorted(ends, wanted))
        ends, allowed = np.append(ends[:last], min(ends[last], rows) if self.tied else wanted), allowed[: last + 1]
        first = int(np.searchsorted(ends, needed))
        if not self.tied:
            allowed = np.append(allowed[:last], _allowed(ends[last:], limit, delta))
        missed = np.interp(ends / rows, self.place, self.missed, left=None)
        missed = np.where(ends / rows < self.place[0], self.missed[0] * ends / rows / self.place[0], missed)
        sizes = np.diff(ends, prepend=0.0)
        risk = np.clip(np.diff(missed, prepend=0.0) * rows / sizes, 0.0, 1.0)
        wrong = np.random.default_rng(SEED).binomial(sizes.astype(np.int64), risk, (DRAWS, len(ends)))
        passed = (np.cumsum(wrong, axis=1) <= allowed)[:, first:].all(axis=1)
        return float(passed.mean())


@lru_cache(maxsize=32)
def _usual_tests(limit: float, delta: float) -> tuple[Floats, Floats]:
    """The numbers of rows after which a plan tests, and the most errors that pass there."""
    more = math.ceil(math.log(MOST / SINGLE) / math.log(STEP))
    ends = np.concatenate((np.arange(1.0, SINGLE + 1.0), np.rint(SINGLE * STEP ** np.arange(1.0, more + 1.0))))
    return ends, _allowed(ends, limit, delta)


def _allowed(rows: Floats, limit: float, delta: float) -> Floats:
    """The most errors among so many rows that are certified; -1 if none is. rows: (m,).

    >>> _allowed(np.array([58.0, 59.0, 92.0, 93.0]), 0.05, 0.05).tolist()
    [-1.0, 0.0, 0.0, 1.0]
    """
    low, high = np.full(len(rows), -1.0), np.ceil(limit * rows)
    while (open_ := high - low > 1.0).any():
        middle = np.floor(0.5 * (low + high))
        passes = binomial_cdf(np.maximum(middle, 0.0), rows, limit) <= delta
        low, high = np.where(open_ & passes, middle, low), np.where(open_ & ~passes, middle, high)
    return low
