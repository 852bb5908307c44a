"""Scores of images as rows of pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource

RUN_NUMBERS = 2**23


class DensePixels:
    """Scores of images, (n, k, h, w), (n, h, w, k) or (n, h, w), as rows of pixels in the order of (n, h, w).

    axis: the axis of the classes; None: there is none, and each pixel has one number.
    If pixels are read in order, each image is read only once, because the last images are kept.
    """

    def __init__(self, images: RowSource, axis: int | None) -> None:
        self._images, self.given = images, tuple(images.shape)
        self._channels_first = axis == 1
        n, *rest = images.shape
        k = 1 if axis is None else rest.pop(axis - 1)
        self.layout: tuple[int, ...] = (n, *rest)
        self.shape: tuple[int, ...] = (n * math.prod(rest), k)
        self._last: tuple[int, npt.NDArray[Any]] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers as stored."""
        return self._images.dtype

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        total, k = self.shape
        start, stop, _ = rows.indices(total)
        if stop <= start:
            return np.empty((0, k), self.dtype)
        pixels = total // self.layout[0]
        first, end = start // pixels, -(-stop // pixels)
        images = self._read(first, end)
        if not self._channels_first:
            return images.reshape(-1, k)[start - first * pixels : stop - first * pixels]
        if len(images) == 1:
            return images.reshape(k, pixels)[:, start - first * pixels : stop - first * pixels].T
        return np.moveaxis(images, 1, -1).reshape(-1, k)[start - first * pixels : stop - first * pixels]

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """The pixels of these numbers, in any order; of images on disk, `run` of them are read at once, and kept.

        >>> DensePixels(np.arange(12).reshape(2, 3, 2), 1).take(np.array([3, 0])).tolist()
        [[7, 9, 11], [0, 2, 4]]
        """
        pixels = self.shape[0] // self.layout[0]
        image, pixel = np.divmod(rows, pixels)
        if isinstance(self._images, np.ndarray) and self._images.flags.c_contiguous:
            flat = self._images.reshape(self.layout[0], *self._flat(pixels))
            return np.asarray(flat[image, :, pixel] if self._channels_first else flat[image, pixel])
        found = np.empty((len(rows), self.shape[1]), self.dtype)
        for i in np.unique(image // self.run).tolist():
            own, first = np.flatnonzero(image // self.run == i), i * self.run
            images = self._read(first, min(first + self.run, self.layout[0]))
            flat, place = images.reshape(len(images), *self._flat(pixels)), image[own] - first
            found[own] = flat[place, :, pixel[own]] if self._channels_first else flat[place, pixel[own]]
        return found

    @property
    def run(self) -> int:
        """How many images are read at once where pixels are taken: one, or as many as have few numbers together."""
        return max(1, min(self.layout[0], RUN_NUMBERS // max(1, self.shape[0] // self.layout[0] * self.shape[1])))

    def _flat(self, pixels: int) -> tuple[int, int]:
        """The shape of an image whose pixels are on one axis."""
        return (self.shape[1], pixels) if self._channels_first else (pixels, self.shape[1])

    def _read(self, first: int, end: int) -> npt.NDArray[Any]:
        """Consecutive images; the last ones are kept and not read again."""
        if isinstance(self._images, np.ndarray):
            return np.asarray(self._images[first:end])
        begin, kept = (first, None) if self._last is None else self._last
        if kept is None or not begin <= first < begin + len(kept):
            images = np.asarray(self._images[first:end])
        elif end <= begin + len(kept):
            return kept[first - begin : end - begin]
        else:
            images = np.concatenate([kept[first - begin :], self._images[begin + len(kept) : end]])
        self._last = first, images
        return images


class OneImage:
    """Scores of one image, such as (k, h, w), with an axis of images in front: (1, k, h, w)."""

    def __init__(self, image: RowSource) -> None:
        self._image = image
        self.shape: tuple[int, ...] = (1, *image.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers as stored."""
        return self._image.dtype

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        start, stop, _ = rows.indices(1)
        if stop <= start:
            return np.empty((0, *self.shape[1:]), self.dtype)
        return np.asarray(self._image[0 : self.shape[1]])[np.newaxis]
