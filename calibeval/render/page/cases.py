"""Pictures of single cases as the page shows them: each is a file inside of it, with a sentence on what it shows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.dense.maps import CaseMaps
from calibeval.core.report.report import DumpReport
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
from calibeval.render.drawing.png import Rgb, ramp, to_hex
from calibeval.words.cases import case_said, class_named, how_said, picture_said, which_said
from calibeval.words.marks import plain

_NAME, _LINE = 80, 400


@dataclass(frozen=True, slots=True)
class PictureView:
    """One picture. file: a data URL. width, height: in pixels of the drawing. said: for those who cannot see it."""

    title: str
    said: str
    file: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """The pictures of one case."""

    name: str
    said: str
    pictures: list[PictureView]


@dataclass(frozen=True, slots=True)
class Swatch:
    """A colour of the legend; two of them are the stripes of pixels that do not count."""

    colours: list[str]
    name: str


@dataclass(frozen=True, slots=True)
class RampView:
    """A range of colours, with the words at its ends."""

    title: str
    stops: list[str]
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class CasesView:
    """All cases that are shown. heading: which they are. how: what smoothing and shrinking did."""

    heading: str
    cases: list[CaseView]
    classes: list[Swatch]
    ramps: list[RampView]
    how: str


def cases_view(dump: DumpReport, cases: Sequence[CaseMaps]) -> CasesView | None:
    """The view; None if no case is shown."""
    if not cases:
        return None
    common = shown(cases, dump.k or 2)
    names = [one.name for one in dump.per_class]
    return CasesView(
        heading=which_said(dump, cases),
        cases=[_case(dump, one, common, names) for one in cases],
        classes=_classes(cases, common, names),
        ramps=_ramps(common),
        how=how_said(cases),
    )


def _case(dump: DumpReport, case: CaseMaps, common: Shown, names: Sequence[str]) -> CaseView:
    height, width = case.sides
    scale = 1000.0 / max(height, width)
    made = [
        PictureView(
            title=TITLES[name],
            said=plain(picture_said(name, case, names), _LINE),
            file=f"data:image/png;base64,{base64.b64encode(picture.png()).decode()}",
            width=f"{width * scale:.1f}",
            height=f"{height * scale:.1f}",
        )
        for name, picture in pictures(case, common).items()
    ]
    return CaseView(plain(case.name, _NAME), plain(" · ".join(case_said(dump, case)), _LINE), made)


def _classes(cases: Sequence[CaseMaps], common: Shown, names: Sequence[str]) -> list[Swatch]:
    found = [
        Swatch([to_hex(common.colour(one))], plain(class_named(names, one), _NAME // 2))
        for one in common.classes[:MOST_NAMED]
    ]
    left = len(common.classes) - len(found)
    if left:
        found.append(Swatch([], f"{left:,} more classes, whose colours are those above again"))
    if any(not one.counts.all() for one in cases):
        found.append(Swatch(_hex(UNCOUNTED), "not counted"))
    return found


def _ramps(common: Shown) -> list[RampView]:
    most = f"{100 * common.most:.0f}"
    return [
        RampView(TITLES["confidence"], _hex(CIVIDIS), f"{100 * common.least:.0f} %", "100 %"),
        RampView("error", _hex((RIGHT, *ramp((UNSURE, SURE), 4))), "right", "wrong and sure"),
        RampView("gap nearby (confidence − accuracy)", _hex(UNDER_TO_OVER), f"−{most} points", f"+{most} points"),
    ]


def _hex(colours: Sequence[Rgb]) -> list[str]:
    return [to_hex(one) for one in colours]
