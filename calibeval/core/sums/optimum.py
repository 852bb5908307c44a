"""The temperature with the smallest NLL of a sample of rows, and what its standard error is estimated from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.notices import NotComputable, Notice, reason
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.at_beta import StoredRows, at_beta, stored_rows
from calibeval.core.sums.excess import excess_of
from calibeval.core.sums.kernel import Kernel, chosen
from calibeval.core.sums.lines import quiet_lines, row_sums
from calibeval.core.sums.root import find_root
from calibeval.core.sums.sample import Piece, Sample, thinned

# The search starts on every STARTING-th row of a sample with more than MANY scores. A last step of CLOSE leaves an
# error of the order of its cube; on a sample of more rows, NEAR is enough.
MANY, STARTING = 2**19, 16
CLOSE, NEAR, ROUGH = 1e-4, 5e-3, 3e-2
LARGE = 5.0  # log T, above which it is first asked whether there is an optimum at all
NO_SLOPE = 1e-9
MOST_LOG = 700.0  # of T and 1/T
FEW_ERRORS = 30  # below, the error of the optimum is not normal
STEPS = (-8.0, -6.0, -4.0, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)

NO_ERRORS = "every label has the largest score of its row, so the smaller T, the smaller the NLL"
NO_INFORMATION = "the scores carry no information about the labels, so the larger T, the smaller the NLL"
TOO_LARGE = "the scores are too large or too small for a temperature"
NO_EFFECT = "in every row all possible classes have the same score, so T has no effect"


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The temperature T with the smallest NLL of m rows.

    rows: m. log_t: ln T; None if there is no optimum, with the reason in `missing`. errors: the number of rows in which
    another class has a larger score than the label; with weights, their effective number.
    information: second derivative of the total NLL with respect to ln T. squares: sum over rows of the squared first
    derivative, whose sum is 0. slopes: (m,), that derivative of each row, with its weight, and places: (m,), the
    positions of these rows among those that are not ignored; None if results of single rows were not kept.
    near: (s, 4), if errors are few: ln T from low to high, and there the excess of the NLL with its second and third
    cumulants. bound: how far ln T may be from the optimum of these rows, if it comes from sums of them; else 0.
    """

    rows: int
    log_t: float | None
    missing: Notice | None = None
    errors: float = 0.0
    information: float = 0.0
    squares: float = 0.0
    slopes: Floats | None = None
    places: Indices | None = None
    near: Floats | None = None
    bound: float = 0.0


class Slopes(NamedTuple):
    """At one ln(1/T): the excess of the NLL of each row, with its second and third cumulants.

    errors: the number of rows whose label has not the largest score. weights: of the rows.
    """

    at: float
    excess: Floats
    variance: Floats
    third: Floats
    errors: float
    weights: Floats | None

    @property
    def totals(self) -> tuple[float, float, float]:
        """The sums over all rows, with their weights."""
        with np.errstate(over="ignore", invalid="ignore"):
            parts = [
                float(np.add.reduce(one if self.weights is None else self.weights * one))
                for one in (self.excess, self.variance, self.third)
            ]
        return parts[0], parts[1], parts[2]

    @property
    def cumulants(self) -> tuple[float, float, float]:
        """The total excess, and the second and third cumulants of its chance variation."""
        if self.weights is None:
            return self.totals
        w = self.weights
        return self.totals[0], float(np.add.reduce(w**2 * self.variance)), float(np.add.reduce(w**3 * self.third))

    @property
    def derivatives(self) -> tuple[float, float, float]:
        """The first three derivatives of the total NLL with respect to ln(1/T).

        The j-th cumulant of ln p is proportional to T^-j, and its third one is minus that of the NLL.
        """
        excess, variance, third = self.totals
        return excess, excess + variance, excess + 3.0 * variance - third


def optimum_of(sample: Sequence[Sample], kind: Kind, *, of_all: bool = True, keep_rows: bool = False) -> Optimum:
    """The optimum of the rows of all parts of a sample; a label of probability 0 must not occur.

    The NLL is convex in 1/T, and the search for the root of its derivative ends with Halley's steps.
    of_all: whether these are all rows; a sample of more needs no precision far beyond that of its choice.
    keep_rows: whether to keep the slopes of single rows.

    >>> four = Sample(np.array([[3.0, 0.0]] * 4), np.array([0, 0, 0, 1]), np.arange(4))
    >>> round(math.exp(optimum_of([four], "logits").log_t), 6) == round(3.0 / math.log(3.0), 6)
    True
    """
    rows = sum(len(part.labels) for part in sample)
    many = sum(part.scores.size for part in sample) > MANY
    try:
        start = solved(thinned(sample, STARTING), kind, 0.0, ROUGH)[0] if many else 0.0
    except NotComputable:
        start = 0.0
    try:
        place, last = solved(sample, kind, start, NEAR if many and not of_all else CLOSE)
    except NotComputable as missing:
        return Optimum(rows, None, missing.reason)
    h = place - last.at
    slopes = last.excess + h * (last.variance + last.excess)
    slopes = slopes if last.weights is None else slopes * last.weights
    _, second, third = last.derivatives
    information = second + h * third
    if not (0.0 < information < math.inf and abs(place) < MOST_LOG):
        return Optimum(rows, None, reason("overflow", TOO_LARGE))
    few = last.errors < FEW_ERRORS
    return Optimum(
        rows=rows,
        log_t=-place,
        errors=last.errors,
        information=information,
        squares=float(np.einsum("i,i->", slopes, slopes)),  # not BLAS, whose sums depend on its number of threads
        slopes=slopes if keep_rows else None,
        places=np.concatenate([part.places for part in sample]) if keep_rows else None,
        near=_near(sample, kind, place, information) if few else None,
    )


def _near(sample: Sequence[Sample], kind: Kind, place: float, information: float) -> Floats:
    """The excess and its cumulants at ln T around the optimum, see `Optimum`."""
    table = []
    for step in STEPS:
        log_t = max(-MOST_LOG, min(-place + step / math.sqrt(information), MOST_LOG))
        table.append((log_t, *slopes_at(sample, kind, -log_t).cumulants))
    return np.array(table)


def solved(sample: Sequence[Sample], kind: Kind, start: float, tolerance: float) -> tuple[float, Slopes]:
    """The optimal ln(1/T) from a start, and the slopes close to it. Raises: NotComputable if there is none."""
    last = slopes_at(sample, kind, start)
    if not all(map(math.isfinite, last.derivatives)):
        raise NotComputable("overflow", TOO_LARGE)
    if not last.errors:
        raise NotComputable("no_optimum", NO_ERRORS)

    def evaluate(place: float) -> tuple[float, float, float]:
        nonlocal last
        if place != last.at:
            last = slopes_at(sample, kind, place)
        return last.derivatives

    found = find_root(evaluate, start, tolerance=tolerance, lowest=-LARGE)
    if not found.found:
        _check_informative(sample, kind)
        found = find_root(evaluate, -LARGE, tolerance=tolerance)
    if not found.found:
        raise NotComputable("no_optimum", NO_INFORMATION)
    return found.u + found.step, last


def _check_informative(sample: Sequence[Sample], kind: Kind) -> None:
    """Check that the NLL rises at the end as T grows. Raises: NotComputable if it does not."""
    slopes, spreads = [], []
    weights = _weights(sample)
    with quiet_lines():
        for piece in _pieces(sample, kind):
            possible = piece.d > -np.inf
            mean = np.where(possible, piece.d, 0.0).sum(axis=piece.axis) / possible.sum(axis=piece.axis)
            slopes.append(mean - piece.t)
            spreads.append(-mean)
        slope, spread = (
            float(np.add.reduce(one if weights is None else one * weights))
            for one in (np.concatenate(slopes), np.concatenate(spreads))
        )
    if not (math.isfinite(slope) and math.isfinite(spread)):
        raise NotComputable("overflow", TOO_LARGE)
    if spread == 0.0:
        raise NotComputable("no_optimum", NO_EFFECT)
    if slope >= -NO_SLOPE * spread:
        raise NotComputable("no_optimum", NO_INFORMATION)


def _pieces(sample: Sequence[Sample], kind: Kind) -> Iterator[Piece]:
    for part in sample:
        yield from part.pieces(kind)


def _weights(sample: Sequence[Sample]) -> Floats | None:
    """The weights of the rows, scaled so that they and their squares add up to the effective number of rows."""
    parts = [part.weights for part in sample if part.weights is not None]
    if not parts:
        return None
    weights = np.concatenate(parts)
    return np.asarray(weights * (float(np.add.reduce(weights)) / float(np.add.reduce(weights * weights))))


def slopes_at(sample: Sequence[Sample], kind: Kind, place: float) -> Slopes:
    """The slopes at this ln(1/T), from one pass over the sample."""
    beta, start = math.exp(max(-MOST_LOG, min(place, MOST_LOG))), 0
    rows = np.empty((3, sum(len(part.labels) for part in sample)))
    wrong = np.empty(rows.shape[1], bool)
    kernel = chosen()
    with quiet_lines():
        for part in sample:
            here = slice(start, start + len(part.labels))
            if kernel is None or not _by_kernel(kernel, part, kind, beta, rows[:, here], wrong[here]):
                _by_numpy(part, kind, beta, rows[:, here], wrong[here])
            start = here.stop
    weights = _weights(sample)
    errors = float(np.count_nonzero(wrong))
    if weights is not None and errors:
        own = weights[wrong]
        errors = round(float(own.sum() ** 2 / np.square(own).sum()), 9)  # 30 of equal weights are 30
    return Slopes(place, rows[0], rows[1], rows[2], errors, weights)


def _by_numpy(part: Sample, kind: Kind, beta: float, out: Floats, wrong: npt.NDArray[np.bool_]) -> None:
    """The excess and its cumulants of each row, into `out`, (3, m), and whether another class is ahead of the label."""
    start = 0
    for piece in part.pieces(kind):
        z, axis, here = piece.d, piece.axis, slice(start, start + len(piece.t))
        z *= beta
        p = np.exp(z)
        p *= np.expand_dims(1.0 / row_sums(p, axis), axis)
        excess_of(p, z, beta * piece.t, axis, np.empty_like(z), out[0, here], rows=out[1:, here])
        np.less(piece.t, 0.0, out=wrong[here])
        start = here.stop


def _by_kernel(
    kernel: Kernel, part: Sample, kind: Kind, beta: float, out: Floats, wrong: npt.NDArray[np.bool_]
) -> bool:
    """The same; False if numpy must."""
    start = 0
    stored = kind == "logits"
    for piece in stored_rows(part.scores, part.labels, None) if stored else part.pieces(kind):
        found = (
            piece.at(kernel, beta)
            if isinstance(piece, StoredRows)
            else at_beta(kernel, piece.d, None, piece.t, beta, axis=piece.axis)
        )
        if found is None:
            return False
        here = slice(start, start + len(found.label))
        out[:, here] = found.excess, found.variance, found.third
        np.less(found.label, 0.0, out=wrong[here])
        start = here.stop
    return True
