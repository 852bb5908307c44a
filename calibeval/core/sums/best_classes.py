"""The largest probabilities of every row, and the place of the label among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices

FEW_LARGEST = 8  # beyond that many largest of many classes, partial sorting is faster


def largest(p: Floats, axis: int, most: int) -> Floats:
    """The `most` largest probabilities of each row in descending order, (most, b). axis: of the classes.

    p: (k, b) or (b, k), unchanged; there are at least so many classes.

    >>> largest(np.array([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]]), 1, 2).tolist()
    [[0.5, 0.6], [0.3, 0.2]]
    """
    if axis == 0:
        return _of_columns(p, most)
    if most > FEW_LARGEST:
        return np.asarray(-np.sort(np.partition(-p, most - 1, axis=1)[:, :most], axis=1).T)
    left, rows, best = p.copy(), np.arange(len(p)), np.empty((most, len(p)))
    for place in range(most):
        found = left.argmax(axis=1)
        best[place] = left[rows, found]
        left[rows, found] = -1.0
    return best


def _of_columns(p: Floats, most: int) -> Floats:
    """As `largest`, of (k, b): every class is inserted into the list of the largest so far."""
    best = np.full((most, p.shape[1]), -1.0)
    spare = np.empty((2, p.shape[1]))
    for place, row in enumerate(p):
        own, last = row, min(place, most - 1)
        for j in range(last + 1):
            if j < last or place < most - 1:
                np.minimum(best[j], own, out=spare[j % 2])
            np.maximum(best[j], own, out=best[j])
            own = spare[j % 2]
    return best


def places_of_labels(p: Floats, labels: npt.NDArray[np.integer], axis: int) -> Indices:
    """How many classes come before the label of each row: those with a larger p, and with an equal one the first.

    p: (k, b) or (b, k), with the classes on `axis`. labels: (b,).

    >>> places_of_labels(np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]), np.array([2, 2]), 1).tolist()
    [1, 1]
    """
    rows = np.arange(len(labels))
    own = p[labels, rows] if axis == 0 else p[rows, labels]
    own = own if axis == 0 else own[:, None]
    before, level = _count(p > own, axis), _count(p >= own, axis)
    tied = np.flatnonzero(level - before > 1)
    if len(tied):
        some = p.take(tied, axis=1 - axis)
        some = some if axis == 1 else some.T
        equal = some == some[np.arange(len(tied)), labels[tied]][:, None]
        before[tied] += (equal & (np.arange(some.shape[1]) < labels[tied][:, None])).sum(axis=1)
    return before


def _count(there: npt.NDArray[np.bool_], axis: int) -> Indices:
    if axis == 1:
        return np.asarray(np.count_nonzero(there, axis=1), np.intp)
    few = np.add.reduce(there.view(np.uint8), axis=0, dtype=np.uint8)  # at most 64 classes
    return np.asarray(few, np.intp)
