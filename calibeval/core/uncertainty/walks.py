"""How far a walk of normal steps goes: tails of its range and of its largest distance from 0.

A Brownian motion that is looked at after every step goes less far than between the steps. With many steps the tails are
those of the motion, a little farther out; with few, the walk is followed on a grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.uncertainty.brownian import largest_tail, range_tail
from calibeval.core.uncertainty.special import normal_cdf

# How far a walk of many equal steps stays below the motion at each end, in standard deviations of a step:
# -zeta(1/2) / sqrt(2 pi).
OVERSHOOT = 0.5826
# With more steps than that, weighted by their variances, the overshoot tells enough.
MANY = 50.0
# From NEAR to FAR, tails pass over to those of the motion: beyond, what else is approximate counts more.
NEAR, FAR = 4.0, 5.0
GRID, STEPS_OF_GRID, APART = 512, 4.0, 2
FARTHEST = 8.5  # standard deviations of a step


def walk_range_tail(x: float, steps: Floats) -> float:
    """Probability that the largest minus the smallest value of the walk, with its start at 0, exceeds x.

    steps: (m,) variances of the steps, which add up to 1.
    Source: Siegmund, Sequential Analysis (1985), X.2, for the overshoot; few steps: see `_stays`.

    >>> round(walk_range_tail(1.96, np.ones(1)), 4), round(walk_range_tail(2.4977, np.full(10**6, 1e-6)), 3)
    (0.05, 0.05)
    """
    return _passing(x, steps, range_tail, 2.0, _range_beyond)


def walk_largest_tail(x: float, steps: Floats) -> float:
    """Probability that the largest distance from 0 exceeds x. steps: as for `walk_range_tail`.

    >>> round(walk_largest_tail(1.96, np.ones(1)), 4), round(walk_largest_tail(2.2414, np.full(10**6, 1e-6)), 3)
    (0.05, 0.05)
    """
    return _passing(x, steps, largest_tail, 1.0, _largest_beyond)


def _passing(
    x: float, steps: Floats, motion: Callable[[float], float], ends: float, beyond: Callable[[float, Floats], float]
) -> float:
    plain = motion(x)
    if x <= 0.0 or x >= FAR:
        return plain
    if 1.0 / float(steps @ steps) > MANY:
        own = motion(x + ends * OVERSHOOT * float(steps @ np.sqrt(steps)))
    else:
        own = beyond(x, steps)
    # A walk goes at least as far as its last step ends, and no farther than the motion.
    own = min(max(own, math.erfc(x / math.sqrt(2.0))), plain)
    share = max((x - NEAR) / (FAR - NEAR), 0.0)
    return own if share == 0.0 else math.exp((1.0 - share) * math.log(own) + share * math.log(plain))


def _range_beyond(x: float, steps: Floats) -> float:
    """From uniform starts in an interval of width w, the walk stays inside with the mass E max(w - range, 0).

    So the derivative of this mass by w is the probability that the range is below w.
    """
    # Cells are equally wide for both widths, so that what they are too coarse for cancels.
    more, less = (_stays(x / GRID, steps, np.ones(cells)) for cells in (GRID + APART, GRID - APART))
    return min(max(1.0 - (more - less) / (2.0 * APART), 0.0), 1.0)


def _largest_beyond(x: float, steps: Floats) -> float:
    start = np.zeros(GRID + 1)
    start[GRID // 2] = 1.0
    return min(max(1.0 - _stays(2.0 * x / len(start), steps, start), 0.0), 1.0)


def _stays(cell: float, steps: Floats, mass: Floats) -> float:
    """The mass that stays in an interval through all steps. mass: of its cells at the start. cell: their width."""
    waiting = 0.0
    for place, variance in enumerate(steps):
        waiting += variance
        # Steps that are small for the grid are taken together.
        if math.sqrt(waiting) < STEPS_OF_GRID * cell and place < len(steps) - 1:
            continue
        # Rounding to cells adds a variance of 1/12 (Sheppard's correction).
        step = max(math.sqrt(max(waiting - cell * cell / 12.0, 0.0)), 1e-3 * cell)
        far = min(math.ceil(FARTHEST * step / cell), len(mass))
        below = normal_cdf((np.arange(-far, far + 2.0) - 0.5) * (cell / step))
        mass, waiting = np.convolve(mass, np.diff(below))[far : far + len(mass)], 0.0
    return float(mass.sum())
