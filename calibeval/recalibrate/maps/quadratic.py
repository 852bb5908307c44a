"""Quadratic scaling for two classes: log-odds that are a quadratic function of the difference of the two scores."""

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
from calibeval.recalibrate.maps.binary import Margins, class_margins, start_of, targets_of_platt
from calibeval.recalibrate.maps.logistic import minimise
from calibeval.recalibrate.temperature.optimum import Optimum

ROOTS = 2  # of a quadratic function
FALLING = "the map is not monotone: among the fitted rows it falls where the logit of P(class 1) is {where}, in {rows}"


@dataclass(frozen=True, slots=True, repr=False)
class QuadraticMap(Map):
    """P(class 1) = sigmoid(quadratic t^2 + linear t + constant), t = s - (low + high) / 2.

    s is the logit of class 1 minus that of class 0, from whose middle t is measured, so that no offset costs digits.
    Platt scaling is the case quadratic = 0. The formula holds from low to high, the range of the fitted rows; outside,
    the log-odds continue along the tangent, so that a map that rises on the fitted rows rises everywhere.
    """

    method: ClassVar[str] = "quadratic"

    quadratic: float
    linear: float
    constant: float
    low: float
    high: float

    def parameters(self) -> dict[str, Any]:
        """The three coefficients and the range."""
        names = ("quadratic", "linear", "constant", "low", "high")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...]:
        """Linear, 1/T; the range does not matter."""
        del k
        return (0.0, 1.0 / temperature, 0.0, 0.0, 0.0)

    def apply(self, z: Floats) -> Floats:
        """The mapped log-odds as two columns."""
        s = z[:, 1] - z[:, 0]
        inside = np.clip(s, self.low, self.high)
        away = s - inside
        inside = inside - _middle(self.low, self.high)
        value = inside * (self.quadratic * inside + self.linear) + self.constant
        slope = 2.0 * self.quadratic * inside + self.linear
        beyond = np.where(away == 0, 0.0, slope * np.where(away == 0, 1.0, away))
        return of_odds(value + np.where(np.isnan(beyond), 0.0, beyond))

    def check(self) -> None:
        """Check the range.

        Raises: InputError if it ends before it begins.
        """
        if not self.low <= self.high:
            raise InputError(f"parameters low and high are {self.low:g} and {self.high:g}, but low must not be larger")


def fit_quadratic(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> Solution:
    """The maximum-likelihood coefficients, and a note if the map falls somewhere between the fitted rows.

    best: the best temperature, if it is known.
    Raises: InputError if rows with probability 0 rule out such a map; BadValues; Impossible.

    >>> p = Predictions(logits=[-1.0] * 4 + [0.0] * 4 + [1.0] * 4, labels=[1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0])
    >>> [round(value, 4) + 0.0 for value in fit_quadratic(p, None).values]
    [1.0986, 0.0, 0.0, -1.0, 1.0]
    """
    rows = _bounded(class_margins(predictions, clip))
    low, high = float(rows.s.min()), float(rows.s.max())
    middle, scale = _middle(low, high), high / 2.0 - low / 2.0 or 1.0

    def features(s: Floats) -> Floats:
        t = (s - middle) / scale
        return np.stack([t * t, t, np.ones_like(t)])

    slope = start_of(predictions, clip, best)
    minimum = minimise(lambda: rows.blocks(features), np.array([0.0, scale * slope, middle * slope]))
    weights = minimum.weights.tolist()
    found = weights[0] / scale / scale, weights[1] / scale, weights[2]
    ends = tuple(2.0 * found[0] * (end - middle) + found[1] for end in (low, high))
    if rows.certain and min(ends) <= 0:
        raise InputError(
            f"{predictions.source.name}: the best quadratic map falls at an end, but {rows.certain:,} rows assign "
            "probability 0 to a class. Use clip=1e-12 to raise it."
        )
    notes = [rows.note, _falling(rows, found, middle, ends)]
    return Solution((*found, low, high), "; ".join(note for note in notes if note) or None, minimum.search)


def _middle(low: float, high: float) -> float:
    return low / 2.0 + high / 2.0


def _bounded(rows: Margins) -> Margins:
    """The rows, with the targets of Platt if a quadratic function separates the labels."""
    if rows.separable or not _parted(rows.s, rows.target):
        return rows
    return rows._replace(target=targets_of_platt(rows.target, rows.weights), separable=True)


def _parted(s: Floats, y: Floats) -> bool:
    """Whether some quadratic function is never negative at labels 1, never positive at labels 0, and not always 0.

    Its roots are at values that have both labels, and between those of different labels; it has at most two.

    >>> s = np.array([0.0, 1.0, 2.0, 3.0])
    >>> _parted(s, np.array([0.0, 1.0, 1.0, 0.0])), _parted(s, np.array([0.0, 1.0, 0.0, 1.0]))
    (True, False)
    """
    values, place = np.unique(s, return_inverse=True)
    has = [np.bincount(place, weights=hit, minlength=len(values)) > 0 for hit in (y, 1.0 - y)]
    signs = has[0].astype(np.int64) - has[1]  # 0 for a value with both labels
    pure = signs[signs != 0]
    if not len(pure) or (signs == 0).sum() > ROOTS or np.count_nonzero(np.diff(pure)) > ROOTS:
        return False
    changed = np.concatenate([[True], (np.diff(signs) != 0) | (signs[1:] == 0)])
    fewest = {1: 0, -1: 0}  # roots so far, by the sign after the last value
    for sign in signs[changed].tolist():
        crossed = {now: min(fewest[now], fewest[-now] + 1) for now in fewest}
        at_value = {now: min(fewest[-now] + 1, fewest[now] + 2) for now in fewest}
        fewest = at_value if sign == 0 else {sign: crossed[sign], -sign: ROOTS + 1}
    return min(fewest.values()) <= ROOTS


def _falling(rows: Margins, found: tuple[float, ...], middle: float, ends: tuple[float, ...]) -> str | None:
    """Where the map falls between the fitted rows, and how many rows lie there; None if it rises."""
    quadratic, linear, _ = found
    if min(ends) >= 0:
        return None
    if max(ends) <= 0:
        return "the map falls on all fitted rows: a higher score means a lower probability"
    turn = middle - linear / (2.0 * quadratic)
    below = ends[0] < 0
    count = int(np.count_nonzero(rows.s < turn if below else rows.s > turn))
    where = f"{'below' if below else 'above'} {turn:.3g}"
    return FALLING.format(where=where, rows=f"{count:,} of {len(rows.s):,} rows")
