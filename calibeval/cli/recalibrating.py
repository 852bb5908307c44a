"""Before and after: the map of a report, fitted on another dump or out of fold, never on the rows it is tested on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.core.predictions import Predictions
from calibeval.core.report import DumpReport, Recalibrated
from calibeval.recalibrate import Map, check_leak, cross_fit, fit

Evaluate = Callable[[Predictions], DumpReport]


@dataclass(frozen=True, slots=True)
class Plan:
    """How dumps are recalibrated: by a map fitted on `fitted`, or out of fold where `folds` is a number."""

    method: str
    objective: str
    clip: float | None
    seed: int
    group: str | None
    fitted: Predictions | None = None
    folds: int | None = None
    allow_leak: bool = False


def recalibrate_all(dumps: list[Predictions], plan: Plan, evaluate: Evaluate) -> list[tuple[Recalibrated, list[str]]]:
    """The results of each dump after its map, and the warnings that go with them.

    Raises: InputError for a leak that was not allowed, or data on which there is no map; UsageError for settings that
    cannot work.
    """
    fitted = None if plan.fitted is None else fitted_map(plan.fitted, plan)
    return [_one(dump, plan, fitted, evaluate) for dump in dumps]


def fitted_map(predictions: Predictions, plan: Plan) -> Map:
    """The map of the plan's method, fitted on predictions."""
    groups = group_column(predictions, plan.group)
    return fit(predictions, plan.method, objective=plan.objective, clip=plan.clip, seed=plan.seed, groups=groups)


def group_column(predictions: Predictions, name: str | None) -> npt.NDArray[Any] | None:
    """The column whose equal entries keep rows together.

    Raises: UsageError if the dump has no such column.
    """
    if name is None:
        return None
    if name not in predictions.columns:
        hint, known = nearest(name, predictions.columns), ", ".join(predictions.columns) or "none"
        raise UsageError(f'{predictions.source.name}: there is no column "{name}"{hint}; there are {known}')
    column = np.asarray(predictions.columns[name])
    return np.repeat(column, predictions.rows // len(column))  # one entry an image serves its pixels


def _one(dump: Predictions, plan: Plan, fitted: Map | None, evaluate: Evaluate) -> tuple[Recalibrated, list[str]]:
    if fitted is None or plan.fitted is None:
        folds = plan.folds or 5
        groups = group_column(dump, plan.group)
        crossed = cross_fit(
            dump, folds, plan.method, seed=plan.seed, groups=groups, objective=plan.objective, clip=plan.clip
        )
        dealt = {"folds": folds, "seed": plan.seed, "n": dump.n}
        return _results(crossed.maps[0].method, {}, dealt, evaluate(crossed.predictions)), []
    leak = check_leak(plan.fitted, dump)
    if leak is not None and leak.certain and not plan.allow_leak:
        raise InputError(
            f"{leak.text}: numbers after the map would flatter it. Say --allow-leak to see them all the same."
        )
    source = plan.fitted.settled_source()
    facts: dict[str, Any] = {"path": source.path, "split": source.split, "sha256": source.sha256, "n": plan.fitted.n}
    warnings = [] if leak is None else [leak.text]
    if leak is not None and leak.certain:
        facts["leak"] = leak.text
    if fitted.fitted.note is not None:
        warnings.append(fitted.fitted.note)
    if fitted.fitted.clipped:
        warnings.append(
            f"{fitted.fitted.clipped} rows of {source.name} had their label's probability raised to {plan.clip:g}"
        )
    return _results(fitted.method, fitted.parameters(), facts, evaluate(fitted(dump))), warnings


def _results(method: str, parameters: dict[str, Any], facts: dict[str, Any], after: DumpReport) -> Recalibrated:
    return Recalibrated(method, parameters, facts, after.metrics, after.equal_width, after.equal_mass)
