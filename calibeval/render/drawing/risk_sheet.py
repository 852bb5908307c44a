"""A figure of risk-coverage curves: a panel for each dump, on the same axes, in points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibeval.core.errors import InputError
from calibeval.core.report.report import DumpReport, Report
from calibeval.render.drawing import legend
from calibeval.render.drawing.headers import cut, titles
from calibeval.render.drawing.layout import Frame, Layout, layout_of
from calibeval.render.drawing.letters import printable, text_width
from calibeval.render.drawing.marks import Box, Dot, Mark, Stroke, Text
from calibeval.render.drawing.risk import ACROSS, UP, labels, risk_marks, top_of
from calibeval.render.drawing.sheet import Panel, Sheet, check_width
from calibeval.render.drawing.ticks import Tick
from calibeval.words.digits import with_unit
from calibeval.words.marks import round_ticks, shorten
from calibeval.words.risk import RiskCurve, risk_curve

_TICKS, _FEW = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (0.0, 0.5, 1.0)
# The height of a panel as a share of its width, and how many curves there may be for each panel to have all of them.
_FLAT, _MOST_OTHERS = 0.62, 8


@dataclass(frozen=True, slots=True)
class _Grid:
    """Panels under each other and side by side, each with a header, its numbers below, and the legend at the foot."""

    layout: Layout
    below: float

    @property
    def panel(self) -> float:
        """Height of a panel."""
        return _FLAT * self.layout.side

    @property
    def pitch(self) -> float:
        """From one row of panels to the next."""
        return self.layout.above + self.panel + self.layout.ticks + 11.0

    @property
    def height(self) -> float:
        """Height of the figure."""
        rows = -(-self.layout.count // self.layout.columns)
        return rows * self.pitch - 11.0 + 4.0 + 1.1 * self.layout.style.text + self.below

    def frame(self, index: int) -> Frame:
        """The place of a panel; panels fill rows from the left."""
        row, column = divmod(index, self.layout.columns)
        x = self.layout.left + column * (self.layout.side + self.layout.gap)
        y = self.height - row * self.pitch - self.layout.above - self.panel
        return Frame(x, y, self.layout.side, self.panel)


def has_curves(report: Report) -> bool:
    """Whether a curve was measured for every dump, so that there is something to draw."""
    return bool(report.dumps) and all(risk_curve(dump, None) is not None for dump in report.dumps)


def risk_sheet(report: Report, inches: float | None = None) -> Sheet:
    """The risk-coverage curve of every dump. inches: as for reliability diagrams.

    Raises: InputError where the curve of a dump was not measured; UsageError for a width below 2 or above 40 inches.
    """
    curves = [risk_curve(dump, report.settings.level) for dump in report.dumps]
    there = [one for one in curves if one is not None]
    if not there or len(there) < len(curves):
        which = "aurc or coverage@error=0.05"
        raise InputError(f"there is no risk-coverage curve to draw: it comes with metrics such as {which}")
    check_width(inches)
    layout = layout_of(len(there), inches)
    size, top = layout.style.text, top_of(there)
    dumps, shown = report.dumps[: layout.count], there[: layout.count]
    rows = legend.lines_of(_legend(shown, layout), layout.width - layout.left - 6.0, size)
    grid = _Grid(layout, legend.height_of(rows, size))
    many = len(there) > _MOST_OTHERS
    panels, marks = [], legend.drawn(rows, layout.left, size)
    for index, (own, lines) in enumerate(zip(shown, _headers(dumps, shown, layout), strict=True)):
        others = [] if many else [one for one in shown if one is not own]
        panels.append(_panel(own, others, grid, index, top))
        frame = panels[-1].frame
        y = frame.y + frame.height + 4.0
        marks += [
            Text("ink", (frame.x, y + 2.75 * size), lines[0], layout.style.title, bold=True),
            Text("quiet", (frame.x, y + 1.35 * size), lines[1], size),
            Text("quiet", (frame.x, y), lines[2], size),
        ]
    words = shorten(printable(dumps[0].name), 120) if len(dumps) == 1 else f"{len(dumps)} dumps"
    said = ". ".join(_said(dump, own) for dump, own in zip(dumps, shown, strict=True))
    return Sheet(
        layout=replace(layout, below=grid.below),
        width=layout.width,
        height=grid.height,
        title=f"Risk-coverage curve of {words}",
        description=f"Risk-coverage curve. {said}",
        panels=tuple(panels),
        marks=tuple(marks),
    )


def _panel(curve: RiskCurve, others: Sequence[RiskCurve], grid: _Grid, index: int, top: float) -> Panel:
    layout, frame = grid.layout, grid.frame(index)
    lowest, leftmost = index + layout.columns >= layout.count, index % layout.columns == 0
    room, size = (frame.width, frame.height), layout.style.text
    named = labels(curve, top, room, size, others, orders=layout.style.words)
    return Panel(
        "risk",
        frame,
        (*risk_marks(curve, top, others), *named),
        tuple(Tick(tick, f"{100 * tick:.0f}") for tick in (_TICKS if layout.style.words else _FEW)),
        tuple(Tick(tick / 100.0 / top, f"{tick:g}") for tick in round_ticks(0.0, 100.0 * top, 5)),
        x_numbered=True,
        y_numbered=leftmost,
        x_title=f"{ACROSS} (%)" if lowest else "",
        y_title=f"{UP} (%)" if leftmost else "",
        grid=True,
        top=top,
    )


def _headers(dumps: Sequence[DumpReport], curves: Sequence[RiskCurve], layout: Layout) -> list[tuple[str, str, str]]:
    """Three lines above each panel: the name, what is certified, the area and the rows."""
    room, size = layout.side, layout.style.text
    names = titles([dump.name for dump in dumps], layout.style.title, room)
    areas = [[with_unit(dump.metrics[name]) for name in ("aurc",) if name in dump.metrics] for dump in dumps]
    found = []
    for name, dump, curve, area in zip(names, dumps, curves, areas, strict=True):
        both = (_certified(curve), _shortly(curve)) if curve.certificates else ()
        forms = [form for form in both if text_width(form, size) <= room]
        second = forms[0] if forms else f"error {100.0 * curve.error:.2f} %"
        found.append((name, cut(second, size, room), cut(" · ".join([*area, f"n = {dump.n:,}"]), size, room)))
    return found


def _certified(curve: RiskCurve) -> str:
    """Which shares of rows are certified.

    >>> from calibeval.words.risk import Certificate, RiskStep
    >>> curve = RiskCurve((RiskStep(0.5, 1.0, 0.0, 90, 0),), (Certificate((0.05,), 1.0, 0.0),), None)
    >>> _certified(curve), _shortly(curve)
    ('certified ≤ 5 %: 100.0 %', '≤ 5 %: 100.0 %')
    """
    shares = " · ".join(f"{one.words}: {100.0 * one.coverage:.1f} %" for one in curve.certificates)
    return f"certified {shares}" if shares else f"error {100.0 * curve.error:.2f} %"


def _shortly(curve: RiskCurve) -> str:
    """The same for limits in one list, and shares in another."""
    limits = ", ".join(one.words.removeprefix("≤ ").removesuffix(" %") for one in curve.certificates)
    return f"≤ {limits} %: {', '.join(f'{100.0 * one.coverage:.1f}' for one in curve.certificates)} %"


def _legend(curves: Sequence[RiskCurve], layout: Layout) -> list[legend.Entry]:
    found = []
    if any(one.banded for one in curves):
        words = f"{100.0 * (curves[0].level or 0.0):g} % interval, for each point alone"
        found.append(legend.Entry((Box("ribbon", 0.0, 0.0, 1.0, 1.0),), words))
    if any(one.error for one in curves):
        found.append(legend.Entry((Stroke("best", (0.0, 0.5), (1.0, 0.5)),), "best order; level: random order"))
    if any(one.certificates for one in curves):
        example: tuple[Mark, ...] = (Stroke("limit", (0.5, 0.2), (0.5, 1.0)), Dot("certified", (0.5, 0.2)))
        found.append(legend.Entry(example, "certified threshold, up to its limit"))
    if 1 < len(curves) <= _MOST_OTHERS:
        found.append(legend.Entry((Stroke("other", (0.0, 0.5), (1.0, 0.5)),), "the other dumps"))
    return found + ([legend.Entry((), f"and {layout.left_out:,} more dumps")] if layout.left_out else [])


def _said(dump: DumpReport, curve: RiskCurve) -> str:
    """What a panel shows, for those who cannot see it."""
    return f"{shorten(printable(dump.name), 120)}: error {100.0 * curve.error:.2f} % of all rows, {_certified(curve)}"
