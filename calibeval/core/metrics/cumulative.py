"""Calibration errors without bins: how far cumulative differences of correctness and confidence go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.along_path import AlongPath, Influence
from calibeval.core.metrics.of_pairs import Tested
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty import brownian
from calibeval.core.uncertainty.drawn_paths import Numbers, Samples
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.walks import walk_largest_tail, walk_range_tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Cumulative(AlongPath):
    """The reach of D_j, the mean over all rows of (correct - confidence) up to the j-th smallest confidence.

    reach: "range" is the largest D minus the smallest, both with D_0 = 0 (Kuiper's statistic, the estimated cumulative
    calibration error); "largest" is the largest |D| (that of Kolmogorov and Smirnov). D only counts after the last of
    equal confidences, so that the order of rows does not matter. If the confidences are true probabilities, D times n
    is a random walk, and both have the distribution of a Brownian motion times its standard deviation.

    >>> ecce = Cumulative(name="ecce", title="", reach="range", least=0, most=1, better="lower", unit="%", source="")
    >>> ecce.of_pairs(Pairs.of([0.25, 0.5, 1.0], [True, False, True]))
    0.25
    """

    above_gap: ClassVar[bool] = True
    reach: Literal["range", "largest"]

    def of_pairs(self, pairs: Pairs) -> float:
        """The reach."""
        low, high = pairs.cumulative_ends
        return high - low if self.reach == "range" else max(high, -low)

    def cell_error(self, pairs: Pairs) -> float:
        """D is exact at the ends of cells; between them it is the largest if right rows come first, or the smallest."""
        low = pairs.one_first(right=False).cumulative_ends[0]
        high = pairs.one_first(right=True).cumulative_ends[1]
        return (high - low if self.reach == "range" else max(high, -low)) - self.of_pairs(pairs)

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """That of Brownian motion."""
        error = pairs.error_of_mean
        return Floor(*(error * x for x in (brownian.RANGE if self.reach == "range" else brownian.LARGEST)))

    def tested(self, pairs: Pairs) -> Tested | None:
        """The reach in standard deviations, and its p; None if every confidence is 0 or 1."""
        error = pairs.error_of_mean
        if error == 0.0:
            return None
        x = self.of_pairs(pairs) / error
        if not math.isfinite(x):
            return None
        return Tested(x, (walk_range_tail if self.reach == "range" else walk_largest_tail)(x, pairs.steps))

    def numbers_of(self, pairs: Pairs) -> Numbers:
        """The reach in every sample."""
        return self._of_samples

    def influence(self, pairs: Pairs) -> Influence:
        """The surplus of rows between the confidences where D is smallest and largest, or up to the largest |D|."""
        sums = np.append(0.0, np.cumsum(pairs.surplus)[pairs.ends])
        low, high = int(sums.argmin()), int(sums.argmax())
        if self.reach == "largest":
            low, high = (0, high) if sums[high] >= -sums[low] else (low, 0)
        place = np.arange(1, len(sums))
        inside = np.where((place > min(low, high)) & (place <= max(low, high)), 1.0 if high > low else -1.0, 0.0)
        confidence = pairs.runs[1]
        return Influence(inside * (1.0 - confidence), -inside * confidence)

    def _of_samples(self, samples: Samples) -> Floats:
        sums = np.cumsum(samples.surplus, axis=1)
        low, high = np.minimum(sums.min(axis=1), 0.0), np.maximum(sums.max(axis=1), 0.0)
        return np.asarray(high - low if self.reach == "range" else np.maximum(high, -low))
