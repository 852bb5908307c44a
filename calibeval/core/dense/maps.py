"""Maps of one image for pictures: label, prediction, confidence, where it is wrong, and the gap around every pixel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import Kind, show_shape
from calibeval.core.dense.case import Case, region_labels, two_classes
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import rounded

MOST_SIDE = 512  # pixels of a picture
WIDTHS = 40  # the longer side of an image, over the standard deviation of the smoothing

Whole = npt.NDArray[np.intp]


class Slice(NamedTuple):
    """A slice of a volume: its number from 0, of how many, and the share of its pixels that are wrong."""

    number: int
    of: int
    wrong: float


class CaseMaps(NamedTuple):
    """One image, or one slice of a volume, as arrays (h, w) of at most 512 pixels a side.

    labels, predicted: classes. confidence: of the predicted class. counts: whether a pixel counts; the others have no
    meaning in the other arrays. gap: confidence - accuracy of the pixels around, with weights that fall with the
    distance as a normal density; its standard deviation is `width` pixels of the file. step: every how many-th pixel of
    the file is kept. sides: height and width in units of the spacing. slice: None for an image of two dimensions. n,
    accuracy, mean_confidence: of all pixels of the case that count, also those of other slices. image: (h, w) or (h, w,
    3), in [0, 1]; None: there is none. asked: whether somebody asked for this case. rank: among the cases with the
    largest ECE, from 1; None for others.
    """

    name: str
    labels: Whole
    predicted: Whole
    confidence: Floats
    counts: npt.NDArray[np.bool_]
    gap: Floats
    width: float
    step: int
    sides: tuple[float, float]
    slice: Slice | None
    n: int
    accuracy: float | None
    mean_confidence: float | None
    image: Floats | None = None
    asked: bool = False
    rank: int | None = None

    @property
    def wrong(self) -> npt.NDArray[np.bool_]:
        """The pixels that count and are wrong."""
        return np.asarray(self.counts & (self.labels != self.predicted))


class Asked(NamedTuple):
    """What is shown of a case. region: the number of a channel and the labels it consists of; None: all classes.

    unused: labels of pixels that do not count.
    """

    kind: Kind
    ignore_index: int | None = None
    region: tuple[int, tuple[int, ...]] | None = None
    unused: tuple[int, ...] = ()


def maps_of(case: Case, asked: Asked, image: npt.NDArray[Any] | None = None) -> CaseMaps:
    """The maps of a case; of a volume, those of the slice with the most wrong pixels, the least sure one of equal ones.

    image: (h, w) or (d, h, w), with colours as a last axis or not; it is stretched to the size of the labels.
    """
    scores, labels, kind = case.scores, case.labels, asked.kind
    if asked.region is not None:
        scores = scores[asked.region[0] : asked.region[0] + 1]
    spacing = case.spacing or (1.0,) * labels.ndim
    if case.from_x:
        scores, labels, spacing = np.moveaxis(scores, 0, -1).T, labels.T, spacing[::-1]
    flat = labels.ndim == 2
    if flat:
        scores, labels, spacing = scores[:, np.newaxis], labels[np.newaxis], (1.0, *spacing)
    elif 1 in labels.shape:  # a plane in a file for volumes
        thin = labels.shape.index(1)
        scores, labels = np.moveaxis(scores, thin + 1, 1), np.moveaxis(labels, thin, 0)
        spacing, flat = (spacing[thin], *(one for axis, one in enumerate(spacing) if axis != thin)), True
    unused = [*asked.unused, *([] if asked.ignore_index is None else [asked.ignore_index])]
    counts = ~np.isin(labels, unused)
    if asked.region is not None:
        labels = region_labels(labels, asked.region[1], None)
    confidence, predicted = _predictions(scores, kind)
    right = (predicted == labels) & counts
    n = int(counts.sum())
    if n == 0:
        raise InputError(f"{case.name}: no pixel has a label, so there is nothing to show")
    missed = (counts & ~right).sum(axis=(1, 2)) + (counts * (1.0 - confidence)).sum(axis=(1, 2)) / (n + 1.0)
    z = int(missed.argmax())
    height, width = labels.shape[1:]
    sigma = max(1.0, max(height, width) / WIDTHS)
    finest = min(spacing[1:])
    gap = smoothed(confidence[z] - right[z], counts[z], (sigma * finest / spacing[1], sigma * finest / spacing[2]))
    step = -(-max(height, width) // MOST_SIDE)
    kept = (slice(step // 2, None, step),) * 2 if min(height, width) > step // 2 else (slice(None, None, step),) * 2
    own = int(counts[z].sum())
    return CaseMaps(
        name=case.name,
        labels=np.where(counts[z], labels[z], 0)[kept].astype(np.intp),
        predicted=predicted[z][kept].astype(np.intp),
        confidence=confidence[z][kept].astype(np.float64),
        counts=counts[z][kept],
        gap=gap[kept],
        width=sigma,
        step=step,
        sides=(height * spacing[1], width * spacing[2]),
        slice=None if flat else Slice(z, len(labels), 1.0 - int(right[z].sum()) / own if own else 0.0),
        n=n,
        accuracy=int(right.sum()) / n,
        mean_confidence=float(confidence[counts].mean(dtype=np.float64)),
        image=None if image is None else stretched(case.name, image, labels.shape, z)[kept],
    )


def smoothed(values: Floats, counts: npt.NDArray[np.bool_], sigma: float | tuple[float, float]) -> Floats:
    """The mean of the values around every pixel, weighted by a normal density; only pixels that count have a weight.

    values, counts: (h, w). sigma: standard deviation in pixels, along each axis. Other pixels are NaN.

    >>> smoothed(np.array([[0.5, 9.0, 0.5]]), np.array([[True, False, True]]), 1.0).tolist()
    [[0.5, nan, 0.5]]
    """
    from scipy.ndimage import gaussian_filter

    weight = gaussian_filter(counts.astype(np.float64), sigma, mode="constant", truncate=3.0)
    total = gaussian_filter(np.where(counts, values, 0.0), sigma, mode="constant", truncate=3.0)
    found: Floats = np.full(values.shape, np.nan)
    np.divide(total, weight, out=found, where=counts)
    return found


def stretched(name: str, image: npt.NDArray[Any], shape: tuple[int, ...], z: int) -> Floats:
    """The slice of an image that belongs to labels of a shape (d, h, w), as (h, w) or (h, w, 3) in [0, 1].

    Whole numbers of 8 bits are divided by 255; other values run from the 1st to the 99th percentile of the slice.
    Raises: InputError for an image of other axes, or of another number of slices.
    """
    colours = image.shape[-1] in (3, 4) and image.ndim - 1 in (2, 3) and image.shape[-1] != shape[-1]
    volume = image[..., :3] if colours else image[..., np.newaxis]
    space = [size for size in volume.shape[:-1] if size > 1]
    if len(space) < 3:
        volume = volume.reshape(1, *(space if len(space) == 2 else volume.shape[-3:-1]), volume.shape[-1])
    if volume.ndim != 4 or len(volume) != shape[0]:
        shapes = f"{show_shape(image.shape)}, but the labels have {show_shape(shape)}"
        raise InputError(f"{name}: its image has shape {shapes}")
    plane = volume[z]
    rows, columns = (
        np.minimum((np.arange(size) + 0.5) * own / size, own - 1).astype(np.intp)
        for size, own in zip(shape[1:], plane.shape, strict=False)
    )
    values = plane[rows][:, columns].astype(np.float64)
    if image.dtype == np.uint8:
        found = values / 255.0
    else:
        low, high = np.percentile(values, (1, 99))
        found = np.clip((values - low) / (high - low if high > low else 1.0), 0.0, 1.0)
    return found if colours else np.asarray(found[..., 0])


def _predictions(scores: npt.NDArray[Any], kind: Kind) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Confidence and class of every pixel of (k, d, h, w), slice by slice, in half of the usual precision."""
    confidence = np.empty(scores.shape[1:], np.float32)
    predicted = np.empty(scores.shape[1:], np.int32)
    for z in range(scores.shape[1]):
        own = scores[:, z].reshape(len(scores), -1)
        used: Kind = "probs" if len(own) == 1 else kind
        p = two_classes(own, kind) if len(own) == 1 else own
        p = rounded(probabilities(np.ascontiguousarray(p), used, axis=0), used)
        predicted[z] = p.argmax(axis=0).reshape(scores.shape[2:])
        confidence[z] = p.max(axis=0).reshape(scores.shape[2:])
    return confidence, predicted
