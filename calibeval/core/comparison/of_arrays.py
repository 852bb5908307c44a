"""Images in one array, where models are compared or judged: their numbers beside those of all pixels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from calibeval.core.comparison.baseline import Baseline, unpaired_differences
from calibeval.core.comparison.certainty import over_asked
from calibeval.core.comparison.chosen import chosen_of
from calibeval.core.comparison.comparison import Candidate, Difference
from calibeval.core.comparison.matched import unpaired
from calibeval.core.comparison.of_images import Models, image_differences
from calibeval.core.conventions.table import OWN
from calibeval.core.data.arrays import Codes
from calibeval.core.data.notices import Notice
from calibeval.core.data.positive import with_positive
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_ids import matchable
from calibeval.core.dense.as_metrics import of_block, of_report
from calibeval.core.dense.image_sums import ImageSums
from calibeval.core.dense.of_dump import has_images, images_of, too_large, without_background
from calibeval.core.dense.results import Images, per_image
from calibeval.core.errors import InputError
from calibeval.core.evaluation.evaluate import check_background
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.metrics.image_names import is_of_images
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Report
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import Resources


def counted(predictions: Predictions, settings: Settings) -> Predictions:
    """The predictions without the pixels that the settings leave out.

    Raises: UsageError for a choice about the background without images.
    """
    if settings.background is None:
        return predictions
    check_background(settings, images=has_images(predictions))
    return without_background(predictions) if settings.background == "exclude-label" else predictions


@dataclass(frozen=True, slots=True, eq=False)
class ArrayImages:
    """The images of a dump, added up. dump: with all its pixels. images: None if memory does not allow it.

    too_large: says so. own_group: whether the dump has the column of the groups.
    """

    dump: Predictions
    settings: Settings
    images: Images | None
    too_large: Notice | None
    own_group: bool

    @classmethod
    def of(
        cls, dump: Predictions, settings: Settings, resources: Resources, names: Collection[str] | None
    ) -> ArrayImages | None:
        """None if rows are not pixels of images, or if no number of images is among the names of metrics.

        names: None: of all metrics.
        """
        asked = names is None or any(map(is_of_images, names))
        if not asked or settings.convention != OWN or not has_images(dump):
            return None
        own = settings.group is not None and settings.group in dump.columns
        large = too_large(dump, settings.bins, resources.memory)
        chosen = settings if own else replace(settings, group=None)
        return cls(dump, settings, None if large else images_of(dump, chosen, resources), large, own)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or their numbers."""
        return self.dump.class_names or tuple(map(str, range(self.dump.k or 0)))

    @property
    def _measured(self) -> Images:
        """The images. Raises: InputError if too large."""
        if self.images is None:
            raise InputError(f"{self.dump.source.name}: {self.too_large}")
        return self.images

    @property
    def _positive(self) -> int | None:
        """The number of the positive class of two."""
        return with_positive(self.dump, self.settings.positive).positive if self.dump.k == 2 else None

    def metrics(self, level: float | None, names: Collection[str] | None = None) -> dict[str, MetricResult]:
        """The numbers of images, with intervals at this level. names: these alone. Raises: InputError if too large."""
        background = self.settings.background or "include"
        block = per_image(self._measured, level, self.class_names, background=background)
        return chosen_of(of_block(block, self._positive), names)

    def differences(
        self, base: ArrayImages, level: float, names: Collection[str] | None = None
    ) -> dict[str, Difference]:
        """The differences from another model on the same images, in any order. Raises: as `metrics`."""
        ours = base._measured
        theirs = _reordered(self._measured, base.dump, self.dump)
        codes = ours.codes if base.own_group or not self.own_group else theirs.codes
        models = Models(ours._replace(codes=codes), theirs._replace(codes=codes))
        found = image_differences(models, base.class_names, level, self.settings.background, self._positive)
        return chosen_of(found, names)

    def beside(
        self, base: ArrayImages | None, found: Candidate, level: float, names: Collection[str] | None
    ) -> Candidate:
        """The comparison of rows, with the differences of images."""
        told = self.too_large or (None if base is None else base.too_large)
        if base is None or told is not None:
            return replace(found, warnings=(*found.warnings, *([] if told is None else [told])))
        return with_differences(found, self.differences(base, level, names), names)


def images_of_both(
    dump: Predictions,
    base: Predictions | Report | None,
    settings: Settings,
    resources: Resources,
    names: Collection[str],
) -> tuple[ArrayImages | None, ArrayImages | None]:
    """The images of a dump, and of its base if that has some; None: they are not needed."""
    quiet = resources.quiet()
    first = ArrayImages.of(base, settings, quiet, names) if isinstance(base, Predictions) else None
    return ArrayImages.of(dump, settings, quiet, names), first


def unpaired_with_images(
    saved: Baseline, measured: Measurement, images: ArrayImages | None, level: float, names: Collection[str] | None
) -> Candidate:
    """As `unpaired`, with the differences of images."""
    found = unpaired(saved, measured, level, names)
    if images is None or images.images is None:
        return found if images is None else images.beside(None, found, level, names)
    known = replace(saved, dump=replace(saved.dump, metrics=of_report(saved.dump)))
    own = images.metrics(level, names)
    return with_differences(found, unpaired_differences(known, measured.sums, own, level, grouped=True), names)


def with_differences(found: Candidate, more: dict[str, Difference], names: Collection[str] | None) -> Candidate:
    """A comparison with further differences, all corrected for their number. names: those that were chosen, if some."""
    return replace(found, differences=over_asked(chosen_of({**found.differences, **more}, names), names))


def _reordered(images: Images, base: Predictions, dump: Predictions) -> Images:
    """The images in the order of the base, by their ids if both have some."""
    if base.ids is None or dump.ids is None or base.layout[0] != len(base.ids):
        return images
    ours, theirs = matchable(np.asarray(base.ids), np.asarray(dump.ids))
    if np.array_equal(ours, theirs):
        return images
    order: Codes = np.argsort(theirs)[np.argsort(np.argsort(ours))]
    parts = ImageSums(*(part[order] for part in images.sums.parts))
    return images._replace(sums=parts, names=[images.names[one] for one in order], codes=images.codes[order])
