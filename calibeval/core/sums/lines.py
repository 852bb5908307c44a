"""Operations along the lines of a block of scores: over the classes of each row, always in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[Any]
# When broadcasting one number along a line of a block, numpy copies it many times unless two lines exceed its buffer.
BUFFERED = 256


@contextmanager
def quiet_lines() -> Iterator[None]:
    """A context without numpy's warnings, and with a buffer size that suits broadcasting along the lines of blocks."""
    with np.errstate(all="ignore"):
        before = np.setbufsize(BUFFERED)
        try:
            yield
        finally:
            np.setbufsize(before)


def row_maxima(values: Scores, axis: int, out: Scores | None = None) -> Scores:
    """Maxima over the classes, on this axis. For rows, pieces of a flat array take half the time of `reduce`."""
    if axis == 0:
        return np.asarray(np.maximum.reduce(values, axis=0, out=out))
    return np.maximum.reduceat(values.ravel(), np.arange(0, values.size, values.shape[1]), out=out)


def row_sums(values: Scores, axis: int, out: Scores | None = None) -> Scores:
    """Sums over the classes, on this axis; always in the same order, whatever the position of the row."""
    return np.asarray(np.add.reduce(values, axis=0, out=out) if axis == 0 else np.einsum("ij->i", values, out=out))


def few_places(*conditions: tuple[Scores, float]) -> npt.NDArray[np.intp]:
    """Flat positions where one of some arrays of one size is above its limit, if that is rare.

    Groups of eight positions are searched first, then their members.

    >>> few_places((np.array([0.1, 0.9, 0.2]), 0.5), (np.array([0.1, 0.1, 0.8]), 0.7)).tolist()
    [1, 2]
    """
    (values, limit), *others = conditions
    above = np.zeros(-(-values.size // 8) * 8, bool)
    found = np.greater(values.ravel(), limit, out=above[: values.size])
    for other, own in others:
        found |= other.ravel() > own
    eights = np.flatnonzero(above.view(np.uint64) != 0)
    members = np.flatnonzero(above.reshape(-1, 8).take(eights, axis=0))
    return eights.take(members >> 3) * 8 + (members & 7)
