"""Platt scaling for two classes: log-odds a s + b, where s is the difference of the two scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.two import of_odds
from calibeval.recalibrate.maps.binary import class_margins, start_of
from calibeval.recalibrate.maps.logistic import minimise
from calibeval.recalibrate.temperature.optimum import Optimum


@dataclass(frozen=True, slots=True, repr=False)
class PlattMap(Map):
    """P(class 1) = sigmoid(slope s + intercept); s is the logit of class 1 minus that of class 0.

    Temperature scaling is the case slope = 1/T, intercept = 0. A probability of 0 stays 0.
    Source: Platt, in Advances in Large Margin Classifiers, 1999; fitted by maximum likelihood with Newton's method.
    """

    method: ClassVar[str] = "platt"

    slope: float
    intercept: float

    def parameters(self) -> dict[str, Any]:
        """Slope and intercept."""
        return {"slope": self.slope, "intercept": self.intercept}

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...]:
        """Slope 1/T and no intercept."""
        del k
        return (1.0 / temperature, 0.0)

    def apply(self, z: Floats) -> Floats:
        """Log-odds slope s + intercept as two columns."""
        s = z[:, 1] - z[:, 0]
        scaled = self.slope * s
        return of_odds(np.where(np.isnan(scaled), 0.0, scaled) + self.intercept)


def fit_platt(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> Solution:
    """The maximum-likelihood slope and intercept, and a note if one is needed.

    best: the best temperature, if it is known.
    Raises: InputError if rows with probability 0 rule out such a map; BadValues; Impossible.

    >>> (slope, _), note, _ = fit_platt(Predictions(logits=[-1.0, -1.0, 1.0, 1.0], labels=[0, 1, 1, 0]), None)
    >>> note is None, abs(slope) < 1e-9
    (True, True)
    """
    rows = class_margins(predictions, clip)

    def features(s: Floats) -> Floats:
        return np.stack([s, np.ones_like(s)])

    found = minimise(lambda: rows.blocks(features), np.array([start_of(predictions, clip, best), 0.0]))
    slope, intercept = found.weights.tolist()
    if rows.certain and not slope > 0:
        raise InputError(
            f"{predictions.source.name}: the best slope is {slope:.4g}, which reverses the order of the scores, but "
            f"{rows.certain:,} rows assign probability 0 to a class. Use clip=1e-12 to raise it."
        )
    return Solution((slope, intercept), rows.note, found.search)
