"""The risk-coverage curves of both sides of a comparison."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from calibeval.core.comparison.comparison import ComparedDump
from calibeval.core.metrics.coverage import CoverageAtError
from calibeval.core.metrics.selective import Area, curve_points
from calibeval.core.metrics.table import EVERY
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import Sums


def with_risk(side: ComparedDump, sums: Sums, only: Collection[str] | None) -> ComparedDump:
    """The side with its curve, if metrics of selective prediction are compared; not for weighted rows.

    only: the compared metrics; None for those of every comparison.
    """
    selective = any(isinstance(EVERY[name], Area | CoverageAtError) for name in only or () if name in EVERY)
    if not selective or sums.rows is None or sums.row_weights is not None:
        return side
    return replace(side, risk=curve_points(Pairs.of(sums.rows.confidence, sums.rows.correct)))
