"""The metrics that `--metrics` chooses."""

from __future__ import annotations

from collections.abc import Collection


def named(chosen: Collection[str]) -> Collection[str]:
    """The metrics that were chosen by name: none of them where all were.

    >>> named(["ece"])
    ['ece']
    """
    from calibeval.core.metrics.table import EVERY, METRICS

    return () if len(chosen) > len(METRICS) and len(chosen) == len(EVERY) else chosen


def unavailable(name: str) -> str:
    """Why a chosen metric is in none of the reports."""
    from calibeval.core.metrics.image_names import is_of_images
    from calibeval.core.metrics.table import EVERY

    if is_of_images(name):
        return "reports of images have it under per_image; compare and gate take its name"
    anywhere = EVERY[name].exists(3, named=True)
    return "this convention does not define it" if anywhere else "it is for two classes"


def in_full(chosen: Collection[str] | None, *, wanted: bool) -> Collection[str] | None:
    """The metrics of a report; of one in full, if none were chosen, with what recalibration is worth.

    wanted: whether it is in full.

    >>> in_full(["ece"], wanted=True), in_full(None, wanted=False), in_full(None, wanted=True)[-1]
    (['ece'], None, 'phi_brier')
    """
    from calibeval.core.metrics.table import with_gain_metrics

    return with_gain_metrics(chosen) if wanted else chosen
