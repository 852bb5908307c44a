"""The metrics that `--metrics` chooses."""

from __future__ import annotations

from collections.abc import Collection


def named(chosen: Collection[str]) -> Collection[str]:
    """The metrics that were chosen by name: none of them where all were.

    >>> named(["ece"])
    ['ece']
    """
    from calibeval.core.metrics.table import EVERY

    return () if len(chosen) == len(EVERY) else chosen


def unavailable(name: str) -> str:
    """Why a chosen metric is in none of the reports."""
    from calibeval.core.metrics.table import EVERY

    anywhere = EVERY[name].exists(3, named=True)
    return "this convention does not define it" if anywhere else "it is for two classes"
