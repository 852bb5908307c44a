"""Why a rule did not pass: the parts of the rows that moved the metric, and whether a temperature would repair it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.pairing import pair_rows
from calibeval.core.data.arrays import Floats
from calibeval.core.data.columns import TRUE_CLASS, Coded, coded_column, coded_slices
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judge import Evidence, decide
from calibeval.core.gating.movers import Part, Parted, bin_parts, class_movers, movers
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.verdict import RuleVerdict
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.engine import stored_bytes, summarise
from calibeval.core.sums.sums import Sums

# A column of more values is no column of categories.
MOST_VALUES = 50

Rows = npt.NDArray[np.intp]
# Predictions as a temperature makes them, out of fold; and how a metric's value is written.
MapOutOfFold = Callable[[Predictions], Predictions]
Written = Callable[[MetricResult], str]


def explained(judged: RuleVerdict, subject: Subject, out_of_fold: MapOutOfFold, written: Written) -> RuleVerdict:
    """The verdict with what moved its metric; as it is where the rule passed, is off, or had no value."""
    if judged.verdict not in ("fail", "inconclusive") or judged.decisive is None:
        return judged
    part = judged.decisive.slice
    dump, base = _part_of(subject.dump, part), None
    if isinstance(subject.base, Predictions) and judged.rule.is_change:
        base = _aligned(subject.dump, subject.base, part)
    lines = [_moved(judged.rule, dump, base, subject), _temperature(judged, subject, part, out_of_fold, written)]
    return replace(judged, why=tuple(line for line in lines if line))


def _moved(rule: Rule, dump: Predictions, base: Predictions | None, subject: Subject) -> str:
    """The parts that carry most of the metric, or of its change."""
    lead = "moved most by" if base is not None else "much of it in"
    metric, sums = METRICS[rule.metric], summarise(dump, subject.bins, keep_rows=True)
    before = None if base is None else summarise(base, subject.bins, keep_rows=True)
    by_class = _change(metric.class_shares, sums, before)
    by_row = _change(metric.shares, sums, before)
    if by_class is not None:
        names = dump.class_names or tuple(str(k) for k in range(len(by_class)))
        found = class_movers(dict(zip(names, by_class.tolist(), strict=True)))
    elif by_row is not None:
        found = movers(by_row, [bin_parts(sums), *_columns(dump)])
    else:
        return ""
    if not found:
        return "spread evenly over bins, classes and slices"
    return f"{lead} {', '.join(map(_told, found))}"


def _change(shares: Callable[[Sums], Floats | None], sums: Sums, before: Sums | None) -> Floats | None:
    """The shares of a metric, or where there is a baseline of its change; None where the metric has none."""
    now, then = shares(sums), None if before is None else shares(before)
    return now if now is None or then is None else now - then


def _told(part: Part) -> str:
    name = f"{part.kind} {part.name}" if part.kind in ("bin", TRUE_CLASS) else f"{part.kind}={part.name}"
    return f"{name} ({100 * part.share:.0f} % of it, {100 * part.rows:.0f} % of the rows)"


def _columns(dump: Predictions) -> list[Parted]:
    """The classes of the labels, and every column of few values, over the rows that count."""
    kept = _kept(dump)
    found: list[Parted] = []
    if dump.k is not None and TRUE_CLASS not in dump.columns:
        found.append(_parted(TRUE_CLASS, coded_slices(dump, TRUE_CLASS), kept))
    for name in dump.columns:
        coded = coded_column(dump, name)
        if 1 < len(coded.values) <= MOST_VALUES:
            found.append(_parted(name, coded, kept))
    return found


def _parted(kind: str, coded: Coded, kept: Rows) -> Parted:
    return Parted(kind, coded.texts(), coded.codes[kept])


def _temperature(
    judged: RuleVerdict, subject: Subject, part: str | None, out_of_fold: MapOutOfFold, written: Written
) -> str:
    """Whether a temperature alone would bring the metric within its limit, tried out of fold."""
    rule, decisive, dump = judged.rule, judged.decisive, subject.dump
    if rule.metric == "accuracy":
        return "a temperature cannot change the accuracy"
    limit = math.inf if subject.max_memory is None else subject.max_memory
    if decisive is None or dump.k is None or len(dump.layout) > 1 or stored_bytes(dump) > limit:
        return ""
    try:
        mapped = _part_of(out_of_fold(dump), part)
        settings = checked(bins=subject.bins, convention=subject.convention, level=0.95)
        after = evaluate_dump(mapped, settings)[rule.metric]
    except InputError:
        return ""  # too few rows, or a label of probability 0: a fit would say so
    if after.value is None:
        return ""
    value = after.value if after.corrected is None else after.corrected
    change = value - (decisive.baseline or 0.0) if rule.is_change else value
    evidence = Evidence(None, mapped.n, abs(change) if _sized(rule) else change, baseline=decisive.baseline)
    repaired = decide(rule, evidence, GateSettings(decide="point")).verdict == "pass"
    told = written(MetricResult(rule.metric, after.value))
    return f"a temperature alone would {'' if repaired else 'not '}repair it ({told} out of fold)"


def _sized(rule: Rule) -> bool:
    return METRICS[rule.metric].better == "zero" and not rule.is_change


def _part_of(dump: Predictions, part: str | None) -> Predictions:
    """The rows of a slice; the dump itself for all of them."""
    return dump if part is None else dump.select(_rows_of(dump, part))


def _rows_of(dump: Predictions, part: str) -> Rows:
    """The stored rows of the slice "column=value" that count."""
    for column in (*dump.columns, TRUE_CLASS, "predicted"):
        if not part.startswith(f"{column}="):
            continue
        coded = coded_slices(dump, column)
        texts = coded.texts()
        if part.removeprefix(f"{column}=") in texts:
            code = texts.index(part.removeprefix(f"{column}="))
            kept = _kept(dump)
            return np.asarray(kept[coded.codes[kept] == code])
    raise InputError(f'{dump.source.name}: there is no slice "{part}"')


def _aligned(dump: Predictions, base: Predictions, part: str | None) -> Predictions:
    """The baseline's rows in the order of the dump's rows that count, or of those of a slice."""
    order = pair_rows(base, dump).order
    own, theirs = _kept(dump), _kept(base)
    if order is None and part is None:
        return base
    partners = theirs.copy()
    if order is not None:
        partners[order] = theirs
    if part is None:
        return base.select(partners)
    return base.select(partners[np.searchsorted(own, _rows_of(dump, part))])


def _kept(predictions: Predictions) -> Rows:
    """The numbers of the stored rows that count."""
    if not predictions.ignored:
        return np.arange(predictions.rows)
    return np.flatnonzero(predictions.labels != predictions.ignore_index)
