"""The Brier score of the top label in three parts: miscalibration, discrimination, uncertainty.

Score = miscalibration - discrimination + uncertainty, where the calibrated confidences are those of the isotonic
regression of correctness on confidence.
Source: Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.along_path import AlongPath, Influence
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.metrics.usual import USUAL
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.drawn_paths import Numbers, Samples, Start, gap_reach, reach_of
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.isotonic_pairs import drawn_floor, drawn_gain, fitted
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.model_pair import Pair
from calibeval.core.uncertainty.paired import Contrast, contrast
from calibeval.core.uncertainty.paired_means import mean_difference

ACCURACY = USUAL["accuracy"]

STEPS = 12  # of a bound, each twice as far


class Miscalibration(AlongPath):
    """How much smaller the Brier score would be after the isotonic regression on the same rows."""

    __slots__ = ()

    def of_pairs(self, pairs: Pairs) -> float:
        """The difference of both scores."""
        return max(pairs.mean(np.square(pairs.correct - pairs.confidence)) - _calibrated(pairs), 0.0)

    def cell_error(self, pairs: Pairs) -> float:
        """The regression of single rows gains no more than if the wrong rows came first in every cell."""
        return self.error_of_order(pairs) + 0.25 * pairs.mean(np.square(pairs.width))

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """From drawn outcomes: the regression fits noise, so the value is above 0 for calibrated models."""
        return drawn_gain(pairs, lambda one: one.gain)

    def numbers_of(self, pairs: Pairs) -> Numbers:
        """The gain of every sample."""
        return _gain

    def influence(self, pairs: Pairs) -> Influence:
        """The difference of both scores of a row."""
        confidence, fit = pairs.runs[1], fitted(pairs)[pairs.ends]
        return Influence((1.0 - confidence) ** 2 - (1.0 - fit) ** 2, confidence**2 - fit**2)

    def interval_of(self, pairs: Pairs, level: float) -> Interval | None:
        """From drawn samples; the upper end is at least the square of the largest possible gap."""
        found = AlongPath.interval_of(self, pairs, level)
        gap = gap_reach(pairs, level)
        return None if found is None else found._replace(high=max(found.high, gap * gap))


class Discrimination(AlongPath):
    """How much smaller the calibrated score is than that of the accuracy as the confidence of every row."""

    __slots__ = ()

    has_floor: ClassVar[bool] = False
    start: ClassVar[Start] = "accuracy"

    def cell_error(self, pairs: Pairs) -> float:
        """As for the miscalibration."""
        return self.error_of_order(pairs)

    def of_pairs(self, pairs: Pairs) -> float:
        """The difference of both scores."""
        return max(_uncertainty(pairs) - _calibrated(pairs), 0.0)

    def numbers_of(self, pairs: Pairs) -> Numbers:
        """The difference of both scores of every sample."""
        return _told_apart

    def interval_of(self, pairs: Pairs, level: float) -> Interval | None:
        """From drawn samples; with few errors or right rows, also what the exact interval of the accuracy allows.

        The discrimination is a part of the uncertainty. That part, as large as the interval has it, is taken of the
        largest uncertainty that the accuracy may have; all of it if the rows are all right or all wrong.
        """
        found, reach = AlongPath.interval_of(self, pairs, level), reach_of(pairs, level)
        if found is None or not reach.few:
            return found
        own = _uncertainty(pairs)
        largest = 0.25 if reach.least <= 0.5 <= reach.most else max(a * (1.0 - a) for a in (reach.least, reach.most))
        part = min(found.high / own, 1.0) if own > 0.0 else 1.0
        return found._replace(high=max(found.high, part * largest))

    def influence(self, pairs: Pairs) -> Influence:
        """The difference of both scores of a row."""
        right, fit = pairs.mean(pairs.correct.astype(np.float64)), fitted(pairs)[pairs.ends]
        return Influence((1.0 - right) ** 2 - (1.0 - fit) ** 2, right**2 - fit**2)


class Uncertainty(OfPairs):
    """The score of the accuracy as the confidence of every row."""

    __slots__ = ()

    has_floor: ClassVar[bool] = False
    uses_groups: ClassVar[bool] = True

    def cell_error(self, pairs: Pairs) -> float:
        """The accuracy of cells is exact."""
        return 0.0

    def of_pairs(self, pairs: Pairs) -> float:
        """The score: accuracy times its complement."""
        return _uncertainty(pairs)

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """What the interval of the accuracy allows."""
        found = ACCURACY.interval(sums, level, joints)
        if found is None:
            return None
        ends = [one * (1.0 - one) for one in (found.low, found.high)]
        return Interval(min(ends), 0.25 if found.low <= 0.5 <= found.high else max(ends), None)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """The accuracies a, b differ in it by (b - a)(1 - a - b): what the intervals of both factors allow."""
        own = ACCURACY.difference(pair, level)
        rest = mean_difference(
            1.0 - np.add(*(model.rows.correct.astype(np.float64) for model in pair.models)),
            level,
            1.0,
            pair.groups,
            pair.weights,
        )
        ends = [change * other for change in (own.low, own.high) for other in (rest.low, rest.high)]
        return contrast(min(ends), max(ends), max(own.p, rest.p), level)

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval, given enough rows."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationIndex(OfPairs):
    """How far the isotonic regression is from the confidence: the mean over rows, or a quantile.

    share: of the quantile; None for the mean.
    """

    share: float | None

    def of_pairs(self, pairs: Pairs) -> float:
        """The mean or the quantile, which is interpolated between rows as numpy does; with weights, it is a row's."""
        distance = np.abs(fitted(pairs) - pairs.confidence)
        if self.share is None:
            return pairs.mean(distance)
        return quantile(distance, pairs.times, self.share)

    def cell_error(self, pairs: Pairs) -> float | None:
        """From the mean square g by which regressions of rows and cells differ: at most the difference of their gains.

        So means differ by sqrt(g) at most, and a share g / t^2 of the rows by more than t, for every t. For the largest
        distance there is no bound.
        """
        gain = max(_calibrated(pairs) - _calibrated(pairs.one_first(right=False)), 0.0)
        if self.share is None:
            return math.sqrt(gain) + pairs.mean(pairs.width)
        if self.share >= 1.0:
            return None
        distance, width = np.abs(fitted(pairs) - pairs.confidence), float(pairs.width.max(initial=0.0))
        order = np.argsort(distance)
        ordered, reached = distance[order], np.cumsum(pairs.weighed(np.ones(len(order)))[order])

        def at(share: float) -> float:
            return float(ordered[min(int(np.searchsorted(reached, share * pairs.rows)), len(ordered) - 1)])

        own, bounds = self.of_pairs(pairs), []
        for t in math.sqrt(gain) * 2.0 ** np.arange(STEPS):
            apart = 1.5 / pairs.rows + (gain / t**2 if gain else 0.0)
            low = at(self.share - apart) if apart < self.share else 0.0
            high = at(self.share + apart) if apart < 1.0 - self.share else 1.0
            bounds.append(float(t) + max(own - low, high - own))
        return width + min(bounds)

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """From drawn outcomes."""
        found = drawn_floor(pairs, lambda one: one.distance(self.share))
        return Floor(*(min(one, 1.0) for one in found))


def quantile(values: Floats, weights: Floats | None, share: float) -> float:
    """The quantile of values with weights; without, it is interpolated.

    >>> quantile(np.array([1.0, 2.0, 4.0]), None, 0.75), quantile(np.array([1.0, 2.0]), np.array([1.0, 3.0]), 0.5)
    (3.0, 2.0)
    """
    if weights is None:
        return float(np.quantile(values, share))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    place = int(np.searchsorted(reached, share * reached[-1] * (1.0 - 1e-12)))
    return float(values[order][min(place, len(values) - 1)])


def _calibrated(pairs: Pairs) -> float:
    return pairs.mean(np.square(fitted(pairs) - pairs.correct))


def _uncertainty(pairs: Pairs) -> float:
    right = min(pairs.mean(pairs.correct.astype(np.float64)), 1.0)
    return right * (1.0 - right)


def _gain(samples: Samples) -> Floats:
    before = np.square(samples.confidence - samples.share)
    return samples.mean(before - np.square(samples.fit - samples.share))


def _told_apart(samples: Samples) -> Floats:
    right = samples.mean(samples.share)
    # The calibrated score of the rows of a cell is their variance plus the squared distance from the regression.
    return right * (1.0 - right) - samples.mean(
        samples.share * (1.0 - samples.share) + np.square(samples.fit - samples.share)
    )
