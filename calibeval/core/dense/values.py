"""The numbers of segmentations, of many sets of pixels at once: of each image, of all, or of all but one.

Each takes the sums of images, (j, ...), and gives (j,) values, NaN where there is no pixel for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.dense.image_sums import ImageSums, PooledBins
from calibeval.core.sums.binning import BinSums

FEW = 1e-12  # rounding may leave this much of a bin that lost all pixels

Value = Callable[[ImageSums], Floats]


class DenseNumber(NamedTuple):
    """A number of segmentations.

    better: "lower", "higher", or "zero" for the size. gaps: the bins whose gaps it adds up, weighted by count: "top",
    "border", "inside" or "classes"; None for others. smooth: whether it is a smooth function of sums, so that the
    jackknife gives its error. parts: of a sum of sizes that are weighted in another way, the signed parts, (j, cells).
    rests: the pixels of parts, (j, cells), each of which needs pixels of some units: rare ones would change the number.
    """

    name: str
    value: Value
    better: Literal["lower", "higher", "zero"]
    gaps: Literal["top", "border", "inside", "classes"] | None = None
    smooth: bool = False
    parts: Value | None = None
    rests: Value | None = None

    def bins_of(self, pooled: PooledBins) -> BinSums | None:
        """The bins whose gaps it adds up."""
        return {"top": pooled.top, "border": pooled.border, "inside": pooled.inside, "classes": pooled.classes}.get(
            self.gaps or ""
        )


def ratio(above: Floats, below: Floats) -> Floats:
    """The quotients, NaN where nothing is below.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    there = below > FEW
    return np.where(there, above / np.where(there, below, 1.0), np.nan)


def mean_gap(bins: Floats) -> Floats:
    """The expected calibration error of bins (..., 3, m): mean |accuracy - confidence|, weighted by count."""
    gaps = np.abs(bins[..., 2, :] - bins[..., 1, :])
    return ratio(gaps.sum(axis=-1), bins[..., 0, :].sum(axis=-1))


def bin_gaps(bins: Floats) -> Floats:
    """|accuracy - confidence| of bins (..., 3, m), NaN in empty ones."""
    return ratio(np.abs(bins[..., 2, :] - bins[..., 1, :]), bins[..., 0, :])


def unweighted_gap(bins: Floats) -> Floats:
    """The mean of |accuracy - confidence| over bins (..., 3, m) that are not empty, each counting once."""
    gaps = bin_gaps(bins)
    there = ~np.isnan(gaps)
    return ratio(np.where(there, gaps, 0.0).sum(axis=-1), there.sum(axis=-1).astype(np.float64))


def unweighted_parts(bins: Floats) -> Floats:
    """The parts whose sizes add up to `unweighted_gap`, as accuracy - confidence, of bins (..., 3, m): (..., m)."""
    n, confidence, right = np.moveaxis(bins, -2, 0)
    there = n > FEW
    gaps = np.where(there, (right - confidence) / np.where(there, n, 1.0), 0.0)
    return np.asarray(gaps / np.maximum(there.sum(axis=-1, keepdims=True), 1))


def largest_gap(bins: Floats) -> Floats:
    """The largest |accuracy - confidence| of bins (..., 3, m)."""
    found = np.where(np.isnan(gaps := bin_gaps(bins)), -1.0, gaps).max(axis=-1)
    return np.where(found < 0.0, np.nan, found)


def signed_gap(bins: Floats) -> Floats:
    """Mean confidence minus accuracy, of bins (..., 3, m)."""
    total = bins.sum(axis=-1)
    return ratio(total[..., 1] - total[..., 2], total[..., 0])


def by_class(images: ImageSums) -> Floats:
    """The bins of the classes, (j, k, 3, m)."""
    return np.moveaxis(images.classes, 1, 2)


def band_gap(images: ImageSums, band: int) -> Floats:
    """Mean confidence minus accuracy of a band of distance."""
    n, confidence, right, _ = np.moveaxis(images.bands[:, :, band], 1, 0)
    return ratio(confidence - right, n)


def band_error(images: ImageSums) -> Floats:
    """The boundary-aware calibration error: |confidence - accuracy| of bands of distance, near ones weighing more.

    The weight of a band is 1 / (mean distance + 1); empty bands weigh nothing.
    Source: Zeevi et al., arXiv 2506.16589 (2025).
    """
    n, confidence, right, distance = np.moveaxis(images.bands, 1, 0)
    there = n > FEW
    weight = np.where(there, 1.0 / (distance / np.where(there, n, 1.0) + 1.0), 0.0)
    gap = np.where(there, np.abs(confidence - right) / np.where(there, n, 1.0), 0.0)
    return ratio((weight * gap).sum(axis=-1), weight.sum(axis=-1))


def band_parts(images: ImageSums) -> Floats:
    """The parts of bands whose sizes add up to `band_error`, as accuracy - confidence, (j, b)."""
    n, confidence, right, distance = np.moveaxis(images.bands, 1, 0)
    there = n > FEW
    count = np.where(there, n, 1.0)
    weight = np.where(there, 1.0 / (distance / count + 1.0), 0.0)
    total = weight.sum(axis=-1, keepdims=True)
    return np.asarray(weight * (right - confidence) / count / np.where(total > 0.0, total, 1.0))


def top_parts(images: ImageSums) -> Floats:
    """The parts of bins whose sizes add up to the unweighted mean of their gaps, (j, m)."""
    return unweighted_parts(images.top)


def filled(images: ImageSums) -> Floats:
    """The pixels of each bin that is not empty in all images together, (j, bins)."""
    count = images.top[:, 0]
    return np.asarray(count[:, count.any(axis=0)])


def class_parts(images: ImageSums) -> Floats:
    """The parts of classes and bins whose sizes add up to the mean of `unweighted_gap` over classes, (j, k m)."""
    classes = by_class(images)
    return np.asarray(unweighted_parts(classes).reshape(len(classes), -1) / classes.shape[1])


def dice(images: ImageSums) -> Floats:
    """The Dice coefficient of each class, (j, k): 2 TP / (2 TP + FP + FN), NaN where a class is in neither.

    Source: Dice, Ecology 26:297 (1945).
    """
    label, predicted, both = np.moveaxis(images.counts, 1, 0)
    return ratio(2.0 * both, label + predicted)


def iou(images: ImageSums) -> Floats:
    """The intersection over union of each class, (j, k): TP / (TP + FP + FN), NaN where a class is in neither."""
    label, predicted, both = np.moveaxis(images.counts, 1, 0)
    return ratio(both, label + predicted - both)


def over_classes(values: Floats) -> Floats:
    """The mean of (j, k) over the classes that have a value."""
    there = ~np.isnan(values)
    return ratio(np.where(there, values, 0.0).sum(axis=-1), there.sum(axis=-1).astype(np.float64))


def _share_right(images: ImageSums) -> Floats:
    total = images.top.sum(axis=-1)
    return ratio(total[:, 2], total[:, 0])


def _all_numbers() -> tuple[DenseNumber, ...]:
    return (
        DenseNumber("accuracy", _share_right, "higher", smooth=True),
        DenseNumber("confidence_gap", lambda j: signed_gap(j.top), "zero", smooth=True),
        DenseNumber("nll", lambda j: ratio(j.scores[:, 0], j.n), "lower", smooth=True),
        DenseNumber("brier", lambda j: ratio(j.scores[:, 1], j.n), "lower", smooth=True),
        DenseNumber("ece", lambda j: mean_gap(j.top), "lower", "top"),
        DenseNumber("ace", lambda j: unweighted_gap(j.top), "lower", parts=top_parts, rests=filled),
        DenseNumber("mce_all_bins", lambda j: largest_gap(j.top), "lower"),
        DenseNumber("cwce", lambda j: over_classes(mean_gap(by_class(j))), "lower", "classes"),
        DenseNumber("cwace", lambda j: over_classes(unweighted_gap(by_class(j))), "lower", parts=class_parts),
        DenseNumber("cwmce", lambda j: over_classes(largest_gap(by_class(j))), "lower"),
        DenseNumber("boundary_ece", lambda j: mean_gap(j.border), "lower", "border"),
        DenseNumber("interior_ece", lambda j: mean_gap(j.inside), "lower", "inside"),
        DenseNumber("boundary_gap", lambda j: signed_gap(j.border), "zero", smooth=True),
        DenseNumber("interior_gap", lambda j: signed_gap(j.inside), "zero", smooth=True),
        DenseNumber("ba_ece", band_error, "lower", parts=band_parts, rests=lambda j: j.bands[:, 0]),
        DenseNumber("dice", lambda j: over_classes(dice(j)), "higher", smooth=True),
        DenseNumber("iou", lambda j: over_classes(iou(j)), "higher", smooth=True),
    )


NUMBERS: Mapping[str, DenseNumber] = {one.name: one for one in _all_numbers()}


def of_class(label: int) -> tuple[DenseNumber, ...]:
    """The numbers of one structure: its probability against its label, and the overlap."""

    def bins(images: ImageSums) -> Floats:
        return images.classes[:, :, label]

    return (
        DenseNumber("ece", lambda j: mean_gap(bins(j)), "lower", "classes"),
        DenseNumber("ace", lambda j: unweighted_gap(bins(j)), "lower", parts=lambda j: unweighted_parts(bins(j))),
        DenseNumber("mce_all_bins", lambda j: largest_gap(bins(j)), "lower"),
        DenseNumber("confidence_gap", lambda j: signed_gap(bins(j)), "zero", smooth=True),
        DenseNumber("dice", lambda j: dice(j)[:, label], "higher", smooth=True),
        DenseNumber("iou", lambda j: iou(j)[:, label], "higher", smooth=True),
    )


def without_class(images: ImageSums, label: int) -> ImageSums:
    """The sums without the channel of a class, such as the background's; pixels all stay."""
    kept = [one for one in range(images.counts.shape[-1]) if one != label]
    return ImageSums(
        images.top, images.border, images.classes[:, :, kept], images.bands, images.counts[:, :, kept], images.scores
    )
