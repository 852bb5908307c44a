"""Isotonic regression out of fold: every row gets the value of a curve that was fitted on the rows of other folds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.uncertainty.isotonic import inside, isotonic

# More rows are fitted in CELLS of neighbouring rows, about equally many in each.
EXACT, CELLS = 2**20, 4096

Flags = npt.NDArray[np.bool_]
Folds = npt.NDArray[np.integer[Any]]


class OutOfFold(NamedTuple):
    """The share of hits that the curves of the other folds give for every row, (n,), in (0, 1).

    parts: the mean number of constant parts of a curve, which are its degrees of freedom. Source: Meyer & Woodroofe,
    Annals of Statistics 28:1083 (2000).
    """

    level: Floats
    parts: float


def out_of_fold(x: Floats, hit: Flags, folds: Folds, count: int, k: int, weights: Floats | None = None) -> OutOfFold:
    """What the curves of the other folds give for every row.

    A curve is linear between the ends of its constant parts, and constant outside. Where it is 0 or 1, its value is as
    if one more row had been shared between k classes. Equal x have equal values in a fold.
    x, hit, folds: (n,). count: number of folds, of which none holds all rows. weights: (n,), as numbers of rows.
    Source: Zadrozny & Elkan, KDD 2002.

    >>> x, hit = np.array([0.2, 0.2, 0.8, 0.8]), np.array([False, False, True, True])
    >>> out_of_fold(x, hit, np.array([0, 1, 0, 1]), 2, 2).level.tolist()
    [0.25, 0.25, 0.75, 0.75]
    """
    order = np.argsort(x)  # the order of equal x does not matter
    x, hit, folds = x[order], hit[order], folds[order]
    parts = _Parts.of(x, hit, folds, count, None if weights is None else weights[order])
    result, constant = np.empty(len(x)), 0
    for fold in range(count):
        others = np.flatnonzero(folds != fold)
        held = np.flatnonzero(folds == fold)
        points, values = parts.curve(fold, x, others, k)
        result[order[held]] = np.interp(x[held], points, values)
        constant += 1 + int(np.count_nonzero(np.diff(values)))
    return OutOfFold(result, constant / count)


class _Parts(NamedTuple):
    """Neighbouring rows that no curve divides: first places (p,), and rows and hits in each fold, (count, p).

    whole: whether these are numbers of rows; else they are sums of weights.
    """

    starts: Indices
    size: Floats
    hits: Floats
    whole: bool

    @classmethod
    def of(cls, x: Floats, hit: Flags, folds: Folds, count: int, weights: Floats | None) -> _Parts:
        """The parts of rows in ascending order of x."""
        divided = _may_rise(x, hit) if len(x) <= EXACT else _cell_starts(x)
        part = np.cumsum(divided) - 1
        place, cells = part * count + folds, count * (int(part[-1]) + 1)
        size = np.bincount(place, weights=weights, minlength=cells)
        hits = np.bincount(place[hit], weights=None if weights is None else weights[hit], minlength=cells)
        rows, right = (np.ascontiguousarray(one.reshape(-1, count).T, np.float64) for one in (size, hits))
        return cls(np.flatnonzero(divided), rows, right, whole=weights is None)

    def curve(self, fold: int, x: Floats, others: Indices, k: int) -> tuple[Floats, Floats]:
        """The points of the curve that is fitted on the rows of the other folds, which are at these places."""
        size, hits = (_others(one, fold, whole=self.whole) for one in (self.size, self.hits))
        there = np.flatnonzero(size > 0.0)
        size, starts = size[there], self.starts[there]
        level = isotonic(np.clip(hits[there] / size, 0.0, 1.0), size)
        first = np.flatnonzero(np.diff(level, prepend=-1.0) > 0.0)
        begins = np.searchsorted(others, starts[first])
        ends = np.append(begins[1:], len(others)) - 1
        points = np.stack([x[others[begins]], x[others[ends]]], axis=1).ravel()
        kept = np.append(True, np.diff(points) > 0.0)
        return points[kept], np.repeat(inside(level[first], np.add.reduceat(size, first), k), 2)[kept]


def _others(values: Floats, fold: int, *, whole: bool) -> Floats:
    """The sums over the other folds. whole: whether values are whole numbers, of which differences are exact.

    Of others, the size and the hits of a part without misses must be equal, so they are added up.
    """
    if whole:
        return np.asarray(np.add.reduce(values) - values[fold])
    return np.asarray(np.add.reduce(np.delete(values, fold, axis=0)))


def _may_rise(x: Floats, hit: Flags) -> Flags:
    """Whether a curve of some of these rows may rise before a row: not after a single hit, or before a single miss.

    Within a constant part, the share of hits of the first rows is at least that of all, and of the last rows at most.
    """
    apart = np.append(True, x[1:] > x[:-1])
    single = apart & np.append(apart[1:], True)
    apart[1:] &= ~(single[:-1] & hit[:-1]) & ~(single[1:] & ~hit[1:])
    return apart


def _cell_starts(x: Floats) -> Flags:
    """Whether a row is the first of its cell; equal x are in one cell."""
    n = len(x)
    starts = np.flatnonzero(np.append(True, x[1:] > x[:-1]))
    found = np.zeros(n, bool)
    found[starts[np.diff(starts * CELLS // n, prepend=-1) > 0]] = True
    return found
