"""A grid of pairs of points of two paths: which differences are accepted on it, and how surprising equality is.

Between grid points, the difference and its surprise are interpolated linearly along every edge, including diagonals, so
that an acceptance region thinner than the grid is not missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats


def accepted_ends(shift: Floats, surprise: Floats, z: float) -> tuple[float, float]:
    """The smallest and the largest difference with a surprise of at most z, interpolated between grid points."""
    accepted = np.abs(surprise) <= z
    found = [shift[accepted]]
    for (from_shift, to_shift), (start, end) in _edges(shift, surprise):
        for limit in (-z, z):
            share = _crossing(start - limit, end - limit)
            there = np.isfinite(share)
            found.append((from_shift + share * (to_shift - from_shift))[there])
    every = np.concatenate(found)
    if not every.size:
        every = shift.ravel()[[int(np.abs(surprise).argmin())]]
    return float(every.min()), float(every.max())


def least_surprise(shift: Floats, surprise: Floats, own: Floats) -> float:
    """The smallest surprise of a pair of points with a difference of at least 0; inf if there is none.

    own: how surprising the two values are by themselves, in the same units.
    """
    least = float(np.min(np.maximum(np.abs(surprise), own), initial=math.inf, where=shift >= 0.0))
    for one, other, single in _edges(shift, surprise, own):
        for share in (_crossing(*one), _crossing(*other)):
            there = np.isfinite(share)
            part, (one_s, one_e), (other_s, other_e) = share[there], _picked(one, there), _picked(other, there)
            single_s, single_e = _picked(single, there)
            reached = one_s + part * (one_e - one_s) >= -1e-12
            worst = np.maximum(np.abs(other_s + part * (other_e - other_s)), single_s + part * (single_e - single_s))
            least = min(least, float(np.min(worst, initial=math.inf, where=reached)))
    return least


def _edges(*grids: Floats) -> Iterator[tuple[tuple[Floats, Floats], ...]]:
    """For each direction of neighbours, and for each grid, the values at both ends of every edge."""
    ahead, behind, every = slice(1, None), slice(None, -1), slice(None)
    for start, end in (
        ((behind, every), (ahead, every)),
        ((every, behind), (every, ahead)),
        ((behind, behind), (ahead, ahead)),
        ((behind, ahead), (ahead, behind)),
    ):
        yield tuple((grid[start].ravel(), grid[end].ravel()) for grid in grids)


def _picked(ends: tuple[Floats, Floats], there: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    return ends[0][there], ends[1][there]


def _crossing(start: Floats, end: Floats) -> Floats:
    """The position on each edge where a linear function is 0, as a share of the length; NaN if there is none."""
    crosses = (np.sign(start) * np.sign(end) <= 0.0) & (start != end)
    return np.divide(start, start - end, out=np.full_like(start, np.nan), where=crosses)
