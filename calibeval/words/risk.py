"""The risk-coverage curve in words: a few coverages, with the error of the answered rows and the confidence."""

from __future__ import annotations

from typing import NamedTuple

from calibeval.core.report.report import DumpReport
from calibeval.words.thresholds import shown

TITLE = "error of the most confident rows"
COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


class RiskCells(NamedTuple):
    """One point: coverage and error in percent, and the smallest confidence that is answered."""

    coverage: str
    error: str
    confidence: str


def risk_cells(dump: DumpReport) -> list[RiskCells]:
    """The curve at the first points of at least 10 %, 20 % and so on; empty if it was not measured."""
    found = dump.metrics.get("aurc")
    if found is None or found.curve is None:
        return []
    curve = found.curve
    points = dict.fromkeys(
        next((one for one in curve if one.coverage >= least - 1e-9), curve[-1]) for least in COVERAGES
    )
    return [RiskCells(f"{100.0 * one.coverage:.1f}", f"{100.0 * one.risk:.2f}", shown(one.threshold)) for one in points]
