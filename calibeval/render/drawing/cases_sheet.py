"""A figure of single images: a row for each, with its label, prediction, confidence, error and the gap nearby."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from calibeval.core.dense.maps import CaseMaps
from calibeval.core.errors import InputError
from calibeval.core.report.report import DumpReport, Report
from calibeval.render.drawing import legend
from calibeval.render.drawing.headers import cut
from calibeval.render.drawing.images_sheet import STYLE
from calibeval.render.drawing.layout import PAGE_WIDTH, layout_of
from calibeval.render.drawing.letters import printable
from calibeval.render.drawing.marks import Mark, Pixels, Text
from calibeval.render.drawing.pixels import (
    CIVIDIS,
    MOST_NAMED,
    RIGHT,
    SURE,
    TITLES,
    UNCOUNTED,
    UNDER_TO_OVER,
    UNSURE,
    Shown,
    pictures,
    shown,
)
from calibeval.render.drawing.png import Raster, Rgb, ramp
from calibeval.render.drawing.sheet import Sheet, check_width
from calibeval.words.cases import case_said, how_said, picture_said
from calibeval.words.marks import shorten

MARGIN, GAP, HEADER, ABOVE, BETWEEN = 6.0, 5.0, 20.0, 9.0, 8.0
TALLEST = 2.0  # a picture is at most so many times as high as wide
_STEPS = 64


def cases_sheet(report: Report, cases: Mapping[str, Sequence[CaseMaps]], inches: float | None = None) -> Sheet:
    """The pictures of cases. cases: by the names of dumps. inches: the width, by default 7 (a page).

    Raises: InputError if no case is shown; UsageError for a width below 2 or above 40 inches.
    """
    dumps = [(dump, cases[dump.name]) for dump in report.dumps if cases.get(dump.name)]
    if not dumps:
        raise InputError("the report has no segmentations, so there are no images to draw")
    check_width(inches)
    layout = replace(layout_of(1, PAGE_WIDTH if inches is None else inches), style=STYLE, left=MARGIN)
    every = [case for _, found in dumps for case in found]
    common = shown(every, max(dump.k or 2 for dump, _ in dumps))
    columns = 6 if any(case.image is not None for case in every) else 5
    side = (layout.width - 2 * MARGIN - (columns - 1) * GAP) / columns
    names = [one.name for one in max((dump for dump, _ in dumps), key=lambda one: len(one.per_class)).per_class]
    rows = legend.lines_of(_legend(every, common, names), layout.width - 2 * MARGIN, STYLE.text)
    layout = replace(layout, below=legend.height_of(rows, STYLE.text))
    height = layout.below + sum(HEADER + ABOVE + _tall(case, side) + BETWEEN for case in every)
    marks: list[Mark] = legend.drawn(rows, MARGIN, STYLE.text)
    top, said = height, []
    for dump, found in dumps:
        for case in found:
            title = f"{dump.name}: {case.name}" if len(dumps) > 1 else case.name
            marks += _row(dump, case, common, title, top, side, layout.width)
            top -= HEADER + ABOVE + _tall(case, side) + BETWEEN
            said.append(f"{shorten(printable(title), 120)}: {printable(case_said(dump, case))}. {_seen(case, names)}")
    which = shorten(printable(dumps[0][0].name), 120) if len(dumps) == 1 else f"{len(dumps)} dumps"
    description = printable(f"{'. '.join(said)}. {how_said(every)}")
    return Sheet(layout, layout.width, height, f"Single images of {which}", description, (), tuple(marks))


def _tall(case: CaseMaps, side: float) -> float:
    """The height of the pictures of a case whose columns are `side` wide."""
    return side * min(case.sides[0] / case.sides[1], TALLEST)


def _row(
    dump: DumpReport, case: CaseMaps, common: Shown, title: str, top: float, side: float, width: float
) -> list[Mark]:
    size, room = STYLE.text, width - 2 * MARGIN
    marks: list[Mark] = [
        Text("ink", (MARGIN, top - 9.0), cut(printable(title), STYLE.title, room), STYLE.title, bold=True),
        Text("quiet", (MARGIN, top - 18.0), cut(printable(case_said(dump, case)), size, room), size),
    ]
    made = pictures(case, common)
    tall = _tall(case, side)
    wide = min(side, tall * case.sides[1] / case.sides[0])
    low = top - HEADER - ABOVE - tall
    x = MARGIN
    for name, picture in made.items():
        marks.append(Text("ink", (x, low + tall + 2.5), cut(SHORT.get(name, name), STYLE.small, side), STYLE.small))
        marks.append(Pixels(f"picture {name}", x, low, wide, tall, picture))
        x += side + GAP
    return marks


SHORT = {"gap": "gap nearby"}


def _seen(case: CaseMaps, names: Sequence[str]) -> str:
    shown_pictures = [name for name in TITLES if name != "image"]
    return ". ".join(printable(picture_said(name, case, names)) for name in shown_pictures)


def _legend(cases: Sequence[CaseMaps], common: Shown, names: Sequence[str]) -> list[legend.Entry]:
    def named(label: int) -> str:
        return shorten(printable(names[label]), 30) if label < len(names) else f"class {label}"

    found = [_swatch(common.colour(one), named(one)) for one in common.classes[:MOST_NAMED]]
    left = len(common.classes) - len(found)
    if left:
        found.append(legend.Entry((), f"and {left:,} more, colours repeat"))
    if any(not one.counts.all() for one in cases):
        stripes = (np.arange(6)[:, np.newaxis] + np.arange(13)) // 3 % 2
        picture = Raster(stripes.astype(np.uint8), UNCOUNTED)
        found.append(legend.Entry((Pixels("swatch", 0.0, 0.0, 1.0, 1.0, picture),), "not counted"))
    most = f"{100 * common.most:.0f}"
    found.append(_ramp(CIVIDIS, f"confidence, {100 * common.least:.0f} to 100 %"))
    found.append(_ramp((RIGHT, *ramp((UNSURE, SURE), 6)), "error: right; wrong, unsure to sure"))
    found.append(_ramp(UNDER_TO_OVER, f"confidence − accuracy nearby, −{most} to +{most} points"))
    return found


def _swatch(colour: Rgb, words: str) -> legend.Entry:
    picture = Raster(np.zeros((1, 1), np.uint8), (colour,))
    return legend.Entry((Pixels("swatch", 0.0, 0.0, 1.0, 1.0, picture),), words)


def _ramp(stops: Sequence[Rgb], words: str) -> legend.Entry:
    picture = Raster(np.arange(_STEPS, dtype=np.uint8)[np.newaxis], ramp(stops, _STEPS))
    return legend.Entry((Pixels("swatch", 0.0, 0.0, 1.0, 1.0, picture),), words)
