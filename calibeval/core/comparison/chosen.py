"""The metrics that were chosen for a comparison, and whether it has any of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from calibeval.core.comparison.comparison import Comparison
from calibeval.core.errors import UsageError
from calibeval.core.metrics.image_names import is_of_images
from calibeval.core.metrics.of_images import ONLY_IMAGES
from calibeval.core.metrics.table import EVERY

T = TypeVar("T")


def chosen_of(every: Mapping[str, T], only: Collection[str] | None) -> dict[str, T]:
    """Those of these names, in the order of the names; None: all.

    >>> chosen_of({"ece": 0.1, "nll": 0.7}, ["nll", "dice"])
    {'nll': 0.7}
    """
    return dict(every) if only is None else {name: every[name] for name in only if name in every}


def with_chosen(comparison: Comparison, only: Collection[str] | None) -> Comparison:
    """The comparison, which has at least one of these metrics. Raises: UsageError if it has none."""
    if only is None or any(one.differences for one in comparison.candidates):
        return comparison
    reasons = dict.fromkeys(map(_why, only))
    raise UsageError(f"--metrics {','.join(only)}: none of these exists here: {', and '.join(reasons)}")


def _why(name: str) -> str:
    """Why a metric is in no comparison of such rows."""
    if is_of_images(name):
        return ONLY_IMAGES
    anywhere = EVERY[name].exists(3, named=True)
    return "these scores, or this base, lack what it needs" if anywhere else "it is for two classes"
