"""A figure of single images: a row for each, with its label, prediction, confidence, error and the gap nearby."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from calibeval.core.dense.maps import CaseMaps
from calibeval.core.errors import InputError
from calibeval.core.report.report import DumpReport, Report
from calibeval.render.drawing import legend
from calibeval.render.drawing.headers import cut
from calibeval.render.drawing.images_sheet import STYLE
from calibeval.render.drawing.layout import PAGE_WIDTH, layout_of
from calibeval.render.drawing.letters import printable, text_width
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
from calibeval.words.cases import case_said, class_named, how_said, picture_said
from calibeval.words.marks import shorten

MARGIN, GAP, HEADER, LINE, ABOVE, BETWEEN = 6.0, 5.0, 11.0, 9.0, 9.0, 8.0
TALLEST = 2.0  # a picture is at most so many times as high as wide
_STEPS = 64


def cases_sheet(report: Report, inches: float | None = None) -> Sheet:
    """The pictures of the cases that a report shows. inches: the width, by default 7 (a page).

    Raises: InputError if no case is shown; UsageError for a width below 2 or above 40 inches.
    """
    dumps = [(dump, report.cases[dump.name]) for dump in report.dumps if report.cases.get(dump.name)]
    if not dumps:
        if any(dump.per_image is not None for dump in report.dumps):
            raise InputError("the report keeps no pictures of images: they come with evaluate(..., show=[])")
        raise InputError("the report has no segmentations, so there are no images to draw")
    check_width(inches)
    layout = replace(layout_of(1, PAGE_WIDTH if inches is None else inches), style=STYLE, left=MARGIN)
    every = [case for _, found in dumps for case in found]
    common = shown(every, max(dump.k or 2 for dump, _ in dumps))
    columns = 6 if any(case.image is not None for case in every) else 5
    side = (layout.width - 2 * MARGIN - (columns - 1) * GAP) / columns
    room = layout.width - 2 * MARGIN
    rows = legend.lines_of(_legend(every, common, _names([dump for dump, _ in dumps])), room, STYLE.text)
    layout = replace(layout, below=legend.height_of(rows, STYLE.text))
    drawn = [
        _row(dump, case, f"{dump.name}: {case.name}" if len(dumps) > 1 else case.name, side, room)
        for dump, found in dumps
        for case in found
    ]
    height = layout.below + sum(one.height for one in drawn)
    marks: list[Mark] = legend.drawn(rows, MARGIN, STYLE.text)
    top = height
    for one in drawn:
        marks += one.marks(top, side, common)
        top -= one.height
    said = [one.said for one in drawn]
    which = shorten(printable(dumps[0][0].name), 120) if len(dumps) == 1 else f"{len(dumps)} dumps"
    description = printable(f"{'. '.join(said)}. {how_said(every)}")
    return Sheet(layout, layout.width, height, f"Single images of {which}", description, (), tuple(marks))


class _Row(NamedTuple):
    """The pictures of a case below its name. facts: lines below the name. tall: the height of the pictures."""

    case: CaseMaps
    title: str
    facts: tuple[str, ...]
    tall: float
    said: str

    @property
    def height(self) -> float:
        """From the top of the name to that of the next one."""
        return HEADER + LINE * len(self.facts) + ABOVE + self.tall + BETWEEN

    def marks(self, top: float, side: float, common: Shown) -> list[Mark]:
        """All marks. side: the width of a column."""
        size = STYLE.text
        marks: list[Mark] = [Text("ink", (MARGIN, top - 9.0), self.title, STYLE.title, bold=True)]
        for i, line in enumerate(self.facts, 1):
            marks.append(Text("quiet", (MARGIN, top - 9.0 - LINE * i), line, size))
        wide = min(side, self.tall * self.case.sides[1] / self.case.sides[0])
        low = top - self.height + BETWEEN
        for i, (name, picture) in enumerate(pictures(self.case, common).items()):
            x = MARGIN + i * (side + GAP)
            title = cut(TITLES[name], STYLE.small, side)
            marks.append(Text("ink", (x, low + self.tall + 2.5), title, STYLE.small))
            marks.append(Pixels(f"picture {name}", x, low, wide, self.tall, picture))
        return marks


def _row(dump: DumpReport, case: CaseMaps, title: str, side: float, room: float) -> _Row:
    names = [one.name for one in dump.per_class]
    facts = case_said(dump, case)
    return _Row(
        case,
        cut(printable(title), STYLE.title, room, bold=True),
        tuple(cut(printable(line), STYLE.text, room) for line in _lines(facts, STYLE.text, room)),
        side * min(case.sides[0] / case.sides[1], TALLEST),
        f"{shorten(printable(title), 120)}: {printable(' · '.join(facts))}. {_seen(case, names)}",
    )


def _lines(parts: Sequence[str], size: float, room: float) -> list[str]:
    """The parts in lines that have room."""
    found: list[str] = []
    for part in parts:
        longer = f"{found[-1]} · {part}" if found else part
        if found and text_width(longer, size) <= room:
            found[-1] = longer
        else:
            found.append(part)
    return found


def _names(dumps: Sequence[DumpReport]) -> list[str]:
    """The names of the classes; where dumps have different ones, as regions do, all of them.

    >>> _names([])
    []
    """
    every = [[one.name for one in dump.per_class] for dump in dumps]
    longest = max(map(len, every), default=0)
    return [" / ".join(dict.fromkeys(names[i] for names in every if i < len(names))) for i in range(longest)]


def _seen(case: CaseMaps, names: Sequence[str]) -> str:
    shown_pictures = [name for name in TITLES if name != "image"]
    return ". ".join(printable(picture_said(name, case, names)) for name in shown_pictures)


def _legend(cases: Sequence[CaseMaps], common: Shown, names: Sequence[str]) -> list[legend.Entry]:
    found = [
        _swatch(common.colour(one), shorten(printable(class_named(names, one)), 30))
        for one in common.classes[:MOST_NAMED]
    ]
    left = len(common.classes) - len(found)
    if left:
        found.append(legend.Entry((), f"and {left:,} more, colours repeat"))
    if any(not one.counts.all() for one in cases):
        stripes = (np.arange(6)[:, np.newaxis] + np.arange(13)) // 3 % 2
        picture = Raster(stripes.astype(np.uint8), UNCOUNTED)
        found.append(legend.Entry((Pixels("swatch", 0.0, 0.0, 1.0, 1.0, picture),), "not counted"))
    most = f"{100 * common.most:.0f}"
    found.append(_ramp(CIVIDIS, f"confidence, {100 * common.least:.0f} to 100 %"))
    found.append(_ramp((RIGHT, *ramp((UNSURE, SURE), 6)), "error: right; wrong, from unsure to sure"))
    found.append(_ramp(UNDER_TO_OVER, f"gap nearby, −{most} to +{most} points"))
    return found


def _swatch(colour: Rgb, words: str) -> legend.Entry:
    picture = Raster(np.zeros((1, 1), np.uint8), (colour,))
    return legend.Entry((Pixels("swatch", 0.0, 0.0, 1.0, 1.0, picture),), words)


def _ramp(stops: Sequence[Rgb], words: str) -> legend.Entry:
    picture = Raster(np.arange(_STEPS, dtype=np.uint8)[np.newaxis], ramp(stops, _STEPS))
    return legend.Entry((Pixels("swatch", 0.0, 0.0, 1.0, 1.0, picture),), words)
