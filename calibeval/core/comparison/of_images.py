"""The differences of two models' segmentations, of all pixels and of means over images: images are the units.

A difference of sums of gaps over bins is tested along the paths of both models, which vary together as the sums of
units say. Of a smooth number the delete-one-unit jackknife of the difference gives the error, and of a mean over images
that of the differences of single images; the interval has Student's quantile, with Satterthwaite's degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.comparison import Difference
from calibeval.core.comparison.differences import told_apart, with_contrast
from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import NotComputable, Notice, reason
from calibeval.core.dense.image_sums import ImageSums
from calibeval.core.dense.intervals import FEW_UNITS, LEAST_UNITS, as_gaps, joint_of_parts, rests_on_few
from calibeval.core.dense.results import FEW_PARTS, NO_METHOD, Images
from calibeval.core.dense.spread import infinite, known
from calibeval.core.dense.values import NUMBERS, DenseNumber, of_class, ratio, without_class
from calibeval.core.metrics.image_names import OF_POSITIVE, OF_ROWS, Spelled
from calibeval.core.report.left_out import LeftOut
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.joints import MOST_JOINT_CELLS
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast, check_thick, contrast
from calibeval.core.uncertainty.paired_means import normal_difference
from calibeval.core.uncertainty.paired_paths import Shared, ece_side, path_difference, shared_totals
from calibeval.core.uncertainty.paths import Joint

Bools = npt.NDArray[np.bool_]

NO_PIXELS = reason("no_rows", "there are no such pixels")


class Models(NamedTuple):
    """Base and candidate on the same images."""

    base: Images
    candidate: Images

    @property
    def both(self) -> tuple[ImageSums, ImageSums]:
        """The sums of every image."""
        return self.base.sums, self.candidate.sums

    @property
    def codes(self) -> Codes:
        """The unit of each image."""
        return self.candidate.codes


class Units:
    """The sums of both models by unit, and without each unit. Units without pixels are left out."""

    def __init__(self, models: Models) -> None:
        every = models.base.units, models.candidate.units
        there = every[0].n > 0.0
        base, candidate = (ImageSums(*(part[there] for part in one.parts)) for one in every)
        self.both = base, candidate
        self.clusters = Clusters(base.n)

    @cached_property
    def left(self) -> tuple[ImageSums, ImageSums]:
        """The sums of all units but one, for each."""
        base, candidate = self.both
        return base.without_each, candidate.without_each


def image_differences(
    models: Models,
    class_names: Sequence[str],
    level: float,
    background: LeftOut | None = None,
    positive: int | None = None,
) -> dict[str, Difference]:
    """The differences by their names: of all images, and then of every structure.

    Those that differences of rows have are left out. background: "exclude-class" leaves the first class out of means
    over classes, and out of the structures. positive: the number of the positive class of two.
    """
    without = background == "exclude-class"
    shown = Models(*(_without(one, 0) for one in models)) if without else models
    units = Units(shown)
    whole, single = {}, {}
    for number in NUMBERS.values():
        if number.name not in OF_ROWS:
            name = Spelled(number.name).name
            whole[name] = _pooled(name, number, shown, units, None, level)
    for number in NUMBERS.values():
        name = Spelled(number.name, mean=True).name
        whole[name] = _mean(name, number, shown, level)
    own = Units(models) if without else units
    for label, structure in enumerate(class_names):
        if without and label == 0:
            continue
        for number in of_class(label):
            for mean in (False, True):
                name = Spelled(number.name, mean, structure).name
                single[name] = (
                    _mean(name, number, models, level) if mean else _pooled(name, number, models, own, label, level)
                )
    for called, same in OF_POSITIVE.items() if positive is not None else ():
        for mean in (False, True) if same not in OF_ROWS else (True,):
            source, name = Spelled(same, mean, class_names[positive or 0]).name, Spelled(called, mean).name
            if source in single:
                whole[name] = replace(single[source], name=name)
    return {**whole, **single}


def _without(images: Images, label: int) -> Images:
    kept = [one for one in range(images.sums.counts.shape[-1]) if one != label]
    pooled = images.pooled._replace(classes=images.pooled.classes.each(lambda part: part[kept]))
    return images._replace(sums=without_class(images.sums, label), pooled=pooled)


def _pooled(
    name: str,
    number: DenseNumber,
    models: Models,
    units: Units,
    label: int | None,
    level: float,
) -> Difference:
    """The difference of a number of all pixels."""
    ours, theirs = (known(float(number.value(one.whole)[0])) for one in models.both)
    if ours is None or theirs is None:
        return Difference(name, ours, theirs, None, reason=NO_PIXELS)
    plain = Difference(name, ours, theirs, theirs - ours)
    if _same(*models.both):
        return with_contrast(plain, Contrast(0.0, 0.0, 1.0, 0.0, same=True))
    try:
        if number.gaps is not None:
            return with_contrast(plain, _of_gaps(number, models, units, label, level))
        if number.smooth:
            return with_contrast(plain, _of_sums(number, units, theirs - ours, level))
        if number.parts is not None:
            return with_contrast(plain, _of_parts(number, units, level))
    except NotComputable as missing:
        return plain.without_interval(missing.reason)
    return plain.without_interval(reason("no_method", NO_METHOD))


def _of_gaps(number: DenseNumber, models: Models, units: Units, label: int | None, level: float) -> Contrast:
    """Along the paths of both models."""
    of_units = [_bins(number, one, label) for one in units.both]
    sizes = of_units[0][:, 0].sum(axis=-1)
    there = sizes > 0.0
    clusters = Clusters(sizes[there])
    if clusters.effective < LEAST_UNITS:
        raise NotComputable("too_few_groups", FEW_UNITS)
    sums = tuple(_bin_sums(number, one, label) for one in models)
    check_thick(*sums)
    totals = tuple(own[there, 2] - own[there, 1] for own in of_units)
    if 2 * totals[0].shape[1] > MOST_JOINT_CELLS:
        raise NotComputable("too_few_groups", "there are too many bins")
    joints = shared_totals((totals[0], totals[1]), (sums[0], sums[1]), clusters)
    n = float(sizes.sum())
    sides = ece_side(sums[0], n, joints[0]), ece_side(sums[1], n, joints[1])
    own = Level(level, clusters.freedom)
    return contrast(*path_difference(*sides, own, joints[2]), own)


def _of_parts(number: DenseNumber, units: Units, level: float) -> Contrast:
    """Along the paths of both models' parts, which vary together as leaving out one unit of both at a time shows."""
    parts = number.parts
    if parts is None:
        raise AssertionError("there are parts")
    if units.clusters.effective < LEAST_UNITS:
        raise NotComputable("too_few_groups", FEW_UNITS)
    if any(rests_on_few(number, one) for one in units.both):
        raise NotComputable("too_few_groups", FEW_PARTS)
    whole, m = np.stack([parts(one.whole)[0] for one in units.both]), parts(units.both[0].whole).shape[1]
    if 2 * m > MOST_JOINT_CELLS:
        raise NotComputable("too_few_groups", "there are too many bins")
    clusters, places = units.clusters, (slice(m), slice(m, None))
    joint = joint_of_parts(np.concatenate([parts(one) for one in units.left], axis=1), clusters.freedom)
    base, candidate = (
        ece_side(as_gaps(own), 1.0, Joint(joint.error[here], joint.correlation[here, here], joint.freedom))
        for own, here in zip(whole, places, strict=True)
    )
    own_level, shared = Level(level, clusters.freedom), Shared(joint.correlation[places], None)
    return contrast(*path_difference(base, candidate, own_level, shared), own_level)


def _of_sums(number: DenseNumber, units: Units, whole: float, level: float) -> Contrast:
    """By leaving out one unit of both models at a time."""
    if units.clusters.effective < LEAST_UNITS:
        raise NotComputable("too_few_groups", FEW_UNITS)
    base, candidate = units.left
    left = number.value(candidate) - number.value(base)
    if np.isnan(left).any():
        raise NotComputable("too_few_groups", FEW_UNITS)
    return _contrast(number, whole, left, units.clusters, level)


def _mean(name: str, number: DenseNumber, models: Models, level: float) -> Difference:
    """The difference of means, each over the images that the model has a value of, as in its report.

    Dice, say, is undefined where a class is neither in the labels nor predicted, and 0 where it is only predicted.
    Source: Maier-Hein et al., Nature Methods 21:195 (2024).
    """
    both = [number.value(one) for one in models.both]
    there = [~np.isnan(one) for one in both]
    base, candidate = (
        known(float(one[own].mean())) if own.any() else None for one, own in zip(both, there, strict=True)
    )
    if base is None or candidate is None:
        return Difference(name, base, candidate, None, reason=_why_no_mean(*both))
    plain = Difference(name, base, candidate, candidate - base, reason=other_images(*there))
    if np.array_equal(both[0], both[1], equal_nan=True):
        return with_contrast(plain, Contrast(0.0, 0.0, 1.0, 0.0, same=True))
    sides = [_without_each(one, models.codes) for one in both]
    clusters = min((one[1] for one in sides), key=lambda one: one.freedom)
    if clusters.effective < LEAST_UNITS or not all(np.isfinite(left).all() for left, _ in sides):
        return plain.without_interval(FEW_UNITS)
    either = np.bincount(models.codes, weights=there[0] | there[1]) > 0.0
    left = (sides[1][0] - sides[0][0])[either]
    told = _contrast(number, candidate - base, left, clusters, level)
    return with_contrast(plain, told._replace(reason=told.reason or plain.reason))


def _without_each(values: Floats, codes: Codes) -> tuple[Floats, Clusters]:
    """The means over images without each unit, and the units that have a value. values: NaN where undefined."""
    there = ~np.isnan(values)
    sizes = np.bincount(codes, weights=there).astype(np.float64)
    totals = np.bincount(codes, weights=np.where(there, values, 0.0))
    left = ratio(totals.sum() - totals, sizes.sum() - sizes)
    return left, Clusters(sizes[sizes > 0.0])


def _why_no_mean(base: Floats, candidate: Floats) -> Notice:
    """Why one of two means does not exist: infinite, or without a pixel in any image."""
    if np.isnan(base).all() and np.isnan(candidate).all():
        return NO_PIXELS
    whys = (
        infinite(one) or (reason("no_rows", "no image has a value") if np.isnan(one).all() else None)
        for one in (base, candidate)
    )
    return told_apart(*whys)


def other_images(base: Bools, candidate: Bools) -> Notice | None:
    """How many images have a value of one model alone, so that the means are over other images; None if none has.

    base, candidate: (j,), whether an image has one.

    >>> str(other_images(np.array([True, False, False]), np.array([True, True, False])))
    '1 of 3 images has a value only in the candidate; each mean is over its own images'
    """
    parts = []
    for only, model in ((base & ~candidate, "base"), (candidate & ~base, "candidate")):
        count = int(only.sum())
        if count:
            parts.append(
                f"{count:,} of {len(only):,} images {'has' if count == 1 else 'have'} a value only in the {model}"
            )
    if not parts:
        return None
    return reason("other_images", f"{', '.join(parts)}; each mean is over its own images")


def _contrast(number: DenseNumber, whole: float, left: Floats, clusters: Clusters, level: float) -> Contrast:
    """From the differences without each unit."""
    j = len(left)
    error = math.sqrt((j - 1.0) / j * float(((left - left.mean()) ** 2).sum()))
    most = {"nll": math.inf, "brier": 2.0}.get(number.name, 2.0 if number.better == "zero" else 1.0)
    own = Level(level, clusters.freedom)
    found = normal_difference(whole, error, own, most)
    return contrast(found.low, found.high, found.p, own)


def _bins(number: DenseNumber, units: ImageSums, label: int | None) -> Floats:
    """The bins of units, (j, 3, m)."""
    if label is not None:
        return units.classes[:, :, label]
    return {"top": units.top, "border": units.border, "inside": units.inside}[number.gaps or "top"]


def _bin_sums(number: DenseNumber, images: Images, label: int | None) -> BinSums:
    """The bins of all pixels."""
    found = images.pooled.classes.row(label) if label is not None else number.bins_of(images.pooled)
    if found is None:
        raise AssertionError("numbers of gaps have bins")
    return found


def _same(base: ImageSums, candidate: ImageSums) -> bool:
    """Whether both models have the same sums of every image."""
    return all(np.array_equal(one, other) for one, other in zip(base.parts, candidate.parts, strict=True))
