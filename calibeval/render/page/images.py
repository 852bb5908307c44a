"""Segmentations as the page shows them: numbers pooled and by image, regions with a bar of their gap, structures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from calibeval.core.report.per_image import PerImage, Region, Structure
from calibeval.core.report.report import DumpReport
from calibeval.render.drawing.strip import strip_of
from calibeval.render.page.marks import Tick, pct, written
from calibeval.words.images import (
    NumberCells,
    gap_interval,
    image_finding,
    number_cells,
    points,
    region_name,
    spread_said,
    strip_title,
)
from calibeval.words.marks import plain

FEW_STRUCTURES = 20
_NAME, _LINE = 50, 400
_FIRST = ("accuracy", "confidence_gap", "ece", "ace", "cwce", "boundary_ece", "interior_ece", "ba_ece", "dice", "iou")


@dataclass(frozen=True, slots=True)
class RegionRow:
    """A region. left, width: the bar of its gap, from 0 in the middle; sign: "over", "under", or nothing for 0.0.

    ends: the interval in words; low, high: its places.
    """

    name: str
    pixels: str
    confidence: str
    accuracy: str
    gap: str
    sign: str
    left: str
    width: str
    ends: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class StructureRow:
    """One class against the rest: pooled numbers and their means over images."""

    name: str
    images: str
    ece: NumberCells
    ace: NumberCells
    dice: NumberCells


@dataclass(frozen=True, slots=True)
class ImagesView:
    """What is measured image by image. others: numbers that are folded; more: structures that are.

    strip: the ECE of single images as marks, with the ticks of its axis, its title, and said of it; empty with one
    image.
    """

    finding: str
    numbers: list[NumberCells]
    others: list[NumberCells]
    regions: list[RegionRow]
    structures: list[StructureRow]
    more: list[StructureRow]
    strip: Markup
    ticks: list[Tick]
    strip_said: str
    strip_title: str


def images_view(dump: DumpReport) -> ImagesView | None:
    """The view; None for rows that are no pixels of images."""
    images = dump.per_image
    if images is None:
        return None
    every = {name: _plain(number_cells(one)) for name, one in images.numbers.items()}
    structures = [_structure(one) for one in images.structures]
    first = _FIRST if images.convention is None else tuple(every)
    return ImagesView(
        finding=plain(image_finding(dump), _LINE),
        numbers=[every[name] for name in first if name in every],
        others=[one for name, one in every.items() if name not in first],
        regions=_regions(images),
        structures=structures[:FEW_STRUCTURES],
        more=structures[FEW_STRUCTURES:],
        strip_title=plain(strip_title(dump), _LINE),
        **_strip(dump),
    )


def _strip(dump: DumpReport) -> dict[str, Any]:
    said, found = spread_said(dump), strip_of(dump)
    if not said or found is None:
        return {"strip": Markup(), "ticks": [], "strip_said": ""}
    ticks = [Tick(pct(tick.place), tick.label) for tick in found.ticks]
    marks = Markup(written(found.marks, ""))  # noqa: S704 - numbers, and names that were escaped
    return {"strip": marks, "ticks": ticks, "strip_said": plain(said, _LINE)}


def _plain(row: NumberCells) -> NumberCells:
    return NumberCells(*(plain(cell, _LINE) if cell else "" for cell in row))


def _regions(images: PerImage) -> list[RegionRow]:
    every = [end for one in images.regions for end in (one.gap, one.low, one.high) if end is not None]
    widest = max(map(abs, every), default=0.0) or 1.0
    return [_region(one, widest, spaced=images.distances == "spacing") for one in images.regions]


def _region(one: Region, widest: float, *, spaced: bool) -> RegionRow:
    gap, said = one.gap or 0.0, points(one.gap)
    length = 0.5 * abs(gap) / widest
    return RegionRow(
        name=region_name(one, spaced=spaced),
        pixels=f"{one.n:,}",
        confidence="" if one.confidence is None else f"{100 * one.confidence:.1f}",
        accuracy="" if one.accuracy is None else f"{100 * one.accuracy:.1f}",
        gap=said,
        sign={"+": "over", "−": "under"}.get(said[0], ""),
        left=pct(0.5 if gap > 0 else 0.5 - length),
        width=pct(length),
        ends=plain(gap_interval(one), _NAME) if gap_interval(one) else "",
        low="" if one.low is None else pct(0.5 + 0.5 * one.low / widest),
        high="" if one.high is None else pct(0.5 + 0.5 * one.high / widest),
    )


def _structure(one: Structure) -> StructureRow:
    cells = {name: _plain(number_cells(number)) for name, number in one.numbers.items()}
    return StructureRow(plain(one.name, _NAME), f"{one.images:,}", cells["ece"], cells["ace"], cells["dice"])
