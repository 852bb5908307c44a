"""Vector scaling: a weight and a bias for the logit of each class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import worth_of
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import BLOCK_SCORES, FEW_CLASSES, chunk_rows, label_scores, log_scores
from calibeval.recalibrate.temperature.optimum import optimum
from calibeval.recalibrate.temperature.pieces import part_of

MOST_STEPS = 500
KEPT_SCORES = 2**22  # up to this many scores (32 MiB) are kept in memory and not read again for every step
MOST_ROUNDS = 20
SETTLED = 1e-2  # in nats over all rows: the largest effect of a last change of the values
LEAST_PRECISION, MOST_PRECISION = 1.0, 1e6  # standard deviations of 1 and 0.001; the latter keeps the temperature
ENOUGH = 1e-8  # the largest entry of the gradient of the mean loss


@dataclass(frozen=True, slots=True, repr=False)
class VectorMap(Map):
    """Logits weights * z + biases; for probabilities, z is their logarithm. It may change the predicted class.

    A probability of 0 stays 0.
    Source: Guo et al., ICML 2017.
    """

    method: ClassVar[str] = "vector"

    weights: tuple[float, ...]
    biases: tuple[float, ...]

    def parameters(self) -> dict[str, Any]:
        """Weights and biases as lists."""
        return {"weights": list(self.weights), "biases": list(self.biases)}

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...]:
        """Equal weights and no biases."""
        return ((1.0 / temperature,) * k, (0.0,) * k)

    def apply(self, z: Floats) -> Floats:
        """The mapped logits."""
        return np.where(np.isneginf(z), -np.inf, np.asarray(self.weights) * z + np.asarray(self.biases))

    def check(self) -> None:
        """Check that the map has all classes.

        Raises: InputError unless there are k weights and k biases.
        """
        for name, values in (("weights", self.weights), ("biases", self.biases)):
            if len(values) != self.k:
                raise InputError(f'parameter "{name}" has {len(values)} numbers, but {self.k} are needed')


class Prior(NamedTuple):
    """Inverse variances of the weights around 1 (in units of 1/T), and of the biases around 0."""

    weights: float
    biases: float


def fit_vector(predictions: Predictions, clip: float | None) -> Solution:
    """Weights (k,) and biases (k,), and a note if one is needed.

    The objective is n NLL + a |weights T - 1|^2 / 2 + b |biases|^2 / 2, where T is the best temperature: normal priors
    around temperature scaling. Their strength follows from the fitted rows: a and b maximise the evidence, in
    alternation with the weights. So the bias of a class that never occurs stays finite, many classes with few rows stay
    close to temperature scaling, and with many rows per class the priors hardly matter. The NLL is never above that of
    temperature scaling. Optimised with L-BFGS from there, without random numbers.
    Raises: InputError if the search fails; BadValues; Impossible.
    Source: evidence: MacKay, Neural Computation 4:415 (1992), with the Hessian's 2 x 2 blocks of each class.

    >>> (weights, biases), _, _ = fit_vector(Predictions(logits=[[1.0, 0.0], [0.0, 1.0]] * 9, labels=[0, 0] * 9), None)
    >>> biases[0] > biases[1]
    True
    """
    k = predictions.scores.shape[1]
    best = optimum(predictions, clip)
    beta, rows = 1.0 / best.temperature, worth_of(predictions)
    kept = list(_parts(predictions, clip)) if predictions.n * k <= KEPT_SCORES else None

    def parts() -> Iterable[_Part]:
        return _parts(predictions, clip) if kept is None else kept

    alone = np.concatenate([np.ones(k), np.zeros(k)])
    values, prior, note = alone, Prior(float(k), float(k)), None
    curved = curvatures(parts(), beta, values)
    for _ in range(MOST_ROUNDS):
        before, scale = values, np.sqrt(np.repeat(prior, k) + curved[[0, 2]].ravel())
        values, note = penalised(parts, rows, beta, prior, before, scale)
        if not np.isfinite(values).all():
            raise InputError(f"{predictions.source.name}: vector scaling did not converge; rescale the logits")
        if float(np.sum(((values - before) * scale) ** 2)) < SETTLED:
            break
        curved = curvatures(parts(), beta, values)
        prior = likeliest(curved, prior, values)
    if best.bound is not None:
        note = f"the temperature that it starts from is a bound ({best.bound})"
    return Solution((tuple((values[:k] * beta).tolist()), tuple(values[k:].tolist())), note)


def penalised(
    parts: Callable[[], Iterable[_Part]], n: float, beta: float, prior: Prior, start: Floats, scale: Floats
) -> tuple[Floats, str | None]:
    """Weights (divided by beta) and biases, (2k,), with the smallest penalised loss; a note if it did not converge.

    Never worse than temperature scaling alone: weights 1 and biases 0. scale: (2k,), square roots of approximate second
    derivatives of n times the loss. The search is in values times scale, where all directions are about equally steep.
    """
    k = len(start) // 2
    alone = np.concatenate([np.ones(k), np.zeros(k)])
    strength, unit = np.repeat(prior, k) / n, np.sqrt(n) / scale

    def loss(scaled: Floats) -> tuple[float, Floats]:
        values = scaled * unit
        value, gradient = _mean_nll(parts(), n, values[:k] * beta, values[k:])
        gradient[:k] *= beta
        away = values - alone
        return value + float(np.sum(strength * away * away)) / 2.0, (gradient + strength * away) * unit

    options = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "gtol": ENOUGH, "ftol": 1e-15, "maxcor": 20}
    minimize: Any = import_module("scipy.optimize").minimize  # takes half a second, so only when it is needed
    with np.errstate(all="ignore"):  # enormous scores: what is not finite is refused below as not converged
        found = minimize(loss, start / unit, jac=True, method="L-BFGS-B", options=options)
        worse = found.fun > loss(alone / unit)[0]
        best = found.x * unit
    if worse:
        return alone, None
    if found.nit >= MOST_STEPS:
        return best, f"stopped after {MOST_STEPS} steps, with a slope of up to {np.abs(found.jac).max():.1e}"
    return best, None


def curvatures(parts: Iterable[_Part], beta: float, values: Floats) -> Floats:
    """Second derivatives of n times the NLL for each class, (3, k): weight twice, weight and bias, bias twice."""
    k = len(values) // 2
    result = np.zeros((3, k))
    for part in parts:
        p = _probabilities(part, values[:k] * beta, values[k:])[0]
        p *= 1.0 - p
        if part.weights is not None:
            p *= np.expand_dims(part.weights, part.axis)
        result[2] += np.add.reduce(p, axis=1 - part.axis)
        p *= part.z
        result[1] += np.add.reduce(p, axis=1 - part.axis) * beta
        result[0] += np.einsum("ij,ij->i" if part.axis == 0 else "ij,ij->j", p, part.z) * beta * beta
    return result


def likeliest(curved: Floats, prior: Prior, values: Floats) -> Prior:
    """The updated prior, from values found under another prior: well-determined values divided by their squares.

    curved: `curvatures` at the values.

    >>> likeliest(np.array([[8.0, 8.0], [0.0, 0.0], [0.0, 0.0]]), Prior(8.0, 2.0), np.array([1.5, 0.5, 0.1, -0.1]))
    Prior(weights=2.0, biases=1.0)
    """
    k = len(values) // 2
    by_weight, by_bias = curved[0] + prior.weights, curved[2] + prior.biases
    room = by_weight * by_bias - curved[1] ** 2
    weights = k - prior.weights * float((by_bias / room).sum())
    biases = k - prior.biases * float((by_weight / room).sum())
    squares = float(np.sum((values[:k] - 1.0) ** 2)), float(np.sum(values[k:] ** 2))
    return Prior(_precision(weights, squares[0]), _precision(biases, squares[1]))


def _precision(determined: float, square: float) -> float:
    """Determined values divided by their squared size, within the limits; the upper limit if both are 0."""
    precision = determined / square if square > 0 else math.inf
    return min(max(precision, LEAST_PRECISION), MOST_PRECISION) if math.isfinite(precision) else MOST_PRECISION


class _Part(NamedTuple):
    """Some rows: log-scores, (k, b) on axis 0 or (b, k) on axis 1, and the flat positions of their labels.

    masked: where a class has probability 0 (the log-score is 0 there), or None. weights: (b,), if rows differ in them.
    """

    z: Floats
    at_label: npt.NDArray[np.intp]
    axis: int
    masked: npt.NDArray[np.bool_] | None
    weights: Floats | None = None


def _parts(predictions: Predictions, clip: float | None) -> Iterator[_Part]:
    """All rows that are not ignored, in blocks.

    Raises: BadValues; Impossible.
    """
    k = predictions.scores.shape[1]
    axis, rows = 0 if k <= FEW_CLASSES else 1, max(1, BLOCK_SCORES // k)
    for block in predictions.blocks(chunk_rows(predictions)):
        for start in range(0, len(block.labels), rows):
            labels = block.labels[start : start + rows].astype(np.intp)
            part, tolerance = block.scores[start : start + rows], predictions.tolerance
            z = log_scores(part, predictions.kind, clip=clip, axis=axis, tolerance=tolerance).z
            label_scores(z, labels, axis)
            masked = np.isneginf(z) if np.isneginf(z.min()) else None
            if masked is not None:
                z[masked] = 0.0
            row = np.arange(len(labels))
            at_label = labels * len(labels) + row if axis == 0 else row * k + labels
            yield _Part(z, at_label, axis, masked, part_of(block.weights, slice(start, start + rows)))


def _probabilities(part: _Part, weights: Floats, biases: Floats) -> tuple[Floats, float]:
    """The mapped probabilities, in the layout of part.z, and the summed NLL."""
    z, at_label, axis, masked, counts = part
    w, b = (np.expand_dims(values, 1 - axis) for values in (weights, biases))
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        p = z * w
        p += b
        if masked is not None:
            p[masked] = -np.inf
        p -= np.expand_dims(np.maximum.reduce(p, axis=axis), axis)
        label = p.ravel()[at_label]
        value = -float(label.sum() if counts is None else label @ counts)
        np.exp(p, out=p)
        norm = np.add.reduce(p, axis=axis)
        value += float(np.log(norm).sum() if counts is None else np.log(norm) @ counts)
        p /= np.expand_dims(norm, axis)
    return p, value


def _mean_nll(parts: Iterable[_Part], n: float, weights: Floats, biases: Floats) -> tuple[float, Floats]:
    """The mean NLL of n rows and its gradient with respect to weights and biases, (2k,), from one pass."""
    k = len(weights)
    total, by_weight, by_bias = 0.0, np.zeros(k), np.zeros(k)
    for part in parts:
        p, value = _probabilities(part, weights, biases)
        total += value
        p.ravel()[part.at_label] -= 1.0
        if part.weights is not None:
            p *= np.expand_dims(part.weights, part.axis)
        by_bias += np.add.reduce(p, axis=1 - part.axis)
        by_weight += np.einsum("ij,ij->i" if part.axis == 0 else "ij,ij->j", p, part.z)
    return total / n, np.concatenate([by_weight, by_bias]) / n
