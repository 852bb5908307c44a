"""A survey as text."""

from __future__ import annotations

from calibeval.api.show import WIDTH
from calibeval.core.survey.survey import Survey

ECE = "ece"


def survey_text(survey: Survey) -> str:
    """The output of `calibeval survey`, followed by the warnings."""
    from calibeval.render.terminal.survey import render
    from calibeval.words.survey import shown_metrics

    names = shown_metrics(survey)
    metric = ECE if ECE in names or not names else names[0]
    text = render(survey, metric, width=WIDTH, color=False, ascii_only=False).rstrip("\n")
    return "\n".join([text, *(f"warning: {one}" for one in survey.warnings)])


def survey_files(survey: Survey, metric: str) -> dict[str, bytes]:
    """The page of a survey and its figures as SVG, by their names."""
    from calibeval.render.drawing.along_sheet import along_sheet, ordered_axis
    from calibeval.render.drawing.svg import sheet_svg
    from calibeval.render.drawing.zoo import zoo_of
    from calibeval.render.drawing.zoo_sheet import zoo_sheet
    from calibeval.render.page.survey import render
    from calibeval.words.survey import shown_metrics

    names = [name for name in dict.fromkeys((metric, ECE, "accuracy", "nll")) if name in shown_metrics(survey)][:3]
    files = {}
    if names and ordered_axis(survey) is not None:
        files["along.svg"] = sheet_svg(along_sheet(survey, names)).encode()
    if zoo_of(survey) is not None:
        files["models.svg"] = sheet_svg(zoo_sheet(survey)).encode()
    return {**files, "survey.html": render(survey, metric).encode()}
