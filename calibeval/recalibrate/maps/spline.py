"""A monotone penalised spline for two classes: log-odds along a smooth curve of the scores' difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.two import of_odds
from calibeval.recalibrate.maps.binary import class_margins, start_of
from calibeval.recalibrate.maps.logistic import Minimum, logistic_loss, minimise
from calibeval.recalibrate.maps.standard import Rows
from calibeval.recalibrate.temperature.optimum import Optimum

MOST_KNOTS = 10
MOST_ROUNDS = 12
SETTLED = 0.1  # relative change of the penalty's strength
WEAKEST, STRONGEST = 1e-3, 1e6  # of the penalty, for log-odds scaled to a mean deviation of 1; the latter is a line


@dataclass(frozen=True, slots=True, repr=False)
class SplineMap(Map):
    """P(class 1) = sigmoid(f(s)); s is the logit of class 1 minus that of class 0.

    The slope of f is linear between knots, where it has the values `slopes`, and constant outside them. No slope is
    negative, so that f never falls. f is `value` at the first knot. Equal slopes are Platt scaling. A probability of 0
    stays 0 where f rises at its end; where it is flat, it becomes that of the end.
    Source: Ramsay, Statistical Science 3:425 (1988).
    """

    method: ClassVar[str] = "spline"

    knots: tuple[float, ...]
    slopes: tuple[float, ...]
    value: float

    def parameters(self) -> dict[str, Any]:
        """The knots, the slopes at them, and the value at the first."""
        return {"knots": list(self.knots), "slopes": list(self.slopes), "value": self.value}

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...]:
        """One knot at 0 with the slope 1/T."""
        del k
        return ((0.0,), (1.0 / temperature,), 0.0)

    def apply(self, z: Floats) -> Floats:
        """The mapped log-odds as two columns."""
        s = z[:, 1] - z[:, 0]
        certain = np.isinf(s)
        ends = np.where(s > 0, self.knots[-1], self.knots[0])
        rises = np.where(s > 0, self.slopes[-1], self.slopes[0]) > 0
        features = _features(np.where(certain, ends, s), np.asarray(self.knots))
        f = np.einsum("m,mb->b", np.asarray([*self.slopes, self.value]), features)
        return of_odds(np.where(certain & rises, s, f))

    def check(self) -> None:
        """Check the curve.

        Raises: InputError unless the knots ascend, and each has a slope of at least 0.
        """
        knots, slopes = np.asarray(self.knots), np.asarray(self.slopes)
        if not len(knots) or len(knots) != len(slopes):
            raise InputError(f"the map has {len(knots)} knots and {len(slopes)} slopes, but one slope a knot is needed")
        if not ((np.diff(knots) > 0).all() and (slopes >= 0).all()):
            raise InputError("the map's knots must ascend, and no slope may be negative")


def _features(s: Floats, knots: Floats) -> Floats:
    """What the slope at each knot, and the value at the first, add to f at s, (m + 1, b).

    >>> _features(np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0])).tolist()
    [[0.0, 0.75, 1.0], [0.0, 0.25, 2.0], [1.0, 1.0, 1.0]]
    """
    result = np.zeros((len(knots) + 1, len(s)))
    result[-1] = 1.0
    result[0] += np.minimum(s - knots[0], 0.0)
    for j, width in enumerate(np.diff(knots)):
        u = np.clip((s - knots[j]) / width, 0.0, 1.0)
        half = 0.5 * u * u
        result[j] += width * (u - half)
        result[j + 1] += width * half
    result[-2] += np.maximum(s - knots[-1], 0.0)
    return result


def fit_spline(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> Solution:
    """The knots, at quantiles of the fitted rows, and the slopes and value with the largest penalised likelihood.

    The penalty is the integral of the squared second derivative: it does not weigh on a line, so that the likelihood is
    never below that of Platt scaling with a slope of at least 0. Its strength follows from the fitted rows: it
    maximises the evidence, in alternation with the slopes. best: the best temperature, if it is known.
    Raises: InputError if one class has probability 0 in all rows; BadValues; Impossible.
    Source: evidence: MacKay, Neural Computation 4:415 (1992).

    >>> rng = np.random.default_rng(0)
    >>> s = rng.normal(size=2000)
    >>> labels = rng.random(2000) < 1 / (1 + np.exp(-np.where(s > 0, 3 * s, 0.2 * s)))
    >>> (knots, slopes, _), _, search = fit_spline(Predictions(logits=s, labels=labels), None)
    >>> len(knots), slopes[1] < 1 < slopes[7], search.converged
    (10, True, True)
    """
    rows = class_margins(predictions, clip, rising=True)
    middle = float(np.median(rows.s))
    scale = float(np.abs(rows.s - middle).mean()) or 1.0
    scaled = (rows.s - middle) / scale
    knots = np.unique(np.quantile(scaled, np.linspace(0.0, 1.0, max(2, min(MOST_KNOTS, len(np.unique(scaled)))))))
    slope = start_of(predictions, clip, best)
    line = minimise(
        lambda: rows.blocks(lambda s: np.stack([(s - middle) / scale, np.ones_like(s)])),
        np.array([slope * scale, slope * middle]),
        bounded=1,
    )
    rise, at_middle = line.weights.tolist()
    start = np.array([*[rise] * len(knots), at_middle + rise * float(knots[0])])
    bends = _bends(knots)

    def blocks() -> Iterable[Rows]:
        return rows.blocks(lambda s: _features((s - middle) / scale, knots))

    found, strength = minimise(blocks, start, bounded=len(knots), penalty=bends), 1.0
    steps = line.search.iterations + found.search.iterations
    for _ in range(MOST_ROUNDS):
        before, strength = strength, _strength(blocks, found, bends, strength)
        found = minimise(blocks, found.weights, bounded=len(knots), penalty=np.sqrt(strength) * bends)
        steps += found.search.iterations
        if abs(np.log(strength / before)) < SETTLED:
            break
    slopes = (found.weights[:-1] / scale).tolist()
    places = (middle + scale * knots).tolist()
    note = rows.note
    return Solution(
        (tuple(places), tuple(slopes), float(found.weights[-1])), note, replace(found.search, iterations=steps)
    )


def _bends(knots: Floats) -> Floats:
    """What slopes and value are multiplied by, (m - 1, m + 1): the squares add up to the integral of those of f''."""
    steps = np.diff(np.eye(len(knots)), axis=0) / np.sqrt(np.diff(knots))[:, None]
    return np.column_stack([steps, np.zeros(len(steps))])


def _strength(blocks: Callable[[], Iterable[Rows]], found: Minimum, bends: Floats, before: float) -> float:
    """The updated strength of the penalty: well-determined bends divided by their squares, within the limits."""
    weights = found.weights
    free = (weights > 0) | (np.arange(len(weights)) == len(weights) - 1)
    part = (bends.T @ bends)[np.ix_(free, free)]
    bent = float(np.sum((bends @ weights) ** 2))
    if free.sum() <= 2 or not bent > 0:
        return STRONGEST
    curved = logistic_loss(blocks(), weights).hessian[np.ix_(free, free)] + before * part
    rank = float(np.linalg.matrix_rank(part))
    determined = rank - before * float(np.trace(np.linalg.lstsq(curved, part, rcond=None)[0]))
    return float(min(max(max(determined, 0.0) / bent, WEAKEST), STRONGEST))
