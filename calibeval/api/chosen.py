"""The metrics that the user chose."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.errors import UnknownMetric, UsageError
from calibeval.core.metrics.table import METRICS, known_as, meant

ALL = "all"


def chosen_metrics(metrics: str | Sequence[str]) -> tuple[str, ...] | None:
    """The metrics in a list, or in a text with commas, also by their names in tables; None for all.

    Raises: UnknownMetric with the nearest name; UsageError for an empty list.

    >>> chosen_metrics("ece, gap,"), chosen_metrics(["all"])
    (('ece', 'confidence_gap'), None)
    """
    given = metrics.split(",") if isinstance(metrics, str) else metrics
    names = [name.strip() for name in given if name.strip()]
    if not names:
        raise UsageError(f"--metrics names no metric; there are {', '.join(METRICS)}, or {ALL}")
    return None if ALL in names else tuple(dict.fromkeys(map(_metric, names)))


def _metric(name: str) -> str:
    """The metric of this name, or of this name in tables."""
    found = known_as(name)
    if found is None:
        hint, known = meant(name, [ALL]), ", ".join((*METRICS, ALL))
        raise UnknownMetric(f'--metrics: metric "{name}" is unknown{hint}; there are {known}')
    return found
