"""Rows that a dump holds twice: a warning, or left out where the user says so."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from calibeval.core.data.amended import with_warnings
from calibeval.core.data.duplicates import duplicates_of
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.readers.meaning.gathered import Gathered

# Names of row numbers; not ids, because the indices of data frames and of batches are called so, too.
ROW_NUMBERS = ("index", "indices", "idx", "row", "row_id", "sample_idx", "sample_index", "example_id", "uid", "guid")
MOST_PADDED = 0.1  # of the rows


def without_copies(
    gathered: Gathered, predictions_of: Callable[[Gathered], Predictions], file: str, *, drop: bool
) -> tuple[Gathered, Predictions]:
    """The rows and the predictions, with a warning if ids occur more than once.

    drop: without the rows whose id an earlier one has.

    Raises: InputError if rows are to be left out, but differ from the earlier ones, or there are no ids.
    """
    predictions = predictions_of(gathered)
    if drop and predictions.ids is None:
        raise InputError(f"{file}: --drop-duplicates finds copies by ids, but there are none; name them with --ids-key")
    found = duplicates_of(predictions, count=drop)
    if found is None:
        padding = () if predictions.ids is not None else _padding(predictions)
        return gathered, with_warnings(predictions, padding, first=True) if padding else predictions
    if not drop:
        return gathered, with_warnings(predictions, (found.notice(),), first=True)
    if not found.agree:
        raise InputError(f"{file}: {found.refusal()}")
    units = gathered.scores.shape[0]
    if len(predictions.ids if predictions.ids is not None else ()) != units:
        raise InputError(f"{file}: --drop-duplicates leaves out whole images, but each pixel has an id")
    kept = np.ones(units, bool)
    kept[found.copies.later] = False
    fewer = gathered.only(np.flatnonzero(kept))
    fewer = replace(fewer, warnings=(found.dropped(), *fewer.warnings))
    return fewer, predictions_of(fewer)


def _padding(predictions: Predictions) -> tuple[Notice, ...]:
    """A warning if a column of row numbers, which is not taken for ids, has the copies that samplers add."""
    for name in predictions.columns:
        if name.lower() not in ROW_NUMBERS:
            continue
        values = np.asarray(predictions.columns[name])
        if values.dtype.kind not in "iu" or values.ndim != 1 or len(values) != predictions.rows:
            continue
        numbered = copy.copy(predictions)
        object.__setattr__(numbered, "ids", values)
        found = duplicates_of(numbered)
        if found is not None and found.agree and len(found.copies.later) <= MOST_PADDED * len(values):
            return (
                warning(
                    "duplicate_ids",
                    f'"{name}": {found.how_often}, with the same labels and scores: padding of a distributed '
                    f"sampler? Leave out the copies with --ids-key {shlex.quote(name)} --drop-duplicates",
                ),
            )
    return ()
