"""Cox's recalibration of two classes: the logistic regression of the label on the stated log-odds, on a sample of rows.

Source: Cox, Biometrika 45:562 (1958).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, Notice
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.sample import Sample

MOST_STEPS, MOST_HALVINGS = 100, 50
SEPARATED = "the scores separate the two labels, so the likelihood has no maximum"
ALIKE = "every row has the same probability, so a slope has no meaning"


@dataclass(frozen=True, slots=True, eq=False)
class Cox:
    """Log-odds = intercept + slope x stated log-odds, with the largest likelihood of m rows.

    intercept, slope: None if there is no maximum, with the reason in `missing`. errors: of both, from the sandwich
    estimate. score: the score statistic of intercept 0 and slope 1, with 2 degrees of freedom; None if it does not
    exist. lr: that of the likelihood ratio; None for weighted rows.
    """

    rows: int
    intercept: float | None = None
    slope: float | None = None
    missing: Notice | None = None
    errors: tuple[float, float] = (0.0, 0.0)
    score: float | None = None
    lr: float | None = None


def cox_of(sample: Sequence[Sample], kind: Kind) -> Cox:
    """The fit on the rows of all parts of a sample of two classes, without rows that a class has no probability in."""
    margins = [piece.d[1] - piece.d[0] for part in sample for piece in part.pieces(kind)]
    weights = [np.ones(len(part.labels)) if part.weights is None else part.weights for part in sample]
    s, y, w = (np.concatenate(parts) for parts in (margins, [part.labels for part in sample], weights))
    rows, finite = len(s), np.isfinite(s)
    s, y, w = s[finite], y[finite].astype(np.float64), w[finite]
    x = np.array([np.ones(len(s)), s])
    try:
        return _fitted(x, y, w, rows, weighted=any(part.weights is not None for part in sample))
    except NotComputable as missing:
        return Cox(rows, missing=missing.reason, score=_score(x, y, w))


def _fitted(x: Floats, y: Floats, w: Floats, rows: int, *, weighted: bool) -> Cox:
    """The maximum by Newton's method with halved steps. Raises: NotComputable if there is none."""
    _check_overlap(x[1], y)
    at = np.array([0.0, 1.0])
    value, gradient, hessian = _loss(x, y, w, at)
    start = value
    for _ in range(MOST_STEPS):
        step = _solved(hessian, gradient)
        gain, share = float(gradient @ step), 1.0
        if gain <= 1e-14 * max(value, 1e-3):
            at = at - step
            break
        for _ in range(MOST_HALVINGS):
            trial = _loss(x, y, w, at - share * step)
            if trial[0] <= value - 1e-4 * share * gain:
                break
            share *= 0.5
        at, (value, gradient, hessian) = at - share * step, trial
    value, _, hessian = _loss(x, y, w, at)
    residuals = w * (_sigmoid(at @ x) - y)
    squares = np.einsum("in,jn->ij", x * residuals, x * residuals)
    inverse = np.array([_solved(hessian, one) for one in np.eye(2)])
    covariance = inverse @ squares @ inverse
    errors = math.sqrt(max(covariance[0, 0], 0.0)), math.sqrt(max(covariance[1, 1], 0.0))
    lr = None if weighted else max(2.0 * (start - value), 0.0)
    return Cox(rows, float(at[0]), float(at[1]), None, errors, _score(x, y, w), lr)


def _check_overlap(s: Floats, y: Floats) -> None:
    ones, zeros = s[y == 1], s[y == 0]
    if len(s) and s.max() - s.min() <= 1e-12 * max(1.0, float(np.abs(s).max())):
        raise NotComputable("no_optimum", ALIKE)
    if not len(ones) or not len(zeros) or zeros.max() <= ones.min() or ones.max() <= zeros.min():
        raise NotComputable("no_optimum", SEPARATED)


def _score(x: Floats, y: Floats, w: Floats) -> float | None:
    """The score statistic at intercept 0 and slope 1; None if log-odds do not vary."""
    p = _sigmoid(x[1])
    own = w * np.sqrt(p * (1.0 - p)) * x
    information, gradient = np.einsum("in,jn->ij", own, own), np.einsum("in,n->i", x, w * (y - p))
    try:
        found = float(gradient @ _solved(information, gradient))
    except NotComputable:
        return None
    return found if math.isfinite(found) and found >= 0.0 else None


def _loss(x: Floats, y: Floats, w: Floats, at: Floats) -> tuple[float, Floats, Floats]:
    """The negative log-likelihood, its gradient (2,) and Hessian (2, 2); sums do not depend on numbers of threads."""
    v = at[0] + at[1] * x[1]
    p = _sigmoid(v)
    value = float(np.add.reduce(w * (np.logaddexp(0.0, v) - y * v)))
    return value, np.einsum("in,n->i", x, w * (p - y)), np.einsum("in,jn->ij", x * (w * p * (1.0 - p)), x)


def _solved(matrix: Floats, right: Floats) -> Floats:
    """The solution of two equations. Raises: NotComputable if they are not independent."""
    determinant = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    if not determinant > 1e-14 * float(matrix[0, 0] * matrix[1, 1]):
        raise NotComputable("no_optimum", ALIKE)
    first = matrix[1, 1] * right[0] - matrix[0, 1] * right[1]
    second = matrix[0, 0] * right[1] - matrix[1, 0] * right[0]
    return np.array([first, second]) / determinant


def _sigmoid(v: Floats) -> Floats:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-v)))
