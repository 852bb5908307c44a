"""Structured vector scaling: a weight and a bias for the logarithm of each class's probability, penalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Solution
from calibeval.recalibrate.maps.by_class import Penalised, Prior, at_prior, look
from calibeval.recalibrate.maps.newton import descend
from calibeval.recalibrate.maps.structured import Start, Structured
from calibeval.recalibrate.temperature.optimum import Optimum


@dataclass(frozen=True, slots=True, repr=False)
class SvsMap(Structured):
    """Logits weights * z + biases, where z are the logarithms of the probabilities at a temperature.

    The probabilities are first mixed with a small share of equal ones. A probability of 0 stays 0. The map may change
    the predicted class.
    Source: Berta, Holzmüller, Jordan & Bach, AISTATS 2026.
    """

    method: ClassVar[str] = "svs"

    weights: tuple[float, ...]
    biases: tuple[float, ...]

    def parameters(self) -> dict[str, Any]:
        """The temperature, the share of equal probabilities, weights and biases."""
        return {**self.first(), "weights": list(self.weights), "biases": list(self.biases)}

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...]:
        """No equal probabilities, weights of 1 and no biases."""
        return (temperature, 0.0, (1.0,) * k, (0.0,) * k)

    def scaled(self, z: Floats) -> Floats:
        """The mapped logits."""
        return np.asarray(np.asarray(self.weights) * z + np.asarray(self.biases))

    def check(self) -> None:
        """Check the parameters.

        Raises: InputError unless there are a temperature, a share, k weights and k biases.
        """
        self.check_first()
        for name, values in (("weights", self.weights), ("biases", self.biases)):
            if len(values) != self.k:
                raise InputError(f'parameter "{name}" has {len(values)} numbers, but {self.k} are needed')


def fit_svs(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> Solution:
    """The temperature, the share of equal probabilities, weights (k,) and biases (k,), and how the search ended.

    Minimises the mean NLL plus (k / n) (|weights - 1|^2 + |biases|^2) for k classes and n rows. best: the best
    temperature, if it is known.
    Raises: InputError if the scores are too large for it; BadValues; Impossible.
    Source: Berta, Holzmüller, Jordan & Bach, AISTATS 2026.

    >>> p = Predictions(logits=[[1.0, 0.0], [0.0, 1.0]] * 9, labels=[0, 0] * 9)
    >>> (temperature, equal, weights, biases), note, search = fit_svs(p, None)
    >>> biases[0] > biases[1], search.converged
    (True, True)
    """
    start = Start.of(predictions, clip, best)
    k = start.k
    prior = Prior(2.0 * k, 2.0 * k)
    first = look(start.parts(classes_first=False), np.concatenate([np.ones(k), np.zeros(k)]))
    start.check(first.nll)
    point, search = descend(at_prior(first.parts, prior), Penalised(first, prior))
    return start.solution((tuple(point.values[:k].tolist()), tuple(point.values[k:].tolist())), search)
