"""Accuracy and mean gap from the bins, for verdicts on reports for which other metrics were chosen."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport
from calibeval.core.report.views import speaks_of_positive, with_gap_of_positive


def counted(dump: DumpReport) -> tuple[float, float] | None:
    """Accuracy, and mean confidence minus accuracy, from the bins; None if they do not hold all rows."""
    rows = [row for row in dump.equal_width if row.confidence is not None and row.accuracy is not None]
    if sum(row.count for row in rows) != dump.n or not dump.n:
        return None
    n = sum(row.mass for row in rows)
    accuracy = sum(row.mass * (row.accuracy or 0.0) for row in rows) / n
    return accuracy, sum(row.mass * (row.gap or 0.0) for row in rows) / n


def with_counted(dump: DumpReport) -> DumpReport:
    """The dump with accuracy and gap, so that it is judged by these whichever metrics were chosen."""
    dump, found = with_gap_of_positive(dump), counted(dump)
    if found is None or speaks_of_positive(dump):
        return dump
    told = {name: MetricResult(name, value) for name, value in zip(("accuracy", "confidence_gap"), found, strict=True)}
    return replace(dump, metrics={**told, **dump.metrics})


def all_alike(dump: DumpReport) -> str:
    """What all rows are, "right" or "wrong", where a map cannot be learned from them; else empty."""
    found = {row.accuracy for row in dump.equal_width if row.count}
    return "right" if found == {1.0} else "wrong" if found == {0.0} else ""
