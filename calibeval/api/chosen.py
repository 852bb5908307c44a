"""The metrics that the user chose."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.errors import UsageError
from calibeval.core.metrics.table import metric_named

ALL = "all"


def chosen_metrics(metrics: str | Sequence[str]) -> frozenset[str] | None:
    """The names in a list, or in a text with commas; None for all.

    Raises: UnknownMetric with the nearest name; UsageError for an empty list.

    >>> sorted(chosen_metrics("ece, nll")), chosen_metrics("all")
    (['ece', 'nll'], None)
    """
    names = [name.strip() for name in metrics.split(",")] if isinstance(metrics, str) else list(metrics)
    if ALL in names:
        return None
    if not names:
        raise UsageError("the list of metrics is empty; leave it out for all of them")
    return frozenset(metric_named(name).name for name in names)
