"""The isotonic regression of correctness on confidence, and what it finds in drawn outcomes of a calibrated model.

Outcomes are drawn from the stated confidences with a fixed seed. With many rows, they are drawn in cells of about
equally many rows, in which confidences are replaced by their mean: 2,048 of them, or 100 times the cube root of n if
that is more. Steps of the regression are many cells wide, so distances between regression and confidence are those of
single rows. Scores gain 6 to 12 % less in cells, because the minorant of a random walk is not seen between their ends.
This loss grows with the width of cells, by about half for each doubling, as minima of random walks do between points
(Asmussen, Glynn & Pitman, Annals of Applied Probability 5:875, 1995). So cells of twice the width show how large it is,
and it is added, but nothing for cells of single rows: in simulations of three kinds of confidences and 3,000 to 400,000
rows the floors are then within 4 % of what calibrated models show.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.floors import CERTAIN, HIGH, Floor
from calibeval.core.uncertainty.isotonic import isotonic
from calibeval.core.uncertainty.special import normal_quantile

SEED, CELLS, CELLS_BY_ROOT = 2021, 2048, 100
# Draws: as many as keep the number of drawn cells at this, but within these limits.
DRAWN, LEAST_DRAWS, MOST_DRAWS = 300_000, 20, 200
# What wide cells lose, as a multiple of what twice as wide ones lose in addition; cells of one row lose nothing.
LOSS = 2.0
# A variance of the number of wrong rows below which the draws take few values.
FEW = 10.0
WEIGHTED = "outcomes are not drawn for rows with weights"


@dataclass(frozen=True, eq=False)
class Drawn:
    """Drawn outcomes of m cells, (d, m), and their isotonic regressions.

    rows, confidence: (m,) number of rows and mean confidence. share: (d, m), the share of right rows. fit: (d, m).
    joined: whether confidences differ within cells.
    """

    rows: Floats
    confidence: Floats
    share: Floats
    fit: Floats
    joined: bool = False

    @classmethod
    def of(cls, rows: Floats, confidence: Floats, share: Floats, *, joined: bool = False) -> Drawn:
        """The outcomes with their regressions."""
        return cls(rows, confidence, share, isotonic(share, rows), joined)

    @cached_property
    def wider(self) -> Drawn:
        """The same outcomes in cells of twice the width."""
        starts = np.arange(0, len(self.rows), 2)
        rows = np.add.reduceat(self.rows, starts)
        confidence = np.clip(np.add.reduceat(self.rows * self.confidence, starts) / rows, 0.0, 1.0)
        share = np.add.reduceat(self.rows * self.share, starts, axis=1) / rows
        return Drawn.of(rows, confidence, np.clip(share, 0.0, 1.0))

    @cached_property
    def distances(self) -> tuple[Floats, Floats]:
        """The distances of regression and confidence in ascending order, (d, m), and the rows up to each of them."""
        # One integer holds the distance, of which 8 digits are kept, and the rows of its cell: it sorts fast.
        both = np.abs(self.fit - self.confidence).astype(np.float32).view(np.uint32).astype(np.uint64) << np.uint64(32)
        both |= self.rows.astype(np.uint64)
        both.sort(axis=1)
        apart = (both >> np.uint64(32)).astype(np.uint32).view(np.float32).astype(np.float64)
        return apart, np.cumsum(both & np.uint64(2**32 - 1), axis=1, dtype=np.float64)

    @property
    def gain(self) -> Floats:
        """By how much the regression makes the Brier score smaller, (d,)."""
        before = np.square(self.confidence - self.share) @ self.rows
        return np.asarray((before - np.square(self.fit - self.share) @ self.rows) / self.rows.sum())

    def distance(self, share: float | None) -> Floats:
        """The mean distance of regression and confidence over rows, (d,), or its quantile. share: None: the mean."""
        if share is None:
            return np.asarray(np.abs(self.fit - self.confidence) @ self.rows / self.rows.sum())
        apart, reached = self.distances
        place = (reached < share * self.rows.sum()).sum(axis=1)
        return np.take_along_axis(apart, place[:, None], axis=1)[:, 0]


def fitted(pairs: Pairs) -> Floats:
    """The regression at every row, (n,); equal confidences have equal values."""
    if "fitted" not in pairs.cache:
        count, _, right, lengths = pairs.runs
        pairs.cache["fitted"] = np.repeat(isotonic(right / count, count), lengths)
    return np.asarray(pairs.cache["fitted"])


def drawn_gain(pairs: Pairs, numbers: Callable[[Drawn], Floats]) -> Floor:
    """The floor of what a score gains by the regression, without what cells lose. Arguments: as for `drawn_floor`."""
    return drawn_floor(pairs, lambda one: _without_loss(one, numbers))


def _without_loss(drawn: Drawn, numbers: Callable[[Drawn], Floats]) -> Floats:
    found = numbers(drawn)
    if not drawn.joined:
        return found
    width = max(float(drawn.rows.sum()) / len(drawn.rows), 1.0)
    share = LOSS * (1.0 - 1.0 / math.sqrt(width))
    return found + share * np.maximum(found - numbers(drawn.wider), 0.0)


def drawn_floor(pairs: Pairs, numbers: Callable[[Drawn], Floats]) -> Floor:
    """The floor of what `numbers` gives for each draw. Raises: NotComputable for weights.

    Its quantiles are those of a gamma distribution with the mean and the variance of the draws. Where so few rows are
    expected to be wrong that the draws take few values, the 95 % quantile is not below that of the draws themselves.
    """
    found = numbers(_drawn(pairs))
    mean = float(found.mean())
    if mean <= 0.0:
        return Floor(0.0, 0.0, 0.0)
    with np.errstate(under="ignore"):
        spread = float((found / mean).var()) / 9.0  # Wilson and Hilferty: the cube root is nearly normal
    high, certain = (
        mean * max(1.0 - spread + normal_quantile(one) * math.sqrt(spread), 0.0) ** 3 for one in (HIGH, CERTAIN)
    )
    if pairs.mean(pairs.confidence * (1.0 - pairs.confidence)) * pairs.total < FEW:
        high = max(high, float(np.quantile(found, HIGH, method="higher")))
    return Floor(mean, max(high, mean), max(certain, high, mean))


def _drawn(pairs: Pairs) -> Drawn:
    if pairs.weights is not None:
        raise NotComputable("no_method", WEIGHTED)
    if "drawn" not in pairs.cache:
        rows, confidence = pairs.cells(max(CELLS, int(CELLS_BY_ROOT * np.cbrt(pairs.rows))))
        draws = min(max(DRAWN // len(rows), LEAST_DRAWS), MOST_DRAWS)
        share = np.random.default_rng(SEED).binomial(rows.astype(np.int64), confidence, (draws, len(rows))) / rows
        pairs.cache["drawn"] = Drawn.of(rows, confidence, share, joined=len(rows) < len(pairs.ends))
    found: Drawn = pairs.cache["drawn"]
    return found
