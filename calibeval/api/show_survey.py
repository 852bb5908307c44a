"""A survey as text."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.api.show import WIDTH
from calibeval.core.data.arguments import choice
from calibeval.core.errors import InputError
from calibeval.core.survey.survey import Survey

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from calibeval.render.drawing.sheet import Sheet

ECE = "ece"
ALONG, MODELS = "along", "models"
FIGURES = (ALONG, MODELS)


def survey_text(survey: Survey) -> str:
    """The output of `calibeval survey`, followed by the warnings."""
    from calibeval.render.terminal.survey import render
    from calibeval.words.survey import shown_metrics

    names = shown_metrics(survey)
    metric = ECE if ECE in names or not names else names[0]
    text = render(survey, metric, width=WIDTH, color=False, ascii_only=False).rstrip("\n")
    return "\n".join([text, *(f"warning: {one}" for one in survey.warnings)])


def survey_sheet(survey: Survey, of: str, metric: str = ECE, width: float | None = None) -> Sheet:
    """The figure: metrics along an axis of numbers, or the models of a ranking. of: one of FIGURES; "": what there is.

    Raises: InputError where there is nothing to draw; UsageError for a width below 2 or above 40 inches.
    """
    from calibeval.render.drawing.along_sheet import along_sheet, ordered_axis
    from calibeval.render.drawing.zoo_sheet import zoo_sheet
    from calibeval.words.survey import shown_metrics

    if of == MODELS or (not of and ordered_axis(survey) is None and survey.ranking is not None):
        return zoo_sheet(survey, width)
    shown = shown_metrics(survey)
    names = [name for name in dict.fromkeys((metric, ECE, "accuracy", "nll")) if name in shown][:3]
    return along_sheet(survey, names or shown[:1], inches=width)


def survey_figure(survey: Survey, of: str, metric: str, width: float | None) -> Figure:
    """The figure of matplotlib."""
    choice("of", of, FIGURES)
    from calibeval.render.figure.backend import import_matplotlib

    import_matplotlib()
    from calibeval.render.figure.figure import sheet_figure

    return sheet_figure(survey_sheet(survey, of, metric, width))


def check_figure(path: Path, width: float | None) -> None:
    """Refuse a suffix that no figure has, or a width that it cannot have. Raises: UsageError."""
    from calibeval.render.drawing.formats import figure_format
    from calibeval.render.drawing.sheet import check_width

    figure_format(path.suffix)
    check_width(width)


def survey_drawn(survey: Survey, suffix: str, metric: str, width: float | None) -> bytes:
    """The file of what there is to draw, of the format of that suffix; matplotlib makes all but SVG.

    Raises: UsageError for another suffix, or a width that cannot be; InputError where there is nothing to draw.
    """
    from calibeval.render.drawing.formats import figure_format
    from calibeval.render.drawing.svg import sheet_svg

    kind = figure_format(suffix)
    sheet = survey_sheet(survey, "", metric, width)
    if kind == "svg":
        return sheet_svg(sheet).encode()
    from calibeval.render.figure.backend import import_matplotlib

    import_matplotlib()
    from calibeval.render.figure.figure import figure_bytes, sheet_figure

    return figure_bytes(sheet_figure(sheet), kind)


def survey_files(survey: Survey, metric: str) -> dict[str, bytes]:
    """The page of a survey and its figures as SVG, by their names."""
    from calibeval.render.drawing.svg import sheet_svg
    from calibeval.render.page.survey import render

    files = {}
    for of in FIGURES:
        with contextlib.suppress(InputError):  # there is nothing to draw
            files[f"{of}.svg"] = sheet_svg(survey_sheet(survey, of, metric)).encode()
    return {**files, "survey.html": render(survey, metric).encode()}
