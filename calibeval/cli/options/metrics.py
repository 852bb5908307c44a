"""The metrics that `--metrics` chooses."""

from __future__ import annotations


def unavailable(name: str) -> str:
    """Why a chosen metric is in none of the reports."""
    from calibeval.core.metrics.table import METRICS as TABLE

    return "it is for two classes" if TABLE[name].binary else "this convention does not define it"
