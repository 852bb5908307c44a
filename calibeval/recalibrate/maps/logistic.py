"""Logistic regression with few features and many rows: Newton's method in a trust region, some coefficients >= 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Search
from calibeval.recalibrate.maps.bounded import smallest
from calibeval.recalibrate.maps.standard import TOO_LARGE, Blocks, Rows, Standard, sigmoid

MOST_STEPS, MOST_ROUNDS = 25, 12  # in each round, features are scaled again
MOST_FAILURES = 40  # of steps in a row that did not lower the loss; each one is shorter
KEPT_NUMBERS = 2**22  # features of up to this many numbers (32 MiB) stay in memory for all steps
SMALL_GAIN = 1e-10  # in nats: the search has converged if a further step would gain at most this
SMALL_GRADIENT = 1e-6  # and this is the largest entry of the gradient, in nats per unit of the scaled features
ROUNDING = 1e-13  # times the loss: differences of the loss below it may be rounding
NOTHING = 1e-26  # times the loss: what steps gain that are rounding themselves
LEAST_DAMPING, FIRST_DAMPING = 1e-14, 1e-4  # times a diagonal entry of the Hessian, or the largest


class Loss(NamedTuple):
    """The loss, its gradient (m,) and Hessian (m, m)."""

    value: float
    gradient: Floats
    hessian: Floats


class Minimum(NamedTuple):
    """The weights (m,) of the smallest loss, and how the search ended."""

    weights: Floats
    search: Search


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
        loss, away, bend = np.logaddexp(0.0, v) - target * v, p - target, p * (1.0 - p)
        if count is not None:
            loss, away, bend = count * loss, count * away, count * bend
        value += float(np.add.reduce(loss))
        gradient += np.einsum("mb,b->m", features, away)
        hessian += np.einsum("mb,nb->mn", features * bend, features)
    return Loss(value, gradient, hessian)


def minimise(blocks: Blocks, start: Floats, bounded: int = 0, penalty: Floats | None = None) -> Minimum:
    """The weights with the smallest loss, the first `bounded` of which are not negative.

    blocks: gives all rows, again whenever it is called. The last feature is 1 in all rows: its weight is the intercept.
    start: (m,), a good guess, such as the map that is the best temperature; the search starts there or at the best
    constant, whichever has the smaller loss, and the loss of the result never exceeds either. penalty: (r, m); half
    of the squared entries of penalty @ weights are added to the sum of the rows' losses. Its last column is 0: an
    intercept is not penalised. Features may have any scale and any offset, because the search runs in centred
    and scaled ones; the gradient in the result refers to these, and where the penalty changes by more than 1 with them,
    to smaller changes, by which it changes by the order of 1. A feature that is constant keeps the weight of the
    start.

    There must be a minimum. There is none if growing weights separate rows with targets 0 and 1 better and better:
    then the weights are large and the search may say that it converged, as the gradient vanishes.
    Raises: InputError if features are infinite, or the weights are beyond float64.
    Source: Levenberg-Marquardt damping: Nielsen, IMM-REP-1999-05, Technical University of Denmark.

    >>> rows = np.array([[-1.0] * 4 + [1.0] * 4, [1.0] * 8]), np.array([0.0, 0, 0, 1, 1, 1, 1, 0]), None
    >>> found = minimise(lambda: [rows], np.zeros(2))
    >>> found.weights.round(6).tolist(), found.search.converged
    ([1.098612, 0.0], True)
    """
    blocks = _kept(blocks)
    standard = whole = Standard.of(blocks)
    total = whole.total
    lower = np.where(np.arange(len(start)) < bounded, 0.0, -np.inf)
    weights = np.maximum(whole.inside(start), lower)
    objective = _Objective(_kept(whole.rows(blocks)), total, whole.penalty(penalty, total))
    stiff = np.sqrt(1.0 + np.diag(objective.bends))  # a change by its inverse changes the penalty by the order of 1
    now = objective.at(weights)
    if not now.value <= whole.entropy:
        weights = np.where(whole.fixed, weights, 0.0)
        weights[-1] = whole.log_odds
        now = objective.at(weights)
    steps, before = 0, np.inf
    for _ in range(MOST_ROUNDS):
        end = _descend(objective.at, weights, now, lower)
        steps += end.steps
        plain = standard.outside(end.weights)
        slope = _slope(end.at.gradient @ standard.seen_from(whole) / stiff, end.weights, lower)
        closer = standard.closer(blocks, plain, end.at.hessian - objective.bends)
        settled = before - end.at.value <= SMALL_GAIN * end.at.value and end.gain <= SMALL_GAIN
        if settled or (closer is None and end.steps < MOST_STEPS):
            break
        before, weights, now = end.at.value, end.weights, end.at
        if closer is not None:
            standard, weights = closer, closer.inside(plain)
            objective = _Objective(_kept(closer.rows(blocks)), total, closer.penalty(penalty, total))
            now = objective.at(weights)
    if not (np.isfinite(plain).all() and np.isfinite(slope)):
        raise InputError(TOO_LARGE)
    return Minimum(plain, Search(end.gain <= SMALL_GAIN and slope <= SMALL_GRADIENT, slope, steps))


class _Objective(NamedTuple):
    """The mean loss of scaled weights, with a penalty (r, m), whose squares are added."""

    rows: Blocks
    total: float
    penalty: Floats

    def at(self, weights: Floats) -> Loss:
        """The loss of scaled weights."""
        value, gradient, hessian = logistic_loss(self.rows(), weights)
        bent = self.penalty @ weights  # so that large entries cancel before they are squared
        return Loss(
            value / self.total + float(bent @ bent) / 2.0,
            gradient / self.total + bent @ self.penalty,
            hessian / self.total + self.bends,
        )

    @property
    def bends(self) -> Floats:
        """The second derivatives of the penalty, (m, m)."""
        return np.asarray(self.penalty.T @ self.penalty)


class _End(NamedTuple):
    """Where the search ended: scaled weights, the loss there, what a step would gain, and steps taken."""

    weights: Floats
    at: Loss
    gain: float
    steps: int


def _descend(evaluate: Callable[[Floats], Loss], weights: Floats, now: Loss, lower: Floats) -> _End:
    """The minimum of a convex function of scaled weights, from some weights. Steps that fail are damped."""
    damping, growth, steps, failures = 0.0, 2.0, 0, 0
    while steps < MOST_STEPS and failures < MOST_FAILURES:
        step, gain = _step(now, weights, lower, damping)
        if not gain > NOTHING * now.value:
            break
        trial = np.maximum(weights + step, lower)
        then = evaluate(trial)
        lost, exact = now.value - then.value, ROUNDING * now.value
        if gain > exact:
            better = lost > 1e-4 * gain
        else:  # values no longer tell; a last step makes the gradient smaller
            better = lost >= -10.0 * exact and _slope(then.gradient, trial, lower) < 0.5 * _slope(
                now.gradient, weights, lower
            )
            if not better and damping == 0.0:
                break
        if better:
            damping *= max(0.1, 1.0 - (2.0 * min(lost / gain, 1.0) - 1.0) ** 3) if gain > exact else 0.0
            weights, now, growth, failures, steps = trial, then, 2.0, 0, steps + 1
        else:
            least = max(
                FIRST_DAMPING * float(np.diag(now.hessian).max()), ROUNDING * _slope(now.gradient, weights, lower)
            )
            damping, growth, failures = max(growth * damping, least), 2.0 * growth, failures + 1
    return _End(weights, now, _step(now, weights, lower, 0.0)[1], steps)


def _step(at: Loss, weights: Floats, lower: Floats, damping: float) -> tuple[Floats, float]:
    """The best step of the damped quadratic model, and what it gains."""
    bends = np.diag(at.hessian)
    least = LEAST_DAMPING * np.maximum(bends, min(float(bends.max()), 1.0)) + np.finfo(np.float64).tiny
    damped = at.hessian + np.diag(np.maximum(damping, least))
    size = 1.0 / np.sqrt(np.diag(damped))  # so that a penalty on some weights leaves digits for the others
    step = size * smallest(damped * np.outer(size, size), at.gradient * size, (lower - weights) / size)
    with np.errstate(over="ignore", invalid="ignore"):
        return step, -float(at.gradient @ step + step @ damped @ step / 2.0)


def _slope(gradient: Floats, weights: Floats, lower: Floats) -> float:
    """The largest entry of the gradient, without those that point out of the bounds."""
    return float(np.abs(np.where((weights <= lower) & (gradient > 0), 0.0, gradient)).max())


def _kept(blocks: Blocks) -> Blocks:
    """The same rows, kept in memory if they are few."""
    kept: list[Rows] = []
    numbers = 0
    for rows in blocks():
        kept.append(rows)
        numbers += rows[0].size
        if numbers > KEPT_NUMBERS:
            return blocks
    return lambda: kept
