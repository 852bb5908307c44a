"""What is said of segmentations: pixels of all images together and means over images, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from calibeval.core.conventions.images import TITLES
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.per_image import LABELS, ImageNumber, PerImage, Region
from calibeval.core.report.report import DumpReport
from calibeval.core.report.views import ByImage, by_image
from calibeval.words.digits import NULL, interval, label, unit, value
from calibeval.words.names import visible
from calibeval.words.signs import signed

SHARES = ("accuracy", "dice", "iou")
FIRST = ("ece", "ace", "dice")
FIRST_OF_TOOLS = ("expected", "average", "maximum", "ece", "boundary_ece", "aece", "cwce")
SHOWN_WORST = 3
INFINITE = "∞"
HEADINGS = ("pooled", "mean over images", "median", "quartiles", "undefined", "worst")


class NumberCells(NamedTuple):
    """A row of the table of numbers: each column as text."""

    name: str
    label: str
    pooled: str
    mean: str
    median: str
    quartiles: str
    undefined: str
    worst: str


def number_cells(number: ImageNumber) -> NumberCells:
    """A number in every column.

    >>> number_cells(ImageNumber("ece", 0.05, None, None, 0.09, 0.04, 0.13, 0.06, 0.05, 0.1, 0, (), None))[1:5]
    ('ECE %', '5.00', '9.00 [4.0 – 13.0]', '6.00')
    """
    own = _unit(number.name)
    quartiles = f"{_text(number.name, number.lower_quartile)} – {_text(number.name, number.upper_quartile)}"
    return NumberCells(
        number.name,
        f"{number_label(number.name)} {own}".rstrip(),
        _with_ends(number.name, number.pooled, number.pooled_low, number.pooled_high),
        _with_ends(number.name, number.mean, number.mean_low, number.mean_high),
        _text(number.name, number.median),
        NULL if number.median is None else quartiles,
        str(number.undefined) if number.undefined else "",
        ", ".join(_worst(number)),
    )


def image_lines(dump: DumpReport) -> list[list[str]]:
    """The parts of each line of a first view; none for rows that are no pixels of images."""
    images, judged = dump.per_image, by_image(dump)
    if images is None or judged is None:
        return []
    after = dump.recalibrated
    lines, lead = [_means(images, judged, {} if after is None else after.metrics)], judged.lead
    before = "" if after is None else "before the map, "
    if lead is not None and lead.worst and images.images > 1:
        lines.append([f"{before}worst images, {lead_label(judged)}: {', '.join(_worst(lead))}"])
    near = _border(images)
    return [*lines, [f"{before}{near}"]] if near else lines


def image_finding(dump: DumpReport) -> str:
    """The same in one paragraph, for a page."""
    lines = [" · ".join(line) for line in image_lines(dump) if line]
    return ". ".join(f"{line[:1].upper()}{line[1:]}" for line in lines) + "."


def images_beside(dump: DumpReport) -> list[str]:
    """The number of images, where the groups of the report are others."""
    images, groups = dump.per_image, dump.groups
    if images is None or (groups is not None and groups.column is None):
        return []
    return [f"{images.images:,} image{'' if images.images == 1 else 's'}"]


def region_name(region: Region, *, spaced: bool) -> str:
    """What pixels a region has.

    >>> region_name(Region("distance", 1, None, None, None, 3.0, 7.0, None, None), spaced=False)
    '3 to 7 pixels from a boundary'
    """
    if region.name != "distance":
        return {"boundary": "within 2 pixels of a boundary", "interior": "interior"}[region.name]
    unit = "units" if spaced else "pixels"
    if region.upper is None:
        return f"{region.lower:g} {unit} and more from a boundary"
    return f"{region.lower:g} to {region.upper:g} {unit} from a boundary"


def points(gap: float | None) -> str:
    """A signed gap in points."""
    return NULL if gap is None else signed(100 * gap, 1)


def gap_interval(region: Region) -> str:
    """The interval of a region's gap, in points; empty if there is none.

    >>> gap_interval(Region("boundary", 9, 0.9, 0.8, 0.1, None, None, 0.05, 0.15))
    '+5 to +15'
    """
    return interval(MetricResult("confidence_gap", region.gap, low=region.low, high=region.high))


def lead_label(judged: ByImage | None) -> str:
    """What the number is called by which images are judged."""
    if judged is None:
        return number_label("ece")
    return label(judged.ece) if judged.ece == "ece_positive" else number_label(judged.ece)


def strip_title(dump: DumpReport) -> str:
    """What is drawn of single images."""
    own, tool = lead_label(by_image(dump)), None if dump.per_image is None else dump.per_image.convention
    return f"{own} of single images" if tool is None else f"{own} of {tool}, by image"


def spread_said(dump: DumpReport) -> str:
    """How the ECE of single images is spread; empty if fewer than two have one."""
    judged = by_image(dump)
    number = None if judged is None else judged.lead
    if judged is None or number is None or number.median is None or len(judged.spread) < 2:
        return ""
    low, middle, high = (
        _text(number.name, one) for one in (number.lower_quartile, number.median, number.upper_quartile)
    )
    return f"Half of the images lie between {low} and {high} %, median {middle} %. Worst: {', '.join(_worst(number))}."


def number_label(name: str) -> str:
    """What a number is called in tables."""
    return LABELS.get(name) or TITLES.get(name, name)


def _means(images: PerImage, judged: ByImage, mapped: Mapping[str, MetricResult]) -> list[str]:
    """The parts of the line of means. mapped: the numbers after a map; none without one."""
    parts: list[str] = []
    beside = "" if images.convention is None else f" ({images.convention})"
    if mapped and not any(name.startswith("per_image.") for name in mapped):
        beside += " before the map"
    for name in FIRST if images.convention is None else FIRST_OF_TOOLS:
        number = judged.numbers.get(name)
        if number is None or number.mean is None:
            continue
        lead = "" if parts else f"mean over images{beside}: "
        mean = _with_ends(name, number.mean, number.mean_low, number.mean_high).replace(" [", " % [") + " %"
        mean = mean.removesuffix(" %") if "[" in mean else mean
        lacking = f", undefined in {number.undefined}" if number.undefined else ""
        notes = ("" if number.pooled is None else f"pooled {_text(name, number.pooled)}") + lacking
        called = lead_label(judged) if number is judged.lead else _called(judged, name)
        own = name if judged.ece != "ece_positive" else f"{name}_positive"
        then = mapped.get(f"per_image.{own}")
        after = "" if then is None or then.value is None else f", after the map {_text(name, then.value)}"
        parts.append(f"{lead}{called} {mean}{f' ({notes})' if notes else ''}{after}")
    why = next((one.reason for one in images.numbers.values() if one.mean is None and one.reason is not None), None)
    return parts or ([] if why is None else [f"mean over images{beside}: none: {why}"])


def _called(judged: ByImage, name: str) -> str:
    """What a number of this name is called; of two classes, it is that of the positive one."""
    own = number_label(name)
    return own if judged.ece != "ece_positive" else f"{own} (pos)" if name == "dice" else f"{own} P(pos)"


def _border(images: PerImage) -> str:
    """How pixels near boundaries differ from the others."""
    gaps = [images.numbers.get(name) for name in ("boundary_gap", "interior_gap")]
    there = [region for region in images.regions if region.name in ("boundary", "interior")]
    n = sum(region.n for region in there)
    if None in gaps or not there or n == 0 or there[0].gap is None:
        return ""
    said = [f"{points(None if one is None else one.pooled)}{_ends_of(one)}" for one in gaps]
    share = f"{100 * there[0].n / n:.0f} %"
    return f"gap near boundaries ({share} of pixels) {said[0]}; elsewhere {said[1]}"


def _ends_of(number: ImageNumber | None) -> str:
    if number is None:
        return ""
    ends = interval(MetricResult("confidence_gap", number.pooled, low=number.pooled_low, high=number.pooled_high))
    return f" [{ends}]" if ends else ""


def _worst(number: ImageNumber) -> Sequence[str]:
    shown = number.worst[:SHOWN_WORST]
    return [f"{visible(one.image)} {INFINITE if one.value is None else _text(number.name, one.value)}" for one in shown]


def _shape(name: str) -> str:
    """A metric whose values are written like those of this number."""
    if name in SHARES:
        return "accuracy"
    if name in ("nll", "brier"):
        return name
    return "confidence_gap" if name.endswith("gap") else "ece"


def _unit(name: str) -> str:
    return unit(_shape(name))


def _text(name: str, number: float | None) -> str:
    return value(MetricResult(_shape(name), number))


def _with_ends(name: str, number: float | None, low: float | None, high: float | None) -> str:
    ends = interval(MetricResult(_shape(name), number, low=low, high=high))
    return f"{_text(name, number)} [{ends}]" if ends else _text(name, number)
