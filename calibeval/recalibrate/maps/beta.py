"""Beta calibration for two classes: log-odds a log(p) - b log(1 - p) + c of p = P(class 1)."""

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

ROUNDED = 2.0**-53  # 1 - p below it is none in float64


@dataclass(frozen=True, slots=True, repr=False)
class BetaMap(Map):
    """P(class 1) = sigmoid(a log(p) - b log(1 - p) + c) with a, b >= 0, so that the order of the rows stays.

    a = b = 1, c = 0 changes nothing; a = b is Platt scaling. A probability of 0 stays 0.
    Source: Kull, Silva Filho & Flach, AISTATS 2017.
    """

    method: ClassVar[str] = "beta"

    a: float
    b: float
    c: float

    def parameters(self) -> dict[str, Any]:
        """The three numbers."""
        return {"a": self.a, "b": self.b, "c": self.c}

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...]:
        """Equal a and b."""
        del k
        return (1.0 / temperature, 1.0 / temperature, 0.0)

    def apply(self, z: Floats) -> Floats:
        """The mapped log-odds as two columns."""
        s = z[:, 1] - z[:, 0]
        log_p, log_q = log_probabilities(s)
        # As log(p) - log(1 - p) = s, the common part of a and b needs no difference of large numbers.
        common, more = min(self.a, self.b), self.a - self.b
        both = common * s if common > 0 else np.zeros_like(s)
        one = more * (log_p if more > 0 else log_q) if more else 0.0
        return of_odds(both + one + self.c)

    def check(self) -> None:
        """Check that the map keeps the order of the rows.

        Raises: InputError if a or b is negative.
        """
        if self.a < 0 or self.b < 0:
            raise InputError(f"parameters a and b are {self.a:g} and {self.b:g}, but neither may be negative")


def log_probabilities(s: Floats) -> tuple[Floats, Floats]:
    """The logarithms of p = 1 / (1 + exp(-s)) and of 1 - p; that of a number that rounds to 1 is 0.

    >>> [values.tolist() for values in log_probabilities(np.array([-np.inf, 40.0]))]
    [[-inf, 0.0], [0.0, -40.0]]
    """
    with np.errstate(under="ignore"):
        rest = np.exp(-np.abs(s))
    rest = np.where(rest < ROUNDED, 0.0, np.log1p(rest))
    return np.minimum(s, 0.0) - rest, 0.0 - np.maximum(s, 0.0) - rest


def fit_beta(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> Solution:
    """The maximum-likelihood a, b and c, and a note if one is needed.

    best: the best temperature, if it is known.
    Raises: InputError if rows with probability 0 rule out such a map; BadValues; Impossible.

    >>> (a, b, _), note, _ = fit_beta(Predictions(probs=[0.2, 0.3, 0.8, 0.9], labels=[0, 1, 0, 1]), None)
    >>> a >= 0, b >= 0, note
    (True, True, None)
    """
    rows = class_margins(predictions, clip, rising=True)

    def features(s: Floats) -> Floats:
        log_p, log_q = log_probabilities(s)
        return np.stack([log_p, -log_q, np.ones_like(s)])

    start = start_of(predictions, clip, best)
    found = minimise(lambda: rows.blocks(features), np.array([start, start, 0.0]), bounded=2)
    a, b, c = found.weights.tolist()
    if rows.certain and not (a > 0 and b > 0):
        raise InputError(
            f"{predictions.source.name}: the best map has a = {a:.4g} and b = {b:.4g}, but {rows.certain:,} rows "
            "assign probability 0 to a class, so both must be positive. Use clip=1e-12 to raise it."
        )
    return Solution((a, b, c), rows.note, found.search)
