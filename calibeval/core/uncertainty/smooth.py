"""Smooth calibration curves: isotonic regression of the outcome on the probability, with its consistency band."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.cells import Cells
from calibeval.core.uncertainty.isotonic import isotonic

MOST_CELLS = 256
DRAWS, SEED = 100, 20210216
BAND_LEVEL = 0.9


class Smoothed(NamedTuple):
    """A curve at ascending probabilities, (m,) each: isotonic frequencies, and the ends of their consistency band."""

    p: Floats
    frequency: Floats
    low: Floats
    high: Floats


def smoothed(cells: Cells) -> Smoothed:
    """The isotonic curve of at most 256 cells, and where it lies in 90 % of calibrated samples, point by point.

    For the band, outcomes are drawn 100 times, with a fixed seed, as if the probabilities were true, and the curve is
    fitted again. With weights, a cell has as many draws as its rows are worth. Rows are taken as independent.
    Source: Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021 (CORP reliability diagrams).

    >>> from calibeval.core.sums.cells import cell_sums
    >>> found = smoothed(cell_sums(np.array([0.2, 0.2, 0.8, 0.8]), np.array([True, False, False, True])))
    >>> found.frequency.tolist(), [round(p, 9) for p in found.p.tolist()]
    ([0.5, 0.5], [0.2, 0.8])
    """
    own = cells.merged(MOST_CELLS)
    p = np.clip(own.p / own.count, 0.0, 1.0)
    worth = np.maximum(np.rint(own.count * own.count / own.squares), 1.0)
    rng = np.random.default_rng(SEED)
    drawn = rng.binomial(worth.astype(np.int64), p, size=(DRAWS, len(p))) / worth
    curves = np.sort(isotonic(drawn, own.count), axis=0)
    low, high = (_quantile(curves, share) for share in (0.5 * (1.0 - BAND_LEVEL), 0.5 * (1.0 + BAND_LEVEL)))
    frequency = np.clip(isotonic(own.y / own.count, own.count), 0.0, 1.0)
    return Smoothed(p, frequency, low, high)


def _quantile(ordered: Floats, share: float) -> Floats:
    """The quantile of every column, (m,), by linear interpolation; ordered: (d, m), each column ascending."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return np.asarray(ordered[below] + (place - below) * (ordered[above] - ordered[below]))
