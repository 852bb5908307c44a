"""The metrics that the user chose."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.errors import UnknownMetric, UsageError
from calibeval.core.metrics.table import EVERY, METRICS, known_as, meant

ALL = "all"
KNOWN = f"{', '.join(METRICS)}, and {ALL}, with those on request in docs/reference/metrics.md"


def chosen_metrics(metrics: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """The metrics in a list, or in a text with commas, also by their names in tables; "all" are those on request, too,
    which names of further ones may follow.

    None are those of every report.

    Raises: UnknownMetric with the nearest name; UsageError for an empty list.

    >>> chosen_metrics("ece, gap,"), chosen_metrics(None)
    (('ece', 'confidence_gap'), None)
    >>> "brier" in chosen_metrics(["all"]), "ecce" in chosen_metrics(["all"])
    (True, True)
    >>> chosen_metrics("ALL,coverage@20%")[-1]
    'coverage@error=0.2'
    """
    if metrics is None:
        return None
    given = metrics.split(",") if isinstance(metrics, str) else metrics
    names = [name.strip() for name in given if name.strip()]
    if not names:
        raise UsageError(f"--metrics names no metric; there are {KNOWN}")
    others = [name for name in names if name.lower() != ALL]
    return tuple(dict.fromkeys([*(EVERY if len(others) < len(names) else ()), *map(_metric, others)]))


def _metric(name: str) -> str:
    """The metric of this name, or of this name in tables."""
    found = known_as(name)
    if found is None:
        raise UnknownMetric(f'--metrics: metric "{name}" is unknown{meant(name, [ALL])}; there are {KNOWN}')
    return found
