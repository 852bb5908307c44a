"""What structured maps share: they start at a temperature, mix in equal probabilities, and are never worse than it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import worth_of
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Search, Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.maps.parts import Base, Parts, parts_of, smoothed
from calibeval.recalibrate.temperature.optimum import NO_BEST, Optimum, optimum, start_temperature


@dataclass(frozen=True, slots=True, repr=False)
class Structured(Map):
    """A map of z, the logarithms of (1 - equal) softmax(logits / temperature) + equal / k."""

    temperature: float
    equal: float

    def first(self) -> dict[str, Any]:
        """The parameters of z."""
        return {"temperature": self.temperature, "equal": self.equal}

    def apply(self, z: Floats) -> Floats:
        """The mapped logits; a class of probability 0 keeps it."""
        impossible = np.isneginf(z)
        with np.errstate(all="ignore"):
            first = smoothed((z - z.max(axis=1, keepdims=True)) / self.temperature, self.equal)
        if not self.equal:
            first[impossible] = 0.0
        return np.where(impossible, -np.inf, self.scaled(first))

    def scaled(self, z: Floats) -> Floats:
        """The mapped logits (b, k) of finite z (b, k)."""
        raise NotImplementedError

    def check_first(self) -> None:
        """Check the parameters of z.

        Raises: InputError unless the temperature is positive and the share lies between 0 and 1.
        """
        if not self.temperature > 0:
            raise InputError(f'parameter "temperature" is {self.temperature:g}, but it must be positive')
        if not 0 <= self.equal < 1:
            raise InputError(f'parameter "equal" is {self.equal:g}, but it must be at least 0 and below 1')


@dataclass(frozen=True, slots=True)
class Start:
    """The temperature from which the search for a structured map starts, and the share of equal probabilities.

    bound: of the best temperature, if it is one. rows: their number, or the sum of their weights.
    """

    predictions: Predictions
    clip: float | None
    temperature: float
    bound: str | None
    rows: float

    @classmethod
    def of(cls, predictions: Predictions, clip: float | None, best: Optimum | None) -> Start:
        """The start for predictions. best: the best temperature, if it is known.

        Raises: BadValues; Impossible; InputError for scores that are too large for a temperature.
        """
        best = best or optimum(predictions, clip)
        return cls(predictions, clip, start_temperature(predictions, clip, best), best.bound, worth_of(predictions))

    @property
    def k(self) -> int:
        """The number of classes."""
        return int(self.predictions.scores.shape[1])

    @property
    def equal(self) -> float:
        """The share of equal probabilities: as if one more row had been divided between the classes."""
        return 1.0 / (self.rows + 1.0)

    def parts(self, *, classes_first: bool) -> Parts:
        """All rows, as z. Raises: BadValues; Impossible."""
        return parts_of(self.predictions, self.clip, Base(1.0 / self.temperature, self.equal, classes_first))

    def check(self, nll: float) -> None:
        """Check that the search can start.

        Raises: InputError if the NLL is not a number.
        """
        if not math.isfinite(nll):
            raise InputError(f"{self.predictions.source.name}: the search did not converge; rescale the logits")

    def solution(self, found: tuple[Any, ...], search: Search, note: str | None = None) -> Solution:
        """The map that was found. found: the parameters besides those of z. note: on the map, if one is needed."""
        if self.bound is not None:
            note = NO_BEST[self.bound] if note is None else f"{note}; {NO_BEST[self.bound]}"
        return Solution((self.temperature, self.equal, *found), note, search)
