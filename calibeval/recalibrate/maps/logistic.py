"""Logistic regression with few features and many rows: Newton's method in a trust region, some coefficients >= 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Search
from calibeval.recalibrate.maps.bounded import smallest

MOST_STEPS, MOST_ROUNDS = 25, 12  # in each round, features are scaled again
MOST_FAILURES = 40  # of steps in a row that did not lower the loss; each one is shorter
KEPT_NUMBERS = 2**22  # features of up to this many numbers (32 MiB) stay in memory for all steps
SMALL_GAIN = 1e-10  # in nats: the search has converged if a further step would gain at most this
SMALL_GRADIENT = 1e-6  # and this is the largest entry of the gradient, in nats per unit of the scaled features
ROUNDING = 1e-13  # times the loss: differences of the loss below it may be rounding
LEAST_DAMPING, FIRST_DAMPING = 1e-14, 1e-4  # times the largest diagonal entry of the Hessian
FAR = 1e4  # features whose squares are beyond it, or below its inverse, in the rows that matter are scaled again
CONSTANT = 8 * np.finfo(np.float64).eps  # a feature that varies by no more than this share of its size is constant


class Loss(NamedTuple):
    """The loss, its gradient (m,) and Hessian (m, m)."""

    value: float
    gradient: Floats
    hessian: Floats


class Minimum(NamedTuple):
    """The weights (m,) of the smallest loss, and how the search ended."""

    weights: Floats
    search: Search


Rows = tuple[Floats, Floats, Floats | None]  # features (m, b), targets (b,) in [0, 1], and what each row counts
Blocks = Callable[[], Iterable[Rows]]


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
    constant, whichever has the smaller loss, and the loss of the result never exceeds either. penalty: (m, m), positive
    semidefinite; weights @ penalty @ weights / 2 is added to the sum of the rows' losses. Its last row and column are
    0: an intercept is not penalised. Features may have any scale and any offset, because the search runs in centred
    and scaled ones; the gradient in the result refers to these. A feature that is constant keeps the weight of the
    start.

    There must be a minimum. There is none if growing weights separate rows with targets 0 and 1 better and better:
    then the weights are large and the search may say that it converged, as the gradient vanishes.
    Raises: InputError if features are infinite.
    Source: Levenberg-Marquardt damping: Nielsen, IMM-REP-1999-05, Technical University of Denmark.

    >>> rows = np.array([[-1.0] * 4 + [1.0] * 4, [1.0] * 8]), np.array([0.0, 0, 0, 1, 1, 1, 1, 0]), None
    >>> found = minimise(lambda: [rows], np.zeros(2))
    >>> found.weights.round(6).tolist(), found.search.converged
    ([1.098612, 0.0], True)
    """
    blocks = _kept(blocks)
    standard = _Standard.of(blocks)
    total, log_odds = standard.total, standard.log_odds
    lower = np.where(np.arange(len(start)) < bounded, 0.0, -np.inf)
    given = np.maximum(standard.inside(start), lower)
    constant = np.where(standard.fixed, given, 0.0)
    constant[-1] = log_odds
    starts: list[Floats] = [given, constant]
    steps = 0
    for _ in range(MOST_ROUNDS):
        objective = _Objective(_kept(standard.rows(blocks)), total, standard.penalty(penalty, total))
        end = _descend(objective.at, starts, lower)
        steps += end.steps
        plain = standard.outside(end.weights)
        closer = standard.closer(blocks, plain, end.at.hessian - objective.penalty)
        if closer is None and end.steps < MOST_STEPS:
            break
        standard = closer or standard
        starts = [standard.inside(plain)]
    return Minimum(plain, Search(end.gain <= SMALL_GAIN and end.slope <= SMALL_GRADIENT, end.slope, steps))


class _Objective(NamedTuple):
    """The mean loss of scaled weights, with a penalty (m, m)."""

    rows: Blocks
    total: float
    penalty: Floats

    def at(self, weights: Floats) -> Loss:
        """The loss of scaled weights."""
        value, gradient, hessian = logistic_loss(self.rows(), weights)
        pull = self.penalty @ weights
        return Loss(
            value / self.total + float(weights @ pull) / 2.0,
            gradient / self.total + pull,
            hessian / self.total + self.penalty,
        )


class _End(NamedTuple):
    """Where the search ended: scaled weights, the loss there, its slope, what a step would gain, and steps taken."""

    weights: Floats
    at: Loss
    slope: float
    gain: float
    steps: int


def _descend(evaluate: Callable[[Floats], Loss], starts: Iterable[Floats], lower: Floats) -> _End:
    """The minimum of a convex function of scaled weights, from the best start. Steps that fail are damped."""
    weights, now = min(((start, evaluate(start)) for start in starts), key=lambda one: one[1].value)
    damping, growth, steps, failures = 0.0, 2.0, 0, 0
    while steps < MOST_STEPS and failures < MOST_FAILURES:
        step, gain = _step(now, weights, lower, damping)
        if not gain > 0:
            break
        trial = np.maximum(weights + step, lower)
        then = evaluate(trial)
        lost, exact = now.value - then.value, ROUNDING * now.value
        if gain > exact:
            better = lost > 1e-4 * gain
        else:  # values no longer tell; a last step makes the gradient smaller
            better = lost >= -10.0 * exact and _slope(then, trial, lower) < 0.5 * _slope(now, weights, lower)
            if not better and damping == 0.0:
                break
        if better:
            damping *= max(0.1, 1.0 - (2.0 * min(lost / gain, 1.0) - 1.0) ** 3) if gain > exact else 0.0
            weights, now, growth, failures, steps = trial, then, 2.0, 0, steps + 1
        else:
            least = max(FIRST_DAMPING * float(np.diag(now.hessian).max()), ROUNDING * _slope(now, weights, lower))
            damping, growth, failures = max(growth * damping, least), 2.0 * growth, failures + 1
    return _End(weights, now, _slope(now, weights, lower), _step(now, weights, lower, 0.0)[1], steps)


def _step(at: Loss, weights: Floats, lower: Floats, damping: float) -> tuple[Floats, float]:
    """The best step of the damped quadratic model, and what it gains."""
    least = LEAST_DAMPING * float(np.diag(at.hessian).max()) + np.finfo(np.float64).tiny
    damped = at.hessian + np.eye(len(weights)) * max(damping, least)
    step = smallest(damped, at.gradient, lower - weights)
    with np.errstate(over="ignore", invalid="ignore"):
        return step, -float(at.gradient @ step + step @ damped @ step / 2.0)


def _slope(at: Loss, weights: Floats, lower: Floats) -> float:
    """The largest entry of the gradient, without those that point out of the bounds."""
    return float(np.abs(np.where((weights <= lower) & (at.gradient > 0), 0.0, at.gradient)).max())


class _Standard(NamedTuple):
    """Centres and scales of features, (m,), so that scaled ones are about 1 in size; the intercept's are 0 and 1.

    fixed: which features are constant. total: what all rows count. log_odds: of the mean target.
    """

    centre: Floats
    scale: Floats
    fixed: npt.NDArray[np.bool_]
    total: float
    log_odds: float

    @classmethod
    def of(cls, blocks: Blocks) -> _Standard:
        """The facts of all rows.

        Raises: InputError if features are infinite.
        """
        first = next(iter(blocks()))[0][:, :1]
        sums: Floats = np.zeros(2)
        shift: Floats = np.zeros(len(first))
        with np.errstate(over="ignore", invalid="ignore"):
            for features, target, count in blocks():
                counts = np.ones_like(target) if count is None else count
                sums += np.add.reduce(counts), np.add.reduce(counts * target)
                shift += np.einsum("mb,b->m", features - first, counts)
            total, ones = sums.tolist()
            centre = first[:, 0] + shift / total
            away, size = np.zeros((2, len(first)))
            for features, target, count in blocks():
                counts = (np.ones_like(target) if count is None else count) / total
                away += np.einsum("mb,b->m", np.abs(features - centre[:, None]), counts)
                size += np.einsum("mb,b->m", np.abs(features), counts)
        if not (np.isfinite(away).all() and np.isfinite(size).all()):
            raise InputError("the scores are too large for this map; divide them by a constant first")
        fixed = away <= CONSTANT * size
        scale = np.where(fixed, 1.0, away)
        centre[-1], scale[-1], fixed[-1] = 0.0, 1.0, False
        share = min(max(ones / total, np.finfo(np.float64).tiny), 1.0 - np.finfo(np.float64).epsneg)
        return cls(centre, scale, fixed, total, float(np.log(share) - np.log1p(-share)))

    def closer(self, blocks: Blocks, weights: Floats, hessian: Floats) -> _Standard | None:
        """The centres and scales in the rows that these weights leave open; None if they are about the same.

        Where nearly all rows are certain, differences between the few others decide, and may be tiny beside those
        between all rows. hessian: of scaled weights.
        """
        open_rows = float(hessian[-1, -1])
        if not open_rows > 0:
            return None
        spread = np.diag(hessian) / open_rows - (hessian[-1] / open_rows) ** 2
        odd = ~((spread > 1.0 / FAR) & (spread < FAR)) & ~self.fixed
        if not odd[:-1].any():
            return None

        def counted() -> Iterable[Rows]:
            for features, target, count in blocks():
                p = sigmoid(np.einsum("m,mb->b", weights, features))
                yield features, target, p * (1.0 - p) * (1.0 if count is None else count)

        found = _Standard.of(counted)
        return None if (found.fixed & ~self.fixed).any() else found

    def penalty(self, plain: Floats | None, total: float) -> Floats:
        """A penalty on weights as one on weights of scaled features, for the mean loss."""
        m = len(self.scale)
        return np.zeros((m, m)) if plain is None else plain / np.outer(self.scale, self.scale) / total

    def rows(self, blocks: Blocks) -> Blocks:
        """The rows with scaled features."""

        def scaled() -> Iterable[Rows]:
            for features, target, count in blocks():
                inside = (features - self.centre[:, None]) / self.scale[:, None]
                inside[self.fixed] = 0.0
                yield inside, target, count

        return scaled

    def inside(self, weights: Floats) -> Floats:
        """Weights of scaled features."""
        scaled = weights * self.scale
        scaled[-1] = weights[-1] + float(np.add.reduce(weights * self.centre))
        return scaled

    def outside(self, weights: Floats) -> Floats:
        """Weights of the features themselves."""
        plain = weights / self.scale
        plain[-1] = weights[-1] - float(np.add.reduce(plain[:-1] * self.centre[:-1]))
        return plain


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


def sigmoid(v: Floats) -> Floats:
    """1 / (1 + exp(-v)), elementwise, for any v.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-v)))
