"""One class as what diagrams, tables and figures draw: in place of the confidence and the accuracy of the top label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from calibeval.core.data.notices import reason
from calibeval.core.metrics.image_names import MEANS, MEANS_OF_POSITIVE, PREFIX
from calibeval.core.metrics.image_names import OF_POSITIVE as OF_STRUCTURE
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.per_image import ImageNumber, ImageValue
from calibeval.core.report.report import DumpReport
from calibeval.core.report.rows import ClassView

# Metrics of the positive class, and those of the top label that they stand in for.
OF_POSITIVE = {"gap_positive": "confidence_gap", "ece_positive": "ece"}


def speaks_of_positive(dump: DumpReport) -> bool:
    """Whether this dump is judged by P(positive class): of two classes, unless only other metrics were chosen."""
    return dump.positive is not None and all(name in dump.metrics for name in OF_POSITIVE)


def with_gap_of_positive(dump: DumpReport) -> DumpReport:
    """The dump with the gap of P(positive class), from its bins, where of gaps and ECEs only its ECE was chosen.

    Then it is judged by P(positive class), as its table is about that.
    """
    there = [name for pair in OF_POSITIVE.items() for name in pair if name in dump.metrics]
    if dump.positive is None or there != ["ece_positive"] or not dump.n:
        return dump
    filled = [one for one in dump.positive.bins if one.gap is not None]
    gap = sum(one.mass * (one.gap or 0.0) for one in filled) / sum(one.mass for one in filled)
    return replace(dump, metrics={**dump.metrics, "gap_positive": MetricResult("gap_positive", gap)})


def judged_by(dump: DumpReport) -> tuple[str, str]:
    """The names of the mean gap and of the calibration error by which this dump is judged."""
    return ("gap_positive", "ece_positive") if speaks_of_positive(dump) else ("confidence_gap", "ece")


class ByImage(NamedTuple):
    """The numbers of images in a first view.

    ece: the name of the number that images are ordered by; "ece_positive" if that is the ECE of P(positive class).
    numbers: by name. lead: the one that images are ordered by. spread: its value in each image, the worst first; empty
    if they are not known.
    """

    ece: str
    numbers: Mapping[str, ImageNumber]
    lead: ImageNumber | None
    spread: tuple[ImageValue, ...]


def by_image(dump: DumpReport) -> ByImage | None:
    """The numbers by which images are judged: of two classes those of P(positive class); None for other rows."""
    images, view = dump.per_image, dump.positive
    if images is None:
        return None
    place = -1 if view is None else view.index - (2 - len(images.structures))  # one without the background
    if images.convention is not None or place < 0 or not speaks_of_positive(dump):
        lead = images.leading
        return ByImage("ece" if lead is None else lead.name, images.numbers, lead, images.ece_of_images)
    own = images.structures[place]
    values: dict[str, float | None] = {}
    if images.cases is not None:
        columns = dict(zip(images.cases.columns, images.cases.values, strict=True))
        values = dict(zip(images.cases.images, columns[f"{own.name}: ece"], strict=True))
    known = [ImageValue(name, value) for name, value in values.items() if value is not None]
    return ByImage("ece_positive", own.numbers, own.numbers["ece"], tuple(sorted(known, key=lambda one: -one.value)))


def with_means(dump: DumpReport) -> DumpReport:
    """The dump with the means over images of a first view among its metrics; rows that are no pixels as they are."""
    judged = by_image(dump)
    if judged is None:
        return dump
    means = {}
    for name in MEANS_OF_POSITIVE if judged.ece == "ece_positive" else MEANS:
        own = name.removeprefix(PREFIX)
        number = judged.numbers.get(OF_STRUCTURE.get(own, own))
        if number is not None and number.mean is not None:
            means[name] = MetricResult(name, number.mean, low=number.mean_low, high=number.mean_high)
    return replace(dump, metrics={**dump.metrics, **means})


def first_view(dump: DumpReport) -> DumpReport:
    """The dump as its first diagram shows it: for two classes by P(positive class), else as it is."""
    return dump if dump.positive is None or not speaks_of_positive(dump) else seen_as(dump, dump.positive)


def seen_as(dump: DumpReport, view: ClassView) -> DumpReport:
    """The dump with the bins of one class: confidence is its probability, accuracy the frequency of its label.

    The metrics are the gap and the ECE of that class; it has no map, slices and classes.
    """
    found: Mapping[str, MetricResult] = {}
    if dump.positive is not None and view.index == dump.positive.index:
        found = {
            name: replace(dump.metrics[own], name=name) for own, name in OF_POSITIVE.items() if own in dump.metrics
        }
    elif view.index < len(dump.per_class):
        own = dump.per_class[view.index]
        why = reason("no_method", "a single class of several has no interval")
        ece = MetricResult("ece", own.calibration_error, floor=own.floor, floor_high=own.floor_high, reason=why)
        found = {"ece": ece, "confidence_gap": MetricResult("confidence_gap", own.gap, reason=why)}
    return replace(
        dump,
        metrics=found,
        equal_width=view.bins,
        equal_mass=None,
        curve=view.curve,
        per_class=(),
        recalibrated=None,
        slices=None,
        small_slices=None,
        positive=None,
        class_views=None,
    )
