"""The pictures of a survey's page: a metric along an axis, heat tables, and small reliability diagrams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from calibeval.core.metrics.table import EVERY
from calibeval.core.report.order import badness
from calibeval.core.survey.axes import words as point_words
from calibeval.core.survey.pivot import Entry, Pivot
from calibeval.core.survey.survey import Cell, Survey
from calibeval.render.drawing import zoo_sheet
from calibeval.render.drawing.along import Along, along_marks
from calibeval.render.drawing.along_sheet import described, entries
from calibeval.render.drawing.content import Subject
from calibeval.render.drawing.ticks import Tick
from calibeval.render.drawing.zoo import Zoo, zoo_marks
from calibeval.render.page.diagram import Diagram, listed, of_subject
from calibeval.render.page.marks import line, pct, text, written
from calibeval.words import digits
from calibeval.words import survey as words
from calibeval.words.marks import plain

NAME, MOST_DIAGRAMS, SHADES = 60, 24, 8


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing between its axes. up, across: what the axes are."""

    up: str
    across: str
    drawing: Markup
    legend: Markup


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One entry. shade: from 0, the best, to SHADES; empty where there is no number. more: said to a pointer."""

    text: str
    shade: str
    more: str


@dataclass(frozen=True, slots=True)
class Heat:
    """One metric by two axes, with means at the right and below."""

    title: str
    down: str
    across: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...], str], ...]
    foot: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Small:
    """A small reliability diagram."""

    id: str
    title: str
    caption: str
    picture: Diagram


def along_picture(found: Along, id_: str) -> Picture:
    """A metric along an axis. id_: of the drawing."""
    parts = [*_upright("along", id_, described(found), found.ticks), written(along_marks(found, spots=True), id_)]
    parts += [line("frame", "0", "100%", "100%", "100%"), *_below(found.places)]
    return _picture(found.up, plain(found.axis, NAME), parts, listed(id_, entries(found)))


def zoo_picture(found: Zoo, id_: str) -> Picture:
    """Error against calibration error of models. id_: of the drawing."""
    parts = _upright("along zoo", id_, zoo_sheet.described(found), found.up)
    parts += [line("frame", "0", "100%", "100%", "100%"), line("frame", "0", "0", "0", "100%"), *_below(found.across)]
    parts.append(written(zoo_marks(found, 6.0), id_))
    return _picture(zoo_sheet.UP, zoo_sheet.ACROSS, parts, listed(id_, zoo_sheet.entries()))


def _upright(kind: str, id_: str, said: str, ticks: Sequence[Tick]) -> list[str]:
    """What a drawing says, and the lines and numbers of its vertical axis."""
    parts = [f'<svg class="{kind}" role="img" aria-labelledby="{id_}-t"><title id="{id_}-t">{escape(said)}</title>']
    for tick in ticks:
        y = pct(1.0 - tick.place)
        parts += [line("grid", "0", y, "100%", y), text("0", y, tick.label, 'dx="-6" dy=".35em"', "end")]
    return parts


def _below(ticks: Sequence[Tick]) -> list[str]:
    return [text(pct(one.place), "100%", one.label, 'dy="16"', "middle") for one in ticks]


def _picture(up: str, across: str, parts: Sequence[str], legend: Markup) -> Picture:
    drawing = Markup(f'<div class="panel">{"".join(parts)}</svg></div>')  # noqa: S704 - all text is escaped
    return Picture(up, across, drawing, legend)


def heat(found: Pivot, title: str, scale: tuple[float, float] | None) -> Heat | None:
    """A pivot as a table with shades; None of one axis. scale: the least and the most badness of a cell."""
    if found.columns is None:
        return None
    rows = tuple(
        (plain(str(value), NAME), tuple(_cell(one, scale) for one in entries), words.number(mean))
        for value, entries, mean in zip(found.rows.values, found.entries, found.row_means, strict=True)
    )
    return Heat(
        title,
        plain(found.rows.name, NAME),
        plain(found.columns.name, NAME),
        tuple(plain(str(value), NAME) for value in found.columns.values),
        rows,
        tuple(words.number(one) for one in (*found.column_means, found.whole)),
    )


def badness_range(pivots: Sequence[Pivot]) -> tuple[float, float] | None:
    """The least and the most badness in these tables, which then have the same shades; None without numbers."""
    every = [_bad(one) for found in pivots for row in found.entries for one in row]
    known = [one for one in every if one is not None]
    return (min(known), max(known)) if known else None


def _bad(one: Entry) -> float | None:
    return None if one is None or one.value is None else badness(one.name, one.value)


def _cell(one: Entry, scale: tuple[float, float] | None) -> HeatCell:
    value = _bad(one)
    if value is None or scale is None:
        return HeatCell(words.number(one), "", "")
    span = scale[1] - scale[0]
    return HeatCell(
        words.number(one), f"{round(SHADES * (value - scale[0]) / span) if span else 0}", words.interval(one)
    )


def diagrams(survey: Survey, metric: str) -> tuple[list[Small], str]:
    """Small diagrams of all cells, or of the worst of many, and what is said of them."""
    drawn = [cell for cell in survey.measured if cell.bins and _subject(cell) is not None]
    note = ""
    if len(drawn) > MOST_DIAGRAMS:
        worst = {id(cell) for cell in words.by_value(drawn, metric)[:MOST_DIAGRAMS]}
        note = f"The {MOST_DIAGRAMS} worst of {len(drawn):,} cells by {digits.label(metric)}."
        drawn = [cell for cell in drawn if id(cell) in worst]
    subjects = [one for one in map(_subject, drawn) if one is not None]
    top = max((one.top for one in subjects), default=None)
    return [_small(i, cell, one, top) for i, (cell, one) in enumerate(zip(drawn, subjects, strict=True))], note


def _subject(cell: Cell) -> Subject | None:
    return Subject.of(cell.bins or ())


def _small(index: int, cell: Cell, subject: Subject, top: float | None) -> Small:
    name = "ece" if "ece" in cell.metrics else next(iter(cell.metrics), "")
    caption = f"{digits.label(name)} {words.number(cell.metrics.get(name))} {digits.unit(name)}".strip() if name else ""
    return Small(f"d{index}", plain(point_words(cell.axes), NAME), caption, of_subject(subject, top))


def better_said(metric: str) -> str:
    """Which values are better, in words."""
    spec = EVERY.get(metric)
    return {"higher": "higher is better", "zero": "0 is best", "one": "1 is best"}.get(
        "lower" if spec is None else spec.better, "lower is better"
    )
