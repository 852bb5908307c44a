"""How the axes of scores and labels of a case match: NIfTI files count them from x, arrays of nnU-Net from z."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import show_shape
from calibeval.core.errors import InputError
from calibeval.readers.cases.pictures import Picture

Array = npt.NDArray[Any]
SPACE = 3  # axes of a volume
ONE_HOT = "One-hot labels become numbers by labels.argmax"
NEAR = 0.1  # of the smallest side of a voxel


class Matched(NamedTuple):
    """Scores (k, ...) and labels (...) with the same axes, and the spacing along these."""

    scores: Array
    labels: Array
    spacing: tuple[float, ...] | None


def reversed_axes(labels: Array, spacing: tuple[float, ...] | None) -> tuple[Array, tuple[float, ...] | None]:
    """Labels (x, y, z) as (z, y, x)."""
    return labels.T, None if spacing is None else spacing[::-1]


def apart(one: Picture, other: Picture) -> bool:
    """Whether voxels of the same indices lie at different places, by a tenth of a voxel or more at some corner.

    one: with the axes of space only. Files without an affine are nowhere.
    """
    if one.affine is None or other.affine is None:
        return False
    shape = (*other.values.shape, 1, 1, 1)[:3]
    corners = np.array([[*corner, 1.0] for corner in product(*((0.0, size - 1.0) for size in shape))])
    moved = np.abs(corners @ (one.affine - other.affine).T[:, :3]).max()
    voxel = np.sqrt((other.affine[:3, :3] ** 2).sum(axis=0)).min()
    return bool(moved > NEAR * voxel)


def check_labels(name: str, shape: Sequence[int]) -> None:
    """Refuse labels with an axis of classes or of time. shape: as a NIfTI file has the axes. Raises: InputError."""
    if len(shape) > SPACE:
        raise InputError(
            f"{name}: labels have shape {show_shape(tuple(shape))}, but one number of a class for each voxel is "
            f"needed. {ONE_HOT}(axis=-1)"
        )


def channels_first(name: str, scores: Array, labels: Array) -> Array:
    """Scores (x, y, z, k), or (x, y, k) of labels (x, y), as (k, x, y, z).

    NIfTI files of two dimensions may hold their channels on the fifth axis, (x, y, 1, 1, k). name: of the file.
    Raises: InputError if both have an axis of classes.
    """
    if scores.ndim == 5 and scores.shape[3] == 1:
        scores = scores[:, :, :, 0]
    if scores.ndim == labels.ndim:  # one channel
        if scores.shape == labels.shape and labels.shape[-1] > 1 and _one_hot(labels):
            raise InputError(
                f"{name}: scores and labels have shape {show_shape(scores.shape)}, and every pixel has one label that "
                f"is 1 along the last axis. {ONE_HOT}(axis=-1)"
            )
        scores = scores[..., np.newaxis]
    return np.moveaxis(scores, -1, 0)


def _one_hot(labels: Array) -> bool:
    """Whether labels are 0, but for a single 1 along the last axis."""
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=-1) == 1).all())


def matched(name: str, scores: Array, labels: Array, spacing: tuple[float, ...] | None) -> Matched:
    """Scores (k, ...) and labels, where axes of size 1 that only one of them has are left out.

    name: of the case, for messages. Raises: InputError if shapes differ; if a transposition would fit, it says which.
    """
    if not scores.size or not labels.size:
        what = "no classes" if not len(scores) else "no pixels"
        shapes = f"scores have shape {show_shape(scores.shape)} and labels {show_shape(labels.shape)}"
        raise InputError(f"{name}: {shapes}, which are {what}: leave this case out")
    if scores.shape[1:] == labels.shape:
        return Matched(scores, labels, _of_axes(spacing, labels.ndim))
    thin, bare = _thin(scores.shape[1:]), _thin(labels.shape)
    if [scores.shape[1:][one] for one in thin] == [labels.shape[one] for one in bare] and thin:
        space = [labels.shape[one] for one in bare]
        along = _of_axes(spacing, labels.ndim)
        own = None if along is None else tuple(along[one] for one in bare)
        return Matched(scores.reshape(len(scores), *space), labels.reshape(space), own)
    raise InputError(f"{name}: {_mismatch(scores.shape, labels.shape)}")


def _mismatch(scores: Sequence[int], labels: Sequence[int]) -> str:
    told = f"scores have shape {show_shape(tuple(scores))} and labels {show_shape(tuple(labels))}"
    whole = f"{told}, but scores (k, ...) with labels (...) are needed"
    space = tuple(scores[1:])
    for order in permutations(range(len(labels))):
        if tuple(labels[axis] for axis in order) == space:
            return f"{whole}. They fit if labels are transposed by {order}: labels.transpose{order}"
    if tuple(scores) == tuple(labels):
        return f"{whole}. {ONE_HOT}(axis=0)"
    if len(scores) == len(labels) + 1 and tuple(scores[:-1]) == tuple(labels):
        return f"{whole}. They fit if the classes come first: np.moveaxis(scores, -1, 0)"
    for order in permutations(range(len(scores))):
        if tuple(scores[axis] for axis in order)[1:] == tuple(labels):
            return f"{whole}. They fit if scores are transposed by {order}: scores.transpose{order}"
    if len(scores) == len(labels) + 1 and all(a <= b for a, b in zip(space, labels, strict=True)):
        return f"{whole}. Scores of a smaller image: enlarge the scores to the size of the labels, never the labels"
    return whole


def _thin(shape: Sequence[int]) -> list[int]:
    """The axes of more than one pixel."""
    return [axis for axis, size in enumerate(shape) if size > 1]


def _of_axes(spacing: tuple[float, ...] | None, axes: int) -> tuple[float, ...] | None:
    return spacing if spacing is not None and len(spacing) == axes else None
