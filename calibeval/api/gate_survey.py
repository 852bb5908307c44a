"""A gate over many dumps whose names have axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from calibeval.api.base_file import open_base
from calibeval.api.gate_config import Asked
from calibeval.core.conventions.table import OWN
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import weighted
from calibeval.core.errors import CalibevalError, FileProblem, InputError, UsageError, cut
from calibeval.core.evaluation.settings import checked
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.of_survey import JudgedCell, SurveySubject, without_scores
from calibeval.core.gating.over import expanded, point_of
from calibeval.core.gating.rules import Rule
from calibeval.core.report.report import Report
from calibeval.core.sums.resources import Resources
from calibeval.core.survey.choice import agrees
from calibeval.core.survey.pattern import axis_names, filled
from calibeval.core.survey.reference import OfDump, reference_named
from calibeval.core.survey.together import Kept
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.place import is_remote
from calibeval.runs.surveying.find import found_by
from calibeval.runs.surveying.measure import How, forget, opened, told
from calibeval.runs.surveying.planned import Plan, Planned, planned


@dataclass(frozen=True, slots=True)
class Cut:
    """How each cell is read and measured, as for `gate`. weights: the name of a column."""

    reading: ReadOptions
    bins: int | None
    convention: str
    group: str | None
    weights: str | None
    background: str | None
    resources: Resources


def is_pattern(name: object) -> bool:
    """Whether a name stands for many dumps: it has axes in braces, and is no file.

    >>> is_pattern("preds/{corruption}_{severity}.npz"), is_pattern("test.npz#val")
    (True, False)

    Raises: UsageError for braces that cannot be read.
    """
    if not isinstance(name, str) or "{" not in name or is_remote(name):
        return False
    return not Path(name).exists() and bool(axis_names(name))


def cells_of(pattern: str, reading: ReadOptions) -> Plan:
    """The dumps that a pattern matches. Raises: as `survey`."""
    found, beside = found_by([pattern], reading)
    return planned(found, beside, pattern)


def survey_subject(
    pattern: str, plan: Plan, asked: Asked, how: Cut, given: Mapping[str, object]
) -> tuple[Asked, SurveySubject]:
    """The rules and the cells that they are about. given: what cannot be combined with many dumps, by its name.

    Raises: UsageError for rules and settings that cannot work.
    """
    for name, value in given.items():
        if value not in (None, False, (), ""):
            raise UsageError(f"{name} is about one dump, but {cut(pattern)} stands for many: gate the cell by its name")
    points = [cell.point for cell in plan.cells]
    named = asked
    asked = asked._replace(rules=expanded(named.rules, plan.axes, points))
    bases = _bases(plan, asked.baseline, how)
    cells, settled = list[JudgedCell](), False
    settings = checked(bins=how.bins, convention=how.convention, level=asked.settings.level, group=how.group)
    reading = How(how.reading, settings, None)
    last: tuple[str, Predictions | Report | Notice] | None = None
    for cell, base in zip(plan.cells, bases, strict=True):
        if not _judged(cell, asked.rules, plan):
            continue
        try:
            dump = opened(cell.found, reading)
        except UsageError:
            raise
        except (CalibevalError, OSError) as error:
            cells.append(JudgedCell(cell.point, cell.found.name, None, told(error, cell.found)))
            continue
        if base is not None and (last is None or last[0] != base):
            last = base, _opened_base(base, how)
        beside = None if base is None or last is None else last[1]
        if not settled:
            rules = named.for_dump(dump, None if isinstance(beside, Notice) else beside, how.convention)
            asked, settled = rules._replace(rules=expanded(rules.rules, plan.axes, points)), True
        cells.append(_cell(cell, dump, beside, asked, how))
    forget()
    own = next((one.subject.settings for one in cells if one.subject is not None), settings)
    return asked, SurveySubject(cut(pattern), plan.axes, tuple(cells), own, asked.baseline)


def _judged(cell: Planned, rules: Sequence[Rule], plan: Plan) -> bool:
    """Whether some rule is about this cell; others need not be read."""
    return any(agrees(cell.point, point_of(rule, plan.axes)) for rule in rules if rule.severity != "off")


def _cell(
    cell: Planned, dump: Predictions, base: Predictions | Report | Notice | None, asked: Asked, how: Cut
) -> JudgedCell:
    name = cell.found.name
    try:
        if dump.weights is None:
            dump = weighted(dump, how.weights)
        if isinstance(base, Predictions) and base.weights is None:
            base = weighted(base, how.weights)
        lost = base if isinstance(base, Notice) else None
        try:
            subject = _subject(dump, None if isinstance(base, Notice) else base, asked, how)
        except InputError as error:
            if base is None or lost is not None:
                raise
            lost = Notice(str(error), "input")  # rules on values do without it
            subject = _subject(dump, None, asked, how)
    except InputError as error:
        return JudgedCell(cell.point, name, None, Notice(str(error), "input"))
    kept = Kept.of(subject.measured.predictions, subject.measured.sums.rows, how.group)
    return JudgedCell(cell.point, name, without_scores(subject), None, lost, kept)


def _subject(dump: Predictions, base: Predictions | Report | None, asked: Asked, how: Cut) -> Subject:
    """One cell, measured for all rules."""
    own = (replace(rule, over=None, cells=None, where=None) for rule in asked.rules if rule.severity != "off")
    return Subject.of(
        dump,
        base,
        list(dict.fromkeys(own)),
        asked.settings,
        bins=how.bins,
        convention=how.convention,
        slices=(),
        group=how.group,
        positive=asked.positive,
        background=how.background,
        resources=how.resources,
        keep_rows=any(rule.of_mean for rule in asked.rules),
    )


def _bases(plan: Plan, baseline: str | None, how: Cut) -> list[str | None]:
    """The baseline of each cell. Raises: UsageError for what has other axes, or cannot be compared."""
    if baseline is None:
        return [None] * len(plan.cells)
    if how.convention != OWN:
        raise UsageError(
            f"changes from a baseline are measured with calibeval's own bins, not those of {how.convention}"
        )
    if Path(baseline).name == "survey.json":
        raise UsageError(f"{cut(baseline)}: a survey holds no rows: name the dumps of the baseline with their axes")
    wanted = reference_named(plan.axes, baseline)
    if not isinstance(wanted, OfDump):
        raise UsageError(f"baseline is \"{cut(baseline)}\", but dumps are needed, such as 'main/{{corruption}}.npz'")
    return [filled(wanted.pattern, cell.found.texts) for cell in plan.cells]


def _opened_base(name: str, how: Cut) -> Predictions | Report | Notice:
    """The baseline of a cell, or why it cannot be read."""
    try:
        return open_base(name, how.reading)
    except UsageError:
        raise
    except (CalibevalError, OSError) as error:
        return Notice(f"the baseline cannot be read: {error}", "file" if isinstance(error, FileProblem) else "input")
