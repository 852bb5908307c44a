"""The root of a function that changes sign once, by Halley's method inside a bracket."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

LONGEST_STEP = 2.0
MOST_STEPS = 200


class Root(NamedTuple):
    """A point u, the step from there to the root, and whether the root was found.

    found is False if the search went below its lower limit, or ran out of steps.
    """

    u: float
    step: float
    found: bool


def find_root(
    evaluate: Callable[[float], tuple[float, float, float]],
    u: float,
    *,
    tolerance: float,
    lowest: float = -math.inf,
) -> Root:
    """The root of a function that is negative to the left of the root and positive to its right.

    evaluate: gives value, first and second derivative at u. tolerance: largest length of the last step; the remaining
    error is of the order of its cube. lowest: give up below it.

    >>> step = find_root(lambda u: (math.exp(u) - 2.0, math.exp(u), math.exp(u)), 0.0, tolerance=1e-4)
    >>> abs(step.u + step.step - math.log(2.0)) < 1e-12
    True
    """
    low, high, far = -math.inf, math.inf, LONGEST_STEP
    for _ in range(MOST_STEPS):
        value, slope, second = evaluate(u)
        if value == 0:
            return Root(u, 0.0, found=True)
        low, high = (u, high) if value < 0 else (low, u)
        step = halley(value, slope, second)
        if step is not None and abs(step) <= tolerance:
            return Root(u, step, found=True)
        if step is None or abs(step) > far or not low < u + step < high:
            if math.isfinite(low) and math.isfinite(high):
                step = (low + high) / 2 - u
            else:
                step = far if value < 0 else -far
                far *= 2
        if abs(step) <= 4e-16 * max(1.0, abs(u)):
            return Root(u, 0.0, found=True)
        if u + step < lowest:
            return Root(u, 0.0, found=False)
        u += step
    return Root(u, 0.0, found=False)


def halley(value: float, slope: float, second: float) -> float | None:
    """The step to the root of the function's quadratic model; None if the function seems to fall.

    >>> halley(-1.0, 2.0, 0.0), halley(-1.0, -2.0, 0.0)
    (0.5, None)
    """
    if not slope > 0:
        return None
    newton = -value / slope
    bend = 1.0 + 0.5 * newton * second / slope
    step = newton / bend if bend > 0.25 else newton
    return step if math.isfinite(step) else None
