"""`fit` and `cross_fit`: maps fitted on a path or on predictions."""

from __future__ import annotations

from typing import Unpack

from calibeval.api.arguments import ARGUMENTS, dump
from calibeval.api.dumps import Dump, Group, Reading, grouped, predictions_of
from calibeval.core.data.arguments import whole
from calibeval.core.data.public import public
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.before_after import group_column
from calibeval.recalibrate.fitting.cross_fit import SEED, CrossFitted
from calibeval.recalibrate.fitting.cross_fit import cross_fit as cross_fit_predictions
from calibeval.recalibrate.fitting.fit import fit as fit_predictions


@public({**ARGUMENTS, "predictions": dump}, Reading.__annotations__)
def fit(
    predictions: Dump,
    method: str = "temperature",
    *,
    objective: str = "nll",
    clip: float | None = None,
    seed: int = SEED,
    group: Group | None = None,
    max_memory: int | None = None,
    **reading: Unpack[Reading],
) -> Map:
    """A map fitted on predictions, or on the file of a path; calling it repairs other predictions, or arrays of logits.

    method: "temperature", "platt", "beta", "vector", "isotonic", or "auto", which chooses by cross-validated NLL.
    objective: what a temperature optimises, "nll", "ece" or "accuracy". clip: smaller probabilities are raised to it;
    without it a label of probability 0 is refused. seed, group: of the folds of "auto"; rows of one group, a column's
    name or an array with one value a row, stay in one fold. max_memory, reading: as for `read`.
    Raises: InputError for data on which there is no such map; UsageError for settings that cannot work; FileProblem.

    >>> from calibeval import Predictions
    >>> mapping = fit(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1]))
    >>> mapping
    <TemperatureMap: temperature=2.731, k=2, fitted on 4 rows>
    >>> mapping([[3.0, 0.0]]).round(3)
    array([[1.099, 0.   ]])
    """
    found, name = grouped(predictions_of(predictions, reading, max_memory), group)
    groups = group_column(found, name)
    return fit_predictions(found, method, objective=objective, clip=clip, seed=seed, groups=groups)


@public({**ARGUMENTS, "predictions": dump, "folds": whole(2)}, Reading.__annotations__)
def cross_fit(
    predictions: Dump,
    folds: int = 5,
    method: str = "temperature",
    *,
    objective: str = "nll",
    clip: float | None = None,
    seed: int = SEED,
    group: Group | None = None,
    max_memory: int | None = None,
    **reading: Unpack[Reading],
) -> CrossFitted:
    """Every row repaired by a map that was fitted on the other folds, so that one dump gives honest numbers.

    folds: at least 2. The others: as for `fit`. What comes back has `predictions`, one of the `maps` for each fold, and
    the `folds` of the rows.
    Raises: as `fit`.

    >>> from calibeval import Predictions
    >>> p = Predictions(logits=[[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 3.0]] * 5, labels=[0, 1, 1, 0] * 5)
    >>> cross_fit(p, folds=2)
    <CrossFitted: temperature in 2 folds, n=20>
    """
    found, name = grouped(predictions_of(predictions, reading, max_memory), group)
    groups = group_column(found, name)
    return cross_fit_predictions(found, folds, method, seed=seed, groups=groups, objective=objective, clip=clip)
