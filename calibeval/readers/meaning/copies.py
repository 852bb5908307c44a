"""Rows that a dump holds twice: a warning, or left out where the user says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from calibeval.core.data.amended import with_warnings
from calibeval.core.data.duplicates import duplicates_of
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.readers.meaning.gathered import Gathered


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
        return gathered, predictions
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
