"""Class-wise sums over the probabilities that are at most a limit: what a thresholded error leaves out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums, bin_index, totals_by_index, weighed


def small_sums(
    p: Floats, labels: npt.NDArray[np.intp], limit: float, edges: Floats, axis: int, weights: Floats | None = None
) -> BinSums:
    """The sums over all p up to the limit by class and equal-width bin, (k, m).

    p: (k, b) or (b, k), with the classes on `axis`. labels: (b,).

    >>> p = np.array([[0.9, 0.1], [0.95, 0.05]])
    >>> small_sums(p, np.array([0, 1]), 0.1, np.array([0.0, 0.5, 1.0]), axis=1).y.tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    if weights is None:
        return _sums(p, labels, limit, edges, axis, None)
    one, squared = (_sums(p, labels, limit, edges, axis, w) for w in (weights, weights * weights))
    return replace(one, squared=squared, rows=_sums(p, labels, limit, edges, axis, None).count)


def _sums(
    p: Floats, labels: npt.NDArray[np.intp], limit: float, edges: Floats, axis: int, weights: Floats | None
) -> BinSums:
    k, m, b = p.shape[axis], len(edges) - 1, len(labels)
    rows = np.arange(b)
    own = p[labels, rows] if axis == 0 else p[rows, labels]
    small = np.flatnonzero(own <= limit)
    w = None if weights is None else weights[small]
    index = labels[small] * m + bin_index(own[small], edges)
    y, yp, _ = (part.reshape(k, m) for part in totals_by_index(index, k * m, *weighed(own[small], w)))
    if limit <= edges[1]:  # all lie in the first bin
        parts = np.zeros((3, k, m))
        parts[:, :, 0] = _columns(p, limit, axis, weights)
        return BinSums(parts[0], parts[1], parts[2], y, yp)
    place = np.flatnonzero(p.ravel() <= limit)
    classes, row = (place // b, place % b) if axis == 0 else (place % k, place // k)
    values = p.ravel().take(place)
    every = None if weights is None else weights[row]
    totals = totals_by_index(classes * m + bin_index(values, edges), k * m, *weighed(values, every))
    count, total, squares = (part.reshape(k, m) for part in totals)
    return BinSums(count, total, squares, y, yp)


def _columns(p: Floats, limit: float, axis: int, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Count, sum and sum of squares of the small p of each class."""
    small = p <= limit
    kept = p * small
    if weights is None:
        letters = "kb,kb->k" if axis == 0 else "bk,bk->k"
        count = np.count_nonzero(small, axis=1 - axis).astype(np.float64)
        return count, np.add.reduce(kept, axis=1 - axis), np.einsum(letters, kept, kept)
    letters = "kb,b->k" if axis == 0 else "bk,b->k"
    return (
        np.einsum(letters, small.astype(np.float64), weights),
        np.einsum(letters, kept, weights),
        np.einsum(letters, kept * kept, weights),
    )
