"""Sums of every image, from one pass over its pixels: all numbers and intervals of segmentations come from these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.dense.regions import BANDS, band_of, boundary, distances
from calibeval.core.sums.binning import BinSums, bin_index

THREE = [0, 1, 3]  # of the five sums of BinSums: count, p and y


class Pixels(NamedTuple):
    """The pixels of an image that count.

    p: (k, n), probabilities as they are compared with edges. labels: (n,). places: (n,), where they are in the image.
    image: (h, w) or (d, h, w), the labels of all pixels. spacing: of these along each axis; None: 1.
    """

    p: Floats
    labels: npt.NDArray[np.intp]
    places: npt.NDArray[np.intp]
    image: npt.NDArray[Any]
    spacing: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
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

    def whole(self) -> ImageSums:
        """The sums of all images, as those of one."""
        return ImageSums(*(part.sum(axis=0, keepdims=True) for part in self.parts))

    def by_unit(self, codes: npt.NDArray[np.intp], units: int) -> ImageSums:
        """The sums of units of images. codes: (j,), the unit of each image, in [0, units)."""
        return ImageSums(*(_added(part, codes, units) for part in self.parts))

    def without_each(self) -> ImageSums:
        """For each image, the sums of all others."""
        return ImageSums(*(_left(part) for part in self.parts))


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
    def of(cls, pixels: Pixels, edges: Floats) -> ImageParts:
        """The sums of an image, which may have no pixels that count. edges: (m + 1,), as p is compared with them."""
        p, labels, (k, m) = pixels.p, pixels.labels, (len(pixels.p), len(edges) - 1)
        predicted, everyone = p.argmax(axis=0), np.arange(len(labels))
        confidence, right = p[predicted, everyone], predicted == labels
        own = bin_index(confidence, edges)
        near = boundary(pixels.image).ravel()[pixels.places]
        classes = np.empty((5, k, m))
        for label in range(k):
            classes[:, label] = _sums(bin_index(p[label], edges), p[label], labels == label, m)
        stated = p[labels, everyone]
        with np.errstate(divide="ignore"):
            nll = -np.log(stated).sum()
        brier = np.einsum("ij,ij->", p, p) - 2.0 * stated.sum() + len(labels)
        counts = [np.bincount(one, minlength=k) for one in (labels, predicted, labels[right])]
        return cls(
            _sums(own, confidence, right, m),
            _sums(own[near], confidence[near], right[near], m),
            classes.reshape(5, -1),
            _bands(pixels, confidence, right),
            np.array(counts, np.float64),
            np.array([nll, brier]),
        )


class ImageAdder:
    """Adds up images one by one.

    k, m: the numbers of classes and of bins.
    """

    def __init__(self, k: int, m: int) -> None:
        self.k, self._m = k, m
        self._images: list[tuple[Floats, ...]] = []
        self._pooled = np.zeros((5, m)), np.zeros((5, m)), np.zeros((5, k * m))

    def __len__(self) -> int:
        return len(self._images)

    def add(self, image: ImageParts) -> None:
        """The sums of the next image."""
        for total, one in zip(self._pooled, (image.top, image.border, image.classes), strict=True):
            np.add(total, one, out=total)
        m = self._m
        shaped = image.classes[THREE].reshape(3, self.k, m)
        self._images.append((image.top[THREE], image.border[THREE], shaped, image.bands, image.counts, image.scores))

    def sums(self) -> tuple[ImageSums, PooledBins]:
        """The sums of each image, and the bins of all."""
        parts = (np.stack(part) for part in zip(*self._images, strict=True))
        top, border, classes = self._pooled
        shaped = classes.reshape(5, self.k, self._m)
        return ImageSums(*parts), PooledBins(BinSums(*top), BinSums(*border), BinSums(*shaped))


def _sums(index: npt.NDArray[np.intp], p: Floats, y: npt.NDArray[np.bool_], m: int) -> Floats:
    """The five sums of BinSums by bin, (5, m)."""
    own, stated = index[y], p[y]
    return np.stack(
        [
            np.bincount(index, minlength=m).astype(np.float64),
            np.bincount(index, weights=p, minlength=m),
            np.bincount(index, weights=p * p, minlength=m),
            np.bincount(own, minlength=m).astype(np.float64),
            np.bincount(own, weights=stated, minlength=m),
        ]
    )


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


def _left(part: Floats) -> Floats:
    """The total without each entry; counts stay whole, and what rounding leaves below 0 is 0."""
    return np.asarray(np.maximum(part.sum(axis=0) - part, 0.0))
