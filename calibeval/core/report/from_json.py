"""Readers for those fields of a report whose types do not describe their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from calibeval.core.data.documents import Place
from calibeval.core.data.records import read_as
from calibeval.core.metrics.possible import SLACK, check_bounds, check_order, within
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

    Raises: Wrong for anything else.
    """
    found: Mapping[str, MetricResult] = read_as(place, Mapping[str, MetricResult])
    for name, result in found.items():
        floors = "floor", "floor_high", "floor_certain"
        check_bounds(place[name], name, result, "value", "low", "high", "corrected", *floors)
        check_order(place[name], result, "low", "corrected", "high")
        check_order(place[name], result, *floors)
        for share in ("threshold", "bound", "delta", "cross_fitted", "cross_fitted_error"):
            within(place[name], share, getattr(result, share), -SLACK, 1.0 + SLACK)
    if "mce" not in found or "mce_all_bins" in found:
        return found
    names = {name: "mce_all_bins" if name == "mce" else name for name in found}
    return {names[name]: replace(result, name=names[name]) for name, result in found.items()}
