"""Vector scaling: a weight and a bias for the logit of each class."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.maps.by_class import Penalised, look, most_evident
from calibeval.recalibrate.maps.parts import Base, parts_of
from calibeval.recalibrate.temperature.optimum import NO_BEST, Optimum, optimum, start_temperature

ROUNDED = 1e-12  # in nats: differences of the mean NLL below it are rounding


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


def fit_vector(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> Solution:
    """Weights (k,) and biases (k,), a note if one is needed, and how the search ended.

    The objective is n NLL + a |weights T - 1|^2 / 2 + b |biases|^2 / 2, where T is the best temperature: normal priors
    around temperature scaling. Their strength follows from the fitted rows: a and b maximise the evidence, in
    alternation with the weights. So the bias of a class that never occurs stays finite, many classes with few rows stay
    close to temperature scaling, and with many rows per class the priors hardly matter. The NLL is never above that of
    temperature scaling. Optimised with Newton's method from there, without random numbers.
    best: the best temperature, if it is known.
    Raises: InputError if the search fails; BadValues; Impossible.
    Source: evidence: MacKay, Neural Computation 4:415 (1992), with the Hessian's 2 x 2 blocks of each class.

    >>> (weights, biases), _, _ = fit_vector(Predictions(logits=[[1.0, 0.0], [0.0, 1.0]] * 9, labels=[0, 0] * 9), None)
    >>> biases[0] > biases[1]
    True
    """
    k = predictions.scores.shape[1]
    best = best or optimum(predictions, clip)
    beta = 1.0 / start_temperature(predictions, clip, best)
    parts = parts_of(predictions, clip, Base(beta))
    start = look(parts, np.concatenate([np.ones(k), np.zeros(k)]))
    if not (math.isfinite(start.nll) and np.isfinite(start.gradient).all()):
        raise InputError(f"{predictions.source.name}: vector scaling did not converge; rescale the logits")
    point, search = most_evident(start)
    if point.seen.nll > start.nll:
        reached = search.converged and point.seen.nll - start.nll <= ROUNDED
        point, search = Penalised(start, point.prior), replace(search, converged=reached)
    note = None if best.bound is None else NO_BEST[best.bound]
    return Solution((tuple((point.values[:k] * beta).tolist()), tuple(point.values[k:].tolist())), note, search)
