"""`fit` and `cross_fit`: fit recalibration maps on a file or on predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from calibeval.api.arguments import ARGUMENTS, dump
from calibeval.api.case_maps import pixels_of_paths
from calibeval.api.dumps import Dump, Group, Reading, Weighting, grouped, predictions_of
from calibeval.api.engines import EngineName, with_engine
from calibeval.core.data.arguments import whole
from calibeval.core.data.folds import group_column
from calibeval.core.data.public import public
from calibeval.core.data.weighted import weighted
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.cross_fit import SEED, CrossFitted
from calibeval.recalibrate.fitting.cross_fit import cross_fit as cross_fit_predictions
from calibeval.recalibrate.fitting.fit import fit as fit_predictions


@public({**ARGUMENTS, "predictions": dump}, Reading.__annotations__)
@with_engine
def fit(
    predictions: Dump,
    method: str = "temperature",
    *,
    objective: str = "nll",
    clip: float | None = None,
    seed: int = SEED,
    group: Group | None = None,
    prior: float | Sequence[float] | Mapping[str, float] | None = None,
    weights: Weighting | None = None,
    layout: str | None = None,
    engine: EngineName | None = None,
    max_memory: int | None = None,
    **reading: Unpack[Reading],
) -> Map:
    """Fit a recalibration map; calling the map recalibrates other predictions, or an array of logits.

    predictions: a path, or Predictions. method: "temperature" or another map, such as "ets", "platt", "beta",
    "quadratic", "vector" or "isotonic"; "auto" chooses by cross-validated NLL. objective: what a temperature optimises:
    "nll", "ece" or "accuracy". Where only the top label is known, "platt" means "top-platt", a map of the confidence.
    clip: raise smaller probabilities to this value; without it, a label of probability 0 is refused.
    seed: for assigning rows to the folds of "auto". group: a column's name, or an array with one value per row; rows of
    one group stay in one fold. prior: shares of the classes where the map will be used, if they differ from those of
    these rows, such as undersampled ones: of two classes the share of class 1, else a share for each class, or shares
    by class. weights: a column's name, or an array with one number per row. engine: as for `evaluate`. max_memory,
    reading: as for `read`. A folder of cases, with `labels` another folder, gives its pixels, or an even sample of
    them; layout: as for `evaluate`.
    Raises: InputError for data that has no such map; UsageError for settings that cannot work; FileProblem.

    >>> from calibeval import Predictions
    >>> mapping = fit(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1]))
    >>> mapping
    <TemperatureMap: temperature=2.731, k=2, fitted on 4 rows>
    >>> mapping([[3.0, 0.0]]).round(3)
    array([[1.099, 0.   ]])
    """
    cases = pixels_of_paths(predictions, {**reading}, layout)
    read = predictions_of(predictions, reading, max_memory, engine) if cases is None else cases.predictions
    by = cases.column if cases is not None and group is None and method == "auto" else group
    found, name = grouped(weighted(read, weights), by)
    groups = group_column(found, name)
    return fit_predictions(found, method, objective=objective, clip=clip, seed=seed, groups=groups, prior=prior)


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
    weights: Weighting | None = None,
    layout: str | None = None,
    max_memory: int | None = None,
    **reading: Unpack[Reading],
) -> CrossFitted:
    """Recalibrate every row by a map fitted on the other folds, so that one dump gives unbiased results.

    folds: number of folds, at least 2. The others: as for `fit`.
    Returns an object with the recalibrated `predictions`, the `maps`, one for each fold, and `folds`, the fold of each
    row.
    Raises: as `fit`.

    >>> from calibeval import Predictions
    >>> p = Predictions(logits=[[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 3.0]] * 5, labels=[0, 1, 1, 0] * 5)
    >>> cross_fit(p, folds=2)
    <CrossFitted: temperature in 2 folds, n=20>
    """
    cases = pixels_of_paths(predictions, {**reading}, layout)
    read = predictions_of(predictions, reading, max_memory) if cases is None else cases.predictions
    by = cases.column if cases is not None and group is None else group
    found, name = grouped(weighted(read, weights), by)
    groups = group_column(found, name)
    return cross_fit_predictions(found, folds, method, seed=seed, groups=groups, objective=objective, clip=clip)
