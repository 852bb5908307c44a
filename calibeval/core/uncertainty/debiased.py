"""An estimator of a sum of absolute gaps that corrects each term for its noise, and the facts that its interval needs.

A gap that is measured with an error e has an absolute value that is too large on average, most where the true gap is
near 0. Here the size of a gap in units of its error, a, is replaced by psi(a): piecewise linear, below a for small a
(and negative near 0, since noise alone makes a about 0.8 on average), and equal to a from 3 on. Its knots minimise the
larger of squared bias and variance over half-normal, uniform, clustered and spike-and-slab spreads of true gaps; what
bias is left is part of the interval. No estimator of such sums is unbiased (Cai & Low, Ann. Statist. 39:1012, 2011).

All expectations over a normal gap are in closed form, because psi is piecewise linear.
"""

from __future__ import annotations

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.uncertainty.special import normal_cdf, normal_pdf

# psi at 0, 0.25, ..., 3; beyond, psi(a) = a.
_STEP = 0.25
_VALUES = (-0.650, -0.492, -0.274, 0.056, 0.499, 1.022, 1.569, 2.074, 2.473, 2.728, 2.854, 2.920, 3.000)
# Where psi(|x|) bends, for x of either sign; its slopes between them, and the changes of the slope.
_KNOTS = np.concatenate((-_STEP * np.arange(len(_VALUES) - 1, 0, -1.0), _STEP * np.arange(float(len(_VALUES)))))
_SLOPES = np.concatenate(([-1.0], np.diff((*_VALUES[:0:-1], *_VALUES)) / _STEP, [1.0]))
_BENDS = np.diff(_SLOPES)
_HEIGHTS = np.array((*_VALUES[:0:-1], *_VALUES))
# The mean of psi over normal gaps of standard deviation tau, minus the mean gap: at tau = 0, 0.1, ..., 1, and 0 beyond.
_LEFT = (0.313, 0.239, 0.178, 0.128, 0.089, 0.060, 0.038, 0.023, 0.013, 0.006, 0.003, 0.0)
_PART = 4096  # cells at a time
_FAR = 12.0


def debiased_size(sizes: Floats) -> Floats:
    """Psi: the size of a gap in units of its error, corrected for its noise. sizes: of any shape, at least 0.

    >>> debiased_size(np.array([0.0, 0.125, 1.0, 5.0])).round(3).tolist()
    [-0.65, -0.571, 0.499, 5.0]
    """
    inner = np.interp(sizes, _STEP * np.arange(len(_VALUES)), _VALUES)
    return np.where(sizes >= _STEP * (len(_VALUES) - 1), sizes, inner)


def expansion(means: Floats, orders: int = 4) -> Floats:
    """Hermite coefficients E[psi(|mean + Z|) He_j(Z)], j = 1 to orders, for standard normal Z; (orders, *shape).

    means: signed true gaps in units of their errors, of any shape. The first is the slope of the expectation.
    Source: Stein's identity: they are the derivatives of the expectation of psi(|mean + Z|), by order.

    >>> np.abs(expansion(np.array([0.0, 20.0]))).round(3).tolist()
    [[0.0, 1.0], [1.254, 0.0], [0.0, 0.0], [1.528, 0.0]]
    """
    flat = np.clip(np.ravel(means), -_FAR, _FAR)
    found = np.empty((orders, flat.size))
    for start in range(0, flat.size, _PART):
        here = slice(start, start + _PART)
        place = _KNOTS - flat[here, None]
        found[0, here] = 1.0 - np.einsum("ij,j->i", normal_cdf(place), _BENDS)
        before, current = np.zeros_like(place), normal_pdf(place)  # Hermite polynomials times the density
        for order in range(1, orders):
            found[order, here] = np.einsum("ij,j->i", current, _BENDS)
            before, current = current, place * current - (order - 1.0) * before
    return found.reshape(orders, *np.shape(means))


def spread(means: Floats) -> Floats:
    """The variance of psi(|mean + Z|) for standard normal Z. means: as for `expansion`.

    >>> spread(np.array([0.0, 20.0])).round(3).tolist()
    [0.9, 1.0]
    """
    flat = np.minimum(np.abs(np.ravel(means)), _FAR)
    found = np.empty(flat.size)
    for start in range(0, flat.size, _PART):
        here = slice(start, start + _PART)
        found[here] = _variance(flat[here])
    return found.reshape(np.shape(means))


def _variance(means: Floats) -> Floats:
    """From the first two moments over each piece of psi, on which it is a line."""
    edges = np.concatenate(([-np.inf], _KNOTS, [np.inf]))
    place = edges - means[:, None]
    below = normal_cdf(np.clip(place, -_FAR, _FAR))
    below[:, 0], below[:, -1] = 0.0, 1.0
    density = np.zeros_like(place)
    density[:, 1:-1] = normal_pdf(place[:, 1:-1])
    moved = np.zeros_like(place)  # the place times the density, whose limit is 0 on either side
    moved[:, 1:-1] = place[:, 1:-1] * density[:, 1:-1]
    mass, first = np.diff(below), -np.diff(density)
    second = mass - np.diff(moved)
    # On each piece, psi(|mean + z|) = level + slope z; the last knot of a piece gives its level.
    start = np.concatenate((_KNOTS[:1], _KNOTS))
    height = np.concatenate((_HEIGHTS[:1], _HEIGHTS))
    level = height + _SLOPES * (means[:, None] - start)
    mean = np.sum(level * mass + _SLOPES * first, axis=1)
    squares = np.sum(level * level * mass + 2.0 * level * _SLOPES * first + _SLOPES**2 * second, axis=1)
    return np.asarray(np.maximum(squares - mean * mean, 0.0))


def bias_left(tau: float) -> float:
    """What psi leaves of the noise, per unit of error, where true gaps are normal with this standard deviation.

    >>> bias_left(0.0), round(bias_left(0.25), 4), bias_left(3.0)
    (0.313, 0.153, 0.0)
    """
    return float(np.interp(tau, 0.1 * np.arange(len(_LEFT)), _LEFT))
