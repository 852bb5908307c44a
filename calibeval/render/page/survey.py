"""The page of a survey: the sentence, metrics along an axis, cells as a heat table, small diagrams, every number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calibeval.core.survey.axes import Axis
from calibeval.core.survey.axes import words as point_words
from calibeval.core.survey.pivot import chosen_axes, means_along, pivot
from calibeval.core.survey.ranks import Ranking
from calibeval.core.survey.survey import Cell, Survey
from calibeval.render.drawing.along import along
from calibeval.render.drawing.along_sheet import ordered_axis
from calibeval.render.drawing.zoo import zoo_of
from calibeval.render.page.diagram import legend as diagram_legend
from calibeval.render.page.page import whole_page
from calibeval.render.page.survey_pictures import (
    NAME,
    Heat,
    Picture,
    Small,
    along_picture,
    badness_range,
    better_said,
    diagrams,
    heat,
    zoo_picture,
)
from calibeval.words import digits
from calibeval.words import survey as words
from calibeval.words import survey_ranking as ranking_words
from calibeval.words.marks import plain
from calibeval.words.survey_changes import changes

_LINE, _MOST_ROWS = 400, 2000
ALONG = ("ece", "accuracy", "nll")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A table: a row for each value or cell. wide: the columns that narrow pages leave out, from 0."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RankingView:
    """Models by their NLL after the map. rows: place, name, NLL, interval, ranks, and whether it may be the best."""

    axis: str
    sentence: str
    how: str
    rows: list[tuple[str, ...]]
    best: list[bool]
    left_out: list[str]
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class SurveyView:
    """The whole page."""

    title: str
    version: str
    kind: str
    headline: str
    repair: str
    changes: list[str]
    warnings: list[str]
    notes: list[str]
    ranking: RankingView | None
    along: list[Picture]
    heats: list[Heat]
    better: str
    means: Numbers | None
    diagrams: list[Small]
    diagrams_note: str
    diagrams_legend: Any
    cells: Numbers
    left_out: int
    settings: list[tuple[str, str]]
    sheet: str = "survey.css"


def render(survey: Survey, metric: str = "ece") -> str:
    """The page. metric: of its tables. The same survey gives the same bytes; the page loads nothing."""
    return whole_page("survey.html.j2", _view(survey, metric))


def _view(survey: Survey, metric: str) -> SurveyView:
    names = words.shown_metrics(survey)
    metric = metric if metric in names or not names else names[0]
    down, across = chosen_axes(survey.axes, None, None)
    axis = ordered_axis(survey, across)
    drawn, note = diagrams(survey, metric)
    settings = survey.settings.to_dict()
    return SurveyView(
        title=plain(f"{words.title(survey)} · survey", _LINE),
        version=plain(survey.version, NAME),
        kind=words.title(survey),
        headline=words.headline(survey, metric),
        repair=words.repair(survey, metric),
        changes=changes(survey, metric) if survey.measured else [],
        warnings=[plain(str(one), _LINE) for one in survey.warnings],
        notes=[plain(one, _LINE) for one in words.notes(survey)],
        ranking=None if survey.ranking is None else _ranking(survey, survey.ranking),
        along=[] if axis is None else _along(survey, axis, metric),
        heats=_heats(survey, metric),
        better=better_said(metric),
        means=_means(survey, across or down, names) if len(survey.axes) > 1 else None,
        diagrams=drawn,
        diagrams_note=note,
        diagrams_legend=diagram_legend("legend", [one.picture.subject for one in drawn]) if drawn else "",
        cells=_cells(survey, names),
        left_out=max(0, len(survey.cells) - _MOST_ROWS),
        settings=[
            (plain(k, NAME), plain(v if isinstance(v, str) else json.dumps(v), _LINE)) for k, v in settings.items()
        ],
    )


def _ranking(survey: Survey, found: Ranking) -> RankingView:
    zoo = zoo_of(survey)
    ranked = found.ranked
    return RankingView(
        plain(found.axis, NAME),
        ranking_words.sentence(found),
        ranking_words.how(found),
        [(f"{i}", plain(str(one.model), NAME), *ranking_words.cells(one)) for i, one in enumerate(ranked, 1)],
        [one.best for one in ranked],
        [plain(one, _LINE) for one in ranking_words.left_out(found)],
        None if zoo is None else zoo_picture(zoo, "models"),
    )


def _along(survey: Survey, axis: Axis, metric: str) -> list[Picture]:
    found = [along(survey, name, axis) for name in dict.fromkeys((metric, *ALONG))]
    return [along_picture(one, f"along{i}") for i, one in enumerate(found) if one is not None][:3]


def _heats(survey: Survey, metric: str) -> list[Heat]:
    mapped = any(cell.after is not None for cell in survey.measured)
    pivots = [pivot(survey, metric, after=after) for after in ((False, True) if mapped else (False,))]
    averaged = ", ".join(plain(one, NAME) for one in pivots[0].over)
    over = f", mean over {averaged}" if averaged else ""
    scale, name = badness_range(pivots), f"{digits.heading(metric)}{over}"
    titles = (f"{name}, before the map", f"{name}, after it") if mapped else (name,)
    return [one for one in (heat(found, title, scale) for found, title in zip(pivots, titles, strict=True)) if one]


def _means(survey: Survey, axis: Axis, names: Sequence[str]) -> Numbers:
    """Means over all other axes with their intervals and the range of the cells."""
    means = means_along(survey, axis)
    rows = []
    for one in means:
        row = [plain(str(one.axes[axis.name]), NAME)]
        for name in names:
            found = one.metrics.get(name)
            row.append(f"{words.number(found)} {words.interval(found)}".strip())
        rows.append(
            (*row, *([words.number((one.after or {}).get(name)) for name in ("ece", "nll")] if one.after else []))
        )
    after = ("ECE % after", "NLL after") if means and all(one.after for one in means) else ()
    over = ", ".join(plain(one.name, NAME) for one in survey.axes if one is not axis)
    heads = (plain(axis.name, NAME), *(digits.heading(name) for name in names), *after)
    rows = [row[: len(heads)] for row in rows]
    return Numbers(f"Mean over {over}, each cell with the same weight", heads, tuple(rows), (2, 4))


def _cells(survey: Survey, names: Sequence[str]) -> Numbers:
    """Every cell."""
    mapped = any(cell.after is not None for cell in survey.measured)
    after = [name for name in ("ece", "nll") if mapped and name in names]
    heads = ["cell", "rows", *(digits.heading(name) for name in names)]
    heads += [f"{digits.heading(name)} after" for name in after] + ["T*"]
    rows = tuple(_cell(cell, names, after) for cell in survey.cells[:_MOST_ROWS])
    return Numbers("", tuple(heads), rows, (1, 3, 5))


def _cell(cell: Cell, names: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    found: Mapping[str, Any] = cell.metrics
    mapped = cell.after or {}
    shown = (f"{words.number(found.get(name))} {words.interval(found.get(name))}".strip() for name in names)
    return (
        plain(point_words(cell.axes), NAME),
        "" if cell.n is None else f"{cell.n:,}",
        *shown,
        *(words.number(mapped.get(name)) for name in after),
        words.mean_temperature([cell]) if cell.measured else "",
    )
