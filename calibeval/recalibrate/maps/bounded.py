"""The smallest value of a convex quadratic function of a few numbers, some of which are bounded below."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats


def smallest(hessian: Floats, gradient: Floats, least: Floats) -> Floats:
    """The step d >= least, (m,), with the smallest gradient @ d + d @ hessian @ d / 2.

    hessian: positive definite, (m, m). least: (m,), at most 0; -inf: no bound.
    Source: active sets, Lawson & Hanson, Solving Least Squares Problems, 1974, chapter 23.

    >>> smallest(np.eye(2), np.array([-1.0, 1.0]), np.array([-np.inf, -0.5])).tolist()
    [1.0, -0.5]
    """
    if (least == -np.inf).all():
        return np.asarray(-np.linalg.lstsq(hessian, gradient, rcond=None)[0])
    held = (least == 0.0) & (gradient > 0)
    step = np.zeros_like(gradient)
    for _ in range(4 * len(gradient) + 4):
        step = _to_boundary(hessian, gradient, least, held, step)
        slope = np.where(held, gradient + hessian @ step, 0.0)
        worst = int(np.argmin(slope))
        if slope[worst] >= -1e-12 * float(np.abs(gradient).max()):
            break
        held[worst] = False
    return step


def _to_boundary(hessian: Floats, gradient: Floats, least: Floats, held: npt.NDArray[np.bool_], step: Floats) -> Floats:
    """The smallest value where some numbers are held at their bounds; those that would cross theirs become held."""
    while True:
        target = np.where(held, least, 0.0)
        free = ~held
        if free.any():
            at_bounds = gradient[free] + hessian[np.ix_(free, held)] @ target[held]
            target[free] = -np.linalg.lstsq(hessian[np.ix_(free, free)], at_bounds, rcond=None)[0]
        crossing = free & (target < least)
        if not crossing.any():
            return target
        shares = (step[crossing] - least[crossing]) / (step[crossing] - target[crossing])
        share = float(shares.min())
        step = step + share * (target - step)
        held[np.flatnonzero(crossing)[shares <= share]] = True
        step[held] = least[held]
