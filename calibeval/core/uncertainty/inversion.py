"""A test inverted along one path of populations: the errors under which the measured value is plausible."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.uncertainty.floors import cube_root_score

Numbers = float | Floats
PointFields = tuple[Numbers, Numbers, Numbers, Numbers]  # the fields of a Point


class Point(NamedTuple):
    """A population on the path: its calibration error `target`, and the first moments of its plug-in value."""

    target: float
    mean: float
    variance: float
    third: float

    def score(self, observed: float) -> float:
        """The standard normal score of the observed plug-in value, from Wilson and Hilferty's cube root."""
        if self.variance <= 1e-200:
            return 0.0 if observed == self.mean else math.copysign(math.inf, observed - self.mean)
        return cube_root_score((observed - self.mean) / math.sqrt(self.variance), self.half_skew)

    @property
    def half_skew(self) -> float:
        """Half of the skewness of the plug-in value, between 0 and 1."""
        if self.variance <= 1e-200:
            return 0.0
        return min(max(0.5 * self.third / (self.variance * math.sqrt(self.variance)), 0.0), 1.0)


class Path(NamedTuple):
    """A curve of populations; from `far` to `null` the error falls to 0.

    moments: gives the fields of the point at a place, or at several places. far is negative; places beyond it are
    allowed, and even farther from null.
    """

    moments: Callable[[Numbers], PointFields]
    far: float
    null: float

    def at(self, place: float) -> Point:
        """The point at a place."""
        return Point(*map(float, self.moments(place)))

    def along(self, places: Floats) -> list[Point]:
        """The points at many places, computed together."""
        fields = np.array(self.moments(places), np.float64)
        return [Point(*of_place) for of_place in fields.T.tolist()]


class Ends(NamedTuple):
    """Errors on a path: lower end, the error whose expected plug-in value equals the measured one, and upper end."""

    low: float
    centre: float
    high: float


def invert(path: Path, observed: float, z: float) -> Ends:
    """The errors on the path for which the score of the observed value is z, 0 (in the mean) and -z."""
    at = functools.cache(path.at)
    low = _solve(path, at, lambda point: point.score(observed) - z)
    centre = _solve(path, at, lambda point: observed - point.mean)
    high = _solve(path, at, lambda point: point.score(observed) + z)
    return Ends(min(low, centre), centre, max(high, centre))


def centre_on(path: Path, observed: float) -> float:
    """The error on the path whose expected plug-in value is the observed one, as in `invert`."""
    return _solve(path, functools.cache(path.at), lambda point: observed - point.mean)


def _solve(path: Path, at: Callable[[float], Point], excess: Callable[[Point], float]) -> float:
    """The error where the excess is 0; at: gives the point at a place."""
    if excess(at(path.null)) <= 0.0:
        return at(path.null).target
    far = path.far
    while excess(at(far)) > 0.0:
        if far < 1024.0 * path.far:
            return at(far).target
        far *= 2.0
    return at(_root(lambda place: excess(at(place)), far, path.null)).target


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of a function that is negative at low and positive at high: false position, Illinois variant."""
    at_low, at_high, side = function(low), function(high), 0
    for _ in range(100):
        middle = high - at_high * (high - low) / (at_high - at_low)
        if not low < middle < high or not math.isfinite(middle):
            middle = 0.5 * (low + high)
        value = function(middle)
        if value == 0.0 or high - low <= 1e-13 * max(1.0, abs(middle)):
            return middle
        if value < 0.0:
            low, at_low = middle, value
            at_high = 0.5 * at_high if side < 0 else at_high
            side = -1
        else:
            high, at_high = middle, value
            at_low = 0.5 * at_low if side > 0 else at_low
            side = 1
    return 0.5 * (low + high)
