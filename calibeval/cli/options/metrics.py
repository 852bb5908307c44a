"""The metrics that `--metrics` chooses."""

from __future__ import annotations

from calibeval.cli.options.choices import EVERY_METRIC, METRICS
from calibeval.core.errors import UnknownMetric, UsageError


def chosen_metrics(text: str) -> tuple[str, ...] | None:
    """The metrics of a list such as "ece,nll", also by their names in tables; None for all.

    Raises: UnknownMetric with the nearest name; UsageError for an empty list.

    >>> chosen_metrics("ece, gap"), chosen_metrics("all")
    (('ece', 'confidence_gap'), None)
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(f"--metrics names no metric; there are {', '.join(METRICS)}, or {EVERY_METRIC}")
    return None if EVERY_METRIC in names else tuple(dict.fromkeys(map(_metric, names)))


def _metric(name: str) -> str:
    """The metric of this name, or of this name in tables."""
    if name in METRICS:
        return name
    from calibeval.core.metrics.table import known_as, meant

    found = known_as(name)
    if found is None:
        hint, known = meant(name, [EVERY_METRIC]), ", ".join((*METRICS, EVERY_METRIC))
        raise UnknownMetric(f'--metrics: metric "{name}" is unknown{hint}; there are {known}')
    return found


def unavailable(name: str) -> str:
    """Why a chosen metric is in none of the reports."""
    from calibeval.core.metrics.table import METRICS as TABLE

    return "it is for two classes" if TABLE[name].binary else "this convention does not define it"
