"""A figure of a segmentation: the gap near boundaries and away from them, and the ECE of single images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calibeval.core.errors import InputError
from calibeval.core.report.per_image import PerImage, Region
from calibeval.core.report.report import DumpReport, Report
from calibeval.render.drawing import legend
from calibeval.render.drawing.headers import cut, titles
from calibeval.render.drawing.layout import Frame, Layout, Style, layout_of
from calibeval.render.drawing.letters import printable
from calibeval.render.drawing.marks import Box, Dot, Mark, Stroke, Text
from calibeval.render.drawing.sheet import Panel, Sheet, check_width
from calibeval.render.drawing.strip import strip_of
from calibeval.render.drawing.ticks import Tick
from calibeval.words.images import image_finding, points, strip_title
from calibeval.words.marks import round_ticks, shorten

STYLE = Style(title=8.0, text=7.0, small=6.0, words=True, flush=False, lines=1.0)
ROW, STRIP = 12.0, 46.0  # heights in points: of a region, and of the strip
LEFT, RIGHT = 68.0, 30.0
HEADER, AXIS, BETWEEN = 15.0, 24.0, 10.0
MOST_DUMPS = 20


def images_sheet(report: Report, inches: float | None = None) -> Sheet:
    """Of every segmentation in the report, gaps by region with their intervals, and below them single images.

    inches: the width, by default 3.5 (a column). Raises: InputError for a report without segmentations; UsageError for
    a width below 2 or above 40 inches.
    """
    dumps = [dump for dump in report.dumps if dump.per_image is not None][:MOST_DUMPS]
    if not dumps:
        raise InputError("the report has no segmentations, so there is nothing to draw of images")
    check_width(inches)
    layout = replace(layout_of(1, inches), style=STYLE, left=LEFT)
    most = _most([one.per_image for one in dumps if one.per_image is not None])
    blocks = [HEADER + _height(one) for one in dumps]
    rows = legend.lines_of(_legend(dumps, report.settings.level), layout.width - 12.0, STYLE.text)
    layout = replace(layout, below=legend.height_of(rows, STYLE.text))
    height = sum(blocks) + layout.below
    panels: list[Panel] = []
    marks = legend.drawn(rows, 6.0, STYLE.text)
    top = height
    for dump, block, name in zip(
        dumps, blocks, titles([one.name for one in dumps], STYLE.title, layout.width - 12.0), strict=True
    ):
        marks.append(Text("ink", (6.0, top - 11.0), name, STYLE.title, bold=True))
        panels += _panels(dump, top - HEADER, layout, most)
        top -= block
    names = shorten(printable(dumps[0].name), 120) if len(dumps) == 1 else f"{len(dumps)} dumps"
    said = ". ".join(f"{shorten(printable(one.name), 120)}: {_said(one)}" for one in dumps)
    return Sheet(layout, layout.width, height, f"Images of {names}", said, tuple(panels), tuple(marks))


def region_title(region: Region, *, spaced: bool) -> str:
    """A region in few letters.

    >>> region_title(Region("distance", 1, None, None, None, 3.0, 7.0, None, None), spaced=False)
    '3 – 7 px'
    """
    unit = "units" if spaced else "px"
    if region.name == "boundary":
        return "boundary, ≤ 2 px"
    if region.name == "interior":
        return "interior"
    if region.upper is None:
        return f"≥ {region.lower:g} {unit}"
    return f"{region.lower:g} – {region.upper:g} {unit}"


def _said(dump: DumpReport) -> str:
    return "" if dump.per_image is None else printable(image_finding(dump))


def _height(dump: DumpReport) -> float:
    images = dump.per_image
    if images is None:
        return 0.0
    strip = STRIP + AXIS + BETWEEN if strip_of(dump) is not None else 0.0
    return (ROW * len(images.regions) + AXIS if images.regions else 0.0) + strip + BETWEEN


def _most(every: Sequence[PerImage]) -> float:
    """Half of the axis of gaps: every bar and every interval fits."""
    ends = [abs(end) for images in every for one in images.regions for end in (one.gap, one.low, one.high) if end]
    return 1.05 * max(ends, default=0.0) or 0.01


def _panels(dump: DumpReport, top: float, layout: Layout, most: float) -> list[Panel]:
    images = dump.per_image
    if images is None:
        return []
    width = layout.width - LEFT - RIGHT
    low = top - ROW * len(images.regions) + (0.0 if images.regions else AXIS)
    half = round_ticks(-100.0 * most, 100.0 * most, 5)
    ticks = tuple(Tick(0.5 + 0.5 * tick / 100.0 / most, signed_tick(tick)) for tick in half)
    regions = [
        Panel(
            "regions",
            Frame(LEFT, low, width, top - low),
            tuple(_bars(images, most)),
            ticks,
            (),
            x_numbered=True,
            y_numbered=False,
            x_title="Confidence − accuracy (points)",
        )
    ]
    found = regions if images.regions else []
    strip = strip_of(dump, STYLE.small)
    if strip is not None:
        frame = Frame(LEFT, low - AXIS - BETWEEN - STRIP, width, STRIP)
        names = cut("images", STYLE.text, LEFT)
        side = Text("ink", (0.0, 0.5), f"{images.images:,} {names}", STYLE.text, "end", dx=-5.0, dy=-0.36 * STYLE.text)
        found.append(
            Panel(
                "strip",
                frame,
                (*strip.marks, side),
                strip.ticks,
                (),
                x_numbered=True,
                y_numbered=False,
                x_title=f"{strip_title(dump)} (%)",
            )
        )
    return found


def _bars(images: PerImage, most: float) -> list[Mark]:
    """A bar of each region from 0 in the middle, its interval, and its name at the left."""
    marks: list[Mark] = []
    rows, spaced = len(images.regions), images.distances == "spacing"
    for i, region in enumerate(images.regions):
        middle = 1.0 - (i + 0.5) / rows
        down = -0.36 * STYLE.text
        name = region_title(region, spaced=spaced)
        marks.append(Text("ink", (0.0, middle), name, STYLE.text, "end", dx=-5.0, dy=down))
        if not region.gap:
            marks += [] if region.gap is None else [_number(region, middle)]
            continue
        sign, length = ("over" if region.gap > 0 else "under"), 0.5 * abs(region.gap) / most
        start = 0.5 if region.gap > 0 else 0.5 - length
        marks.append(Box(f"gap {sign}", start, middle - 0.3 / rows, length, 0.6 / rows, hatch=sign))
        if region.low is not None and region.high is not None:
            low, high = (0.5 + 0.5 * end / most for end in (region.low, region.high))
            marks.append(Stroke("whisker", (low, middle), (high, middle)))
            half = 0.18 / rows
            marks += [Stroke("whisker", (end, middle - half), (end, middle + half)) for end in (low, high)]
        marks.append(_number(region, middle))
    return [*marks, Stroke("zero", (0.5, 0.0), (0.5, 1.0))]


def _number(region: Region, middle: float) -> Text:
    """The gap of a region behind its bar."""
    place = (1.0, middle)
    return Text("ink", place, points(region.gap), STYLE.text, "end", dx=RIGHT - 5.0, dy=-0.36 * STYLE.text)


def signed_tick(value: float) -> str:
    """A number of an axis with its sign.

    >>> signed_tick(-5.0), signed_tick(0.0), signed_tick(2.5)
    ('−5', '0', '+2.5')
    """
    return f"{value:+g}".replace("-", "−") if value else "0"


def _legend(dumps: Sequence[DumpReport], level: float | None) -> list[legend.Entry]:
    regions = [one for dump in dumps if dump.per_image is not None for one in dump.per_image.regions]
    half = (Box("quartiles", 0.0, 0.0, 1.0, 1.0), Stroke("median", (0.5, 0.0), (0.5, 1.0)))
    found = [
        legend.Entry((Box("gap over", 0.0, 0.0, 1.0, 1.0, hatch="over"),), "over-confident"),
        legend.Entry((Box("gap under", 0.0, 0.0, 1.0, 1.0, hatch="under"),), "under-confident"),
        legend.Entry((Dot("image", (0.5, 0.5)),), "an image"),
        legend.Entry((Dot("worst", (0.5, 0.5)),), "the worst three"),
        legend.Entry(half, "middle half, median"),
        legend.Entry((Stroke("pooled", (0.5, 0.0), (0.5, 1.0)),), "all pixels"),
    ]
    if level is not None and any(one.low is not None for one in regions):
        words = f"{100.0 * level:g} % interval over images"
        found.append(legend.Entry((Stroke("whisker", (0.0, 0.5), (1.0, 0.5)),), words))
    return found
