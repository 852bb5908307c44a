"""What few errors allow for the difference of two models on the same rows.

If both models are nearly always right, most samples hold no error of either, or only a few. The variance that is
estimated from them is then nearly 0, although one more error would move both models far. What the exact intervals of
the numbers of errors allow is added here, as `small_counts` does for one model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.risk import FEW
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired_means import MeanDifference, accuracy_difference, discordant, row_unit
from calibeval.core.uncertainty.small_counts import exact_ends

Flags = npt.NDArray[np.bool_]
# The value of rows with these confidences, had their predictions been right (True) or wrong.
OfOutcome = Callable[[Floats, bool], Floats]

_TINY = 1e-16


class Told(Protocol):
    """What is known of the outcomes of two models on the same rows."""

    @property
    def few(self) -> bool:
        """Whether either model has fewer than 30 errors, or fewer than 30 right rows."""

    def agreed(self, *, right: bool) -> tuple[float, float]:
        """The rows on which both models are right, or both wrong, and all rows."""

    def discordant(self) -> tuple[float, float, float]:
        """The rows that only the candidate has right, those that only the base has, and all rows."""

    def accuracy(self, level: Level) -> MeanDifference:
        """The difference of the accuracies if rows are independent."""

    def moved(self, of_outcome: OfOutcome, *, right: bool) -> float:
        """The mean difference of rows on which both models are right, or both are wrong."""

    def worth(self, of_outcome: OfOutcome) -> float:
        """By how much the mean value changes, per share of rows that become right."""


class Outcomes(NamedTuple):
    """The confidences of two models on the same rows, base first, and whether each prediction is correct; (n,) each.

    weights: (n,), that add up to the effective number of rows; None if all rows count the same.
    """

    confidence: tuple[Floats, Floats]
    correct: tuple[Flags, Flags]
    weights: Floats | None = None

    @property
    def few(self) -> bool:
        """Whether either model has fewer than 30 errors, or fewer than 30 right rows."""
        return self.fewest < FEW

    @property
    def fewest(self) -> float:
        """The smallest number of errors, or of right rows, of the two models; with weights, an effective number."""
        return min(self.counted(flags)[0] for own in self.correct for flags in (own, ~own))

    def counted(self, rows: Flags) -> tuple[float, float]:
        """The number of some rows, and of all of them; with weights, in units of these rows."""
        if self.weights is None:
            return int(np.count_nonzero(rows)), len(rows)
        unit = row_unit(rows, self.weights)
        return float(self.weights[rows].sum()) / unit, float(self.weights.sum()) / unit

    def agreed(self, *, right: bool) -> tuple[float, float]:
        """The rows on which both models are right, or both wrong, and all rows, as for `counted`."""
        base, candidate = self.correct
        return self.counted((base == right) & (candidate == right))

    def discordant(self) -> tuple[float, float, float]:
        """As the function of that name."""
        return discordant(*self.correct, self.weights)

    def accuracy(self, level: Level) -> MeanDifference:
        """The difference of the accuracies if rows are independent."""
        return accuracy_difference(*self.correct, level, weights=self.weights)

    def moved(self, of_outcome: OfOutcome, *, right: bool) -> float:
        """The mean difference of rows on which both models are right, or both are wrong."""
        base, candidate = self.confidence
        return _weighted(of_outcome(candidate, right) - of_outcome(base, right), _chance(self, right))

    def worth(self, of_outcome: OfOutcome) -> float:
        """By how much the mean value changes, per share of rows that become right."""
        chance = _chance(self, right=float(np.average(self.correct[0], weights=self.weights)) < 0.5)
        gains = (of_outcome(own, True) - of_outcome(own, False) for own in self.confidence)
        return 0.5 * sum(_weighted(gain, chance) for gain in gains)


def allowing_few(
    found: MeanDifference, outcomes: Told, of_outcome: OfOutcome, level: Level, most: float
) -> MeanDifference:
    """The interval of a mean difference, extended to what the exact intervals of rare outcomes allow.

    found: from the differences of rows. of_outcome: the value of single rows if predictions are right, or wrong.
    most: the largest possible absolute difference.
    Two outcomes may be rare. Both models may be wrong (or right) on the same row, which changes the difference by what
    the models' values differ in there; and only one of them may be wrong, whose frequency has the interval of Agresti
    and Min. The value of an outcome is the mean over all rows, weighted by the risk that the models themselves state.
    """
    if not outcomes.few:
        return found
    mean = 0.5 * (found.low + found.high)
    below, above = [], []
    for right in (True, False):
        rare, n = outcomes.agreed(right=right)
        if rare >= FEW:
            continue
        effect = outcomes.moved(of_outcome, right=right) - outcomes.moved(of_outcome, right=not right)
        ends = [effect * (end - rare / n) for end in exact_ends(rare, n, level.value)]
        below.append(min(*ends, 0.0))
        above.append(max(*ends, 0.0))
    gained, lost, n = outcomes.discordant()
    if gained + lost < FEW:
        accuracy, effect = outcomes.accuracy(level), outcomes.worth(of_outcome)
        ends = [effect * (end - (gained - lost) / n) for end in (accuracy.low, accuracy.high)]
        below.append(min(*ends, 0.0))
        above.append(max(*ends, 0.0))
    low = max(min(found.low, mean - math.hypot(*below)), -most)
    high = min(max(found.high, mean + math.hypot(*above)), most)
    reach = mean - low if mean > 0.0 else high - mean
    p = found.p if reach <= 0.0 else max(found.p, level.p(level.z * mean / reach))
    error = max(found.error, 0.5 * (high - low) / level.z)
    return MeanDifference(low, high, level.agreeing(p, low, high), error)


def _chance(outcomes: Outcomes, right: bool) -> Floats:
    """The mean probability that both models give to this outcome."""
    mean = 0.5 * (outcomes.confidence[0] + outcomes.confidence[1])
    chance = np.maximum(mean if right else 1.0 - mean, _TINY)
    return chance if outcomes.weights is None else chance * outcomes.weights


def _weighted(values: Floats, weights: Floats) -> float:
    return float(weights @ values) / float(weights.sum())


class Range(NamedTuple):
    """The ends of an interval."""

    low: float
    high: float


def range_of_change(base: Range, change: Range, size: Callable[[float], float]) -> Range:
    """The range of size(x + d) - size(x) for gaps x of the base and changes d of the gap.

    size: a convex function of the gap that is linear on both sides of 0: what all rows in a single bin would give.

    >>> range_of_change(Range(0.0, 0.02), Range(-0.01, -0.01), abs)
    Range(low=-0.01, high=0.01)
    """
    gaps = [base.low, base.high, *(x for x in (0.0, -change.low, -change.high) if base.low <= x <= base.high)]
    pairs = [
        (x, d) for x in gaps for d in (change.low, change.high, *((-x,) if change.low <= -x <= change.high else ()))
    ]
    sizes = [round(size(x + d) - size(x), 15) for x, d in pairs]
    return Range(min(sizes), max(sizes))
