"""Ensemble temperature scaling: a mixture of scaled probabilities, the original ones and equal ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Search, Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import chunk_rows, label_scores, log_scores, log_softmax
from calibeval.recalibrate.maps.bounded import smallest
from calibeval.recalibrate.temperature.optimum import NO_BEST, Optimum, optimum

PARTS = 3
MOST_STEPS, MOST_HALVINGS = 200, 60
ENOUGH = 1e-10  # the largest entry of the projected gradient of the mean NLL, in nats
DAMPING = 1e-13  # times the largest diagonal entry, so that equal parts share their weight
ROUNDED = 1e-14  # in nats: differences of the mean NLL below it are rounding
ROUNDING = 1e-9  # of the sum of the weights


@dataclass(frozen=True, slots=True, repr=False)
class EtsMap(Map):
    """p = w1 softmax(z / T) + w2 softmax(z) + w3 / k, with weights of at least 0 that add up to 1.

    Each part keeps the order of the classes, and so does their sum: the predicted class never changes. With w3 above 0,
    a class of probability 0 gets w3 / k.
    Source: Zhang, Kailkhura & Han, ICML 2020.
    """

    method: ClassVar[str] = "ets"
    keeps_top: ClassVar[bool] = True

    temperature: float
    weights: tuple[float, ...]

    def parameters(self) -> dict[str, Any]:
        """The temperature and the three weights."""
        return {"temperature": self.temperature, "weights": list(self.weights)}

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...]:
        """The first part alone."""
        del k
        return (temperature, (1.0, 0.0, 0.0))

    def apply(self, z: Floats) -> Floats:
        """Logarithms of the mixed probabilities."""
        parts = _log_parts(z, self.temperature)
        mixed = np.full(z.shape, -np.inf)
        for weight, part in zip(self.weights, parts, strict=True):
            if weight > 0:
                mixed = np.logaddexp(mixed, part + math.log(weight))
        return mixed

    def check(self) -> None:
        """Check the parameters.

        Raises: InputError unless the temperature is positive, and the weights are three shares that add up to 1.
        """
        if not self.temperature > 0:
            raise InputError(f'parameter "temperature" is {self.temperature:g}, but it must be positive')
        if len(self.weights) != PARTS or min(self.weights) < 0 or abs(sum(self.weights) - 1.0) > ROUNDING:
            raise InputError(f'parameter "weights" must be {PARTS} numbers of at least 0 with the sum 1')


def _log_parts(z: Floats, temperature: float) -> tuple[Floats, Floats, Floats]:
    """Logarithms of the three parts for log-scores z, each (b, k)."""
    with np.errstate(all="ignore"):
        d = z - z.max(axis=1, keepdims=True)
        return log_softmax(d / temperature), log_softmax(d), np.full(z.shape, -math.log(z.shape[1]))


def fit_ets(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> Solution:
    """The temperature with the smallest NLL, and then the weights with the smallest NLL at this temperature.

    The NLL is convex in the weights. It is never above that of the temperature alone, which is the case w1 = 1.
    best: the best temperature, if it is known.
    Raises: BadValues; Impossible; InputError for scores that are too large for a temperature.

    >>> p = Predictions(logits=[[9.0, 0.0], [0.0, 1.0]] * 9, labels=[0, 1] * 8 + [1, 0])
    >>> (temperature, weights), note, search = fit_ets(p, None)
    >>> round(sum(weights), 9), min(weights) >= 0, search.converged
    (1.0, True, True)
    """
    best = best or optimum(predictions, clip)
    logs, row = np.empty((predictions.n, PARTS)), 0
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_scores(block.scores, predictions.kind, clip=clip, tolerance=predictions.tolerance).z
        label_scores(z, block.labels)
        stop = row + len(block.labels)
        for i, part in enumerate(_log_parts(z, best.temperature)):
            logs[row:stop, i] = part[np.arange(len(block.labels)), block.labels]
        row = stop
    weights, search = mixture(logs, row_weights(predictions))
    note = None if best.bound is None else NO_BEST[best.bound]
    return Solution((best.temperature, tuple(weights.tolist())), note, search)


def mixture(logs: Floats, counts: Floats | None) -> tuple[Floats, Search]:
    """The weights (m,) of a mixture with the largest likelihood, never worse than the first part alone.

    logs: (n, m), the log-likelihood of each row under each part. counts: (n,), what each row counts; None: 1.
    Minimises the mean NLL plus the sum of the weights over weights of at least 0. Its optimum is that of the mean NLL
    on the simplex, since scaling all weights by c adds -log(c).
    By Newton's method, with the bounds in every step.

    >>> found, search = mixture(np.log([[0.9, 0.5], [0.9, 0.5], [0.1, 0.5]]), None)
    >>> found.round(6).tolist(), search.converged
    ([0.416667, 0.583333], True)
    """
    share = np.full(len(logs), 1.0 / len(logs)) if counts is None else counts / counts.sum()
    with np.errstate(under="ignore"):
        parts = np.ascontiguousarray(np.exp(logs - logs.max(axis=1, keepdims=True)).T)
    weights = np.full(len(parts), 1.0 / len(parts))
    value, gradient, hessian = _slopes(parts, share, weights)
    steps = 0
    while steps < MOST_STEPS and _residual(weights, gradient) > ENOUGH:
        trial, now = _step(parts, share, weights, (value, gradient, hessian))
        nearer = _residual(trial, now[1]) < _residual(weights, gradient)
        if not (now[0] < value or (nearer and now[0] <= value + ROUNDED)):
            break
        weights, (value, gradient, hessian), steps = trial, now, steps + 1
    weights = weights / weights.sum()
    gradient = _slopes(parts, share, weights)[1]
    first = np.eye(len(parts))[0]
    if _mean_nll(logs, share, weights) > _mean_nll(logs, share, first):
        weights, gradient = first, _slopes(parts, share, first)[1]
    residual = _residual(weights, gradient)
    return weights, Search(residual <= 1e4 * ENOUGH, residual, steps)


_Slopes = tuple[float, Floats, Floats]


def _step(parts: Floats, share: Floats, weights: Floats, now: _Slopes) -> tuple[Floats, _Slopes]:
    """The Newton step that keeps the weights at least 0, halved until the loss falls enough."""
    value, gradient, hessian = now
    damped = hessian + np.eye(len(weights)) * (DAMPING * float(np.diag(hessian).max()))
    direction = smallest(damped, gradient, -weights)
    length, trial, found = 1.0, weights, now
    for _ in range(MOST_HALVINGS):
        trial = np.maximum(weights + length * direction, 0.0)
        found = _slopes(parts, share, trial)
        if found[0] <= value + 1e-4 * float(gradient @ (trial - weights)):
            break
        length /= 2.0
    return trial, found


def _slopes(parts: Floats, share: Floats, weights: Floats) -> _Slopes:
    """The mean NLL plus the sum of the weights, its gradient (m,) and Hessian (m, m)."""
    with np.errstate(all="ignore"):
        mixed = np.einsum("m,mn->n", weights, parts)
        value = float(weights.sum()) - float((share * np.log(mixed)).sum())
        scaled = parts * (share / mixed)
        gradient = 1.0 - scaled.sum(axis=1)
        hessian = np.einsum("ln,mn->lm", scaled, parts / mixed)
    finite = math.isfinite(value) and np.isfinite(hessian).all()
    return value if finite else math.inf, gradient, hessian


def _residual(weights: Floats, gradient: Floats) -> float:
    """How far a step against the gradient could go: 0 exactly at the optimum."""
    return float(np.abs(weights - np.maximum(weights - gradient, 0.0)).max())


def _mean_nll(logs: Floats, share: Floats, weights: Floats) -> float:
    used = weights > 0
    with np.errstate(under="ignore"):
        mixed = np.logaddexp.reduce(logs[:, used] + np.log(weights[used]), axis=1)
    return -float((share * mixed).sum())
