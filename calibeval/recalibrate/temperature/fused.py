"""Value, slope and curvatures of the mean NLL in log(1/T), from one pass over the scores in blocks.

Take a row with log-scores z, d = z - max(z), and t = d at its label. Its loss at the inverse temperature beta is
log(sum exp(beta d)) - beta t. With x = beta d and weights exp(x), the derivatives with respect to log(beta) follow from
the weighted mean, variance and third cumulant of x, without a second pass or an array of rows x classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.at_beta import AtBeta, StoredRows, at_beta
from calibeval.core.sums.kernel import Kernel, chosen
from calibeval.core.sums.lines import row_sums
from calibeval.recalibrate.temperature.pieces import Coarse, Piece, Pieces, each

VANISHED = -800.0  # exp(x) is 0 below this, so x is limited to it: -inf times 0 would be NaN
FACTORS = 16  # number of norms that are multiplied before taking a logarithm, if their product fits float64
LEAST_NORM = {np.dtype(np.float64): 1e-290, np.dtype(np.float32): 1e-20}  # smaller ones may have lost digits


class Fused(NamedTuple):
    """Means over rows at one inverse temperature beta, with h = log(beta'/beta).

    value: the NLL. slope, curvature, third: its derivatives with respect to h. before: the NLL at beta = 1, if
    requested.
    confidence, rise: the mean confidence, and its derivative with respect to h.
    """

    value: float
    slope: float
    curvature: float
    third: float
    before: float
    confidence: float
    rise: float


class _Room(NamedTuple):
    """Work memory for one piece: x and e have the shape of its scores, the others one number per row."""

    x: Coarse
    e: Coarse
    norm: Coarse
    m1: Coarse
    m2: Coarse
    m3: Coarse


def fused(every: Iterable[Piece], beta: float, *, before: bool = False, bends: bool = True) -> Fused:
    """All means at beta from one pass.

    bends: whether curvature and third derivative are needed; without them they are 0, and the pass is a fifth faster.

    >>> one = Piece(np.array([[0.0, -1.0]]), np.array([0.0]), axis=1)
    >>> round(fused([one], 1.0).value, 6), round(fused([one], 1.0).slope, 6)
    (0.313262, -0.268941)
    """
    if isinstance(every, Pieces) and by_kernel(every):
        try:
            return _means(every.stored(), partial(_each_stored, beta=beta, before=before))
        except Unsuited:
            pass
    return _means(every, partial(_each_sums, beta=beta, before=before, bends=bends))


def by_kernel(every: Pieces) -> bool:
    """Whether the compiled kernel reads these rows as they are stored."""
    return every.can_be_stored and chosen() is not None


def _means(every: Iterable[Any], work: Callable[[Iterable[Any]], Iterator[tuple[float, Floats]]]) -> Fused:
    n, total = 0.0, np.zeros(7)
    with np.errstate(all="ignore"):
        for rows, sums in each(work, every):
            n += rows
            total += sums
        return Fused(*(total / n).tolist())


class Unsuited(Exception):
    """Some rows are left to numpy: it refuses bad values, and labels of probability 0, with the right words."""


def _each_stored(every: Iterable[StoredRows], *, beta: float, before: bool) -> Iterator[tuple[float, Floats]]:
    """The number of rows, or the sum of their weights, and the sums of each part, by the kernel. Raises: Unsuited."""
    kernel = chosen()
    for rows in every:
        found = None if kernel is None else rows.at(kernel, beta, before=before)
        if found is None:
            raise Unsuited
        w = rows.weights
        yield len(rows.labels) if w is None else float(np.add.reduce(w)), _kernel_sums(found, w)


def _each_sums(every: Iterable[Piece], *, beta: float, before: bool, bends: bool) -> Iterator[tuple[float, Floats]]:
    """The number of rows, or the sum of their weights, and the sums of each piece."""
    wide, narrow = np.empty((2, 0)), np.empty((4, 0))
    clamp, kernel = False, chosen()
    with np.errstate(all="ignore"):
        for piece in every:
            found = None if kernel is None else _at_beta(kernel, piece, beta, before=before)
            if found is not None:
                yield piece.rows, _kernel_sums(found, piece.w)
                continue
            if piece.w is not None:
                yield piece.rows, _weighted_sums(piece, piece.w, beta)
                continue
            b, size = len(piece.t), piece.d.size
            if size > wide.shape[1] or b > narrow.shape[1]:
                wide, narrow = np.empty((2, size), piece.d.dtype), np.empty((4, b), piece.d.dtype)
            room = _Room(*wide[:, :size].reshape(2, *piece.d.shape), *narrow[:, :b])
            sums = _sums(piece, beta, room, before=before, bends=bends, clamp=clamp)
            if not clamp and not np.isfinite(sums).all():
                clamp = True
                sums = _sums(piece, beta, room, before=before, bends=bends, clamp=True)
            yield b, sums


def _at_beta(kernel: Kernel, piece: Piece, beta: float, *, before: bool) -> AtBeta | None:
    return at_beta(kernel, piece.d, None, np.asarray(piece.t, np.float64), beta, axis=piece.axis, before=before)


def _kernel_sums(rows: AtBeta, w: Floats | None) -> Floats:
    """Sums over the rows that the kernel found, each times its weight if it has one."""
    loss, excess, variance, third, confidence, rise, before = (
        float(np.add.reduce(one if w is None else one * w))
        for one in (rows.loss, rows.excess, rows.variance, rows.third, rows.confidence, rows.rise, rows.before)
    )
    second = excess + variance
    return np.array([loss, excess, second, second + 2.0 * variance - third, before, confidence, rise])


def _sums(piece: Piece, beta: float, room: _Room, *, before: bool, bends: bool, clamp: bool) -> Floats:
    """Sums over the piece's rows. clamp: whether classes may have probability 0."""
    d, t, axis, _ = piece
    x, e, norm, m1 = room[:4]
    now, label = 0.0, _total(t)
    if before:
        row_sums(np.exp(d, out=e), axis, out=norm)
        now = _log_total(norm) - label
    label *= beta
    np.multiply(d, beta, out=x)
    if clamp:
        np.maximum(x, VANISHED, out=x)
    row_sums(np.exp(x, out=e), axis, out=norm)
    value = _log_total(norm) - label
    inverse = np.divide(1.0, norm, out=norm)
    if bends:
        slope, curvature, third = _cumulants(room, inverse, axis, label)
    else:
        _weighted(e, x, axis, m1)
        m1 *= inverse
        slope, curvature, third = _total(m1) - label, 0.0, 0.0
    rise = -_dot(inverse, m1)
    return np.array([value, slope, curvature, third, now, _total(inverse), rise])


def _weighted_sums(piece: Piece, w: Floats, beta: float) -> Floats:
    """Sums over the piece's rows, each times its weight."""
    d, t = np.asarray(piece.d, np.float64), np.asarray(piece.t, np.float64)
    axis = piece.axis
    now = np.log(row_sums(np.exp(d), axis)) - t
    x = np.maximum(beta * d, VANISHED)
    e = np.exp(x)
    inverse = 1.0 / row_sums(e, axis)
    m1, m2, m3 = (row_sums(e * x**order, axis) * inverse for order in (1, 2, 3))
    slope, second = m1 - beta * t, m2 - m1 * m1
    third = m3 - 3.0 * m1 * m2 + 2.0 * m1**3
    parts = (-np.log(inverse) - beta * t, slope, second + slope, third + 3.0 * second + slope, now, inverse)
    return np.array([*(float(np.add.reduce(part * w)) for part in parts), -float(np.add.reduce(inverse * m1 * w))])


def _cumulants(room: _Room, inverse: Coarse, axis: int, label: float) -> tuple[float, float, float]:
    """Sums of the three derivatives with respect to log(beta). Leaves the mean of x in m1."""
    x, e, _, m1, m2, m3 = room
    e *= x
    row_sums(e, axis, out=m1)
    e *= x
    row_sums(e, axis, out=m2)
    _weighted(e, x, axis, m3)
    m1 *= inverse
    m2 *= inverse
    m3 *= inverse
    cubes = _total(m3) - 3.0 * _dot(m1, m2)
    squares = np.multiply(m1, m1, out=m3)
    cubes += 2.0 * _dot(m1, squares)
    slope, second = _total(m1) - label, _total(m2) - _total(squares)
    return slope, second + slope, cubes + 3.0 * second + slope


def _weighted(e: Coarse, x: Coarse, axis: int, out: Coarse) -> None:
    """The sum over the classes of e x, for each row."""
    np.einsum("ij,ij->j" if axis == 0 else "ij,ij->i", e, x, out=out)


def _log_total(norm: Coarse) -> float:
    """The sum of the logarithms of norms, from their products: a logarithm takes as long as ten multiplications.

    NaN if a norm is so small that it has lost digits.
    """
    least = LEAST_NORM[norm.dtype]
    if norm.dtype == np.float64:
        whole = len(norm) // FACTORS * FACTORS
        products = np.multiply.reduce(norm[:whole].reshape(FACTORS, -1), axis=0)
        if np.minimum.reduce(products, initial=1.0) > least and np.maximum.reduce(products, initial=1.0) < math.inf:
            norm = np.concatenate([products, norm[whole:]])
    return _total(np.log(norm)) if np.minimum.reduce(norm) > least else math.nan


def _total(values: Coarse) -> float:
    return float(np.add.reduce(values))


def _dot(one: Coarse, other: Coarse) -> float:
    return float(np.einsum("i,i->", one, other))  # not BLAS, whose sums depend on its number of threads
