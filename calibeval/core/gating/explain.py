"""Why a rule did not pass: the rows that moved the metric, and whether temperature scaling would fix it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.columns import PREDICTED_CLASS, TRUE_CLASS, Coded, coded_column, coded_slices, kept_rows
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judge import Evidence, decide
from calibeval.core.gating.movers import Part, Parted, bin_parts, class_movers, movers
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.verdict import RuleVerdict, Trial, Why
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.sums import Sums

# Columns with more distinct values are not searched for parts.
MOST_TOLD = 50

Rows = npt.NDArray[np.intp]
# Maps predictions by temperature scaling, fitted out of fold.
MapOutOfFold = Callable[[Predictions], Predictions]


def explained(judged: RuleVerdict, subject: Subject, out_of_fold: MapOutOfFold) -> RuleVerdict:
    """The verdict with the reasons why its metric moved; unchanged if the rule passed, is off, or had no value.

    out_of_fold: maps predictions by temperature scaling, fitted out of fold.
    """
    if judged.verdict not in ("fail", "inconclusive") or judged.decisive is None:
        return judged
    part = judged.decisive.slice
    change, parts = _moved(judged.rule, part, subject)
    return replace(judged, why=Why(change, parts, _temperature(judged, subject, part, out_of_fold)))


def _moved(rule: Rule, part: str | None, subject: Subject) -> tuple[bool, tuple[Part, ...] | None]:
    """Whether the change (and not the metric itself) was split into parts, and the parts that contribute most."""
    metric, dump = METRICS[rule.metric], subject.dump
    told = subject.pair(part) if rule.is_change else None
    (sums, rows), before = (subject.part(part), None) if told is None else ((told[0], told[2]), told[1])
    by_class = _change(metric.class_shares, sums, before)
    by_row = _change(metric.shares, sums, before)
    found = None
    if by_class is not None:
        names = dump.class_names or tuple(str(k) for k in range(len(by_class)))
        found = tuple(class_movers(dict(zip(names, by_class.tolist(), strict=True))))
    elif by_row is not None:
        found = tuple(movers(by_row, [bin_parts(sums), *_columns(dump, rows)]))
    return before is not None, found


def _change(shares: Callable[[Sums], Floats | None], sums: Sums, before: Sums | None) -> Floats | None:
    """The contributions to a metric, or to its change if there is a baseline; None if the metric has no such parts."""
    now, then = shares(sums), None if before is None else shares(before)
    return now if now is None or then is None else now - then


def _columns(dump: Predictions, rows: Rows) -> list[Parted]:
    """The true class, and every column with few values, over these stored rows."""
    found: list[Parted] = []
    if dump.k is not None and TRUE_CLASS not in dump.columns:
        found.append(_parted(TRUE_CLASS, coded_slices(dump, TRUE_CLASS), rows))
    for name in dump.columns:
        coded = coded_column(dump, name)
        if 1 < len(coded.values) <= MOST_TOLD:
            found.append(_parted(name, coded, rows))
    return found


def _parted(kind: str, coded: Coded, rows: Rows) -> Parted:
    return Parted(kind, coded.texts(), coded.codes[rows])


def _temperature(judged: RuleVerdict, subject: Subject, part: str | None, out_of_fold: MapOutOfFold) -> Trial | None:
    """Whether temperature scaling alone would bring the metric within its limit."""
    rule, decisive, dump = judged.rule, judged.decisive, subject.dump
    if rule.metric == "accuracy" or decisive is None or dump.k is None or len(dump.layout) > 1:
        return None
    if subject.resources.streams(dump):
        return None
    try:
        mapped = _part_of(out_of_fold(dump), part)
        settings = checked(bins=subject.settings.bins, convention=subject.settings.convention)
        after = evaluate_dump(mapped, settings)[rule.metric]
    except InputError:
        return None  # too few rows, or a label of probability 0: nothing can be fitted
    if after.value is None:
        return None
    value = after.value if after.corrected is None else after.corrected
    change = value - (decisive.baseline or 0.0) if rule.is_change else value
    evidence = Evidence(None, mapped.n, abs(change) if _sized(rule) else change, baseline=decisive.baseline)
    return Trial(value, decide(rule, evidence, GateSettings(decide="point")).verdict == "pass")


def _sized(rule: Rule) -> bool:
    return METRICS[rule.metric].better == "zero" and not rule.is_change


def _part_of(dump: Predictions, part: str | None) -> Predictions:
    """The rows of a slice; the whole dump for None."""
    return dump if part is None else dump.select(_rows_of(dump, part))


def _rows_of(dump: Predictions, part: str) -> Rows:
    """The stored rows of the slice "column=value" that are not ignored, in a dump that was not measured.

    The dump may have only some of the subject's rows, so `Subject.part` cannot be used.
    """
    for column in (*dump.columns, TRUE_CLASS, PREDICTED_CLASS):
        if not part.startswith(f"{column}="):
            continue
        coded = coded_slices(dump, column)
        texts = coded.texts()
        if part.removeprefix(f"{column}=") in texts:
            code = texts.index(part.removeprefix(f"{column}="))
            kept = kept_rows(dump)
            return np.asarray(kept[coded.codes[kept] == code])
    raise InputError(f'{dump.source.name}: there is no slice "{part}"')
