"""Whether a map is tested on rows that it was fitted on, which would make the results too good."""

from __future__ import annotations

from calibeval.core.data.predictions import Predictions
from calibeval.core.data.shared_rows import Leak, find_leak
from calibeval.recalibrate.base.seen import sample_of

__all__ = ["Leak", "check_leak"]


def check_leak(fitted: Predictions, tested: Predictions) -> Leak | None:
    """The leak between two dumps, or None.

    Scores are compared bit by bit as float32, and read once each.
    Time and memory are linear in the rows, except for sorting 8 bytes per row.

    >>> p = Predictions(probs=[[0.7, 0.3], [0.2, 0.8], [0.4, 0.6]], labels=[0, 0, 1])
    >>> check_leak(p, p).reason, check_leak(p, Predictions(probs=[[0.5, 0.5]], labels=[0]))
    ('rows', None)
    """
    return find_leak(sample_of(fitted), sample_of(tested))
