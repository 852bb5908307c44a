"""What `gate` judges in Python: a dump, saved sums, a folder of cases, or many dumps with axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calibeval.api.case_paths import gated_paths
from calibeval.api.dumps import (
    Dump,
    Group,
    LabelReading,
    Reading,
    Weighting,
    and_positive,
    base_of,
    grouped,
    is_path,
    predictions_of,
    read_by,
)
from calibeval.api.engines import EngineName
from calibeval.api.gate_config import Asked, Found, combined
from calibeval.api.gate_sums import judged_sums
from calibeval.api.gate_survey import Cut, cells_of, is_pattern, survey_subject
from calibeval.api.image_options import ImageOptions
from calibeval.api.saved_sums import names_of_sums
from calibeval.core.conventions.table import OWN
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import weighted
from calibeval.core.errors import UsageError
from calibeval.core.gating.config import GateConfig
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judged import Judgeable
from calibeval.core.gating.rules import GateSettings
from calibeval.core.report.report import Report
from calibeval.core.sums.resources import Resources
from calibeval.readers.formats.sums_together import read_all, source_of
from calibeval.readers.said import options_of


class Measuring(NamedTuple):
    """How a gate measures. of_cases: how images are read and counted."""

    bins: int | None
    convention: str
    group: Group | None
    weights: Weighting | None
    positive: str | None
    resources: Resources
    engine: EngineName | None
    of_cases: ImageOptions = ImageOptions()


def subject_for(
    candidate: Dump,
    baseline: Dump | Report | None,
    found: Found,
    measuring: Measuring,
    reading: LabelReading,
    said: Mapping[str, Any],
    settings: GateSettings | None,
    preset: str | None,
    slices: Sequence[str],
    *,
    keep_rows: bool = False,
    planned: bool = False,
) -> tuple[Asked, Judgeable, str | None]:
    """What was asked for, the dump measured for it, and the file of the rules."""
    usual = {} if settings is None else {name: getattr(settings, name) for name in (*said, "decide")}
    against = baseline if baseline is not None else found.config.baseline
    names = names_of_sums(candidate)
    opened = None if names is None else ((rows := read_all(names)), source_of(rows))
    own = found.config.rules if found.path is None else ()  # rules given here come before those of a preset
    asked = combined(
        found if found.path is not None else Found(GateConfig(), None),
        rules=own,
        settings={**usual, **{name: value for name, value in said.items() if value is not None}},
        baseline=None if against is None else "given",
        preset=preset,
        slices=slices,
        positive=measuring.positive,
        planned=planned,
        inside=opened is not None and opened[0].base is not None,
    )
    where = None if found.path is None else str(found.path)
    if opened is not None:
        of_rows = {"group": measuring.group, "weights": measuring.weights, "convention": measuring.convention != OWN}
        return *judged_sums(opened, asked, measuring.bins, against, {**of_rows, **reading}, planned=planned), where
    if is_path(candidate) and is_pattern(str(candidate)):
        pattern, options = str(candidate), _told(reading, asked)
        whole = options_of(max_memory=measuring.resources.memory, engine=measuring.engine, **options)
        by_column = {
            "baseline": against is not None and not is_path(against),
            "group": measuring.group is not None and not isinstance(measuring.group, str),
            "weights": measuring.weights is not None and not isinstance(measuring.weights, str),
        }
        for key, wrong in by_column.items():
            if wrong:
                raise UsageError(f"{key} must be a name where {pattern} stands for many dumps")
        cut = Cut(
            whole,
            measuring.bins,
            measuring.convention,
            asked.group if measuring.group is None else str(measuring.group),
            asked.weights if measuring.weights is None else str(measuring.weights),
            measuring.of_cases.over(asked.images).background,
            measuring.resources,
        )
        asked = asked._replace(baseline=None if against is None else str(against))
        given = {"why": keep_rows, "plan": planned}
        return *survey_subject(pattern, cells_of(pattern, whole), asked, cut, given), where
    how, by = measuring.of_cases.over(asked.images), (measuring.bins, measuring.group)
    held = {"weights": measuring.weights, "convention": measuring.convention != OWN, "why": keep_rows, "plan": planned}
    held["positive"] = asked.positive
    of_cases = gated_paths(candidate, against, asked, reading, how, by, measuring.resources, held)
    if of_cases is not None:
        return asked, of_cases, where
    read_by(reading, [candidate, *([] if baseline is None else [baseline])])
    named, most = asked.group if measuring.group is None else measuring.group, measuring.resources.memory
    options = _told(reading, asked)
    dump = predictions_of(candidate, options if is_path(candidate) else {}, most, measuring.engine)
    dump, name = grouped(_weighted(dump, measuring, asked), named)
    base = None if against is None else base_of(against, options if is_path(against) else {}, most, measuring.engine)
    base = _weighted(base, measuring, asked) if isinstance(base, Predictions) else base
    asked = asked.for_dump(dump, base, measuring.convention)
    subject = Subject.of(
        dump,
        base,
        asked.rules,
        asked.settings,
        bins=measuring.bins,
        convention=measuring.convention,
        slices=asked.slices,
        group=name,
        positive=asked.positive,
        background=how.background,
        resources=measuring.resources,
        keep_rows=keep_rows,
    )
    return asked, subject, where


def _told(reading: LabelReading, asked: Asked) -> Reading:
    """The reading options, with the class names of the file of the rules where none are given, and the positive one."""
    if asked.class_names is not None and "class_names" not in reading:
        reading = {**reading, "class_names": asked.class_names}
    return and_positive(reading, asked.positive)


def _weighted(dump: Predictions, measuring: Measuring, asked: Asked) -> Predictions:
    """The predictions with the weights that were given, or their own, or those that the file of the rules names."""
    if measuring.weights is not None:
        return weighted(dump, measuring.weights)
    return weighted(dump, asked.weights) if dump.weights is None else dump
