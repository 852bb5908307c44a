"""Isotonic regression by pooling adjacent violators, of one sequence or of many at once."""

from __future__ import annotations

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError


def isotonic(values: Floats, weights: Floats) -> Floats:
    """The ascending sequence with the least weighted sum of squared distances from the values.

    Every round pools all maximal runs of means that do not rise at once, with the same result as pooling pair by pair.

    values: (m,), or (d, m) for d sequences. weights: the same shape, or (m,); each above 0.
    Raises: InputError for weights that are not above 0.
    Source: Ayer et al., Annals of Mathematical Statistics 26:641 (1955); de Leeuw, Hornik & Mair, JSS 32(5), 2009.

    >>> isotonic(np.array([1.0, 3.0, 2.0, 2.0]), np.ones(4)).tolist()
    [1.0, 2.3333333333333335, 2.3333333333333335, 2.3333333333333335]
    """
    every = np.atleast_2d(np.asarray(values, np.float64))
    rows, m = every.shape
    if not m:
        return np.array(values, np.float64)
    weight = np.broadcast_to(np.asarray(weights, np.float64), every.shape).ravel()
    if not (weight > 0.0).all():
        raise InputError("every weight of an isotonic regression must be above 0")
    total, length = every.ravel() * weight, np.ones(rows * m, np.intp)
    first = np.arange(rows * m) % m == 0  # the first block of a sequence is never pooled with the one before it
    mean = every.ravel()
    while True:
        falls = np.concatenate(([False], mean[1:] <= mean[:-1])) & ~first
        if not falls.any():
            break
        starts = np.flatnonzero(~falls)
        total, weight = np.add.reduceat(total, starts), np.add.reduceat(weight, starts)
        length, first = np.add.reduceat(length, starts), first[starts]
        mean = total / weight
    return np.repeat(mean, length).reshape(np.shape(values))


def inside(level: Floats, rows: Floats, k: int) -> Floats:
    """Ascending levels of a curve as probabilities in (0, 1): a level of 0 or 1 does not prove certainty.

    With m rows, it is (1/k) / (m + 1), or (m + 1/k) / (m + 1), as if one more row had been shared between the k
    classes. Levels still ascend. level, rows: (b,).

    >>> inside(np.array([0.0, 0.5, 1.0]), np.array([1.0, 4.0, 3.0]), 2).tolist()
    [0.25, 0.5, 0.875]
    """
    bounded = np.where(level <= 0, (1.0 / k) / (rows + 1.0), level)
    bounded = np.where(level >= 1, (rows + 1.0 / k) / (rows + 1.0), bounded)
    if len(level) > 1:
        bounded[0] = min(bounded[0], bounded[1])
        bounded[-1] = max(bounded[-1], bounded[-2])
    return bounded
