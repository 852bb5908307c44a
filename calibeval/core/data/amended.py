"""The same predictions with further warnings, or more that was recognised in their file."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace

from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.spoken import in_python


def with_warnings(predictions: Predictions, more: Iterable[str], *, first: bool = False) -> Predictions:
    """The predictions with further warnings; first: before those that they have.

    >>> with_warnings(Predictions(probs=[0.2, 0.9], labels=[0, 1]), ["careful"]).warnings
    ('careful',)
    """
    other = copy.copy(predictions)
    known = predictions.warnings
    object.__setattr__(other, "warnings", (*more, *known) if first else (*known, *more))
    return other


def titled(predictions: Predictions, title: str) -> Predictions:
    """The predictions under a name that the user gave them.

    >>> titled(Predictions(probs=[0.2, 0.9], labels=[0, 1]), "old").source.name
    'old'
    """
    other, settling = copy.copy(predictions), predictions.settling
    object.__setattr__(other, "source", replace(predictions.source, title=title))
    if settling is not None:
        object.__setattr__(other, "settling", lambda: replace(settling(), title=title))
    return other


def with_recognised(predictions: Predictions, more: Iterable[str]) -> Predictions:
    """The predictions with more that was recognised in their file as a whole."""
    other = copy.copy(predictions)
    object.__setattr__(other, "recognised", (*more, *predictions.recognised))
    return other


def with_keywords(predictions: Predictions) -> Predictions:
    """The predictions; their warnings name keywords of Python in place of options of the command line."""
    if not any("--" in text for text in predictions.warnings):
        return predictions
    other = copy.copy(predictions)
    own = tuple(Notice.of(text).reworded(in_python(text)) for text in predictions.warnings)
    object.__setattr__(other, "warnings", own)
    return other
