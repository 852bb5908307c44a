"""From the sums of images to what a report says of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import Notice, reason
from calibeval.core.dense.image_sums import ImageSums, PooledBins
from calibeval.core.dense.intervals import (
    FEW_UNITS,
    LEAST_UNITS,
    Ends,
    gap_ends,
    jackknife_ends,
    mean_ends,
    parts_ends,
    rests_on_few,
)
from calibeval.core.dense.regions import BANDS
from calibeval.core.dense.spread import infinite, known, quartiles_of, spread_of, worst_of
from calibeval.core.dense.values import (
    NUMBERS,
    DenseNumber,
    band_gap,
    dice,
    iou,
    of_class,
    signed_gap,
    without_class,
)
from calibeval.core.report.left_out import Background
from calibeval.core.report.per_image import Columns, ImageNumber, ImageValues, PerImage, Region, Structure, WorstImage
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.clusters import Clusters

NO_METHOD = "what single images add to the largest of several gaps does not show how far it is off over pooled pixels"

FEW_PARTS = f"a bin, or a band of distance, has pixels of fewer than {LEAST_UNITS} images, or groups of them"


class Images(NamedTuple):
    """Images that were added up.

    sums, pooled: of their pixels. names: of the images. codes: (j,), the independent unit of each. unit: the column
    that names the units; None: images.
    """

    sums: ImageSums
    pooled: PooledBins
    names: Sequence[str]
    codes: Codes
    unit: str | None = None

    @property
    def units(self) -> ImageSums:
        """The sums of the units."""
        return self.sums.by_unit(self.codes, int(self.codes.max()) + 1)


class Overlap(NamedTuple):
    """Dice and IoU of a class, pooled; None where the class is neither in the labels nor predicted."""

    dice: float | None
    iou: float | None


def overlaps(images: Images) -> tuple[Overlap, ...]:
    """The pooled overlap of every class."""
    whole = images.sums.whole
    pairs = zip(dice(whole)[0].tolist(), iou(whole)[0].tolist(), strict=True)
    return tuple(Overlap(known(one), known(other)) for one, other in pairs)


def per_image(
    images: Images,
    level: float | None,
    class_names: Sequence[str],
    *,
    background: Background = "include",
    spaced: bool = False,
) -> PerImage:
    """The block of a report. level: of the intervals; None: none. spaced: whether distances are in a unit of length.

    background: "exclude-class" leaves the first class out of means over classes, and out of the structures.
    """
    every, units = images.sums, images.units
    without = background == "exclude-class"
    shown = without_class(every, 0) if without else every
    shown_units = without_class(units, 0) if without else units
    pooled = images.pooled
    if without:
        pooled = pooled._replace(classes=pooled.classes.each(lambda part: part[1:]))
    numbers = {
        name: image_number(one, images._replace(sums=shown, pooled=pooled), shown_units, level, one.bins_of(pooled))
        for name, one in NUMBERS.items()
    }
    structures = []
    for label, name in enumerate(class_names):
        if without and label == 0:
            continue
        own = pooled.classes.row(label - without)
        found = {
            one.name: image_number(one, images, units, level, own if one.gaps else None, label)
            for one in of_class(label)
        }
        counts = every.counts[:, 0, label]
        structures.append(Structure(name, int(counts.sum()), int(np.count_nonzero(counts)), found))
    return PerImage(
        images=len(every),
        units=int(np.count_nonzero(units.n > 0.0)),
        unit=images.unit,
        background=background,
        distances="spacing" if spaced else "pixels",
        numbers=numbers,
        structures=tuple(structures),
        regions=_regions(every, units, level),
        ece_of_images=spread_of(every.each(NUMBERS["ece"].value), images.names),
        cases=_values(images, shown, class_names, {*range(without)}),
    )


def image_number(
    number: DenseNumber,
    images: Images,
    units: ImageSums,
    level: float | None,
    bins: BinSums | None,
    label: int | None = None,
) -> ImageNumber:
    """A number in both ways. units: the sums of units. bins: whose gaps it adds up, pooled.

    label: of the class that these belong to.
    """
    values = images.sums.each(number.value)
    whole = float(number.value(images.sums.whole)[0])
    own, bounds = values[~np.isnan(values)], _bounds(number)
    ends = mean = None
    why = infinite(values)
    if level is not None and why is None:
        if bins is not None and number.gaps is not None:
            ends = gap_ends(_bins(number, units, label), bins, level, of_class=label is not None)
        elif number.smooth:
            ends = jackknife_ends(number.value, units, whole, level, bounds)
        elif number.parts is not None:
            ends = parts_ends(number, units, level)
        mean = mean_ends(values, images.codes, level, bounds)
        why = _why(units, number, ends, mean)
    quartiles = quartiles_of(values)
    return ImageNumber(
        name=number.name,
        pooled=known(whole),
        mean=known(float(own.mean())) if len(own) else None,
        lower_quartile=quartiles[0],
        median=quartiles[1],
        upper_quartile=quartiles[2],
        pooled_low=None if ends is None else ends.low,
        pooled_high=None if ends is None else ends.high,
        mean_low=None if mean is None else mean.low,
        mean_high=None if mean is None else mean.high,
        undefined=len(values) - len(own),
        worst=_worst(number, values, images.names),
        reason=why,
    )


def _values(images: Images, shown: ImageSums, class_names: Sequence[str], without: Collection[int]) -> ImageValues:
    """The numbers of every image. shown: their sums for means over classes. without: the classes that have none."""
    columns = {name: shown.each(one.value) for name, one in NUMBERS.items()}
    for label, name in enumerate(class_names):
        if label not in without:
            columns |= {f"{name}: {one.name}": images.sums.each(one.value) for one in of_class(label)}
    return ImageValues(
        images=tuple(images.names),
        n=tuple(int(one) for one in images.sums.n),
        columns=tuple(columns),
        values=Columns([*columns.values()]),
    )


def _why(units: ImageSums, number: DenseNumber, ends: Ends | None, mean: Ends | None) -> Notice | None:
    """Why an interval is missing; None if both are there."""
    if ends is not None and mean is not None:
        return None
    count = Clusters(units.n[units.n > 0.0]).effective
    if count < LEAST_UNITS or mean is None:
        return FEW_UNITS
    if rests_on_few(number, units):
        return reason("too_few_groups", FEW_PARTS)
    if number.smooth or number.gaps is not None or number.parts is not None:
        return reason("too_few_groups", "it rests on a few images, or on too many bins")
    return reason("no_method", NO_METHOD)


def _worst(number: DenseNumber, values: Floats, names: Sequence[str]) -> tuple[WorstImage, ...]:
    badness = {"lower": values, "higher": -values, "zero": np.abs(values)}[number.better]
    return worst_of(values, badness, names)


def _bins(number: DenseNumber, units: ImageSums, label: int | None) -> Floats:
    if number.gaps == "top":
        return units.top
    if number.gaps == "border":
        return units.border
    if number.gaps == "inside":
        return units.inside
    return units.classes if label is None else units.classes[:, :, label]


def _bounds(number: DenseNumber) -> Ends:
    if number.better == "zero":
        return Ends(-1.0, 1.0)
    return Ends(0.0, math.inf if number.name == "nll" else 2.0 if number.name == "brier" else 1.0)


def _regions(images: ImageSums, units: ImageSums, level: float | None) -> tuple[Region, ...]:
    """Boundary, interior, and the bands of distance; the jackknife gives the intervals of their gaps."""
    found: list[Region] = []
    of_both: tuple[tuple[Literal["boundary", "interior"], Floats], ...]
    of_both = ("boundary", images.border), ("interior", images.inside)
    for name, bins in of_both:
        n, confidence, right = bins.sum(axis=(0, 2))
        gap = known(float(signed_gap(bins.sum(axis=0))))
        ends = _gap_ends(NUMBERS[f"{name}_gap"].value, units, gap, level)
        found.append(Region(name, int(n), _share(confidence, n), _share(right, n), gap, None, None, *ends))
    for band, (n, confidence, right, _) in enumerate(images.bands.sum(axis=0).T):
        upper = BANDS[band + 1] if band + 1 < len(BANDS) else None
        gap = _share(confidence - right, n)
        ends = _gap_ends(partial(band_gap, band=band), units, gap, level)
        shares = _share(confidence, n), _share(right, n), gap
        found.append(Region("distance", int(n), *shares, BANDS[band], upper, *ends))
    return tuple(found)


def _gap_ends(
    value: Callable[[ImageSums], Floats], units: ImageSums, gap: float | None, level: float | None
) -> tuple[float | None, float | None]:
    if gap is None or level is None:
        return None, None
    found = jackknife_ends(value, units, gap, level, Ends(-1.0, 1.0))
    return (None, None) if found is None else (found.low, found.high)


def _share(part: float, n: float) -> float | None:
    return float(part / n) if n > 0.0 else None
