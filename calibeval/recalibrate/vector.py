"""Vector scaling: each class's logit gets a weight and a bias of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.core.predictions import Predictions
from calibeval.recalibrate.mapping import Fitted, Map, Parameters
from calibeval.recalibrate.scores import BLOCK_SCORES, FEW_CLASSES, Floats, chunk_rows, label_scores, log_scores
from calibeval.recalibrate.temperature import optimum

MOST_STEPS = 500
KEPT_SCORES = 2**22  # so many scores are kept in memory, 32 MiB, rather than read for every step
PRIOR = 10.0  # inverse variance of each parameter about the temperature's: a standard deviation of 0.32
ENOUGH = 1e-8  # the largest entry of the gradient of the mean loss


@dataclass(frozen=True, slots=True)
class VectorMap(Map):
    """Logits weights * z + biases; on probabilities z is their logarithm. It may change the predicted class.

    A class of probability 0 keeps it.
    Source: Guo et al., ICML 2017.
    """

    method: ClassVar[str] = "vector"

    weights: tuple[float, ...]
    biases: tuple[float, ...]

    def parameters(self) -> dict[str, Any]:
        """Weights and biases as lists."""
        return {"weights": list(self.weights), "biases": list(self.biases)}

    def apply(self, z: Floats) -> Floats:
        """The new logits."""
        return np.where(np.isneginf(z), -np.inf, np.asarray(self.weights) * z + np.asarray(self.biases))

    @classmethod
    def from_parameters(
        cls,
        parameters: Parameters,
        k: int,
        class_names: tuple[str, ...] | None,
        fitted: Fitted,
        clip: float | None,
    ) -> VectorMap:
        """The map of its JSON."""
        weights, biases = (tuple(parameters.numbers(name, k).tolist()) for name in ("weights", "biases"))
        return cls(k, class_names, fitted, weights, biases, clip=clip)


def fit_vector(predictions: Predictions, clip: float | None) -> tuple[tuple[Floats, Floats], str | None]:
    """Weights (k,) and biases (k,), and a note where there is something to say.

    What is minimised is n NLL + PRIOR (|weights T - 1|^2 + |biases|^2) / 2, with T the best temperature: a normal prior
    for each parameter, centred on the temperature. It keeps a class that never occurs from a bias without end, many
    classes with few rows near the temperature, and weighs next to nothing beside many rows a class. The NLL is never
    above that of the temperature. L-BFGS from there, without random numbers.
    Raises: InputError if the search fails; BadValues; Impossible.

    >>> (weights, biases), _ = fit_vector(Predictions(logits=[[1.0, 0.0], [0.0, 1.0]] * 9, labels=[0, 0] * 9), None)
    >>> bool(biases[0] > biases[1])
    True
    """
    k = predictions.scores.shape[1]
    best = optimum(predictions, clip)
    beta = 1.0 / best.temperature

    kept = list(_parts(predictions, clip)) if predictions.n * k <= KEPT_SCORES else None

    def loss(parameters: Floats) -> tuple[float, Floats]:
        parts = _parts(predictions, clip) if kept is None else kept
        value, gradient = _mean_nll(parts, predictions.n, parameters[:k] * beta, parameters[k:])
        gradient[:k] *= beta
        away = np.concatenate([parameters[:k] - 1.0, parameters[k:]])
        share = PRIOR / predictions.n
        return value + share * float(away @ away) / 2.0, gradient + share * away

    start = np.concatenate([np.ones(k), np.zeros(k)])
    options = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "gtol": ENOUGH, "ftol": 1e-15, "maxcor": 20}
    minimize: Any = import_module("scipy.optimize").minimize  # half a second, so only when it is needed
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    if not np.isfinite(found.x).all():
        raise InputError(f"{predictions.source.name}: vector scaling found no weights; scale the logits")
    note = None if best.bound is None else f"the temperature from which it starts is a bound ({best.bound})"
    if found.nit >= MOST_STEPS:
        note = f"stopped after {MOST_STEPS} steps, with a gradient of up to {np.abs(found.jac).max():.1e}"
    return (found.x[:k] * beta, found.x[k:]), note


class _Part(NamedTuple):
    """Some rows: log-scores, (k, b) on axis 0 or (b, k) on axis 1, and where their labels lie in them when flat.

    masked: where a class is impossible, or None; the log-score is 0 there.
    """

    z: Floats
    at_label: npt.NDArray[np.intp]
    axis: int
    masked: npt.NDArray[np.bool_] | None


def _parts(predictions: Predictions, clip: float | None) -> Iterator[_Part]:
    """All rows that count, in blocks.

    Raises: BadValues; Impossible.
    """
    k = predictions.scores.shape[1]
    axis, rows = 0 if k <= FEW_CLASSES else 1, max(1, BLOCK_SCORES // k)
    for block in predictions.blocks(chunk_rows(predictions)):
        for start in range(0, len(block.labels), rows):
            labels = block.labels[start : start + rows].astype(np.intp)
            z = log_scores(block.scores[start : start + rows], predictions.kind, clip=clip, axis=axis).z
            label_scores(z, labels, axis)
            masked = np.isneginf(z) if np.isneginf(z.min()) else None
            if masked is not None:
                z[masked] = 0.0
            row = np.arange(len(labels))
            yield _Part(z, labels * len(labels) + row if axis == 0 else row * k + labels, axis, masked)


def _mean_nll(parts: Iterable[_Part], n: int, weights: Floats, biases: Floats) -> tuple[float, Floats]:
    """The mean NLL of n rows and its gradient by weights and biases, (2k,), from one pass."""
    k = len(weights)
    value, by_weight, by_bias = 0.0, np.zeros(k), np.zeros(k)
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        for z, at_label, axis, masked in parts:
            w, b = (np.expand_dims(values, 1 - axis) for values in (weights, biases))
            p = z * w
            p += b
            if masked is not None:
                p[masked] = -np.inf
            p -= np.expand_dims(np.maximum.reduce(p, axis=axis), axis)
            value -= float(p.ravel()[at_label].sum())
            np.exp(p, out=p)
            norm = np.add.reduce(p, axis=axis)
            value += float(np.log(norm).sum())
            p /= np.expand_dims(norm, axis)
            p.ravel()[at_label] -= 1.0
            by_bias += np.add.reduce(p, axis=1 - axis)
            by_weight += np.einsum("ij,ij->i" if axis == 0 else "ij,ij->j", p, z)
    return value / n, np.concatenate([by_weight, by_bias]) / n
