"""The isotonic regression of correctness on confidence, and what it finds in drawn outcomes of a calibrated model.

Outcomes are drawn from the stated confidences with a fixed seed. With many rows, they are drawn in cells of about
equally many rows, in which confidences are replaced by their mean: 2,048 of them, or 400 times the cube root of n if
that is more. Steps of the regression are many cells wide, so the floor is only about 1 % too low for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.floors import CERTAIN, HIGH, Floor
from calibeval.core.uncertainty.isotonic import isotonic
from calibeval.core.uncertainty.special import normal_quantile

SEED, CELLS, CELLS_BY_ROOT = 2021, 2048, 400
# Draws: as many as keep the number of drawn cells at this, but within these limits.
DRAWN, LEAST_DRAWS, MOST_DRAWS = 600_000, 20, 200
WEIGHTED = "outcomes are not drawn for rows with weights"


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Drawn outcomes of m cells, (d, m), and their isotonic regressions.

    rows, confidence: (m,) number of rows and mean confidence. share: (d, m), the share of right rows. fit: (d, m).
    """

    rows: Floats
    confidence: Floats
    share: Floats
    fit: Floats

    @property
    def gain(self) -> Floats:
        """By how much the regression makes the Brier score smaller, (d,)."""
        before = np.square(self.confidence - self.share) @ self.rows
        return np.asarray((before - np.square(self.fit - self.share) @ self.rows) / self.rows.sum())

    def distance(self, share: float | None) -> Floats:
        """The mean distance of regression and confidence over rows, (d,), or its quantile. share: None: the mean."""
        apart = np.abs(self.fit - self.confidence)
        if share is None:
            return np.asarray(apart @ self.rows / self.rows.sum())
        order = np.argsort(apart, axis=1, kind="stable")
        reached = np.cumsum(self.rows[order], axis=1)
        place = (reached < share * self.rows.sum()).sum(axis=1)
        return np.take_along_axis(apart, np.take_along_axis(order, place[:, None], axis=1), axis=1)[:, 0]


def fitted(pairs: Pairs) -> Floats:
    """The regression at every row, (n,); equal confidences have equal values."""
    if "fitted" not in pairs.cache:
        count, _, right, lengths = pairs.runs
        pairs.cache["fitted"] = np.repeat(isotonic(right / count, count), lengths)
    return np.asarray(pairs.cache["fitted"])


def drawn_floor(pairs: Pairs, numbers: Callable[[Drawn], Floats]) -> Floor:
    """The floor of what `numbers` gives for each draw. Raises: NotComputable for weights.

    The 99.9 % quantile is that of a gamma distribution with the mean and the variance of the draws.
    """
    found = numbers(_drawn(pairs))
    mean, variance = float(found.mean()), float(found.var())
    if mean <= 0.0:
        return Floor(0.0, 0.0, 0.0)
    spread = variance / (9.0 * mean * mean)  # Wilson and Hilferty: the cube root is nearly normal
    high, certain = (
        mean * max(1.0 - spread + normal_quantile(one) * math.sqrt(spread), 0.0) ** 3 for one in (HIGH, CERTAIN)
    )
    return Floor(mean, max(high, mean), max(certain, mean))


def _drawn(pairs: Pairs) -> Drawn:
    if pairs.weights is not None:
        raise NotComputable("no_method", WEIGHTED)
    if "drawn" not in pairs.cache:
        rows, confidence = pairs.cells(max(CELLS, int(CELLS_BY_ROOT * np.cbrt(pairs.rows))))
        draws = min(max(DRAWN // len(rows), LEAST_DRAWS), MOST_DRAWS)
        share = np.random.default_rng(SEED).binomial(rows.astype(np.int64), confidence, (draws, len(rows))) / rows
        pairs.cache["drawn"] = Drawn(rows, confidence, share, isotonic(share, rows))
    found: Drawn = pairs.cache["drawn"]
    return found
