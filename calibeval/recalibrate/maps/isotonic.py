"""Isotonic regression: of P(class 1) for two classes, of each class against the rest for more."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.records import to_plain
from calibeval.core.data.weighted import row_weights
from calibeval.core.errors import InputError
from calibeval.core.uncertainty.isotonic import inside
from calibeval.recalibrate.base.facts import Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import chunk_rows, label_scores, log_scores, log_softmax

GROUP_SCORES = 2**22  # number of probabilities (of some classes) held at a time


@dataclass(frozen=True, slots=True)
class Curve:
    """A piecewise linear curve through points (x, y): x strictly ascending, y ascending and in (0, 1)."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True, repr=False)
class IsotonicMap(Map):
    """The probability of each class mapped by a monotone curve, then divided by the sum over the classes.

    Two classes have one curve, of P(class 1); more classes have one each. Between its points a curve is linear, outside
    them constant. The map may change the predicted class. A curve is never 0 or 1 (see `fit_isotonic`), so even a class
    of probability 0 gets a small one.
    Source: Zadrozny & Elkan, KDD 2002.
    """

    method: ClassVar[str] = "isotonic"

    curves: tuple[Curve, ...]

    def parameters(self) -> dict[str, Any]:
        """The points of every curve."""
        return {"curves": [to_plain(curve) for curve in self.curves]}

    def apply(self, z: Floats) -> Floats:
        """Logarithms of the mapped probabilities."""
        p = np.exp(log_softmax(z))
        if len(self.curves) == 1:
            one = _on_curve(p[:, 1], self.curves[0])
            return np.log(np.stack([1.0 - one, one], axis=1))
        mapped = np.stack([_on_curve(p[:, i], curve) for i, curve in enumerate(self.curves)], axis=1)
        return np.asarray(np.log(mapped / mapped.sum(axis=1, keepdims=True)))

    def check(self) -> None:
        """Check the curves.

        Raises: InputError unless each class has one (two classes share one) with points, ascending and in (0, 1).
        """
        needed = 1 if self.k in (2, None) or self.top_label_only else self.k
        if len(self.curves) != needed:
            raise InputError(f"the map has {len(self.curves)} curves, but {self.k} classes need {needed}")
        for number, curve in enumerate(self.curves):
            _check_curve(curve, number)


def _on_curve(p: Floats, curve: Curve) -> Floats:
    """Interpolated values; between points so close that numpy's slope overflows, the value of the left point."""
    found = np.interp(p, curve.x, curve.y)
    odd = np.flatnonzero(~np.isfinite(found))
    if len(odd):
        at_or_left = np.searchsorted(np.asarray(curve.x), p[odd], side="right") - 1
        found[odd] = np.asarray(curve.y)[np.maximum(at_or_left, 0)]
    return found


def _check_curve(curve: Curve, number: int) -> None:
    x, y = np.asarray(curve.x, np.float64), np.asarray(curve.y, np.float64)
    if not len(x) or len(x) != len(y):
        raise InputError(f"curve {number} has {len(x)} x and {len(y)} y, but one y for each x is needed")
    if not ((x[1:] > x[:-1]).all() and (y[1:] >= y[:-1]).all() and y[0] > 0 and y[-1] < 1):
        raise InputError(f"curve {number} must have ascending x, and ascending y between 0 and 1")


def fit_isotonic(predictions: Predictions, clip: float | None) -> Solution:
    """The least-squares monotone curves.

    Rows on which the best curve is 0 or 1 do not prove certainty: with m such rows, the value is (1/k) / (m + 1), or (m
    + 1/k) / (m + 1), as if one more row had been shared between the k classes. So no class ever gets probability 0, no
    row loses all its classes, and a class without rows keeps a small probability. Equal probabilities get equal values.
    Otherwise this is standard isotonic regression. Memory: the probabilities of some classes at a time, up to 32 MiB,
    or of one class.
    Raises: BadValues; Impossible.

    >>> ((curve,),), _, _ = fit_isotonic(Predictions(probs=[0.1, 0.6, 0.7, 0.9], labels=[0, 1, 0, 1]), None)
    >>> np.round(curve.x, 6).tolist(), curve.y
    ([0.1, 0.6, 0.7, 0.9], (0.25, 0.5, 0.5, 0.75))
    """
    k = predictions.scores.shape[1]
    wanted = [1] if k == 2 else range(k)
    curves = []
    labels = np.concatenate([block.labels for block in predictions.blocks(chunk_rows(predictions))])
    weights = row_weights(predictions)
    group = max(1, GROUP_SCORES // max(1, len(labels)))
    for start in range(0, len(wanted), group):
        columns = list(wanted[start : start + group])
        p = _probabilities(predictions, clip, columns)
        curves += [_fit_curve(p[i], labels == column, k, weights) for i, column in enumerate(columns)]
    return Solution((tuple(curves),))


def _probabilities(predictions: Predictions, clip: float | None, columns: list[int]) -> Floats:
    """The probabilities of some classes, (len(columns), n)."""
    p, start = np.empty((len(columns), predictions.n)), 0
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_scores(block.scores, predictions.kind, clip=clip, tolerance=predictions.tolerance).z
        label_scores(z, block.labels)
        stop = start + len(block.labels)
        p[:, start:stop] = np.exp(log_softmax(z)[:, columns].T)
        start = stop
    return p


def _fit_curve(p: Floats, hit: np.ndarray, k: int, weights: Floats | None) -> Curve:
    """The monotone curve of the frequency of hits over p, through both ends of each constant run."""
    values, place = np.unique(p, return_inverse=True)
    count = np.bincount(place, weights=weights).astype(np.float64)
    hits = np.bincount(place, weights=hit.astype(np.float64) if weights is None else hit * weights)
    hits = np.minimum(hits, count)
    isotonic_regression: Any = import_module("scipy.optimize").isotonic_regression
    result = isotonic_regression(hits / count, weights=count)
    first, last = result.blocks[:-1], result.blocks[1:] - 1
    rows = np.add.reduceat(count, first)
    level = np.add.reduceat(hits, first) / rows
    level = inside(level, rows, k)
    x = np.stack([values[first], values[last]], axis=1).ravel()
    y = np.repeat(level, 2)
    keep = np.concatenate([[True], np.diff(x) > 0])
    return Curve(tuple(x[keep].tolist()), tuple(y[keep].tolist()))
