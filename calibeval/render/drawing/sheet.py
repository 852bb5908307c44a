"""A whole figure: a diagram and a histogram for each dump, headers, axes and the legend, in points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibeval.core.errors import InputError, UsageError
from calibeval.core.report.report import DumpReport, Report
from calibeval.render.drawing import captions, legend
from calibeval.render.drawing.content import Subject
from calibeval.render.drawing.headers import DumpHeader, ece_line, headers, percent
from calibeval.render.drawing.layout import Cell, Frame, Layout, layout_of
from calibeval.render.drawing.letters import printable
from calibeval.render.drawing.marks import Mark, Text
from calibeval.render.drawing.reliability import FEW_TICKS, TICKS, histogram, square
from calibeval.render.drawing.ticks import Tick
from calibeval.words.marks import round_ticks, shorten

NARROWEST, WIDEST = 2.0, 40.0  # inches


@dataclass(frozen=True, slots=True)
class Panel:
    """Axes with marks. across, up: ticks of the two axes; numbered: whether their numbers are written.

    x_title, y_title: empty where a neighbour has them. drop: from the panel down to the numbers of its x axis.
    grid: whether horizontal lines are drawn at the ticks. top: the share at the upper edge, of rows in a histogram.
    """

    kind: str
    frame: Frame
    marks: tuple[Mark, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    x_numbered: bool
    y_numbered: bool
    x_title: str = ""
    y_title: str = ""
    drop: float = 0.0
    grid: bool = False
    top: float = 1.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole figure, in points. marks: outside of panels. title, description: for those who cannot see it."""

    layout: Layout
    width: float
    height: float
    title: str
    description: str
    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...]


def reliability_sheet(report: Report, inches: float | None = None) -> Sheet:
    """The reliability diagram of every dump, each above the histogram of its confidences.

    One dump fills the figure; several become small multiples on the same axes. inches: the width, by default 3.5 for
    one dump (a column) and 7 for several (a page).
    Raises: InputError for a report without dumps or rows; UsageError for a width below 2 or above 40 inches.
    """
    subjects = [Subject.of_dump(dump) for dump in report.dumps]
    there = [one for one in subjects if one is not None]
    if not there or len(there) < len(subjects):
        raise InputError("the report has no dumps with rows, so there is nothing to draw")
    check_width(inches)
    return sheet_of(list(report.dumps), there, report.settings.level, inches)


def check_width(inches: float | None) -> None:
    """Refuse a width below 2 or above 40 inches. Raises: UsageError."""
    if inches is not None and not NARROWEST <= inches <= WIDEST:
        raise UsageError(f"width_inches is {inches:g}, but it must lie between 2 and 40")


def sheet_of(
    dumps: Sequence[DumpReport], subjects: Sequence[Subject], level: float | None, inches: float | None
) -> Sheet:
    """The figure of these dumps, of each of which one subject is drawn."""
    layout = layout_of(len(dumps), inches)
    dumps, subjects, size = dumps[: layout.count], subjects[: layout.count], layout.style.text
    rows = legend.lines_of(_legend(subjects, layout), layout.width - layout.left - 6.0, size)
    layout = replace(layout, below=legend.height_of(rows, size))
    lines = headers(dumps, layout.style.title, size, layout.side, level)
    top = max(subject.top for subject in subjects) / (1.0 - captions.headroom(size, layout.histogram))
    panels: list[Panel] = []
    marks: list[Mark] = legend.drawn(rows, layout.left, size)
    for index, (subject, header) in enumerate(zip(subjects, lines, strict=True)):
        cell = layout.cell(index)
        panels += [_square(subject, cell, layout), _histogram(subject, cell, layout, top)]
        marks += _header(header, cell.square, layout)
        if cell.leftmost:
            below = cell.histogram.y - captions.COUNT_DROP - 0.78 * layout.style.small
            marks.append(Text("quiet", (cell.histogram.x - 4.0, below), "rows", layout.style.small, "end"))
    return Sheet(
        layout, layout.width, layout.height, _title(dumps), _description(dumps, subjects), tuple(panels), tuple(marks)
    )


def _square(subject: Subject, cell: Cell, layout: Layout) -> Panel:
    ticks = _ticks(layout)
    return Panel(
        "reliability",
        cell.square,
        tuple(square(subject)),
        ticks,
        ticks,
        x_numbered=True,
        y_numbered=cell.leftmost,
        y_title=f"{subject.terms.up} (%)" if cell.leftmost else "",
        grid=True,
    )


def _histogram(subject: Subject, cell: Cell, layout: Layout, top: float) -> Panel:
    style, frame = layout.style, cell.histogram
    lines = captions.means(subject, (frame.width, frame.height), style.text, words=style.words)
    shown = round_ticks(0.0, 100.0 * top * (1.0 - captions.headroom(style.text, frame.height)), 3)
    return Panel(
        "histogram",
        frame,
        (*histogram(subject, top), *lines, *captions.counts(subject, frame.width, style.small)),
        _ticks(layout),
        tuple(Tick(tick / 100.0 / top, f"{tick:g}") for tick in shown),
        x_numbered=cell.lowest,
        y_numbered=cell.leftmost,
        x_title=f"{subject.terms.across} (%)" if cell.lowest else "",
        y_title="Rows (%)" if cell.leftmost else "",
        drop=layout.counts,
        top=top,
    )


def _ticks(layout: Layout) -> tuple[Tick, ...]:
    return tuple(Tick(tick, f"{100 * tick:.0f}") for tick in (TICKS if layout.style.words else FEW_TICKS))


def _header(header: DumpHeader, frame: Frame, layout: Layout) -> list[Mark]:
    """The three lines above a panel, from its left edge."""
    size, top = layout.style.text, frame.y + frame.height
    return [
        Text("ink", (frame.x, top + 4.0 + 2.75 * size), header.name, layout.style.title, bold=True),
        Text("quiet", (frame.x, top + 4.0 + 1.35 * size), header.error, size),
        Text("quiet", (frame.x, top + 4.0), header.rows, size),
    ]


def _legend(subjects: Sequence[Subject], layout: Layout) -> list[legend.Entry]:
    """What the marks mean, and how many dumps are not drawn."""
    found = legend.entries(subjects, lines=not layout.style.words)
    return found + ([legend.Entry((), f"and {layout.left_out:,} more dumps")] if layout.left_out else [])


def _title(dumps: Sequence[DumpReport]) -> str:
    names = shorten(printable(dumps[0].name), 120) if len(dumps) == 1 else f"{len(dumps)} dumps"
    return f"Reliability diagram of {names}"


def _description(dumps: Sequence[DumpReport], subjects: Sequence[Subject]) -> str:
    """What the figure shows, for those who cannot see it."""
    parts = []
    for dump, subject in zip(dumps, subjects, strict=True):
        observed = f"{subject.terms.observed} {percent(subject.observed)} %"
        numbers = f"{observed}, {subject.terms.predicted} {percent(subject.predicted)} %"
        parts.append(f"{shorten(printable(dump.name), 120)}: {numbers}, {ece_line(dump)}")
    return "Reliability diagram. " + ". ".join(parts)
