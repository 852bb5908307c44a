"""Metrics without bins that another tool computes in a way of its own, as it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from calibeval.core.conventions.convention import Convention
from calibeval.core.conventions.smooth import SmoothGrid
from calibeval.core.conventions.sums import NO_MEMORY, ConventionSums
from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.selective import Area
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.ranking import Ranking
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.isotonic_pairs import Drawn, drawn_floor

DRAWS = 50


class GridSmoothError(OfPairs):
    """The smooth calibration error of relplot."""

    __slots__ = ()

    def of_pairs(self, pairs: Pairs) -> float:
        """The error."""
        return SmoothGrid(pairs.confidence, np.ones(pairs.rows)).error(-pairs.surplus)

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """From drawn outcomes."""
        return drawn_floor(pairs, _of_drawn)


class TrapezoidArea(Area):
    """AURC or AUGRC of torch-uncertainty; the interval is as wide as that of the mean over all coverages."""

    __slots__ = ()

    def _value(self, ranking: Ranking) -> float:
        found = ranking.trapezoids()
        if found is None:
            raise NotComputable("no_method", "torch-uncertainty has no number for one row")
        return found[0] if self.area == "aurc" else found[1]


def _of_drawn(drawn: Drawn) -> Floats:
    grid = SmoothGrid(drawn.confidence, drawn.rows)
    return np.array([grid.error(drawn.rows * (drawn.confidence - share)) for share in drawn.share[:DRAWS]])


def _as(kind: type[Metric], name: str) -> Metric:
    """The metric of this name, computed by another class."""
    own = REQUESTED[name]
    facts: dict[str, Any] = {one.name: getattr(own, one.name) for one in fields(own)}
    return kind(**facts)


OWN_WAY: Mapping[str, Mapping[str, Metric]] = MappingProxyType(
    {
        "relplot": {"smece": _as(GridSmoothError, "smece")},
        "torch-uncertainty": {name: _as(TrapezoidArea, name) for name in ("aurc", "augrc")},
    }
)


def measured_as_tool(
    name: str, base: Sums, tool: ConventionSums, convention: Convention, level: float | None
) -> MetricResult:
    """One of the convention's `own_way` metrics, with floor and interval. base: our own sums. level: of intervals."""
    metric = OWN_WAY[convention.name][name]
    if isinstance(metric, Area):  # of the top label, as ours
        return metric.measured(base, level)
    if tool.pairs is None:
        return MetricResult(name, None, reason=NO_MEMORY)
    return metric.measured(replace(base, pairs=tool.pairs), level)
