"""The temperature with the smallest NLL of a sample of rows, and what its standard error is estimated from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.notices import NotComputable, Notice
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.excess import excess_of
from calibeval.core.sums.lines import quiet_lines, row_sums
from calibeval.core.sums.root import Root, find_root
from calibeval.core.sums.sample import Sample

# The search starts on every STARTING-th row of a sample with more than MANY scores. A last step of CLOSE leaves an
# error of the order of its cube; on a large sample, NEAR is enough.
MANY, STARTING = 2**19, 16
CLOSE, NEAR, ROUGH = 1e-4, 5e-3, 3e-2
LARGE = 5.0  # log T, above which it is first asked whether there is an optimum at all
NO_SLOPE = 1e-9
FEW_ERRORS = 30  # below, the error of the optimum is not normal
STEPS = (-8.0, -6.0, -4.0, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)

NO_ERRORS = "every label has the largest score of its row, so the smaller T, the smaller the NLL"
NO_INFORMATION = "the scores carry no information about the labels, so the larger T, the smaller the NLL"
NO_EFFECT = "in every row all possible classes have the same score, so T has no effect"


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The temperature T with the smallest NLL of m rows.

    rows: m. log_t: ln T; None if there is no optimum, with the reason in `missing`. errors: rows in which another class
    has a larger score than the label.
    information: second derivative of the total NLL with respect to ln T. squares: sum over rows of the squared first
    derivative, whose sum is 0. slopes: (m,), that derivative of each row, and places: (m,), the positions of these rows
    among those that are not ignored; None if results of single rows were not kept.
    near: (s, 4), if errors are few: ln T from low to high, and there the excess of the NLL with its second and third
    cumulants.
    """

    rows: int
    log_t: float | None
    missing: Notice | None = None
    errors: int = 0
    information: float = 0.0
    squares: float = 0.0
    slopes: Floats | None = None
    places: Indices | None = None
    near: Floats | None = None


class _Slopes(NamedTuple):
    """At one ln(1/T): totals of the first three derivatives of the NLL, and the first two parts of each row's.

    variance, skew: the second and third cumulants of the excess. errors: rows whose label has not the largest score.
    """

    total: float
    second: float
    third: float
    rows: Floats
    seconds: Floats
    variance: float
    skew: float
    errors: int


def optimum_of(sample: Sample, kind: Kind, *, keep_rows: bool = False) -> Optimum:
    """The optimum of these rows; a label of probability 0 must not occur.

    The NLL is convex in 1/T, and the search for the root of its derivative ends with Halley's steps.
    keep_rows: whether to keep the slopes of single rows.

    >>> two = Sample(np.array([[3.0, 0.0]] * 4), np.array([0, 0, 0, 1]), np.arange(4))
    >>> round(math.exp(optimum_of(two, "logits").log_t), 6) == round(3.0 / math.log(3.0), 6)
    True
    """
    rows = len(sample.labels)
    many = sample.scores.size > MANY
    try:
        start = _solved(sample.every(STARTING), kind, 0.0, ROUGH)[0] if many else 0.0
    except NotComputable:
        start = 0.0
    try:
        place, last = _solved(sample, kind, start, NEAR if many else CLOSE)
    except NotComputable as missing:
        return Optimum(rows, None, missing.reason)
    h = place - last.at
    slopes = last.slopes.rows + h * (last.slopes.seconds + last.slopes.rows)
    information = last.slopes.second + h * last.slopes.third
    kept = (slopes, sample.places) if keep_rows else (None, None)
    errors = last.slopes.errors
    near = _near(sample, kind, place, information) if errors < FEW_ERRORS else None
    return Optimum(rows, -place, None, errors, information, float(slopes @ slopes), *kept, near)


def _near(sample: Sample, kind: Kind, place: float, information: float) -> Floats:
    """The excess and its cumulants at ln T around the optimum, see `Optimum`."""
    table = []
    for step in STEPS:
        log_t = -place + step / math.sqrt(information)
        found = _slopes(sample, kind, -log_t)
        table.append((log_t, found.total, found.variance, found.skew))
    return np.array(table)


class _Last(NamedTuple):
    """The last ln(1/T) of a search, and the slopes there."""

    at: float
    slopes: _Slopes


def _solved(sample: Sample, kind: Kind, start: float, tolerance: float) -> tuple[float, _Last]:
    """The optimal ln(1/T), from a start. Raises: NotComputable if there is none."""
    first = _slopes(sample, kind, start)
    if not (math.isfinite(first.total) and math.isfinite(first.second) and math.isfinite(first.third)):
        raise NotComputable("overflow", "the scores are too large for a temperature")
    if not first.errors:
        raise NotComputable("no_optimum", NO_ERRORS)
    last = _Last(start, first)

    def evaluate(place: float) -> tuple[float, float, float]:
        nonlocal last
        if place != last.at:
            last = _Last(place, _slopes(sample, kind, place))
        return last.slopes.total, last.slopes.second, last.slopes.third

    found = find_root(evaluate, start, tolerance=tolerance, lowest=-LARGE)
    if not found.found:
        _check_informative(sample, kind)
        found = find_root(evaluate, -LARGE, tolerance=tolerance)
    return _end(found), last


def _end(found: Root) -> float:
    if not found.found:
        raise NotComputable("no_optimum", NO_INFORMATION)
    return found.u + found.step


def _check_informative(sample: Sample, kind: Kind) -> None:
    """Check that the NLL rises at the end as T grows. Raises: NotComputable if it does not."""
    slope = spread = 0.0
    for piece in sample.pieces(kind):
        possible = piece.d > -np.inf
        mean = np.where(possible, piece.d, 0.0).sum(axis=piece.axis) / possible.sum(axis=piece.axis)
        slope += float((mean - piece.t).sum())
        spread -= float(mean.sum())
    if spread == 0.0:
        raise NotComputable("no_optimum", NO_EFFECT)
    if slope >= -NO_SLOPE * spread:
        raise NotComputable("no_optimum", NO_INFORMATION)


def _slopes(sample: Sample, kind: Kind, place: float) -> _Slopes:
    """The derivatives with respect to ln(1/T) at this place, from one pass over the sample."""
    beta, totals, errors = math.exp(place), np.zeros(3), 0
    rows, seconds = [], []
    with quiet_lines():
        for piece in sample.pieces(kind):
            z, axis = piece.d, piece.axis
            z *= beta
            p = np.exp(z)
            p *= np.expand_dims(1.0 / row_sums(p, axis), axis)
            own, spread = np.empty((2, len(piece.t)))
            label = beta * piece.t
            variance, skew, _ = excess_of(p, z, label, axis, np.empty_like(z), own, spread).tolist()
            totals += [np.add.reduce(own), variance, skew]
            errors += int(np.count_nonzero(label < 0.0))
            rows.append(own)
            seconds.append(spread)
    total, variance, skew = totals.tolist()
    # The cumulants of ln p scale with powers of 1/T, and its third one is minus that of the NLL.
    second, third = total + variance, total + 3.0 * variance - skew
    return _Slopes(total, second, third, np.concatenate(rows), np.concatenate(seconds), variance, skew, errors)
