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
) -> Largest:
    """The statistics of all segments, and the largest of them where outcomes are drawn from p.

    p, outcome: (n,), the probability of each row and whether it came true. weights: (n,) by which rows count.

    >>> rows = np.linspace(0.02, 0.98, 400)
    >>> sides = Segmented(np.arange(400) % 2, 2)
    >>> found = largest_of([sides], rows, np.where(np.arange(400) % 2, rows > 0.5, False))
    >>> found.gap.round(2).tolist(), (found.p() < 0.05).tolist()
    ([0.5, 0.0], [True, True])
    """
    table = _Table.of(ways, p, weights)
    seen = table.sums(np.flatnonzero(outcome), weights)
    rng, maxima = np.random.default_rng(seed), np.zeros(draws)
    for draw in range(draws):
        drawn = table.sums(np.flatnonzero(rng.random(len(p)) < p), weights)
        maxima[draw] = table.sigma(drawn).max(initial=0.0)
    return Largest(table.sigma(seen), -seen[:, -1] / table.total, maxima)


class _Table(NamedTuple):
    """All segments, way by way, by cells of the probability.

    places: of each way, the place of each row in its part of the table, whose last row is of no segment. sizes: the
    segments of each way. expected: sums of p, (segments, cells). error, total: (segments,), the standard deviation and
    the number of rows, or their weight.
    """

    places: tuple[Indices, ...]
    sizes: tuple[int, ...]
    expected: Floats
    error: Floats
    total: Floats

    @classmethod
    def of(cls, ways: Sequence[Segmented], p: Floats, weights: Floats | None) -> _Table:
        """The table of these rows."""
        cell, cells = _cells(p)
        scale = ONE_ROW if weights is None else ONE_ROW * float((weights @ weights) / weights.sum()) ** 2
        w = np.ones(len(p)) if weights is None else weights
        places = tuple(np.minimum(way.codes, way.size) * cells + cell for way in ways)
        bare = cls(places, tuple(way.size for way in ways), np.zeros((sum(way.size for way in ways), cells)), w, w)
        every = np.arange(len(p))
        expected, variance, total = (bare.counted(every, own) for own in (w * p, w * w * p * (1.0 - p), w))
        error = np.sqrt(variance.sum(axis=1) + scale)
        return bare._replace(expected=expected, error=error, total=total.sum(axis=1))

    def counted(self, rows: Indices, weights: Floats | None) -> Floats:
        """How many of these rows there are in each cell of each segment. weights: of these rows."""
        found, start, cells = np.empty(self.expected.shape), 0, self.expected.shape[1]
        for places, size in zip(self.places, self.sizes, strict=True):
            counts = np.bincount(places.take(rows), weights, (size + 1) * cells)
            found[start : start + size] = counts[: size * cells].reshape(size, cells)
            start += size
        return found

    def sums(self, right: Indices, weights: Floats | None) -> Floats:
        """The cumulative differences, if the outcomes of these rows came true. weights: of all rows."""
        counts = self.counted(right, None if weights is None else weights.take(right))
        counts -= self.expected
        return np.cumsum(counts, axis=1, out=counts)

    def sigma(self, sums: Floats) -> Floats:
        """The reach of cumulative differences, in standard deviations."""
        high, low = np.maximum(sums.max(axis=1), 0.0), np.minimum(sums.min(axis=1), 0.0)
        return np.asarray((high - low) / self.error)


def _cells(p: Floats) -> tuple[Indices, int]:
    """The cell of every row, and how many there are: about equally many rows each, equal probabilities together."""
    ranks = (np.arange(1, CELLS) * len(p)) // CELLS
    edges = np.unique(np.partition(p, ranks)[ranks])
    return np.searchsorted(edges, p, side="left"), len(edges) + 1
