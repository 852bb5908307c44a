"""The NLL of logits with a weight and a bias for each class: its derivatives, and normal priors on both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.softmax import fused_softmax
from calibeval.recalibrate.base.facts import Search
from calibeval.recalibrate.maps.newton import descend, lower, newton_step
from calibeval.recalibrate.maps.parts import Part, Parts, column, products, softmax_, summed, sums

MOST_UPDATES = 100  # of a prior, for one set of derivatives; and steps with such updates
SETTLED = 1e-3  # the largest relative change of a prior that no longer matters
SHORT = 1e-2  # in nats over all rows: what a step gains near the optimum
LOOSE = 0.1  # tolerance of steps while the prior still changes
LEAST_PRECISION, MOST_PRECISION = 1.0, 1e6  # standard deviations of 1 and 0.001; the latter keeps the temperature


class Prior(NamedTuple):
    """Inverse variances of the weights around 1, and of the biases around 0."""

    weights: float
    biases: float


class Bends(NamedTuple):
    """Second derivatives of the summed NLL for each class: weight twice, weight and bias, bias twice; each (k,)."""

    weight: Floats
    both: Floats
    bias: Floats

    def solve(self, prior: Prior, vector: Floats) -> Floats:
        """The solution for a vector (2k,), from the 2 x 2 blocks of each class and a prior."""
        k = len(self.weight)
        a, b, c = self.weight + prior.weights, self.both, self.bias + prior.biases
        room = a * c - b * b
        x, y = vector[:k], vector[k:]
        return np.concatenate([(c * x - b * y) / room, (a * y - b * x) / room])


@dataclass(frozen=True, slots=True)
class Look:
    """The summed NLL at some weights and biases, (2k,), its gradient, and what its second derivatives need.

    bends: of each class. means: the same sums over rows of p z z, p z and p, without those of products of p. kept: the
    probabilities of each part; None if they are computed again.
    """

    parts: Parts
    values: Floats
    nll: float
    gradient: Floats
    bends: Bends
    means: Bends
    kept: tuple[Floats, ...] | None

    def times(self, vector: Floats) -> Floats:
        """The Hessian times a vector (2k,)."""
        k = len(vector) // 2
        by_weight, by_bias = vector[:k], vector[k:]
        first = self.means.weight * by_weight + self.means.both * by_bias
        second = self.means.both * by_weight + self.means.bias * by_bias
        for part, p in self._shares():
            over, back = ("ij,i->j", "ij,j->i") if part.axis == 0 else ("ij,j->i", "ij,i->j")
            q = p * part.z
            row = np.einsum(over, q, by_weight) + np.einsum(over, p, by_bias)
            if part.weights is not None:
                row *= part.weights
            first -= np.einsum(back, q, row)
            second -= np.einsum(back, p, row)
        return np.concatenate([first, second])

    def _shares(self) -> Iterable[tuple[Part, Floats]]:
        if self.kept is not None:
            return zip(self.parts, self.kept, strict=True)
        return ((part, probabilities(part, self.values)[0]) for part in self.parts)


def probabilities(part: Part, values: Floats) -> tuple[Floats, float]:
    """The mapped probabilities, in the layout of part.z, and the summed NLL."""
    k, axis = len(values) // 2, part.axis
    if part.masked is None:
        p = np.empty(part.z.shape)
        each = fused_softmax(part.z, part.labels, axis, p, values[:k], values[k:])
        if each is not None:
            return p, summed(each, part)
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        scores = part.z * column(values[:k], axis)
        scores += column(values[k:], axis)
        return softmax_(scores, part)


def look(parts: Parts, values: Floats) -> Look:
    """The NLL at some values, from one pass. The probabilities are kept if the rows are."""
    k, keep = len(values) // 2, parts.kept is not None
    nll, kept, means, squares, seen = 0.0, [], np.zeros((3, k)), np.zeros((3, k)), np.zeros((2, k))
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        for part in parts:
            p, own = probabilities(part, values)
            nll += own
            q = p * part.z
            wp, wq = p, q
            if part.weights is not None:
                counts = np.expand_dims(part.weights, part.axis)
                wp, wq = p * counts, q * counts
            means += [products(wq, part.z, part), sums(wq, part), sums(wp, part)]
            squares += [products(wq, q, part), products(wq, p, part), products(wp, p, part)]
            label = part.z.ravel()[part.at_label]
            seen[0] += np.bincount(part.labels, _times(label, part.weights), k)
            seen[1] += np.bincount(part.labels, part.weights, k)
            if keep:
                kept.append(p)
        gradient = np.concatenate([means[1] - seen[0], means[2] - seen[1]])
        bends = Bends(*(means - squares))
    return Look(parts, values, nll, gradient, bends, Bends(*means), tuple(kept) if keep else None)


def _times(values: Floats, weights: Floats | None) -> Floats:
    return values if weights is None else values * weights


@dataclass(frozen=True, slots=True)
class Penalised:
    """The NLL under a prior; a `Point` of Newton's method.

    The same number added to all biases changes nothing but their prior, so that it is 0 at the optimum: no step changes
    their sum.
    """

    seen: Look
    prior: Prior

    @property
    def values(self) -> Floats:
        """Weights and biases, (2k,)."""
        return self.seen.values

    @property
    def away(self) -> Floats:
        """Their distances from 1 and 0."""
        k = len(self.values) // 2
        return np.concatenate([self.values[:k] - 1.0, self.values[k:]])

    @property
    def strength(self) -> Floats:
        """The inverse variance of each value."""
        return np.repeat(self.prior, len(self.values) // 2)

    @property
    def loss(self) -> float:
        """The summed NLL and half of the squared distances, times the inverse variances."""
        return self.seen.nll + float(np.sum(self.strength * self.away**2)) / 2.0

    @property
    def gradient(self) -> Floats:
        """The gradient of the loss."""
        return self.seen.gradient + self.strength * self.away

    @property
    def steepness(self) -> float:
        """The largest entry of the gradient of the mean loss; of a weight, for the scores where its class is likely."""
        k, means, rows = len(self.values) // 2, self.seen.means, float(self.seen.means.bias.sum())
        typical = np.maximum(means.weight / np.maximum(means.bias, np.finfo(np.float64).tiny), 1.0)
        return float((np.abs(self.gradient) / np.concatenate([np.sqrt(typical), np.ones(k)])).max()) / rows

    def times(self, direction: Floats) -> Floats:
        """The Hessian of the loss times a vector."""
        return self.seen.times(direction) + self.strength * direction

    def solve(self, direction: Floats) -> Floats:
        """The solution that looks at one class at a time, without a change of the sum of the biases."""
        return _level(self.seen.bends.solve(self.prior, _level(direction)))


def _level(vector: Floats) -> Floats:
    k = len(vector) // 2
    return np.concatenate([vector[:k], vector[k:] - vector[k:].mean()])


def likeliest(bends: Bends, prior: Prior, values: Floats) -> Prior:
    """The updated prior, from values found under another prior: well-determined values divided by their squares.

    bends: at the values.

    >>> bends = Bends(*np.array([[8.0, 8.0], [0.0, 0.0], [0.0, 0.0]]))
    >>> likeliest(bends, Prior(8.0, 2.0), np.array([1.5, 0.5, 0.1, -0.1]))
    Prior(weights=2.0, biases=1.0)
    """
    k = len(values) // 2
    by_weight, by_bias = bends.weight + prior.weights, bends.bias + prior.biases
    room = by_weight * by_bias - bends.both**2
    weights = k - prior.weights * float((by_bias / room).sum())
    biases = k - prior.biases * float((by_weight / room).sum())
    squares = float(np.sum((values[:k] - 1.0) ** 2)), float(np.sum(values[k:] ** 2))
    return Prior(_precision(weights, squares[0]), _precision(biases, squares[1]))


def settled(seen: Look, prior: Prior) -> tuple[Prior, bool]:
    """The prior that is likeliest for the values that it leads to, and whether it is about the given one.

    The values are those of the quadratic with the derivatives of each class, so that no pass over the rows is needed.
    """
    first = prior
    for _ in range(MOST_UPDATES):
        step = seen.bends.solve(prior, Penalised(seen, prior).gradient)
        before, prior = prior, likeliest(seen.bends, prior, seen.values - step)
        if _apart(before, prior) <= SETTLED:
            break
    return prior, _apart(first, prior) <= SETTLED


def _apart(one: Prior, other: Prior) -> float:
    return max(abs(math.log(a / b)) for a, b in zip(one, other, strict=True))


def _precision(determined: float, square: float) -> float:
    """Determined values divided by their squared size, within the limits; the upper limit if both are 0."""
    precision = determined / square if square > 0 else math.inf
    return min(max(precision, LEAST_PRECISION), MOST_PRECISION) if math.isfinite(precision) else MOST_PRECISION


def most_evident(start: Look) -> tuple[Penalised, Search]:
    """The optimum under the prior that is likeliest there, and how the search ended."""
    k, steps, settling = len(start.values) // 2, 0, True
    point = Penalised(start, Prior(float(k), float(k)))
    while settling and steps < MOST_UPDATES:
        prior, same = settled(point.seen, point.prior)
        before = Penalised(point.seen, prior)
        found = lower(at_prior(start.parts, prior), before, newton_step(before, LOOSE))
        point, steps = found or before, steps + 1
        settling = found is not None and not (same and before.loss - point.loss <= SHORT)
    point, search = descend(at_prior(start.parts, point.prior), point)
    return point, replace(search, iterations=search.iterations + steps)


def at_prior(parts: Parts, prior: Prior) -> Callable[[Floats], Penalised]:
    """A function of the values that looks at all rows."""
    return lambda values: Penalised(look(parts, values), prior)
