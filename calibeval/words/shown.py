"""Which metrics tables for people show."""

from __future__ import annotations

from collections.abc import Iterable

from calibeval.core.metrics.table import METRICS


def is_shown(metric: str) -> bool:
    """Whether tables for people show this metric; JSON and csv always do.

    >>> is_shown("mce"), is_shown("mce_all_bins")
    (True, False)
    """
    return metric not in METRICS or METRICS[metric].shown


def shown_among(names: Iterable[str]) -> list[str]:
    """The metrics that tables show: every one if they were chosen, as then others that every dump has are missing.

    >>> shown_among(["ece", "mce_all_bins"]), "mce_all_bins" in shown_among(METRICS)
    (['ece', 'mce_all_bins'], False)
    """
    every = [*dict.fromkeys(names)]
    usual = {name for name, spec in METRICS.items() if spec.shown and not spec.binary}
    return [name for name in every if is_shown(name)] if usual <= {*every} else every
