"""Logistic regression with few features and many rows: Newton's method, with some coefficients bounded below by 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError

MOST_STEPS = 200
MOST_HALVINGS = 60
ENOUGH = 1e-14  # stop if a further step could gain at most this share of the loss
DAMPING = 1e-12  # times the largest diagonal entry, so that equal features share their weight


class Loss(NamedTuple):
    """The summed loss, its gradient (m,) and Hessian (m, m)."""

    value: float
    gradient: Floats
    hessian: Floats


Rows = tuple[Floats, Floats, Floats | None]  # features (m, b), targets (b,) in [0, 1], and what each row counts


def logistic_loss(blocks: Iterable[Rows], weights: Floats) -> Loss:
    """The sum over rows of log(1 + exp(v)) - target v, for v = weights @ features.

    There are few features, so that sums without BLAS are as fast, and do not depend on its number of threads.

    >>> round(logistic_loss([(np.ones((1, 2)), np.array([0.0, 1.0]), None)], np.zeros(1)).value, 6)
    1.386294
    """
    m = len(weights)
    value, gradient, hessian = 0.0, np.zeros(m), np.zeros((m, m))
    for features, target, count in blocks:
        v = np.einsum("m,mb->b", weights, features)
        p = sigmoid(v)
        if count is not None:
            value += float((count * (np.logaddexp(0.0, v) - target * v)).sum())
            gradient += np.einsum("mb,b->m", features, count * (p - target))
            hessian += np.einsum("mb,nb->mn", features * (count * p * (1.0 - p)), features)
            continue
        value += float((np.logaddexp(0.0, v) - target * v).sum())
        gradient += np.einsum("mb,b->m", features, p - target)
        hessian += np.einsum("mb,nb->mn", features * (p * (1.0 - p)), features)
    return Loss(value, gradient, hessian)


def minimise(blocks: Callable[[], Iterable[Rows]], start: Floats, bounded: int) -> Floats:
    """The weights with the smallest loss, the first `bounded` of which are not negative.

    The loss never exceeds that of the start. It must have a minimum; there is none if growing weights separate rows
    with targets 0 and 1 better and better.
    Raises: InputError if squares of features exceed the range of float64.
    Source: projected Newton, Bertsekas, SIAM J. Control Optim. 20:221 (1982).
    """
    weights = start.astype(np.float64)
    lower = np.where(np.arange(len(weights)) < bounded, 0.0, -np.inf)
    now = logistic_loss(blocks(), weights)
    for _ in range(MOST_STEPS):
        free = ~((weights <= lower) & (now.gradient > 0))
        if not free.any():
            return weights
        part = now.hessian[np.ix_(free, free)]
        if not np.isfinite(part).all():
            raise InputError("the scores are too large for this map; divide them by a constant first")
        part = part + np.eye(len(part)) * (DAMPING * float(np.diag(part).max()) + np.finfo(np.float64).tiny)
        direction = np.zeros_like(weights)
        direction[free] = -np.linalg.lstsq(part, now.gradient[free], rcond=None)[0]
        gain = -float(now.gradient @ direction)
        if gain <= ENOUGH * max(now.value, 1e-3):
            return np.maximum(weights + direction, lower) if gain > 0 else weights
        share, trial, better = 1.0, weights, now
        for _ in range(MOST_HALVINGS):
            trial = np.maximum(weights + share * direction, lower)
            better = logistic_loss(blocks(), trial)
            if better.value <= now.value + 1e-4 * float(now.gradient @ (trial - weights)):
                break
            share /= 2.0
        if not better.value < now.value:
            return weights
        weights, now = trial, better
    return weights


def sigmoid(v: Floats) -> Floats:
    """1 / (1 + exp(-v)), elementwise, for any v.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-v)))
