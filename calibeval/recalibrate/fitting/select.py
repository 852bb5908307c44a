"""`method="auto"`: the simplest map whose cross-validated NLL is within one standard error of the best."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.folds import Folds, deal, groups_or_images
from calibeval.core.data.notices import Notice, reason
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights, scaled, without
from calibeval.core.errors import CalibevalError, InputError
from calibeval.recalibrate.base.facts import LEAST_ROWS, MethodScore
from calibeval.recalibrate.base.mapping import Map, mapped
from calibeval.recalibrate.base.scores import row_nll
from calibeval.recalibrate.base.top_label import nll_of_right_or_wrong
from calibeval.recalibrate.fitting.folds import training_rows
from calibeval.recalibrate.fitting.lacking_options import lacking_options
from calibeval.recalibrate.fitting.methods import METHODS, NONE, fit_method
from calibeval.recalibrate.fitting.rows_needed import few_right_or_wrong, few_rows

FOLDS = 5
MOST_CLASSES_OF_MATRIX = 100  # for a map with a matrix, because of its time
NOTHING_BETTER = (
    "by its cross-validated NLL, the best map is not better than no map by more than one standard error, so this map "
    "changes nothing"
)


def select(
    predictions: Predictions,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    groups: npt.NDArray[Any] | None = None,
    clip: float | None = None,
) -> Map:
    """The map of the simplest method that is about as good as the best; `fitted.selection` is the table.

    Every method for this number of classes, and no map at all ("none"), is cross-validated: fitted on all folds except
    one and judged on that one. Methods for which classes have too few rows are left out, and the table says why. The
    excess of its mean NLL over that of the best method has a standard error, paired by rows (or by groups, if
    given). The simplest method (the first in METHODS) whose excess is at most one standard error is fitted on all rows.
    The choice uses the NLL, because it is a proper score, unlike the ECE.
    folds, seed, groups, clip: as for `cross_fit`; of dense predictions, the images are the groups by default.
    Raises: InputError if there are fewer rows than folds, or no method can be fitted.
    Source: the one-standard-error rule: Breiman et al., Classification and Regression Trees, 1984, section 3.4.3.

    >>> rng = np.random.default_rng(0)
    >>> s = 4.0 * rng.standard_normal(400)
    >>> select(Predictions(logits=s, labels=rng.random(400) < 1 / (1 + np.exp(-s / 2)))).method
    'temperature'
    """
    tried, left_out = _candidates(predictions)
    groups = groups_or_images(predictions, folds, groups)
    dealt = deal(predictions, folds, seed, groups)
    losses: dict[str, Floats] = {}
    failed: dict[str, CalibevalError] = {}
    for name in tried:
        try:
            losses[name] = _held_out_nll(predictions, name, dealt, folds, clip)
        except InputError as error:
            failed[name] = error
    if not losses:
        raise next(iter(failed.values()))
    kept = dealt >= 0
    weights = row_weights(scaled(predictions))
    reasons = left_out | {name: reason("not_fitted", str(error)) for name, error in failed.items()}
    names = [name for name in METHODS if name in losses or name in reasons]
    table = _table(names, losses, reasons, None if groups is None else np.asarray(groups)[kept], weights)
    chosen = next(row.method for row in table if row.chosen)
    result = fit_method(predictions, chosen, clip=clip)
    note = NOTHING_BETTER if chosen == NONE else result.fitted.note
    return replace(result, fitted=replace(result.fitted, selection=table, note=note))


def _candidates(predictions: Predictions) -> tuple[list[str], dict[str, Notice]]:
    """The methods to try for these predictions, and those that are left out, with the reason."""
    k = predictions.k
    if k is None:
        known = [name for name, spec in METHODS.items() if spec.map.takes_confidence]
        text = few_right_or_wrong(predictions, "top-isotonic")
        few_of_two = {} if text is None else {"top-isotonic": reason("few_rows_per_class", text)}
        return [name for name in known if name not in few_of_two], few_of_two
    fitting = {name: spec for name, spec in METHODS.items() if (k == 2 or not spec.binary) and not spec.top_label}
    few = {name: few_rows(predictions, name) for name, spec in fitting.items() if spec.by_class}
    left_out = {name: reason("few_rows_per_class", text) for name, text in few.items() if text is not None}
    lacking = {name: lacking_options(predictions, name) for name in fitting}
    left_out |= {name: reason("absent_options", text) for name, text in lacking.items() if text is not None}
    if k > MOST_CLASSES_OF_MATRIX:
        left_out["sms"] = reason("many_classes", f"sms is tried for at most {MOST_CLASSES_OF_MATRIX} classes")
    elif predictions.n < LEAST_ROWS * k:
        left_out["sms"] = reason("few_rows_per_class", f"sms is tried from {LEAST_ROWS} rows a class on")
    return [name for name in fitting if name not in left_out], left_out


def _held_out_nll(predictions: Predictions, method: str, dealt: Folds, folds: int, clip: float | None) -> Floats:
    """The NLL of every row that is not ignored, (n,), under a map that was fitted on other rows."""
    result = np.empty(predictions.rows)
    for fold in range(folds):
        held = dealt == fold
        recalibration = fit_method(training_rows(predictions, dealt, fold, folds), method, clip=clip)
        result[held] = _mapped_nll(recalibration, without(predictions, ~held))
    return result[dealt >= 0]


def _mapped_nll(recalibration: Map, held: Predictions) -> Floats:
    """The NLL of every row under a map, (n,); of a top label, that of right or wrong."""
    if held.k is None:
        return nll_of_right_or_wrong(recalibration, held)
    return row_nll(mapped(held, recalibration))


def _table(
    names: list[str],
    losses: dict[str, Floats],
    reasons: dict[str, Notice],
    groups: npt.NDArray[Any] | None,
    weights: Floats | None = None,
) -> tuple[MethodScore, ...]:
    """One row for each method, with the chosen one marked. weights: of rows, that add up to their effective number."""
    means = {name: float(np.average(loss, weights=weights)) for name, loss in losses.items()}
    best = min(means, key=lambda name: means[name])
    rows, found = [], False
    for name in names:
        if name not in losses:
            rows.append(MethodScore(name, None, None, None, reason=reasons[name]))
            continue
        excess, error = means[name] - means[best], _standard_error(losses[name] - losses[best], groups, weights)
        chosen = not found and excess <= error
        found = found or chosen
        rows.append(MethodScore(name, means[name], excess, error, chosen=chosen))
    return tuple(rows)


def _standard_error(difference: Floats, groups: npt.NDArray[Any] | None, weights: Floats | None = None) -> float:
    """The standard error of a mean over independent rows, or over rows of independent groups."""
    n: float = len(difference)
    away: Floats = difference - np.average(difference, weights=weights)
    if weights is not None:
        n, away = float(weights.sum()), away * weights
    if groups is not None:
        _, group = np.unique(groups, return_inverse=True)
        away = np.asarray(np.bincount(group, weights=away), np.float64)
    units = len(away)
    if units < 2:
        return 0.0
    return math.sqrt(float(away @ away) * units / (units - 1)) / n
