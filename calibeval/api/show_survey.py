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
