"""Images under the conventions of tools that average over images: what is added up, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from calibeval.core.conventions.explained import ImageMean, ImagesExplained
from calibeval.core.conventions.images import IMAGE_CONVENTIONS, ImageConvention
from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import Notice, reason, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.dense.as_tools import Cells, Found, ToolImage, found_in, image_in, pooled_of
from calibeval.core.dense.intervals import FEW_UNITS, Ends, mean_ends
from calibeval.core.dense.of_dump import has_images, jobs_for, too_large
from calibeval.core.dense.spread import known, quartiles_of, spread_of, worst_of
from calibeval.core.errors import InputError
from calibeval.core.report.per_image import Columns, ImageNumber, ImageValues, PerImage
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.threads import in_order

LISTED = 3


def explain_images(predictions: Predictions, *, bins: int | None = None) -> tuple[ImagesExplained, ...]:
    """The images of a dump under every convention of tools for segmentations; empty without images.

    bins: for all; None: the default of each.
    """
    if not has_images(predictions):
        return ()
    return averaged(map(partial(image_in, predictions), range(predictions.layout[0])), bins)


def averaged(images: Iterable[ToolImage], bins: int | None = None) -> tuple[ImagesExplained, ...]:
    """Images under every convention, in one pass."""
    every = [ToolSums(one, one.bins if bins is None else bins) for one in IMAGE_CONVENTIONS.values()]
    for image in images:
        for sums in every:
            sums.add(sums.found(image))
    return tuple(sums.explained() for sums in every)


def tool_sums(
    predictions: Predictions, convention: ImageConvention, bins: int, resources: Resources = PLAIN
) -> ToolSums:
    """The images of a dump under one convention.

    Raises: InputError if an image takes more memory than there may be.
    """
    large = too_large(predictions, bins, resources.memory)
    if large is not None:
        raise InputError(f"{predictions.source.name}: {large}")
    sums = ToolSums(convention, bins)

    def work(image: int) -> Found:
        return sums.found(image_in(predictions, image))

    for found in in_order(work, range(predictions.layout[0]), jobs_for(predictions, resources)):
        sums.add(found)
    return sums


class ToolSums:
    """What a tool finds in images, one after the other."""

    def __init__(self, convention: ImageConvention, bins: int) -> None:
        self.convention, self.bins = convention, bins
        self._values: list[dict[str, float]] = []
        self._n: list[int] = []
        self._cells: dict[str, Cells] = {}
        self._borderless = 0

    def found(self, image: ToolImage) -> Found:
        """What the tool finds in an image; any thread may compute it."""
        return found_in(image, self.convention, self.bins)

    def add(self, found: Found) -> None:
        """The next image."""
        self._values.append(found.values)
        self._n.append(found.n)
        for name, cells in found.cells.items():
            self._cells[name] = self._cells[name].plus(cells) if name in self._cells else cells
        self._borderless += not found.bordered

    def explained(self) -> ImagesExplained:
        """What the tool prints."""
        numbers = {}
        for name in self.convention.numbers:
            own, mean, why = self._mean_of(name)
            spread = float(own.std()) if mean is not None and self.convention.spread else None
            numbers[name] = ImageMean(name, mean, spread, why)
        return ImagesExplained(self.convention, self.bins, len(self._values), numbers, tuple(self._remarks()))

    def block(self, level: float | None, names: Sequence[str], codes: Codes, unit: str | None) -> PerImage:
        """What the tool prints, as the block of a report, with intervals over images.

        level: of the intervals; None: none. names: of the images. codes: the number of the independent unit of each.
        unit: what names the units; None: images.
        """
        pooled = pooled_of(self.convention, self._cells)
        n = np.array(self._n, np.float64)
        if "nll" in self.convention.numbers and n.any():
            pooled["nll"] = _mean(self._of("nll")[n > 0.0], n[n > 0.0])
        first, *_ = self.convention.numbers
        lead = "ece" if "ece" in self.convention.numbers else first
        return PerImage(
            images=len(names),
            units=len(np.unique(codes[n > 0.0])),
            unit=unit,
            background="exclude-label" if self.convention.foreground else "include",
            distances="pixels",
            numbers={
                name: self._number(name, pooled.get(name), level, names, codes) for name in self.convention.numbers
            },
            structures=(),
            regions=(),
            ece_of_images=spread_of(self._of(lead), names),
            cases=ImageValues(
                images=tuple(names),
                n=tuple(self._n),
                columns=self.convention.numbers,
                values=Columns([self._of(one) for one in self.convention.numbers]),
            ),
            convention=self.convention.name,
        )

    def warnings(self, ignored: int) -> tuple[Notice, ...]:
        """What is to be known about the numbers. ignored: pixels without a label."""
        convention = self.convention
        weighing = ", which weigh as their pixels" if convention.weight == "pixels" else ""
        said = [f"{convention.name}: means over images{weighing}; it hides: {convention.hides}"]
        said += [f"{convention.name}: {one}" for one in self._remarks()]
        if ignored and convention.unlabelled:
            said.append(f"{convention.name}: {ignored:,} pixels without a label count, and are wrong for every class")
        return tuple(warning("convention_images", one) for one in said)

    @property
    def _weights(self) -> Floats:
        """What each image counts."""
        return np.array(self._n if self.convention.weight == "pixels" else [1] * len(self._n), np.float64)

    def _of(self, name: str) -> Floats:
        return np.array([one[name] for one in self._values])

    def _remarks(self) -> list[str]:
        if not self._borderless or not any(name.startswith("boundary") for name in self.convention.numbers):
            return []
        text = f"{self._borderless:,} of {len(self._values):,} images have no boundary and count as 0"
        return [f"{text} in boundary numbers"]

    def _mean_of(self, name: str) -> tuple[Floats, float | None, Notice | None]:
        """The values of the images, and what the tool prints, or why it has no number."""
        own = self._of(name)
        why = self._missing(name, own)
        return own, None if why is not None else _mean(own, self._weights), why

    def _missing(self, name: str, own: Floats) -> Notice | None:
        """Why the tool has no number; None if it has one. own: the values of the images."""
        lacking = np.flatnonzero(~np.isfinite(own))
        if not len(lacking):
            return None
        if name == "nll" and not np.isnan(own).any():
            return reason("not_in_convention", "is infinite: a label has probability 0")
        some = ", ".join(str(one) for one in lacking[:LISTED])
        what = "foreground" if self.convention.foreground else "labelled pixels"
        text = f"the tool's mean is NaN: {len(lacking):,} of {len(own):,} images have no {what} (number {some})"
        return reason("not_in_convention", text)

    def _number(
        self, name: str, pooled: float | None, level: float | None, names: Sequence[str], codes: Codes
    ) -> ImageNumber:
        own, mean, why = self._mean_of(name)
        ends = None
        if level is not None and mean is not None:
            ends = mean_ends(own, codes, level, Ends(0.0, np.inf if name == "nll" else 1.0), self._weights)
            if ends is None:
                why = FEW_UNITS
        quartiles = quartiles_of(own)
        return ImageNumber(
            name=name,
            pooled=None if pooled is None else known(pooled),
            pooled_low=None,
            pooled_high=None,
            mean=mean,
            mean_low=None if ends is None else ends.low,
            mean_high=None if ends is None else ends.high,
            lower_quartile=quartiles[0],
            median=quartiles[1],
            upper_quartile=quartiles[2],
            undefined=int(np.isnan(own).sum()),
            worst=worst_of(own, own, names),
            reason=why,
        )


def _mean(values: Floats, weights: Floats) -> float:
    return float((values * weights).sum() / weights.sum())
