"""Readers for those fields of a report whose types do not describe their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from calibeval.core.data.documents import Place
from calibeval.core.data.records import read_as
from calibeval.core.metrics.possible import SLACK, check_bounds, check_order, check_share, within
from calibeval.core.metrics.result import MetricResult


def parameters(place: Place) -> dict[str, Any]:
    """The parameters of a map of any method. A temperature must be a number, because reports show it.

    Raises: Wrong for anything else.
    """
    temperature = place.get("temperature")
    if temperature is not None:
        temperature.number()
    return {key: one.anything() for key, one in place.items()}


def metric_results(place: Place) -> Mapping[str, MetricResult]:
    """The results of metrics by name. In earlier versions, mce was the largest gap over all bins, now mce_all_bins.

    These versions did not write floor_certain.

    Raises: Wrong for anything else.
    """
    found: Mapping[str, MetricResult] = read_as(place, Mapping[str, MetricResult])
    for name, result in found.items():
        floors = "floor", "floor_high", "floor_certain"
        check_bounds(place[name], name, result, "value", "low", "high", "corrected", *floors)
        check_order(place[name], result, "low", "corrected", "high")
        check_order(place[name], result, *floors)
        for share in ("threshold", "bound", "cross_fitted", "cross_fitted_error"):
            within(place[name], share, getattr(result, share), -SLACK, 1.0 + SLACK)
        _check_facts(place[name], result)
    if "mce" not in found or "mce_all_bins" in found or place["mce"].get("floor_certain") is not None:
        return found
    names = {name: "mce_all_bins" if name == "mce" else name for name in found}
    return {names[name]: replace(result, name=names[name]) for name, result in found.items()}


def _check_facts(place: Place, found: MetricResult) -> None:
    """Refuse further facts of a metric that cannot be. Raises: Wrong."""
    check_share(place, found, "p", "possible")
    for name in ("lr", "refinement", "cell_error"):
        within(place, name, getattr(found, name), 0.0, None)
    within(place, "rows_needed", found.rows_needed, 1, None)
    if found.delta is not None and not 0.0 < found.delta < 0.5:
        place["delta"].refuse("a number inside (0, 0.5)")
    if found.rows is not None and found.errors is not None and found.errors > found.rows:
        place["errors"].fail(f"is {found.errors}, but rows is {found.rows}")
