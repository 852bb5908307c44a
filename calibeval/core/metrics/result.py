"""One metric's result, as reports carry it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout, to_plain


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One number with all that is needed to judge it. Absent facts are None.

    value: the metric as a fraction (or nats, for nll); None where it cannot be computed; reason says why, or why the
    interval is missing or approximate.
    low, high: confidence interval. corrected: the value less its bias, always inside the interval.
    floor, floor_high: expectation and 95 % quantile for a perfectly calibrated model with these confidences.
    bin, count: the bin that decides mce and its rows; for nll, count and row tell the rows with probability 0.
    """

    LAYOUT: ClassVar = Layout(rare=("bin", "count", "row"))

    name: str
    value: float | None
    reason: Notice | None = None
    low: float | None = None
    high: float | None = None
    corrected: float | None = None
    floor: float | None = None
    floor_high: float | None = None
    bin: int | None = None
    count: int | None = None
    row: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this metric, without its name."""
        return to_plain(self, "name")
