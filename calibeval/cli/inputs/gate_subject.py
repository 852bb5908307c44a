"""What a gate on the command line measures: saved sums, a folder of cases, or a dump, each beside its baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from calibeval.cli.inputs.case_pairs import gated_cases
from calibeval.cli.inputs.gate_files import judged_sums, open_both
from calibeval.core.conventions.table import OWN

if TYPE_CHECKING:
    from calibeval.api.gate_config import Asked
    from calibeval.api.image_options import ImageOptions
    from calibeval.core.data.source import Source
    from calibeval.core.evaluation.accumulation import Accumulation
    from calibeval.core.gating.judged import Judgeable
    from calibeval.core.sums.resources import Resources
    from calibeval.readers.meaning.read_options import ReadOptions
    from calibeval.runs.surveying.planned import Plan as SurveyPlan


class Measuring(NamedTuple):
    """How a gate measures.

    of_cases: how images are read and counted. of_rows: the options that need rows, by
    their names. why: whether reasons are asked for; in_full: a report; planned: a plan, and no verdict.
    """

    bins: int | None
    convention: str
    resources: Resources
    of_cases: ImageOptions
    of_rows: Mapping[str, object]
    why: bool
    in_full: bool
    planned: bool


def cells_named(dump: str, reading: ReadOptions) -> SurveyPlan | None:
    """The cells that a pattern names; None for one dump. Raises: as `survey`."""
    if "{" not in dump:
        return None
    from calibeval.api.gate_survey import cells_of, is_pattern

    return cells_of(dump, reading) if is_pattern(dump) else None


def measured_for(
    dump: str,
    found: tuple[Accumulation, Source] | SurveyPlan | None,
    asked: Asked,
    reading: ReadOptions,
    how: Measuring,
) -> tuple[Asked, Judgeable]:
    """The rules, and what they are about. found: saved sums, or cells. Raises: as readers and `gate`."""
    other = how.convention != OWN
    if found is not None and not isinstance(found, tuple):
        from calibeval.api.gate_survey import Cut, survey_subject

        background = how.of_cases.over(asked.images).background
        weights = asked.weights if reading.keys.weights is None else None
        cut = Cut(reading, how.bins, how.convention, asked.group, weights, background, how.resources)
        return survey_subject(dump, found, asked, cut, {"--why": how.why, "--plan": how.planned})
    if found is not None:
        return judged_sums(found, asked, how.bins, {"--convention": other} | dict(how.of_rows), planned=how.planned)
    rows = {"--convention": other, "--why": how.why, "--plan": how.planned, "--positive": asked.positive}
    cases = gated_cases(dump, asked, reading, how.of_cases.over(asked.images), how.bins, how.resources, rows)
    if cases is not None:
        return asked, cases
    from calibeval.core.gating.gate import Subject

    predictions, base = open_both(dump, asked.baseline, reading, asked.weights)
    asked = asked.for_dump(predictions, base, how.convention)
    return asked, Subject.of(
        predictions,
        base,
        asked.rules,
        asked.settings,
        bins=how.bins,
        convention=how.convention,
        slices=asked.slices,
        group=asked.group,
        positive=asked.positive,
        background=how.of_cases.over(asked.images).background,
        resources=how.resources,
        keep_rows=how.why,
        in_full=how.in_full,
    )
