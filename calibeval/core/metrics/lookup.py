"""Results by the names of metrics, also by those that tables show."""

from __future__ import annotations

from typing import TypeVar

from calibeval.core.data.lookup import Lookup
from calibeval.core.metrics.table import known_as

T = TypeVar("T")


class MetricLookup(Lookup[T]):
    """Results by the names of metrics: `x["confidence_gap"]` is also `x["gap"]`, and `x["ece"]` is also `x["ECE"]`."""

    __slots__ = ()

    def called(self, name: str) -> str:
        """The name of the metric that tables call so; else the name itself."""
        return known_as(name) or name
