"""The metrics that are named to an integration."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.errors import UsageError
from calibeval.core.metrics.table import metric_named


def names_of(metrics: str | Sequence[str]) -> tuple[str, ...]:
    """The names of metrics in a list, or in a text with commas.

    Raises: UnknownMetric with the nearest name; UsageError if there is none.

    >>> names_of("ece, gap"), names_of(["ECE"])
    (('ece', 'confidence_gap'), ('ece',))
    """
    given = metrics.split(",") if isinstance(metrics, str) else metrics
    names = [name.strip() for name in given if name.strip()]
    if not names:
        raise UsageError('metrics names no metric; give a list, or a text such as "ece,nll"')
    return tuple(dict.fromkeys(metric_named(name).name for name in names))
