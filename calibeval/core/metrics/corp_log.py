"""The log score of the top label in three parts, like the Brier score in `corp.py`, with the same isotonic regression.

The log score is -ln c of a right row and -ln(1 - c) of a wrong one.
Source: Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021, whose decomposition holds for every proper score.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.corp import ACCURACY
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.sums.log_odds import stated
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.isotonic_pairs import Drawn, drawn_gain, fitted
from calibeval.core.uncertainty.joints import Joints

SOURCE = "Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021"


class LogMiscalibration(OfPairs):
    """How much smaller the log score would be after the isotonic regression on the same rows."""

    __slots__ = ()

    def of_pairs(self, pairs: Pairs) -> float:
        """The difference of both scores. Raises: NotComputable if the score is infinite."""
        return max(log_score(pairs) - calibrated_log_score(pairs), 0.0)

    def cell_error(self, pairs: Pairs) -> float:
        """That of the order of rows in cells, and how much the logarithm bends within their width."""
        if pairs.low is None or pairs.high is None:
            return 0.0
        least = np.where(pairs.correct, pairs.low, np.maximum(1.0 - pairs.high, 0.5 * pairs.slack))
        with np.errstate(divide="ignore", invalid="ignore"):
            bent = np.where(pairs.width > 0.0, 0.125 * np.square(pairs.width / least), 0.0)
        return self.error_of_order(pairs) + pairs.mean(bent)

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """From drawn outcomes. Raises: NotComputable for weights."""
        return drawn_gain(pairs, _gain)


class LogDiscrimination(OfPairs):
    """How much smaller the calibrated score is than that of the accuracy as the confidence of every row."""

    __slots__ = ()

    has_floor: ClassVar[bool] = False

    def cell_error(self, pairs: Pairs) -> float:
        """That of the best order of the rows of every cell."""
        return self.error_of_order(pairs)

    def of_pairs(self, pairs: Pairs) -> float:
        """The difference of both scores."""
        return max(_entropy_of_all(pairs) - calibrated_log_score(pairs), 0.0)


class LogUncertainty(OfPairs):
    """The score of the accuracy as the confidence of every row: the entropy of being right."""

    __slots__ = ()

    has_floor: ClassVar[bool] = False
    uses_groups: ClassVar[bool] = True

    def cell_error(self, pairs: Pairs) -> float:
        """The accuracy of cells is exact."""
        return 0.0

    def of_pairs(self, pairs: Pairs) -> float:
        """The entropy."""
        return _entropy_of_all(pairs)

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """What the interval of the accuracy allows."""
        found = ACCURACY.interval(sums, level, joints)
        if found is None:
            return None
        ends = entropy(np.array([found.low, found.high]))
        high = entropy(np.array([0.5])) if found.low <= 0.5 <= found.high else ends
        return Interval(float(ends.min()), float(high.max()), None)

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval, given enough rows."""
        return True


LOG_PARTS: tuple[OfPairs, ...] = (
    LogMiscalibration(
        name="mcb_log",
        short="MCB log",
        title="miscalibration: the part of the top label's log score that isotonic regression takes away",
        least=0.0,
        most=None,
        better="lower",
        unit="nats",
        source=SOURCE,
    ),
    LogDiscrimination(
        name="dsc_log",
        short="DSC log",
        title="discrimination: how much the confidence tells right rows from wrong ones, in the log score",
        least=0.0,
        most=None,
        better="higher",
        unit="nats",
        source=SOURCE,
    ),
    LogUncertainty(
        name="unc_log",
        short="UNC log",
        title="uncertainty: the top label's log score with the accuracy as the confidence of every row",
        least=0.0,
        most=None,
        better="lower",
        unit="nats",
        source=SOURCE,
    ),
)


def log_score(pairs: Pairs) -> float:
    """The mean of -ln of the probability that the confidence gives to what happened.

    Raises: NotComputable if that is infinite: a row is wrong with confidence 1, or right with confidence 0.

    >>> round(log_score(Pairs.of([0.5, 0.75], [True, False])), 6)  # 3/2 ln 2
    1.039721
    """
    return -pairs.mean(np.log(stated(pairs)))


def calibrated_log_score(pairs: Pairs) -> float:
    """The score after the isotonic regression, which is never infinite: it is 0 or 1 only where rows are all alike."""
    fit = fitted(pairs)
    starts = np.flatnonzero(np.diff(fit, prepend=-1.0))
    times = np.ones(pairs.rows) if pairs.times is None else pairs.times
    return float(np.add.reduceat(times, starts) @ entropy(fit[starts])) / pairs.total


def entropy(share: Floats) -> Floats:
    """The entropy of an outcome with these probabilities, in nats.

    >>> entropy(np.array([0.0, 0.5, 1.0])).round(6).tolist()
    [0.0, 0.693147, 0.0]
    """
    share = np.clip(share, 0.0, 1.0)
    return 0.0 - (times_log(share, share) + times_log(1.0 - share, 1.0 - share))


def times_log(times: Floats, values: Floats) -> Floats:
    """Times the logarithm of the values; 0 where times is 0."""
    return np.asarray(times * np.log(np.where(times > 0.0, values, 1.0)))


def _entropy_of_all(pairs: Pairs) -> float:
    return float(entropy(np.array([pairs.mean(pairs.correct.astype(np.float64))]))[0])


def _gain(drawn: Drawn) -> Floats:
    """By how much the regression makes the log score of drawn outcomes smaller, (d,)."""
    wrong = 1.0 - drawn.share
    stated = times_log(drawn.share, drawn.confidence) + times_log(wrong, 1.0 - drawn.confidence)
    found = times_log(drawn.share, drawn.fit) + times_log(wrong, 1.0 - drawn.fit)
    return np.asarray((found - stated) @ drawn.rows / drawn.rows.sum())
