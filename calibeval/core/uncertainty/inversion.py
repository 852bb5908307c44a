"""A test inverted along one path of populations: the errors under which the measured value is plausible."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.uncertainty.floors import cube_root_score

Numbers = float | Floats
PointFields = tuple[Numbers, Numbers, Numbers, Numbers]  # the fields of a Point

# A root is as near as this to the true one, or relative to it; a search asks for at most so many places.
_TOLERANCE = 1e-13
_MOST_STEPS = 100
# A search begins at these shares of the way from the measured gaps to either end.
_FIRST = (0.0, 0.125, 0.25, 0.5, 1.0)
# From this z on, an upper end is never below the centre, whose score is at most a third of half the skewness.
_BEYOND_CENTRE = 0.5
# Bins of all places that are computed together: more would not fit into the cache.
_TOGETHER = 2**16


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
    allowed, and even farther from null. bins: how many move along the path.
    """

    moments: Callable[[Numbers], PointFields]
    far: float
    null: float
    bins: int

    def at(self, place: float) -> Point:
        """The point at a place."""
        return Point(*map(float, self.moments(place)))

    def along(self, places: Floats) -> list[Point]:
        """The points at many places, computed together as far as their bins fit into the cache."""
        step, points = max(1, _TOGETHER // max(self.bins, 1)), list[Point]()
        for start in range(0, len(places), step):
            fields = np.array(self.moments(places[start : start + step]), np.float64)
            points.extend(Point(*of_place) for of_place in fields.T.tolist())
        return points


_Excess = Callable[[Point], float]  # rises with the place
_Search = Generator[list[float], list[Point], float]  # asks for the points at places; returns an error


class _Tried(NamedTuple):
    """A place, the excess there, and the error of its population."""

    place: float
    excess: float
    target: float


class Ends(NamedTuple):
    """Errors on a path: lower end, the error whose expected plug-in value equals the measured one, and upper end."""

    low: float
    centre: float
    high: float


def invert(path: Path, observed: float, z: float, *, low: bool = True, centre: bool = True) -> Ends:
    """The errors on the path for which the score of the observed value is z, 0 (in the mean) and -z.

    low: whether the lower end is asked for; else it is 0. centre: the same; else the upper end stands for it.
    """
    asked: list[_Excess] = [lambda point: point.score(observed) + z]
    centre = centre or z < _BEYOND_CENTRE
    if centre:
        asked.append(lambda point: observed - point.mean)
    if low:
        asked.append(lambda point: point.score(observed) - z)
    found = _solve(path, asked)
    high, middle = found[0], found[1 if centre else 0]
    return Ends(min(found[-1], middle) if low else 0.0, middle, max(high, middle))


def centre_on(path: Path, observed: float) -> float:
    """The error on the path whose expected plug-in value is the observed one, as in `invert`."""
    return _solve(path, (lambda point: observed - point.mean,))[0]


def _solve(path: Path, excesses: Sequence[_Excess]) -> list[float]:
    """The errors where each excess is 0. Each round computes together the places that all searches ask for."""
    points: dict[float, Point] = {}
    searches = [_search(path, excess) for excess in excesses]
    asked = {number: next(search) for number, search in enumerate(searches)}
    found = [0.0] * len(searches)
    while asked:
        new = sorted({place for places in asked.values() for place in places if place not in points})
        points.update(zip(new, path.along(np.array(new)), strict=True))
        for number, places in list(asked.items()):
            try:
                asked[number] = searches[number].send([points[place] for place in places])
            except StopIteration as end:
                found[number] = end.value
                del asked[number]
    return found


def _search(path: Path, excess: _Excess) -> _Search:
    """The error where the excess is 0, or the one at the end of the path that is nearest to it."""
    places = sorted({*(share * path.far for share in _FIRST), *(share * path.null for share in _FIRST)})
    tried = [_Tried(place, excess(point), point.target) for place, point in zip(places, (yield places), strict=True)]
    if tried[-1].excess <= 0.0:
        return tried[-1].target
    while tried[0].excess > 0.0:
        if tried[0].place < 1024.0 * path.far:
            return tried[0].target
        place = 2.0 * tried[0].place
        (point,) = yield [place]
        tried.insert(0, _Tried(place, excess(point), point.target))
    after = next(number for number, one in enumerate(tried) if one.excess > 0.0)
    return (yield from _root(excess, tried[after - 1], tried[after]))


def _root(excess: _Excess, latest: _Tried, other: _Tried) -> _Search:
    """The error where the excess is 0, between two places with excesses of opposite signs.

    Source: Chandrupatla, Adv. Eng. Softw. 28:145 (1997): inverse quadratic interpolation where it is safe, else halves.
    """
    share = latest.excess / (latest.excess - other.excess)  # of the way to the other place, where the next one is
    least, best = 0.0, other
    for _ in range(_MOST_STEPS):
        inside = min(max(share, least), 1.0 - least) if math.isfinite(share) else 0.5
        place = latest.place + inside * (other.place - latest.place)
        (point,) = yield [place]
        tried = _Tried(place, excess(point), point.target)
        same_side = (tried.excess < 0.0) == (latest.excess < 0.0)
        latest, other, third = (tried, other, latest) if same_side else (tried, latest, other)
        best = min(latest, other, key=lambda one: abs(one.excess))
        least = _TOLERANCE * max(1.0, abs(best.place)) / abs(other.place - latest.place)
        share = _interpolated(latest, other, third)
        if best.excess == 0.0 or least > 0.5 or share < least:
            break
    return best.target


def _interpolated(latest: _Tried, other: _Tried, third: _Tried) -> float:
    """The share of the way from the latest place to the other one, where the quadratic through all three is 0."""
    along = (latest.place - other.place) / (third.place - other.place)
    up = (latest.excess - other.excess) / (third.excess - other.excess)
    if not (up * up < along and (1.0 - up) ** 2 < 1.0 - along):
        return 0.5
    first, second, last = latest.excess, other.excess, third.excess
    way = (third.place - latest.place) / (other.place - latest.place)
    return first / (second - first) * last / (second - last) + way * first / (last - first) * second / (last - second)
