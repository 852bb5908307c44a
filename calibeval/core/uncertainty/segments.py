"""Which of many overlapping parts of the rows are worse calibrated than chance explains, as one question.

The statistic of a segment is the reach of its cumulative differences between outcome and probability, along ascending
probability (Kuiper's, the estimated cumulative calibration error), in standard deviations. Its null distribution, of
the largest over all segments, is simulated: outcomes are drawn from the probabilities once per draw for all rows, so
that segments which share rows vary together. The p of a segment is the share of draws whose largest statistic is at
least as large; of calibrated segments, none has a p below 0.05 in 95 of 100 samples, however they overlap, and whatever
the other segments are like.

Sources: Arrieta-Ibarra et al., JMLR 23(351), 2022, for the statistic; Westfall & Young, Resampling-Based Multiple
Testing, 1993, for the largest of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.progress import Progress

# Cumulative differences are followed over this many cells of the probability, which hold equally many of all rows.
CELLS = 128
DRAWS = 1000
# Added to the variance of a segment, in rows: one error where the model expects none must not be the worst of all.
ONE_ROW = 1.0


class Segmented(NamedTuple):
    """One way to divide rows into segments. codes: (n,), of each row; `size` and above: of no segment that is tested.

    size: the number of segments.
    """

    codes: Indices
    size: int


class Largest(NamedTuple):
    """The statistic of every segment, way by way, and the largest over all of them in each draw.

    gap: mean probability minus mean outcome of every segment.
    """

    sigma: Floats
    gap: Floats
    largest: Floats

    def p(self) -> Floats:
        """The family-wise p of every segment: at least 1/(draws + 1)."""
        ordered = np.sort(self.largest)
        beyond = len(ordered) - np.searchsorted(ordered, self.sigma * (1 - 1e-12), side="left")
        return np.asarray((1.0 + beyond) / (1.0 + len(ordered)))

    def critical(self, share: float = 0.05) -> float:
        """The statistic above which p is at most that share; infinite if there are too few draws."""
        beyond = int(share * (1 + len(self.largest))) - 1
        return float("inf") if beyond < 0 else float(np.sort(self.largest)[len(self.largest) - beyond - 1])


def largest_of(
    ways: Sequence[Segmented],
    p: Floats,
    outcome: npt.NDArray[np.bool_],
    weights: Floats | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Largest:
    """The statistics of all segments, and the largest of them where outcomes are drawn from p.

    p, outcome: (n,), the probability of each row and whether it came true. weights: (n,) by which rows count.

    >>> rows = np.linspace(0.02, 0.98, 400)
    >>> sides = Segmented(np.arange(400) % 2, 2)
    >>> found = largest_of([sides], rows, np.where(np.arange(400) % 2, rows > 0.5, False))
    >>> found.gap.round(2).tolist(), (found.p() < 0.05).tolist()
    ([0.5, 0.0], [True, True])
    """
    cell, cells = _cells(p)
    scale = ONE_ROW if weights is None else ONE_ROW * float((weights @ weights) / weights.sum()) ** 2
    parts = [_Way.of(one, cell, cells, p, weights, scale) for one in ways]
    right = np.flatnonzero(outcome)
    seen = [way.reach(right, weights) for way in parts]
    rng, maxima = np.random.default_rng(seed), np.zeros(draws)
    for draw in range(draws):
        drawn = np.flatnonzero(rng.random(len(p)) < p)
        maxima[draw] = max((float(way.reach(drawn, weights).sigma.max(initial=0.0)) for way in parts), default=0.0)
        if progress is not None and draw % 50 == 49:
            progress.advance(50)
    together = [np.concatenate(found) if seen else np.empty(0) for found in zip(*seen, strict=True)] or [
        np.empty(0)
    ] * 2
    return Largest(together[0], together[1], maxima)


class _Reach(NamedTuple):
    """The statistic of every segment of a way, and its gap."""

    sigma: Floats
    gap: Floats


class _Way(NamedTuple):
    """A way to divide rows: the place of each row in a table of segments and cells, and what is expected there."""

    places: Indices
    expected: Floats
    error: Floats
    total: Floats

    @classmethod
    def of(cls, way: Segmented, cell: Indices, cells: int, p: Floats, weights: Floats | None, scale: float) -> _Way:
        """scale: what is added to variances."""
        codes = np.minimum(way.codes, way.size)
        places, size = codes * cells + cell, (way.size + 1) * cells

        def table(values: Floats) -> Floats:
            return np.asarray(np.bincount(places, values, size).reshape(-1, cells)[:-1], np.float64)

        w = np.ones(1) if weights is None else weights
        variance = table(w * w * p * (1.0 - p)).sum(axis=1)
        total = table(np.broadcast_to(w, p.shape)).sum(axis=1)
        return cls(places, table(w * p), np.sqrt(variance + scale), total)

    def reach(self, right: Indices, weights: Floats | None) -> _Reach:
        """Of the outcomes that came true in the rows `right`."""
        rows, cells = self.expected.shape
        w = None if weights is None else weights[right]
        counted = np.bincount(self.places[right], w, (rows + 1) * cells).reshape(-1, cells)[:-1]
        sums = np.cumsum(counted - self.expected, axis=1)
        high, low = np.maximum(sums.max(axis=1), 0.0), np.minimum(sums.min(axis=1), 0.0)
        return _Reach((high - low) / self.error, -sums[:, -1] / self.total)


def _cells(p: Floats) -> tuple[Indices, int]:
    """The cell of every row, and how many there are: about equally many rows each, equal probabilities together."""
    ranks = (np.arange(1, CELLS) * len(p)) // CELLS
    edges = np.unique(np.partition(p, ranks)[ranks])
    return np.searchsorted(edges, p, side="left"), len(edges) + 1
