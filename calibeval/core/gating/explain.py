"""Why a rule did not pass: the rows that moved the metric, and the verdict that it would have after a temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.columns import TRUE_CLASS, Coded, coded_column, coded_slices
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judge import judge
from calibeval.core.gating.movers import Part, Parted, bin_movers, bin_parts, class_movers, movers
from calibeval.core.gating.rules import Rule
from calibeval.core.gating.ruling import RuleVerdict, Trial, Why
from calibeval.core.metrics.folded import Folded
from calibeval.core.metrics.positive import PositiveGap
from calibeval.core.metrics.table import EVERY
from calibeval.core.sums.sums import Sums

# Columns with more distinct values are not searched for parts.
MOST_TOLD = 50

Rows = npt.NDArray[np.intp]
# Predictions as a temperature makes them, each row by a fit on others, and the mean temperature; by groups in a column.
Tempered = Callable[[Predictions, str | None], tuple[Predictions, float]]


def explained(judged: RuleVerdict, subject: Subject, tempered: Tempered) -> RuleVerdict:
    """The verdict with what moved its metric; as it is where the rule passed, is off, or had no value.

    tempered: makes the dump as a temperature makes it.
    """
    if judged.verdict not in ("fail", "inconclusive") or judged.decisive is None:
        return judged
    part = judged.decisive.slice
    change, parts = _moved(judged.rule, part, subject)
    return replace(judged, why=Why(change, parts, _temperature(judged, subject, tempered)))


def _moved(rule: Rule, part: str | None, subject: Subject) -> tuple[bool, tuple[Part, ...] | None]:
    """Whether the change (and not the metric itself) was split into parts, and the parts that contribute most."""
    metric, dump = EVERY[rule.metric], subject.dump
    if subject.measured.sums.without_rows:
        return _moved_sums(rule, subject)
    told = subject.pair(part) if rule.is_change else None
    (sums, rows), before = (subject.part(part), None) if told is None else ((told[0], told[2]), told[1])
    by_class = _change(metric.class_shares, sums, before)
    by_row = _change(metric.shares, sums, before)
    found = None
    if by_class is not None:
        names = dump.class_names or tuple(str(k) for k in range(len(by_class)))
        counts = np.bincount(np.asarray(dump.labels)[rows].astype(np.intp), minlength=len(by_class))
        found = tuple(class_movers(names, by_class, counts.astype(np.float64)))
    elif by_row is not None and sums.rows is not None:
        gaps = sums.rows.confidence - sums.rows.correct
        found = tuple(movers(by_row, [bin_parts(sums), *_columns(dump, rows)], gaps))
    elif isinstance(metric, Folded | PositiveGap):
        found = _positive_moved(metric, sums, before, (dump, rows))
    return before is not None, found


def _moved_sums(rule: Rule, subject: Subject) -> tuple[bool, tuple[Part, ...] | None]:
    """As `_moved`, of sums: the parts are classes, or of a metric itself the equal-width bins."""
    metric, measured = EVERY[rule.metric], subject.measured
    pair = None if subject.matched is None or not rule.is_change else subject.matched.whole.pair
    sums, before = (measured.sums, None) if pair is None else (pair.candidate.sums, pair.base.sums)
    by_class, support = _change(metric.class_shares, sums, before), measured.support
    if by_class is not None and support is not None:
        names = subject.dump.class_names or tuple(str(k) for k in range(len(by_class)))
        return before is not None, tuple(class_movers(names, by_class, support.astype(np.float64)))
    shares = None if before is not None else metric.bin_shares(sums)
    return before is not None, None if shares is None else tuple(bin_movers(sums, shares))


def _positive_moved(
    metric: Folded | PositiveGap, sums: Sums, before: Sums | None, of: tuple[Predictions, Rows]
) -> tuple[Part, ...] | None:
    """The parts that contribute most to a metric of P(positive class), or to its change.

    of: the dump, and the numbers of the stored rows that sums are of.
    """
    dump, rows = of
    labels = np.asarray(dump.labels)[rows].astype(np.intp)
    found = [None if one is None else metric.positive_rows(one, labels) for one in (sums, before)]
    now, then = found
    if now is None or (before is not None and then is None):
        return None
    signed = [
        np.zeros(len(labels)) if one is None else one.gaps if metric.better == "zero" else one.folded for one in found
    ]
    bins = Parted("bin", bin_parts(sums).names, now.places)
    gaps = now.gaps if sums.row_weights is None else None
    # Within a class, P(positive) is above or below what happens in every model, so classes tell nothing.
    columns = [one for one in _columns(dump, rows) if one.kind != TRUE_CLASS]
    return tuple(movers((signed[0] - signed[1]) / sums.n, [bins, *columns], gaps))


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


def _temperature(judged: RuleVerdict, subject: Subject, tempered: Tempered) -> Trial | None:
    """What the rule would say after a temperature alone: all rules are judged again, by the same intervals."""
    rule, dump = judged.rule, subject.dump
    no_ends = judged.decisive is not None and judged.decisive.low is None and not EVERY[rule.metric].certifies
    few = judged.decisive is None or (no_ends and subject.how.decide == "interval")
    if (
        few
        or rule.metric == "accuracy"
        or EVERY[rule.metric].left_to_gain
        or dump.k is None
        or len(dump.layout) > 1
        or subject.resources.streams(dump)
        or subject.measured.sums.without_rows
    ):
        return None
    try:
        verdicts, temperature = _judged_again(subject, tempered)
    except InputError:
        return None  # too few rows, or a label of probability 0: a fit would say so
    after = verdicts[subject.rules.index(rule)]
    part = after.decisive
    verdict = after.verdict
    if part is None or part.value is None or verdict == "off" or verdict == "error":  # noqa: PLR1714 - mypy's way
        return None
    change = part.value if rule.is_change else None
    base = part.baseline or 0.0
    base = abs(base) if EVERY[rule.metric].better == "zero" else base
    value = part.value if change is None else base + change
    corrected = part.centre if change is None and part.centre != part.value else None
    level = part.interval_level
    return Trial(value, verdict == "pass", verdict, part.low, part.high, change, temperature, corrected, level)


@lru_cache(maxsize=1)
def _judged_again(subject: Subject, tempered: Tempered) -> tuple[tuple[RuleVerdict, ...], float]:
    """The verdicts of all rules after a temperature, which share the chance of a false failure as before."""
    mapped, temperature = tempered(subject.dump, subject.settings.group)
    return judge(subject.rules, subject.again(mapped).measure, subject.how), temperature
