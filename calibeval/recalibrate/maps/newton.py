"""Newton's method for a convex loss of many parameters, whose Hessian is only known by its products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.recalibrate.base.facts import Search

MOST_STEPS = 100
MOST_HALVINGS = 40
MOST_PRODUCTS = 100  # with the Hessian, for one step
ENOUGH = 1e-8  # stop if no entry of the gradient of the mean loss is larger
SMALL = 1e-6  # if the search stops earlier, up to this gradient is small enough
DECREASE = 1e-4  # share of the decrease of the tangent that a step must reach (Armijo)
ROUNDING = 1e-14  # of the loss


class Point(Protocol):
    """The summed loss at some values of the parameters, and its derivatives there."""

    @property
    def values(self) -> Floats:
        """The parameters."""

    @property
    def loss(self) -> float:
        """The loss, summed over n rows."""

    @property
    def gradient(self) -> Floats:
        """Its gradient."""

    @property
    def steepness(self) -> float:
        """The largest entry of the gradient of the mean loss, for parameters of which 1 changes scores by about 1."""

    def times(self, direction: Floats) -> Floats:
        """The Hessian times a vector."""

    def solve(self, direction: Floats) -> Floats:
        """A vector that the Hessian roughly maps to this one: the product with a positive definite matrix."""


Where = TypeVar("Where", bound=Point)


def descend(
    at: Callable[[Floats], Where], point: Where, tolerance: float = 1e-2, enough: float = ENOUGH
) -> tuple[Where, Search]:
    """The point with the smallest loss, from steps that each lower it, and how the search ended.

    at: the point at some values. tolerance: see `newton_step`. enough: the steepness at which the search ends.
    """
    steps, near = 0, point.steepness <= enough
    while steps < MOST_STEPS and not near:
        step = newton_step(point, tolerance)
        near = not gain(point, step) > ROUNDING * abs(point.loss)
        found = None if near else lower(at, point, step)
        if found is None:
            break
        point, steps, near = found, steps + 1, found.steepness <= enough
    return point, Search(near or point.steepness <= SMALL, point.steepness, steps)


def gain(point: Point, step: Floats) -> float:
    """What a step lowers the loss by, if it were linear."""
    return -_inner(point.gradient, step)


def newton_step(point: Point, tolerance: float) -> Floats:
    """About the step to the minimum of the quadratic with the point's derivatives.

    By conjugate gradients, until the rest of the gradient is `tolerance` of its start, in the norm of `solve`.
    Source: Nocedal & Wright, Numerical Optimization, 2006, section 7.1.
    """
    step, rest = np.zeros_like(point.gradient), -point.gradient
    direction = near = point.solve(rest)
    size = begin = _inner(rest, near)
    for _ in range(MOST_PRODUCTS):
        if not size > tolerance * tolerance * begin:
            break
        product = point.times(direction)
        bend = _inner(direction, product)
        if not bend > 0:
            break
        step = step + size / bend * direction
        rest = rest - size / bend * product
        near = point.solve(rest)
        size, before = _inner(rest, near), size
        direction = near + size / before * direction
    return step


def lower(at: Callable[[Floats], Where], point: Where, step: Floats) -> Where | None:
    """A point with a smaller loss in the direction of a step, or None if there is none, as far as numbers show."""
    slope, share = gain(point, step), 1.0
    for _ in range(MOST_HALVINGS if slope > 0 else 0):
        found = at(point.values + share * step)
        if found.loss <= point.loss - DECREASE * share * slope + ROUNDING * abs(point.loss):
            return found
        share /= 2.0
    return None


def _inner(one: Floats, other: Floats) -> float:
    return float(np.einsum("i,i->", one, other))  # not BLAS, whose sums depend on its number of threads
