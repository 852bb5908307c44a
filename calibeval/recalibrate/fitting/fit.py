"""Fitting a map on predictions, by the name of its method.

>>> p = Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1])
>>> recalibration = fit(p)
>>> round(recalibration.temperature, 4)
2.7307
>>> from_json(recalibration.to_json()) == recalibration
True
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy.typing as npt

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.prior import prior_of, shares_of
from calibeval.recalibrate.base.seen import row_sketch
from calibeval.recalibrate.fitting.methods import AUTO, fit_method
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.fitting.rows_needed import few_for_prior
from calibeval.recalibrate.fitting.select import select

__all__ = ["fit", "from_json"]


def fit(
    predictions: Predictions,
    method: str = "temperature",
    *,
    objective: str = "nll",
    clip: float | None = None,
    seed: int = 0,
    groups: npt.NDArray[Any] | None = None,
    prior: Any = None,
) -> Map:
    """Fit a map on predictions; calling it maps other predictions with the same classes.

    method: a key of METHODS, or "auto", which chooses by cross-validated NLL (see `select`). objective: "nll"; for the
    temperature also "ece" and "accuracy" (see OBJECTIVES). clip: smaller probabilities are raised to it, when fitting
    and when applying; without it, a label of probability 0 is an error. seed, groups: for the folds of "auto", as for
    `cross_fit`. prior: shares of the classes where the map will be used, as for `prior_of`; None: as in these rows.
    Raises: InputError for values that contradict the kind, a label of probability 0, a top-label dump, or data for
    which the method has no solution; UsageError for an invalid method, objective or clip.
    """
    if method != AUTO:
        found = fit_method(predictions, method, objective=objective, clip=clip)
    elif objective != "nll":
        raise UsageError(f'method "auto" needs the objective nll, not "{objective}"')
    else:
        found = select(predictions, seed=seed, groups=groups, clip=clip)
    cases = predictions.settled_source().cases
    found = replace(found, fitted=replace(found.fitted, sketch=row_sketch(predictions), cases=cases))
    return with_prior(found, prior, predictions)


def with_prior(found: Map, prior: Any, predictions: Predictions) -> Map:
    """The map for shares of classes that differ from those of the predictions it was fitted on; None: as it is.

    Raises: UsageError for shares that cannot be; InputError if a class has no row, or only the top label is known.
    """
    if prior is None:
        return found
    if predictions.k is None:
        raise InputError(
            f"{predictions.source.name}: only the top label is known, but a prior needs the scores of every class"
        )
    known = prior_of(prior, shares_of(predictions), predictions.class_names)
    notes = [one for one in (found.fitted.note, few_for_prior(predictions)) if one is not None]
    return replace(found, prior=known, fitted=replace(found.fitted, note="; ".join(notes) or None))
