"""Segmentations at the terminal: numbers pooled and by image, regions, structures."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.report.per_image import PerImage, Structure
from calibeval.core.report.report import DumpReport
from calibeval.render.terminal.sheet import QUIET, STRONG, Column, Sheet, table, total_width
from calibeval.words.images import HEADINGS, NumberCells, gap_interval, number_cells, points, region_name

OF_STRUCTURES = ("ece", "ace", "mce_all_bins", "confidence_gap", "dice", "iou")
NAME_WIDTH = 24


def image_tables(dump: DumpReport, sheet: Sheet) -> list[list[RenderableType]]:
    """The tables of a segmentation; nothing for other rows."""
    images = dump.per_image
    if images is None:
        return []
    regions = [_regions(images, sheet)] if images.regions else []
    return [_numbers(images, sheet), *regions, *([_structures(images, sheet)] if images.structures else [])]


def _numbers(images: PerImage, sheet: Sheet) -> list[RenderableType]:
    rows = [number_cells(one) for one in images.numbers.values()]
    names = Column("", [sheet.text(row.label) for row in rows], left=True)
    values = {heading: Column(heading, [sheet.text(_cell(row, heading)) for row in rows]) for heading in HEADINGS}
    title = "over images" if images.convention is None else f"over images, as {images.convention} measures them"
    return _fitting(names, [one for one in values.values() if any(one.cells)], sheet, title)


def _cell(row: NumberCells, heading: str) -> str:
    return str(row._asdict()["mean" if heading == "mean over images" else heading])


def _regions(images: PerImage, sheet: Sheet) -> list[RenderableType]:
    spaced = images.distances == "spacing"
    names = Column("", [sheet.text(region_name(one, spaced=spaced)) for one in images.regions], left=True)
    columns = [
        Column("pixels", [f"{one.n:,}" for one in images.regions]),
        Column("confidence %", [_percent(one.confidence) for one in images.regions]),
        Column("accuracy %", [_percent(one.accuracy) for one in images.regions]),
        Column("gap", [sheet.text(points(one.gap)) for one in images.regions]),
    ]
    ends = [sheet.text(gap_interval(one)) for one in images.regions]
    columns += [Column("its interval", ends)] if any(ends) else []
    return _fitting(names, columns, sheet, "regions")


def _structures(images: PerImage, sheet: Sheet) -> list[RenderableType]:
    names = Column("", [sheet.name(one.name, NAME_WIDTH) for one in images.structures], left=True)
    columns = [Column("present in", [f"{one.images:,}" for one in images.structures])]
    for name in OF_STRUCTURES:
        cells = [_both(one, name) for one in images.structures]
        label = number_cells(images.structures[0].numbers[name]).label if images.structures else name
        columns.append(Column(label, [sheet.text(one) for one in cells]))
    return _fitting(names, columns, sheet, "structures, one against the rest: pooled | mean over images")


def _both(structure: Structure, name: str) -> str:
    own = number_cells(structure.numbers[name])
    return f"{own.pooled.partition(' ')[0]} | {own.mean.partition(' ')[0]}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _fitting(names: Column, columns: list[Column], sheet: Sheet, title: str) -> list[RenderableType]:
    """A table under its title; columns at the end that do not fit are named below it."""
    kept = list(columns)
    while len(kept) > 1 and total_width([names, *kept]) > sheet.width:
        kept.pop()
    left_out = [one.header for one in columns[len(kept) :]]
    notes = (
        [Text(line, QUIET) for line in sheet.flow([f"left out for width: {', '.join(left_out)}"])] if left_out else []
    )
    return [Text(sheet.text(title), STRONG), table([names, *kept]), *notes]
