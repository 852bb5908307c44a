"""Features of images: every pixel is a row, and every image a unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Indices
from calibeval.core.data.dense import DensePixels
from calibeval.core.data.labels import Labels
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_source import RowSource, show_shape
from calibeval.core.errors import InputError

IMAGE_AXES = (4, 5)  # of features that are images even without labels: (n, c, h, w), (n, c, z, h, w)


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images behind rows of features.

    pixels: all of them as rows. given: the features as they are stored. labels: of all pixels, (rows,), also of ignored
    ones; None without labels. ignore_index: the label of ignored pixels; None if none is.
    """

    pixels: DensePixels
    given: RowSource
    labels: Labels | None = None
    ignore_index: int | None = None

    @property
    def layout(self) -> tuple[int, ...]:
        """The shape of the labels: (n, h, w)."""
        return self.pixels.layout

    @property
    def count(self) -> int:
        """The number of images."""
        return self.layout[0]

    @property
    def size(self) -> int:
        """Pixels of an image, those that are ignored among them."""
        return self.pixels.shape[0] // self.count

    def rows_of(self, stored_rows: Indices | None) -> tuple[int, ...]:
        """How many rows every image has. stored_rows: the numbers of the pixels that are not ignored; None: all."""
        if stored_rows is None:
            return (self.size,) * self.count
        return tuple(np.bincount(stored_rows // self.size, minlength=self.count).tolist())

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Every image as one row of numbers, one at a time."""
        for i in range(self.count):
            yield np.asarray(self.given[i : i + 1]).reshape(1, -1)


def images_of(features: RowSource, labels: tuple[int, ...] | None) -> Images | None:
    """The images of features with more than two axes; None if there are only two.

    labels: their shape, which says where the features of a pixel are: (n, h, w) beside (n, c, h, w) or (n, h, w, c).
    Without labels, and where both would fit, they are on the second axis.
    Raises: InputError if the shapes do not fit each other.

    >>> images_of(np.zeros((2, 5, 4, 3)), (2, 4, 3)).pixels.shape
    (24, 5)
    """
    shape = tuple(features.shape)
    if len(shape) <= 2:
        return None
    if 0 in shape:
        raise InputError(f"features have shape {show_shape(shape)}: there is nothing in them")
    if labels is None and len(shape) in IMAGE_AXES:
        return Images(DensePixels(features, 1), features)
    if labels is None or len(labels) != len(shape) - 1:
        raise InputError(
            f"features have shape {show_shape(shape)}, but (n, d) is needed. Flatten or average the values of a row "
            "before saving; or save a label for every pixel, (n, h, w) beside features (n, c, h, w)."
        )
    for axis in (1, len(shape) - 1):
        if shape[:axis] + shape[axis + 1 :] == labels:
            return Images(DensePixels(features, axis), features)
    raise InputError(
        f"features have shape {show_shape(shape)}, but labels {show_shape(labels)}; (n, c, h, w) needs (n, h, w). "
        "Where the network is at a lower resolution, take every so many pixels of the labels, or upsample the features."
    )


def doubt_of_images(images: Images | None) -> tuple[Notice, ...]:
    """A warning about images without labels, which might be features that were not averaged."""
    if images is None or images.labels is not None:
        return ()
    shape, d = show_shape(images.given.shape), images.pixels.shape[1]
    text = f"features {shape} without labels are read as images: every pixel is a row of {d} features"
    return (warning("read_as_images", text),)
