"""Where a pixel of an image lies: near a border between labels or not, and how far from one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats

FRAME = 3  # pixels at each side of an image that are never counted as boundary
STEPS = (1, 2)  # how far a pixel of another label may be
BANDS = (0.0, 3.0, 7.0, 15.0)  # lower ends of the bands of distance; the last one has no upper end

Mask = npt.NDArray[np.bool_]


def boundary(labels: npt.NDArray[Any]) -> Mask:
    """The pixels whose label differs from that of a pixel one or two steps away along an axis.

    labels: (h, w) or (d, h, w); those that are ignored count as a label. The outer three pixels are never boundary; an
    axis of at most six pixels has no such frame, and one of one pixel is no axis.
    Source: Ding, Han, Liu & Niethammer, Local Temperature Scaling, ICCV 2021, in its public code.

    >>> boundary(np.repeat([[0] * 5 + [1] * 5], 10, axis=0))[4].astype(int).tolist()
    [0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
    """
    near, inside = np.zeros(labels.shape, bool), np.ones(labels.shape, bool)
    for axis, size in enumerate(labels.shape):
        for step in STEPS:
            for first, second in _sides(axis, step, labels.ndim) if size > step else ():
                differ = labels[first] != labels[second]
                near[first] |= differ
                near[second] |= differ
        if size > 2 * FRAME:
            for ends in (slice(None, FRAME), slice(-FRAME, None)):
                inside[(slice(None),) * axis + (ends,)] = False
    return near & inside


def distances(labels: npt.NDArray[Any], spacing: tuple[float, ...] | None = None) -> Floats | None:
    """The distance of each pixel to the nearest one with a neighbour of another label; None if all labels are equal.

    labels: (h, w) or (d, h, w); those that are ignored count as a label. spacing: of the pixels along each axis; None:
    1. Pixels on either side of a change of the label have distance 0.

    >>> distances(np.array([[0, 0, 0, 1, 1]])).tolist()
    [[2.0, 1.0, 0.0, 0.0, 1.0]]
    """
    change = np.zeros(labels.shape, bool)
    for axis, size in enumerate(labels.shape):
        for first, second in _sides(axis, 1, labels.ndim) if size > 1 else ():
            differ = labels[first] != labels[second]
            change[first] |= differ
            change[second] |= differ
    if not change.any():
        return None
    from scipy.ndimage import distance_transform_edt

    found: Floats = distance_transform_edt(~change, sampling=spacing)
    return found


def band_of(distance: Floats) -> npt.NDArray[np.intp]:
    """The band of each distance: 0 from 0 on, 1 from 3 on, 2 from 7 on and 3 from 15 on.

    >>> band_of(np.array([0.0, 2.9, 3.0, 100.0])).tolist()
    [0, 0, 1, 3]
    """
    found = np.zeros(distance.shape, np.int8)
    for least in BANDS[1:]:
        found += distance >= least
    return found.astype(np.intp)


def _sides(axis: int, step: int, axes: int) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """The two views of an image in which pixels that are `step` apart along the axis have the same place."""
    whole = [slice(None)] * axes
    first, second = [*whole], [*whole]
    first[axis], second[axis] = slice(None, -step), slice(step, None)
    yield tuple(first), tuple(second)
