"""The Brier score of the top label in three parts: miscalibration, discrimination, uncertainty.

Score = miscalibration - discrimination + uncertainty, where the calibrated confidences are those of the isotonic
regression of correctness on confidence.
Source: Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.isotonic_pairs import drawn_floor, drawn_gain, fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Miscalibration(OfPairs):
    """How much smaller the Brier score would be after the isotonic regression on the same rows."""

    def of_pairs(self, pairs: Pairs) -> float:
        """The difference of both scores."""
        return max(pairs.mean(np.square(pairs.correct - pairs.confidence)) - _calibrated(pairs), 0.0)

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """From drawn outcomes: the regression fits noise, so the value is above 0 for calibrated models."""
        return drawn_gain(pairs, lambda one: one.gain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrimination(OfPairs):
    """How much smaller the calibrated score is than that of the accuracy as the confidence of every row."""

    has_floor: ClassVar[bool] = False

    def of_pairs(self, pairs: Pairs) -> float:
        """The difference of both scores."""
        return max(_uncertainty(pairs) - _calibrated(pairs), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty(OfPairs):
    """The score of the accuracy as the confidence of every row."""

    has_floor: ClassVar[bool] = False

    def of_pairs(self, pairs: Pairs) -> float:
        """The score: accuracy times its complement."""
        return _uncertainty(pairs)


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
        return quantile(distance, pairs.weights, self.share)

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
