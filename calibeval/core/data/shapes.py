"""What the shapes of scores and labels mean: rows of classes, one column of two classes, images, one image alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.dense import DensePixels, OneImage
from calibeval.core.data.row_source import BinaryColumns, Kind, RowSource, show_shape
from calibeval.core.errors import InputError

Shape = tuple[int, ...]


class Rows(NamedTuple):
    """Scores (rows, k), one label a row, and the layout of the rows: (n,), or (n, h, w) of images."""

    scores: RowSource
    labels: npt.NDArray[Any]
    layout: Shape


class Form(NamedTuple):
    """What the axes of scores are.

    axis: the one of the classes; None: there is none, but one number a row. layout: (n,), or (n, h, w) of images.
    alone: one image without an axis of images; then axis and layout count with that axis in front.
    """

    axis: int | None
    layout: Shape
    alone: bool = False


def as_rows(scores: RowSource, kind: Kind, labels: npt.NDArray[Any] | None, names: Sequence[str] | None = None) -> Rows:
    """Binary columns and dense images as rows of (n, k) scores, with labels to match.

    labels: None if they are unknown; they are then zeros. names: of the classes, if they have names.
    Raises: InputError for shapes that have no meaning together, or several.
    """
    shape = tuple(scores.shape)
    if kind == "confidence":
        if len(shape) != 1:
            raise InputError(f"confidence has shape {show_shape(shape)}, but one number per row is needed")
        return Rows(scores, _or_zeros(labels, shape), shape)
    if not shape or 0 in shape[1:]:
        raise InputError(f"{kind} have shape {show_shape(shape)}: there are no classes")
    k = None if names is None else len(names)
    form = form_of(shape, None if labels is None else labels.shape, kind, k)
    if len(shape) > 2:
        images = DensePixels(OneImage(scores) if form.alone else scores, form.axis)
        if labels is not None and images.shape[1] == 1:
            _refuse_one_hot(labels, shape, kind)
        labels = _or_zeros(labels, form.layout).reshape(-1)
        return Rows(BinaryColumns(images, kind) if images.shape[1] == 1 else images, labels, form.layout)
    one = len(shape) == 1 or shape[1] == 1
    return Rows(BinaryColumns(scores, kind) if one else scores, _or_zeros(labels, shape[:1]), shape[:1])


def form_of(shape: Shape, labels: Shape | None, kind: Kind, k: int | None = None) -> Form:
    """What the axes of scores of this shape are, beside labels of that shape.

    labels: None if they are unknown. k: the number of classes, if it is known.
    Raises: InputError for shapes that have no meaning together, or several.

    >>> form_of((12, 5, 8, 6), (12, 8, 6), "logits")
    Form(axis=1, layout=(12, 8, 6), alone=False)
    >>> form_of((8, 6, 5), (8, 6), "logits").axis, form_of((5, 8, 6), (8, 6), "logits").layout
    (2, (1, 8, 6))
    """
    if len(shape) < 3:
        return Form(len(shape) - 1 or None, shape[:1])
    if labels is None:
        return _unlabelled(shape, kind, k)
    found, full = [*_of_images(shape, labels)], shape
    if not found and shape[0] == 1 and len(labels) > 1:
        found = [form for form in _of_images(shape, (1, *labels)) if form.axis is not None]
    if not found:
        full = (1, *shape)
        every = (form for laid in ((1, *labels), labels) for form in _of_images(full, laid))
        found = [form._replace(alone=True) for form in every if form.axis is not None]
    if not found:
        raise InputError(
            f"{kind} have shape {show_shape(shape)} with labels {show_shape(labels)}, but (n, k) with (n,), "
            "or (n, k, h, w), (n, h, w, k) or, for two classes, (n, h, w) with (n, h, w) are needed"
        )
    if len({form.axis for form in found if form.axis is not None and full[form.axis] > 1}) > 1:
        raise InputError(f"{kind} {show_shape(shape)} could have the classes on axis 1 or on the last axis")
    form = found[0]
    if form.axis is None and len(shape) > 3:
        raise _same_shape(shape, kind, range(1, len(shape)))
    return form


def is_alone(shape: Shape, labels: Shape) -> bool:
    """Whether scores and labels of these shapes are those of one image without an axis of images.

    >>> is_alone((5, 8, 6), (8, 6)), is_alone((8, 5, 6), (8, 6))
    (True, False)
    """
    try:
        return form_of(shape, labels, "logits").alone
    except InputError:
        return False


def _of_images(shape: Shape, labels: Shape) -> Iterator[Form]:
    """The meanings of scores of images; an axis of size 1 of the labels may be one that the scores have for classes."""
    n, *rest = shape
    last = len(rest)
    laid = [labels]
    if len(labels) in (len(shape), len(shape) + 1):
        ones = [axis for axis in (1, len(labels) - 1) if labels[axis] == 1]
        laid = [labels[:axis] + labels[axis + 1 :] for axis in ones] + laid
    for count, *space in filter(None, laid):
        if count == n and len(space) == last - 1:
            if rest[1:] == space:
                yield Form(1, (n, *space))
            if rest[:-1] == space:
                yield Form(last, (n, *space))
        if count == n and rest == space:
            yield Form(None, shape)


def _unlabelled(shape: Shape, kind: Kind, k: int | None) -> Form:
    """The meaning of scores of images whose labels are unknown: the axis of the classes by its size."""
    last = len(shape) - 1
    sizes = (1,) if k is None else (k, 1) if k == 2 else (k,)
    axes = next((found for size in sizes if (found := [axis for axis in (1, last) if shape[axis] == size])), [])
    if len(axes) == 1 or (axes and shape[axes[0]] == 1):
        return Form(axes[0], shape[: axes[0]] + shape[axes[0] + 1 :])
    if k == 2 and not axes:
        return Form(None, shape)
    if k is not None and not axes:
        raise InputError(f"{kind} have shape {show_shape(shape)}, but neither axis 1 nor the last one has {k} classes")
    raise InputError(
        f"{kind} {show_shape(shape)} without labels could have the classes on axis 1 or on the last axis; class names, "
        "or labels, would tell"
    )


def _refuse_one_hot(labels: npt.NDArray[Any], shape: Shape, kind: Kind) -> None:
    """Refuse labels of the scores' own shape (n, h, w) that are one-hot along an axis. Raises: InputError."""
    if labels.shape != shape or shape[1] == 1 or labels.dtype.kind not in "biuf":
        return
    with np.errstate(invalid="ignore"):
        if not ((labels == 0) | (labels == 1)).all():
            return
    last = len(shape) - 1
    axes = [axis for axis in (1, last) if shape[axis] > 1 and (labels.sum(axis=axis) == 1).all()]
    if axes:
        raise _same_shape(shape, kind, axes)


def _same_shape(shape: Shape, kind: Kind, axes: range | list[int]) -> InputError:
    sizes = sorted({shape[axis] for axis in (axes[0], axes[-1])})
    return InputError(
        f"{kind} and labels both have shape {show_shape(shape)}: these could be one-hot labels of "
        f"{' or '.join(map(str, sizes))} classes, or one channel of two classes. Save one-hot labels as class numbers, "
        f"labels.argmax({axes[0]}); or give scores of one channel an axis of size 1, scores[:, None]"
    )


def _or_zeros(labels: npt.NDArray[Any] | None, layout: Shape) -> npt.NDArray[Any]:
    """The labels, or zeros without a meaning."""
    return np.zeros(math.prod(layout), np.int64) if labels is None else labels
