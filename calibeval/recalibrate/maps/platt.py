"""Platt scaling of two classes: log-odds a s + b of the difference s of the two scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.maps.binary import SEPARABLE, class_margins, two_columns
from calibeval.recalibrate.maps.logistic import minimise


@dataclass(frozen=True, slots=True, repr=False)
class PlattMap(Map):
    """P(class 1) = sigmoid(slope s + intercept); s is the logit of class 1 less that of class 0.

    A temperature is the case slope = 1/T, intercept = 0. A class of probability 0 keeps it.
    Source: Platt, in Advances in Large Margin Classifiers, 1999; the maximum of the likelihood itself, by Newton.
    """

    method: ClassVar[str] = "platt"

    slope: float
    intercept: float

    def parameters(self) -> dict[str, Any]:
        """Slope and intercept."""
        return {"slope": self.slope, "intercept": self.intercept}

    def apply(self, z: Floats) -> Floats:
        """Log-odds slope s + intercept as two columns."""
        s = z[:, 1] - z[:, 0]
        scaled = self.slope * s
        return two_columns(np.where(np.isnan(scaled), 0.0, scaled) + self.intercept)


def fit_platt(predictions: Predictions, clip: float | None) -> tuple[tuple[float, float], str | None]:
    """Slope and intercept of greatest likelihood, and a note where there is something to say.

    Raises: InputError if certain rows leave no such map; BadValues; Impossible.

    >>> (slope, _), note = fit_platt(Predictions(logits=[-1.0, -1.0, 1.0, 1.0], labels=[0, 1, 1, 0]), None)
    >>> note is None, abs(slope) < 1e-9
    (True, True)
    """
    rows = class_margins(predictions, clip)
    scale = float(np.abs(rows.s).mean()) or 1.0

    def features(s: Floats) -> Floats:
        return np.stack([s / scale, np.ones_like(s)])

    weights = minimise(lambda: rows.blocks(features), np.array([scale, 0.0]), bounded=0)
    slope, intercept = float(weights[0]) / scale, float(weights[1])
    if rows.certain and not slope > 0:
        raise InputError(
            f"{predictions.source.name}: the best slope is {slope:.4g}, which turns the order of the scores round, but "
            f"{rows.certain} rows give one class probability 0. Say clip=1e-12 to raise it."
        )
    return (slope, intercept), SEPARABLE if rows.separable else None
