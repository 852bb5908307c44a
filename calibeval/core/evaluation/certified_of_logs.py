"""The certified thresholds that the report of a log has without being asked."""

from __future__ import annotations

from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.metrics.coverage import coverage_at
from calibeval.core.report.certified import CertifiedLimit
from calibeval.core.uncertainty.certified import DELTA, units_needed

LIMITS = (0.01, 0.02, 0.05)


def certified_limits(measured: Measurement) -> tuple[CertifiedLimit, ...]:
    """What may be answered at an error of 1, 2 and 5 %. measured: with what metrics of single rows need."""
    found = [(limit, coverage_at(limit).measured(measured.sums, None, measured.joints)) for limit in LIMITS]
    return tuple(
        CertifiedLimit(
            limit,
            DELTA,
            one.threshold,
            one.value,
            one.rows,
            one.errors,
            one.bound,
            units_needed(limit),
            "rows" if measured.groups is None else "groups",
            one.reason if one.threshold is None else None,
        )
        for limit, one in found
    )
