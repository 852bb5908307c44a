"""Results before and after a map that is fitted on another dump or out of fold, never on the rows it is tested on."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from calibeval.core.data.folds import group_column
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.doubts import SUSPICIONS, doubts_of
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.report import DumpReport, Recalibrated
from calibeval.core.report.standing import standing_of
from calibeval.core.report.views import judged_by, speaks_of_positive
from calibeval.core.sums.resources import Resources
from calibeval.recalibrate.base.mapping import Map, mapped
from calibeval.recalibrate.fitting.cross_fit import cross_fit
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.leak import check_leak
from calibeval.recalibrate.fitting.methods import AUTO, method_spec
from calibeval.recalibrate.fitting.rows_needed import few_rows_instead
from calibeval.recalibrate.fitting.saved import results_of, tried_by

PROSPECT_ROWS = 20_000
TEMPERATURE, PLATT = "temperature", "platt"

Evaluate = Callable[[Predictions], DumpReport]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How dumps are recalibrated: with a map fitted on `fitted`, or out of fold if `folds` is a number."""

    method: str
    objective: str
    clip: float | None
    seed: int
    group: str | None
    fitted: Predictions | None = None
    folds: int | None = None
    allow_leak: bool = False


def recalibrated(dump: Predictions, plan: Plan, evaluate: Evaluate) -> tuple[Recalibrated, list[Notice]]:
    """The results of a dump after its map, with the warnings.

    Raises: InputError for a leak that was not allowed, or data for which there is no map; UsageError for invalid
    settings.
    """
    if plan.fitted is None:
        return _out_of_fold(dump, plan, evaluate)
    return _by_another(dump, plan, plan.fitted, evaluate)


@functools.lru_cache(maxsize=1)
def _map_of(plan: Plan) -> Map:
    """The map of a plan with a dump to fit on; it is fitted once, for any number of dumps."""
    if plan.fitted is None:
        raise UsageError("there is no dump to fit on")
    return fitted_map(plan.fitted, plan)


class Prospect(NamedTuple):
    """What a map does to the ECE out of fold: before, and after on some rows.

    rows, of: the numbers of rows it was tried on and of the dump. worth: with weights, the effective number of them.
    method: of the map: a temperature; of two classes also an intercept, which moves the mean probability.
    """

    before: MetricResult
    after: MetricResult
    rows: int
    of: int
    worth: float
    method: str = TEMPERATURE


def prospect(dump: Predictions, report: DumpReport, max_memory: int) -> Prospect | None:
    """What a temperature would do for a dump without a map, or of two classes Platt's map; None without a need.

    It is also None where no finite temperature is best, and where scores and labels hardly belong together.

    Fitted out of fold, on at most 20,000 evenly spaced rows; None for dumps that are read block by block.
    """
    method, name = (PLATT if speaks_of_positive(report) else TEMPERATURE), judged_by(report)[1]
    ece = report[name]
    standing = standing_of(ece, n=report.worth)
    doubted = any(one.code in SUSPICIONS for one in report.warnings)
    if standing is None or not standing.beyond_noise or dump.k is None or len(dump.layout) > 1 or doubted:
        return None
    if _endless(report) or Resources(memory=max_memory).streams(dump):
        return None
    try:
        settings = checked(bins=len(report.equal_width), convention="calibeval")
        after = evaluate_dump(out_of_fold(dump, method), settings, only=(name,))
    except InputError:
        return None  # too few rows, or a label of probability 0: nothing can be fitted
    return Prospect(ece, after[name], after.n, report.n, after.worth, method)


def _endless(report: DumpReport) -> bool:
    """Whether no finite temperature is best: so it was found, or no row is wrong."""
    found = report.metrics.get("temperature")
    return (found is not None and found.value is None) or all(b.accuracy in (None, 1.0) for b in report.equal_width)


def out_of_fold(dump: Predictions, method: str = TEMPERATURE) -> Predictions:
    """A dump after a map, fitted out of fold; of 20,000 evenly spaced rows if it has more;
    half as many for other maps than a temperature, which cost more.

    Raises: InputError if there are too few rows, or a label has probability 0.
    """
    step = -(-dump.rows // (PROSPECT_ROWS if method == TEMPERATURE else PROSPECT_ROWS // 2))
    return cross_fit(dump if step == 1 else dump.select(np.arange(0, dump.rows, step)), method=method).predictions


def by_temperature(dump: Predictions, group: str | None) -> tuple[Predictions, float]:
    """What a temperature makes of a dump, each row by a fit on others, and the mean of those temperatures.

    group: the column whose equal entries stay together.
    Raises: InputError where there are too few rows, or a label has probability 0.
    """
    crossed = cross_fit(dump, groups=group_column(dump, group))
    return crossed.predictions, float(np.mean([one.parameters()["temperature"] for one in crossed.maps]))


def fitted_map(predictions: Predictions, plan: Plan) -> Map:
    """The map of the plan's method, fitted on predictions."""
    groups = group_column(predictions, plan.group)
    return fit(predictions, plan.method, objective=plan.objective, clip=plan.clip, seed=plan.seed, groups=groups)


def _out_of_fold(dump: Predictions, plan: Plan, evaluate: Evaluate) -> tuple[Recalibrated, list[Notice]]:
    folds, groups = plan.folds or 5, group_column(dump, plan.group)
    crossed = cross_fit(
        dump, folds, plan.method, seed=plan.seed, groups=groups, objective=plan.objective, clip=plan.clip
    )
    after = with_fitted_gap(evaluate(crossed.predictions), folds)
    method = crossed.method
    caution = few_rows_instead(dump, method) if method != AUTO and method_spec(method).by_class else None
    warnings = [] if caution is None else [warning("map_note", caution)]
    failed = [one.fitted for one in crossed.maps if one.fitted.search is not None and not one.fitted.search.converged]
    warnings += [warning("map_note", f"{len(failed)} of {folds} maps: {failed[0].note}")] if failed else []
    return results_of(method, {}, OutOfFold(folds, plan.seed, dump.n), after, tried_by(crossed.maps)), warnings


def with_fitted_gap(after: DumpReport, folds: int) -> DumpReport:
    """The results of maps of so many folds, with an interval of the gap that holds for the maps.

    Out of fold the mean gap is nearly 0, whatever the maps: what a fold has too much, the maps of the others take away.
    The gap of the maps themselves is the error of a fit on the rows of all folds but one.
    """
    gap = after.metrics.get("confidence_gap")
    if gap is None or gap.value is None or gap.low is None or gap.high is None:
        return after
    factor = math.sqrt(folds / (folds - 1.0))
    low, high = (gap.value + factor * (end - gap.value) for end in (gap.low, gap.high))
    return replace(after, metrics={**after.metrics, gap.name: replace(gap, low=max(low, -1.0), high=min(high, 1.0))})


def _by_another(
    dump: Predictions, plan: Plan, fitted_on: Predictions, evaluate: Evaluate
) -> tuple[Recalibrated, list[Notice]]:
    leak = check_leak(fitted_on, dump)
    if leak is not None and leak.certain and not plan.allow_leak:
        instead = "Fit on other rows, say --cross-fit 5, or use --allow-leak to see them anyway."
        raise InputError(f"{leak.text}: that would make results too optimistic. {instead}")
    found, source = _map_of(plan), fitted_on.settled_source()
    facts = FittedOn.of(source, fitted_on.n, leak.text if leak is not None and leak.certain else None)
    warnings = [*_doubts_about(fitted_on), *([] if leak is None else [leak.notice])]
    if found.fitted.note is not None:
        warnings.append(warning("map_note", found.fitted.note))
    if found.fitted.clipped:
        rows = found.fitted.clipped
        text = f"in {rows:,} rows of {source.name}, the label's probability was raised to {plan.clip:g}"
        warnings.append(warning("clipped", text))
    after = evaluate(mapped(dump, found))
    return results_of(found.method, found.parameters(), facts, after, tried_by([found])), warnings


@functools.lru_cache(maxsize=1)
def _doubts_about(fitted_on: Predictions) -> tuple[Notice, ...]:
    """The warnings about the dump that a map is fitted on, with its name."""
    name = fitted_on.source.name
    return tuple(
        one.reworded(f"the map is fitted on {name}: {one}") for one in (*doubts_of(fitted_on), *fitted_on.warnings)
    )
