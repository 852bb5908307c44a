"""`gate`: decide whether a model may ship; rules come from Python, from a preset, or from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Any, Unpack

from calibeval.api.arguments import OF_GATES
from calibeval.api.dumps import (
    Dump,
    Group,
    LabelReading,
    Weighting,
    as_class,
    as_path,
    as_texts,
    resources_of,
)
from calibeval.api.engines import EngineName, with_engine
from calibeval.api.gate_config import Found, find_config
from calibeval.api.gate_subject import Measuring, subject_for
from calibeval.api.image_options import ImageOptions
from calibeval.core.conventions.table import OWN
from calibeval.core.data.progress import Progress
from calibeval.core.data.public import public
from calibeval.core.errors import UsageError
from calibeval.core.gating.config import GateConfig, rule_from_table
from calibeval.core.gating.explain import explained
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judged import judged
from calibeval.core.gating.plan import Plan
from calibeval.core.gating.planning import plan_of
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.verdict import Verdict
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import Report
from calibeval.recalibrate.fitting.before_after import by_temperature

_RULE = 'a rule is a calibeval.Rule, or a table such as {"metric": "ece", "max": 0.05}'
OneRule = Rule | Mapping[str, Any]


@public(OF_GATES, LabelReading.__annotations__)
@with_engine
def gate(
    candidate: Dump,
    rules: OneRule | Sequence[OneRule] | str | PathLike[str] | None = None,
    *,
    baseline: Dump | Report | None = None,
    why: bool = False,
    preset: str | None = None,
    settings: GateSettings | None = None,
    decide: str | None = None,
    on_inconclusive: str | None = None,
    level: float | None = None,
    min_rows: int | None = None,
    slices: str | Sequence[str] = (),
    bins: int | None = None,
    convention: str = OWN,
    group: Group | None = None,
    weights: Weighting | None = None,
    positive: str | int | None = None,
    background: str | None = None,
    layout: str | None = None,
    spacing: str | Sequence[float] | None = None,
    jobs: int = 1,
    engine: EngineName | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
    **reading: Unpack[LabelReading],
) -> Verdict:
    """Decide whether a model may ship: rules are judged by the interval of a metric, or of its change from a baseline.

    candidate: a path, or Predictions. rules: a Rule or a table such as {"metric": "ece", "max": 0.05}, or a list of
    them; or the path of a configuration, whose settings, slices and baseline are used too. preset: ready-made rules,
    "recommended" or "strict". baseline: another model's predictions on the same rows, its Report, or the path of
    either. why: explain what changed a metric whose rule did not pass, and try temperature scaling on it.
    decide: judge by "interval" (default) or "point". on_inconclusive: "fail", "warn" or "pass". level: of the
    intervals, 0.95 by default. min_rows: with fewer rows, a rule is an error. settings: all four in one object;
    arguments override it. slices: columns for rules on the worst slice; columns named in rules are added.
    The others: as for `evaluate`; a group given as an array belongs to the candidate's rows. In a folder of cases rules
    may also limit numbers of images: "dice", "per_image.ece" (the mean over images), "liver.dice".
    `bool(verdict)` says whether the gate passed, so that a test can assert the verdict.
    Raises: UsageError for rules or settings that cannot work; InputError for data that cannot be used, or a baseline
    with other rows or classes; FileProblem.

    >>> from calibeval import Predictions
    >>> verdict = gate(
    ...     Predictions(probs=[[0.9, 0.1], [0.3, 0.7]] * 500, labels=[0, 1] * 500), {"metric": "accuracy", "min": 0.9}
    ... )
    >>> verdict.verdict, verdict["accuracy"].verdict, bool(verdict)
    ('pass', 'pass', True)
    """
    said = {"decide": decide, "on_inconclusive": on_inconclusive, "level": level, "min_rows": min_rows}
    found, how = _found(rules), ImageOptions(layout, background, spacing)
    measuring = Measuring(
        bins, convention, group, weights, as_class(positive), resources_of(jobs, max_memory, progress), engine, how
    )
    asked, subject, where = subject_for(
        candidate, baseline, found, measuring, reading, said, settings, preset, as_texts(slices), keep_rows=why
    )
    explain = partial(explained, subject=subject, tempered=by_temperature) if isinstance(subject, Subject) else None
    verdict = judged(subject, asked.rules, asked.settings, config=where, explain=explain if why else None)
    dump = subject.report(asked.settings.level)
    report = None if dump is None else Report(verdict.version, subject.settings, (dump,))
    return replace(verdict, report=report, warnings=(*verdict.warnings, *asked.told(subject.n, verdict)))


@public(OF_GATES, LabelReading.__annotations__)
@with_engine
def plan(
    candidate: Dump,
    rules: OneRule | Sequence[OneRule] | str | PathLike[str] | None = None,
    *,
    baseline: Dump | Report | None = None,
    preset: str | None = None,
    settings: GateSettings | None = None,
    on_inconclusive: str | None = None,
    level: float | None = None,
    min_rows: int | None = None,
    slices: str | Sequence[str] = (),
    bins: int | None = None,
    convention: str = OWN,
    group: Group | None = None,
    weights: Weighting | None = None,
    positive: str | int | None = None,
    jobs: int = 1,
    engine: EngineName | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
    **reading: Unpack[LabelReading],
) -> Plan:
    """Say what a gate with these rules can decide with as many rows, and how many rows it needs.

    For each rule: the chance that an unchanged model passes, the rows from which 80 of 100 samples pass, and the rows
    from which a model fails in 80 of 100 samples if its violation is as large again as the limit. Rules on a change are
    planned without a baseline, too; then a candidate is assumed that shares half of this model's variance.
    Arguments: as for `gate`.
    Raises: as `gate`; and UsageError if the settings let the value alone decide.

    >>> from calibeval import Predictions
    >>> predictions = Predictions(probs=[[0.9, 0.1], [0.4, 0.6]] * 500, labels=[0, 1] * 500)
    >>> plan(predictions, {"metric": "ece", "max": 0.4})
    <Plan 100 %: ece 100 %>
    """
    said = {"on_inconclusive": on_inconclusive, "level": level, "min_rows": min_rows}
    measuring = Measuring(
        bins, convention, group, weights, as_class(positive), resources_of(jobs, max_memory, progress), engine
    )
    found = _found(rules)
    asked, subject, where = subject_for(
        candidate, baseline, found, measuring, reading, said, settings, preset, as_texts(slices), planned=True
    )
    if not isinstance(subject, Subject):
        raise UsageError("a folder of cases cannot be planned: how much images differ is not known of others")
    made = plan_of(subject, asked.rules, asked.settings, config=where)
    return replace(made, warnings=(*made.warnings, *asked.left_out))


def _found(rules: OneRule | Sequence[OneRule] | str | PathLike[str] | None) -> Found:
    """The rules as a configuration, with their file, or None.

    Raises: UsageError for an empty list, or an item that is not a rule.
    """
    if rules is None:
        return Found(GateConfig(), None)
    if isinstance(rules, str) and (rules in EVERY or re.search("[<>=≤≥]", rules)) and not as_path(rules).exists():
        raise UsageError(f'rules is "{rules}", which is no file; {_RULE}')
    if isinstance(rules, str | PathLike):
        return find_config(as_path(rules))
    tables: Sequence[Any] = [rules] if isinstance(rules, Rule | Mapping) else rules
    if not tables:
        raise UsageError("the list of rules is empty, so there is nothing to check")
    return Found(GateConfig(rules=tuple(map(_rule, tables))), None)


def _rule(rule: object) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if not isinstance(rule, Mapping):
        raise UsageError(f"{_RULE}, not {rule!r}")
    for name in rule:
        if name in EVERY and "metric" not in rule:
            kind = "min" if EVERY[name].better == "higher" else "max"
            meant = f'{{"metric": "{name}", "{kind}": {rule[name]!r}}}'
            raise UsageError(f'a rule has no key "{name}" (did you mean {meant}?)')
    return rule_from_table(rule)
