"""Predictions without labels: what needs labels says so."""

from __future__ import annotations

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError


def check_labelled(predictions: Predictions, purpose: str) -> None:
    """See that there are labels. purpose: what they are needed for, such as "to fit a map".

    Raises: UsageError for arrays without labels; InputError for a file without them, naming arrays that may hold them.
    """
    if predictions.labelled:
        return
    needed = "correct" if predictions.kind == "confidence" else "labels"
    if predictions.source.path is None:
        raise UsageError(f"labels are needed {purpose}, but these predictions have none: give them as {needed}=")
    why = predictions.no_labels or "the file has none. Name another file with --labels."
    raise InputError(f"{predictions.source.name}: labels are needed {purpose}, but {why}")
