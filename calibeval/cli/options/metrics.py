"""The metrics that `--metrics` chooses."""

from __future__ import annotations

from calibeval.cli.options.choices import EVERY_METRIC, METRICS
from calibeval.core.errors import UnknownMetric, UsageError


def chosen_metrics(text: str) -> tuple[str, ...] | None:
    """The metrics of a list such as "ece,nll"; None for all.

    Raises: UnknownMetric with the nearest name; UsageError for an empty list.

    >>> chosen_metrics("ece, nll"), chosen_metrics("all")
    (('ece', 'nll'), None)
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UsageError(f"--metrics names no metric; there are {', '.join(METRICS)}, or {EVERY_METRIC}")
    if EVERY_METRIC in names:
        return None
    for name in names:
        if name not in METRICS:
            from calibeval.core.metrics.table import meant

            hint, known = meant(name, [EVERY_METRIC]), ", ".join((*METRICS, EVERY_METRIC))
            raise UnknownMetric(f'--metrics: metric "{name}" is unknown{hint}; there are {known}')
    return names


def unavailable(name: str) -> str:
    """Why a chosen metric is in none of the reports."""
    from calibeval.core.metrics.table import METRICS as TABLE

    return "it is for two classes" if TABLE[name].binary else "this convention does not define it"
