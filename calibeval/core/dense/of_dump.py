"""The images of predictions in one array: their sums, in one pass over the scores."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.block import Block
from calibeval.core.data.columns import coded_units
from calibeval.core.data.copied import copied
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.dense.case import marked_labels
from calibeval.core.dense.image_sums import ImageAdder, ImageParts, Part, Pixels
from calibeval.core.dense.results import Images, overlaps, per_image
from calibeval.core.dense.values import NUMBERS, of_class
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.per_image import ImageNumber, PerImage
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.engine import chunk_rows, edges_of
from calibeval.core.sums.piece import piece_of
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.threads import in_order

Edges = tuple[Floats, Floats]  # exact ones, and as probabilities are compared with them
IGNORED = -1  # a label that no class has
COPIES, BYTES = 3, 8  # of the scores of an image while it is measured
LEAST_BYTES = 2**28  # so much memory is always taken


def has_images(predictions: Predictions) -> bool:
    """Whether the rows are pixels of images that can be measured one by one."""
    return len(predictions.layout) > 2 and predictions.k is not None and predictions.weights is None


def without_background(predictions: Predictions) -> Predictions:
    """The predictions without the pixels whose label is 0.

    >>> p = Predictions(probs=np.full((1, 2, 1, 2), 0.5), labels=[[[0, 1]]])
    >>> without_background(p).ignored
    1
    """
    labels, mark = predictions.labels, predictions.ignore_index
    mark = IGNORED if mark is None else mark
    labels = marked_labels(labels, labels == 0, mark)
    return copied(predictions, labels=labels, ignore_index=mark, ignored=int(np.count_nonzero(labels == mark)))


def with_images(
    report: DumpReport, predictions: Predictions, settings: Settings, resources: Resources = PLAIN
) -> DumpReport:
    """The report with what is measured image by image. predictions: with the background's pixels."""
    large = too_large(predictions, settings.bins, resources.memory)
    if large is not None:
        return replace(report, warnings=(*report.warnings, large))
    images = images_of(predictions, settings, resources)
    names = [one.name for one in report.per_class] or [str(one) for one in range(predictions.k or 0)]
    block = per_image(images, settings.level, names, background=settings.background or "include")
    return with_block(report, images, block)


def too_large(predictions: Predictions, bins: int, memory: int | None) -> Notice | None:
    """Why images are not measured one by one, in words; None if memory allows it."""
    if memory is None:
        return None
    k, (count, *space) = predictions.k or 0, predictions.layout
    each = 5 * BYTES * bins * (k + 2) + BYTES * (len(NUMBERS) + k * len(of_class(0)))
    one, sums = COPIES * BYTES * k * math.prod(space), count * each
    needed = max(one, sums)
    if needed <= max(memory, LEAST_BYTES):
        return None
    what = "an image takes" if one == needed else f"sums and numbers of {count:,} images take"
    text = f"images are not measured one by one: {what} {needed / 2**20:,.0f} MiB"
    return warning("images_not_measured", f"{text}, over the memory limit of {memory / 2**20:,.0f} MiB")


def with_block(report: DumpReport, images: Images, block: PerImage) -> DumpReport:
    """The report with the block of images, and the overlap of every class.

    Metrics that the report has over all pixels are in the block as they are there.
    """
    pairs = zip(report.per_class, overlaps(images), strict=False)
    classes = tuple(replace(one, dice=own.dice, iou=own.iou) for one, own in pairs)
    numbers = {name: _as_metric(one, report.metrics.get(name)) for name, one in block.numbers.items()}
    if block.background == "exclude-class":
        numbers["cwce"] = block.numbers["cwce"]
    return replace(report, per_image=replace(block, numbers=numbers), per_class=classes)


def _as_metric(number: ImageNumber, metric: MetricResult | None) -> ImageNumber:
    """The number with the pooled value and interval of the metric."""
    if metric is None or metric.value is None:
        return number
    return replace(number, pooled=metric.value, pooled_low=metric.low, pooled_high=metric.high)


def images_of(predictions: Predictions, settings: Settings, resources: Resources = PLAIN) -> Images:
    """The sums of every image, by the bins of the settings."""
    edges = edges_of(predictions, settings.bins)
    count = predictions.layout[0]
    adder = ImageAdder(predictions.k or 0, settings.bins, count)
    work = partial(_parts, predictions, edges, drop=settings.background == "exclude-label")
    for parts in in_order(work, range(count), jobs_for(predictions, resources)):
        adder.add(parts)
    codes = unit_codes(predictions, settings.group)
    return Images(*adder.sums(), image_names(predictions), codes, settings.group)


def jobs_for(predictions: Predictions, resources: Resources) -> int:
    """How many images may be in memory at once."""
    one = COPIES * BYTES * (predictions.k or 0) * math.prod(predictions.layout[1:])
    if resources.memory is None:
        return resources.jobs
    return min(resources.jobs, max(1, max(resources.memory, LEAST_BYTES) // max(one, 1) - 1))


def unit_codes(predictions: Predictions, group: str | None) -> Codes:
    """The number of the independent unit of each image. group: the column of units; None: the images."""
    count = predictions.layout[0]
    codes = np.arange(count)
    if group is not None:
        own = coded_units(predictions, group).codes
        codes = own[:: len(own) // count]
    return np.asarray(codes, np.intp)


def image_names(predictions: Predictions) -> tuple[str, ...]:
    """The ids of images, or "image" and their numbers.

    >>> image_names(Predictions(probs=np.full((2, 2, 1, 1), 0.5), labels=[[[0]], [[1]]]))
    ('image 0', 'image 1')
    """
    ids, count = predictions.ids, predictions.layout[0]
    if ids is None or len(ids) != count:
        return tuple(f"image {one}" for one in range(count))
    return tuple(map(str, ids))


def _parts(predictions: Predictions, edges: Edges, image: int, *, drop: bool) -> ImageParts:
    space = predictions.layout[1:]
    size = math.prod(space)
    here = slice(image * size, (image + 1) * size)
    labels = predictions.labels[here]
    keep = labels != predictions.ignore_index if predictions.ignored else np.ones(size, bool)
    if drop:
        keep &= labels != 0
    pixels, kinds = Pixels(np.flatnonzero(keep), labels.reshape(space)), copied(predictions, ignored=0)
    return parts_of(kinds, np.asarray(predictions.scores[here]), pixels, edges)


def parts_of(kinds: Predictions, scores: npt.NDArray[Any], pixels: Pixels, edges: Edges) -> ImageParts:
    """The sums of an image. kinds: predictions of the same kind and classes. scores: (pixels, k)."""
    labels, step, parts = pixels.image.ravel(), chunk_rows(kinds), []
    for start in range(0, len(pixels.places), step):
        own = pixels.places[start : start + step]
        rows = scores[own] if len(pixels.places) < len(labels) else scores[start : start + step]
        block = Block(rows, labels[own].astype(np.int64), start)
        parts.append(Part(block, piece_of(kinds, block, *edges, keep_rows=True).sums))
    return ImageParts.of(pixels, parts, kinds.k or 0, edges[1])
