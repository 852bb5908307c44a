"""The metrics that are computed only on request, by name or as `all`: they need the results of every row."""

from __future__ import annotations

from calibeval.core.metrics.selection import SELECTIVE, Table
from calibeval.core.metrics.without_bins import WITHOUT_BINS

REQUESTED = Table(
    (metric.name, metric)
    for metric in (
        *WITHOUT_BINS,
        *SELECTIVE,
    )
)
