"""Sums of every image, from one pass over its pixels: all numbers and intervals of segmentations come from these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.block import Block
from calibeval.core.dense.regions import BANDS, band_of, boundary, distances
from calibeval.core.sums.binning import BinSums, bin_index, sums_by_index
from calibeval.core.sums.sums import RowScores, Sums

TOGETHER = 4096  # images whose numbers are computed at once: of more, intermediate results would take too much memory
THREE = [0, 1, 3]  # of the five sums of BinSums: count, p and y


class Pixels(NamedTuple):
    """Where the pixels of an image are that count.

    places: (n,), ascending. image: (h, w) or (d, h, w), the labels of all pixels. spacing: of these along each axis;
    None: 1.
    """

    places: npt.NDArray[np.intp]
    image: npt.NDArray[Any]
    spacing: tuple[float, ...] | None = None


class Part(NamedTuple):
    """Consecutive pixels of an image that count, and their sums, which have the results of every row."""

    block: Block
    sums: Sums

    @property
    def rows(self) -> RowScores:
        """The results of every pixel."""
        if self.sums.rows is None:
            raise AssertionError("rows were asked for")
        return self.sums.rows

    @property
    def predicted(self) -> npt.NDArray[np.intp]:
        """The predicted class of every pixel."""
        found, wrong = self.block.labels.astype(np.intp), np.flatnonzero(~self.rows.correct)
        found[wrong] = self.block.scores.take(wrong, axis=0).argmax(axis=1)
        return found


@dataclass(frozen=True, eq=False)
class ImageSums:
    """The sums of images, with an axis of images in front, (j, ...).

    top, border: number of pixels, sum of the confidence and number of right pixels by bin of the confidence, (j, 3, m);
    of all pixels, and of those near a boundary. classes: the same of the probability of each class, (j, 3, k, m).
    bands: number, confidence, right ones and sum of the distance by band of the distance to a boundary, (j, 4, b).
    counts: of each class the pixels that have its label, are predicted to have it, and both, (j, 3, k). scores: sums of
    the negative log-likelihood and of the Brier score, (j, 2).
    """

    top: Floats
    border: Floats
    classes: Floats
    bands: Floats
    counts: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.top)

    @property
    def n(self) -> Floats:
        """The number of pixels of each image, (j,)."""
        return np.asarray(self.top[:, 0].sum(axis=-1))

    @property
    def parts(self) -> tuple[Floats, ...]:
        """All arrays."""
        return self.top, self.border, self.classes, self.bands, self.counts, self.scores

    @property
    def inside(self) -> Floats:
        """The sums of pixels that are not near a boundary, as `border`."""
        rest = self.top - self.border
        return np.where(rest[:, :1] > 0.0, rest, 0.0)

    @cached_property
    def whole(self) -> ImageSums:
        """The sums of all images, as those of one."""
        return ImageSums(*(part.sum(axis=0, keepdims=True) for part in self.parts))

    @cached_property
    def present(self) -> ImageSums:
        """Those with pixels that count."""
        there = self.n > 0.0
        return self if there.all() else ImageSums(*(part[there] for part in self.parts))

    def each(self, value: Callable[[ImageSums], Floats]) -> Floats:
        """What a function of sums gives for each image, (j, ...), some images at a time."""
        if len(self) <= TOGETHER:
            return value(self)
        blocks = (slice(start, start + TOGETHER) for start in range(0, len(self), TOGETHER))
        return np.concatenate([value(ImageSums(*(part[here] for part in self.parts))) for here in blocks])

    def each_left_out(self, value: Callable[[ImageSums], Floats]) -> Floats:
        """What a function of sums gives for the sums of all images but one, (j, ...)."""
        if len(self) <= TOGETHER:
            return value(self.without_each)
        return self.each(lambda some: value(Others(some, self.whole)))

    @cached_property
    def without_each(self) -> ImageSums:
        """For each image, the sums of all others."""
        return Others(self, self.whole)

    def by_unit(self, codes: npt.NDArray[np.intp], units: int) -> ImageSums:
        """The sums of units of images. codes: (j,), the unit of each image, in [0, units)."""
        if units == len(self) and (codes == np.arange(units)).all():
            return self
        return ImageSums(*(_added(part, codes, units) for part in self.parts))


class Others(ImageSums):
    """For each of some images, the sums of all others, each part computed when it is asked for.

    Counts stay whole, and what rounding leaves below 0 is 0.
    """

    def __init__(self, some: ImageSums, whole: ImageSums) -> None:
        object.__setattr__(self, "_some", some)
        object.__setattr__(self, "_whole", whole)

    def __getattr__(self, name: str) -> Floats:
        if name not in PARTS:
            raise AttributeError(name)
        with np.errstate(invalid="ignore"):  # an infinite NLL, without that of an infinite image, is unknown: NaN
            found = np.asarray(np.maximum(getattr(self._whole, name) - getattr(self._some, name), 0.0))
        object.__setattr__(self, name, found)
        return found


PARTS = tuple(one.name for one in fields(ImageSums))


class PooledBins(NamedTuple):
    """The bins of all images, with the squares that noise floors and intervals need."""

    top: BinSums
    border: BinSums
    classes: BinSums

    @property
    def inside(self) -> BinSums:
        """The bins of pixels that are not near a boundary."""
        pairs = zip(_fields(self.top), _fields(self.border), strict=True)
        count = self.top.count - self.border.count
        return BinSums(*(np.where(count > 0.0, np.maximum(one - other, 0.0), 0.0) for one, other in pairs))


class ImageParts(NamedTuple):
    """The sums of one image. top, border: (5, m), as of BinSums; classes: (5, k m). The others are as in ImageSums."""

    top: Floats
    border: Floats
    classes: Floats
    bands: Floats
    counts: Floats
    scores: Floats

    @classmethod
    def of(cls, pixels: Pixels, parts: Sequence[Part], k: int, edges: Floats) -> ImageParts:
        """The sums of an image, which may have no pixels that count. parts: all of those that do.

        k: the number of classes. edges: (m + 1,), as probabilities are compared with them.
        """
        m = len(edges) - 1
        top, classes, counts, scores = np.zeros((5, m)), np.zeros((5, k * m)), np.zeros((3, k)), np.zeros(2)
        for part in parts:
            labels, rows = part.block.labels, part.rows
            top += _fields(part.sums.top)
            if part.sums.classes is not None:
                classes += np.reshape(_fields(part.sums.classes), (5, -1))
            each = labels, part.predicted, labels[rows.correct]
            counts += [np.bincount(one, minlength=k) for one in each]
            scores += [rows.nll.sum(), rows.brier.sum()]
        confidence = np.concatenate([np.empty(0), *(part.rows.confidence for part in parts)])
        right = np.concatenate([np.empty(0, bool), *(part.rows.correct for part in parts)])
        near = np.flatnonzero(boundary(pixels.image).ravel()[pixels.places])
        border = sums_by_index(bin_index(confidence[near], edges), m, confidence[near], right[near])
        bands = _bands(pixels, confidence, right)
        return cls(top, np.stack(_fields(border)), classes, bands, counts, scores)


class ImageAdder:
    """Adds up images one by one.

    k, m: the numbers of classes and of bins. count: how many images are expected, for which there is room at once; more
    may come.
    """

    def __init__(self, k: int, m: int, count: int = 0) -> None:
        self.k, self._m = k, m
        self._done, self._room = 0, count
        self._images: list[Floats] = []
        self._pooled = np.zeros((5, m)), np.zeros((5, m)), np.zeros((5, k * m))

    def __len__(self) -> int:
        return self._done

    def add(self, image: ImageParts) -> None:
        """The sums of the next image."""
        for total, one in zip(self._pooled, (image.top, image.border, image.classes), strict=True):
            np.add(total, one, out=total)
        shaped = image.classes[THREE].reshape(3, self.k, self._m)
        parts = image.top[THREE], image.border[THREE], shaped, image.bands, image.counts, image.scores
        if not self._images:
            self._room = max(self._room, 1)
            self._images = [np.empty((self._room, *part.shape)) for part in parts]
        elif self._done == self._room:
            self._room += max(16, self._room // 2)
            for i, part in enumerate(parts):  # one after the other: two copies of one of them at a time
                larger = np.empty((self._room, *part.shape))
                larger[: self._done] = self._images[i]
                self._images[i] = larger
        for kept, part in zip(self._images, parts, strict=True):
            kept[self._done] = part
        self._done += 1

    def sums(self) -> tuple[ImageSums, PooledBins]:
        """The sums of each image, and the bins of all."""
        parts = (kept[: self._done] for kept in self._images)
        top, border, classes = self._pooled
        shaped = classes.reshape(5, self.k, self._m)
        return ImageSums(*parts), PooledBins(BinSums(*top), BinSums(*border), BinSums(*shaped))


def _bands(pixels: Pixels, confidence: Floats, right: npt.NDArray[np.bool_]) -> Floats:
    """The sums by band of the distance; all 0 for an image of one label, which has no boundary."""
    found = distances(pixels.image, pixels.spacing)
    if found is None:
        return np.zeros((4, len(BANDS)))
    distance = found.ravel()[pixels.places]
    band = band_of(distance)
    values = (None, confidence, right.astype(np.float64), distance)
    return np.stack([np.bincount(band, weights=one, minlength=len(BANDS)).astype(np.float64) for one in values])


def _fields(sums: BinSums) -> tuple[Floats, ...]:
    return sums.count, sums.p, sums.pp, sums.y, sums.yp


def _added(part: Floats, codes: npt.NDArray[np.intp], units: int) -> Floats:
    found = np.zeros((units, *part.shape[1:]))
    np.add.at(found, codes, part)
    return found
