"""Cox's recalibration: the logistic regression of an outcome on its stated log-odds.

Source: Cox, Biometrika 45:562 (1958).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, Notice
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.sample import Sample

MOST_STEPS, LEAST_SHARE, ENOUGH = 100, 1e-12, 1e-13
BLOCK = 2**15
MANY, STEP = 2**16, 16
STATED = np.array([0.0, 1.0])  # the intercept and slope of the stated probabilities
SEPARATED = "the scores separate the two labels, so the likelihood has no maximum"
ALIKE = "every row has the same probability, so a slope has no meaning"
HUGE = "the log-odds of some rows are too large for a slope"


@dataclass(frozen=True, slots=True, eq=False)
class Cox:
    """Log-odds = intercept + slope x stated log-odds, with the largest likelihood of m rows.

    intercept, slope: None if there is no maximum, with the reason in `missing`. errors: of both, from the sandwich
    estimate. score: the score statistic of intercept 0 and slope 1, with 2 degrees of freedom; None if it does not
    exist. lr: that of the likelihood ratio; None for weighted rows. kept: what it was fitted on, if known.
    """

    rows: int
    intercept: float | None = None
    slope: float | None = None
    missing: Notice | None = None
    errors: tuple[float, float] = (0.0, 0.0)
    score: float | None = None
    lr: float | None = None
    kept: LogOdds | None = None


def cox_of(sample: Sequence[Sample], kind: Kind) -> Cox:
    """The fit on the rows of all parts of a sample of two classes, without rows that a class has no probability in."""
    margins = np.concatenate([piece.d[1] - piece.d[0] for part in sample for piece in part.pieces(kind)])
    labels, finite = np.concatenate([part.labels for part in sample]) == 1, np.isfinite(margins)
    weights = [part.weights for part in sample if part.weights is not None]
    own = np.concatenate(weights)[finite] if weights else None
    return fitted(LogOdds(margins[finite], labels[finite], own), len(margins))


class LogOdds(NamedTuple):
    """Stated log-odds s, whether the outcome is 1, and weights; None: 1. (m,) each.

    w2: squares of the weights or, where an entry stands for several rows, the sum of theirs; None: of w. If it is w
    itself, that is a number of rows.
    """

    s: Floats
    y: npt.NDArray[np.bool_]
    w: Floats | None = None
    w2: Floats | None = None

    @property
    def weighted(self) -> bool:
        """Whether rows have weights."""
        return self.w is not None and self.w2 is not self.w

    def blocks(self) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
        """1 and s (2, b), y (b,), weights (b,) and their squares (b,), block by block."""
        for start in range(0, len(self.s), BLOCK):
            here = slice(start, start + BLOCK)
            s = self.s[here]
            w = np.ones(len(s)) if self.w is None else self.w[here]
            w2 = w * w if self.w2 is None else self.w2[here]
            yield np.array([np.ones(len(s)), s]), self.y[here].astype(np.float64), w, w2


def fitted(rows: LogOdds, count: int) -> Cox:
    """The fit on these rows, or why there is none. count: the number of rows, of which some may be left out."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return replace(_fitted(rows, count), kept=rows)
    except NotComputable as missing:
        return Cox(count, missing=missing.reason, score=_score(rows), kept=rows)


class _Loss(NamedTuple):
    """The negative log-likelihood, its gradient (2,) and Hessian (2, 2), and the sum of squared gradients of rows."""

    value: float
    gradient: Floats
    hessian: Floats
    squares: Floats


def _fitted(rows: LogOdds, count: int) -> Cox:
    """The maximum by Newton's method with halved steps. Raises: NotComputable if there is none."""
    _check_overlap(rows)
    start = _loss(rows, STATED)
    at, now = STATED, start
    if len(rows.s) > MANY:
        at = _from_some(rows)
        now = _loss(rows, at)
    for _ in range(MOST_STEPS):
        step = _solved(now.hessian, now.gradient)
        gain, share = float(now.gradient @ step), 1.0
        if gain <= ENOUGH * max(now.value, 1e-3):  # too small a step to change the other sums
            at, now = at - step, now._replace(value=now.value - 0.5 * gain)
            break
        trial = _loss(rows, at - step)
        while trial.value > now.value - 1e-4 * share * gain and share > LEAST_SHARE:
            share *= 0.5
            trial = _loss(rows, at - share * step)
        at, now = at - share * step, trial
    inverse = np.array([_solved(now.hessian, one) for one in np.eye(2)])
    covariance = inverse @ now.squares @ inverse
    if not np.isfinite(covariance).all():
        raise NotComputable("overflow", HUGE)
    errors = math.sqrt(max(covariance[0, 0], 0.0)), math.sqrt(max(covariance[1, 1], 0.0))
    lr = None if rows.weighted else max(2.0 * (start.value - now.value), 0.0)
    score = _score(rows) if rows.weighted else _statistic(start.hessian, start.gradient)
    return Cox(count, float(at[0]), float(at[1]), None, errors, score, lr)


def _from_some(rows: LogOdds) -> Floats:
    """The maximum of every 16th row, to start from; the stated probabilities if there is none."""
    some = LogOdds(rows.s[::STEP], rows.y[::STEP], *(one if one is None else one[::STEP] for one in (rows.w, rows.w2)))
    try:
        found = _fitted(some, len(some.s))
    except NotComputable:
        return STATED
    return STATED if found.intercept is None or found.slope is None else np.array([found.intercept, found.slope])


def _check_overlap(rows: LogOdds) -> None:
    ones, zeros = rows.s[rows.y], rows.s[~rows.y]
    if not len(ones) or not len(zeros):
        raise NotComputable("no_optimum", SEPARATED)
    low, high = min(ones.min(), zeros.min()), max(ones.max(), zeros.max())
    if high - low <= 1e-12 * max(1.0, abs(low), abs(high)):
        raise NotComputable("no_optimum", ALIKE)
    if zeros.max() <= ones.min() or ones.max() <= zeros.min():
        raise NotComputable("no_optimum", SEPARATED)


def _score(rows: LogOdds) -> float | None:
    """The score statistic at intercept 0 and slope 1; None if log-odds do not vary."""
    gradient, information = np.zeros(2), np.zeros((2, 2))
    for x, y, w, w2 in rows.blocks():
        p = sigmoid(x[1])
        own = np.sqrt(w2 * p * (1.0 - p)) * x
        information += np.einsum("in,jn->ij", own, own)
        gradient += np.einsum("in,n->i", x, w * (y - p))
    return _statistic(information, gradient)


def _statistic(information: Floats, gradient: Floats) -> float | None:
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            found = float(gradient @ _solved(information, gradient))
    except NotComputable:
        return None
    return found if math.isfinite(found) and found >= 0.0 else None


def _loss(rows: LogOdds, at: Floats) -> _Loss:
    """All sums at this intercept and slope; they do not depend on numbers of threads, as those of BLAS do."""
    value, gradient, hessian, squares = 0.0, np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2))
    for x, y, w, w2 in rows.blocks():
        v = at[0] + at[1] * x[1]
        p = sigmoid(v)
        value += float(np.add.reduce(w * (np.log1p(np.exp(-np.abs(v))) + np.maximum(v, 0.0) - y * v)))
        gradient += np.add.reduce(x * (w * (p - y)), axis=1)
        hessian += np.einsum("in,jn->ij", x * (w * p * (1.0 - p)), x)
        squares += np.einsum("in,jn->ij", x * (w2 * (p - y) ** 2), x)
    return _Loss(value, gradient, hessian, squares)


def _solved(matrix: Floats, right: Floats) -> Floats:
    """The solution of two equations. Raises: NotComputable if they are not independent."""
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        raise NotComputable("overflow", HUGE)
    determinant = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    if not determinant > 1e-14 * float(matrix[0, 0] * matrix[1, 1]):
        raise NotComputable("no_optimum", ALIKE)
    first = matrix[1, 1] * right[0] - matrix[0, 1] * right[1]
    second = matrix[0, 0] * right[1] - matrix[1, 0] * right[0]
    found = np.array([first, second]) / determinant
    if not np.isfinite(found).all():
        raise NotComputable("overflow", HUGE)
    return found


def sigmoid(v: Floats) -> Floats:
    """The logistic function."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-v)))
