"""Whether numbers that were read from a document can be: within their bounds, and in their order."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from calibeval.core.data.documents import Place
from calibeval.core.metrics.table import EVERY

# By so much rounding to bfloat16, the coarsest type of stored probabilities, takes a number over its bounds.
SLACK = 2.0**-4


def within(place: Place, name: str, value: float | None, least: float | None, most: float | None) -> None:
    """Refuse a number outside its bounds. name: of its field. Raises: Wrong."""
    if value is None:
        return
    if (least is not None and value < least) or (most is not None and value > most):
        bounds = f"at least {least:g}" if most is None else f"from {least:g} to {most:g}"
        place[name].refuse(f"a number {bounds}")


def check_bounds(place: Place, metric: str, record: Any, *names: str) -> None:
    """Refuse values of a metric that it cannot have; metrics of later versions are passed over.

    names: of the fields. Raises: Wrong.
    """
    if metric not in EVERY:
        return
    least, most = EVERY[metric].least, EVERY[metric].most
    for name in names:
        within(place, name, getattr(record, name), least - SLACK, None if most is None else most + SLACK)


def check_share(place: Place, record: Any, *names: str) -> None:
    """Refuse probabilities outside [0, 1]. names: of the fields. Raises: Wrong."""
    for name in names:
        within(place, name, getattr(record, name), 0.0, 1.0)


def check_order(place: Place, record: Any, *names: str) -> None:
    """Refuse numbers that do not rise, such as an interval whose low end is above its high one; None is passed over.

    names: of the fields. Raises: Wrong.
    """
    there = [(name, getattr(record, name)) for name in names if getattr(record, name) is not None]
    for (lower, low), (upper, high) in pairwise(there):
        if low > high:
            place[lower].fail(f"is {low:g}, above {upper}, which is {high:g}")


def check_difference(place: Place, found: Any) -> None:
    """Of a difference that was read: within bounds, and in order. Raises: Wrong."""
    check_bounds(place, found.name, found, "base", "candidate")
    check_order(place, found, "low", "high")
    check_share(place, found, "p", "p_holm")
    within(place, "detectable", found.detectable, 0.0, None)
