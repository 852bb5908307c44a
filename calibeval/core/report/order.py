"""The dumps of a report in another order."""

from __future__ import annotations

import re
from dataclasses import replace

from calibeval.core.errors import UsageError
from calibeval.core.metrics.table import EVERY, known_as, meant
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.views import judged_by

NAME = "name"


def order_named(by: str) -> str:
    """The metric of this name, or "name". Raises: UsageError with the nearest name.

    >>> order_named("ECE"), order_named("name")
    ('ece', 'name')
    """
    found = NAME if by == NAME else known_as(by)
    if found is None:
        raise UsageError(f'"{by}" is unknown{meant(by, [NAME])}; sort by {NAME}, {", ".join(EVERY)}')
    return found


def in_order(report: Report, by: str) -> Report:
    """The report with the best dump first, by a metric, or with names in their natural order, so that 2 is before 10.

    Best is the smallest, for the accuracy the largest, and for gaps and temperatures what is nearest to 0 or 1. Where a
    dump is judged by P(positive class), its ECE and gap are those of that. Dumps without a value are last; equal ones
    keep their order. Raises: UsageError for an unknown metric.
    """
    key = order_named(by)
    if key == NAME:
        return replace(report, dumps=tuple(sorted(report.dumps, key=lambda dump: _natural(dump.name))))
    return replace(report, dumps=tuple(sorted(report.dumps, key=lambda dump: _loss(dump, key))))


def _loss(dump: DumpReport, metric: str) -> tuple[bool, float]:
    metric = dict(zip(("confidence_gap", "ece"), judged_by(dump), strict=True)).get(metric, metric)
    value = dump.metrics[metric].value if metric in dump.metrics else None
    if value is None:
        return True, 0.0
    return False, badness(metric, value)


def badness(metric: str, value: float) -> float:
    """How bad a value of that metric is; larger is worse, as of an error for metrics that are not known.

    >>> badness("accuracy", 0.9), badness("confidence_gap", -0.2), badness("ece", 0.1)
    (-0.9, 0.2, 0.1)
    """
    better = EVERY[metric].better if metric in EVERY else "lower"
    return {"higher": -value, "zero": abs(value), "one": abs(value - 1.0)}.get(better, value)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Digits as numbers, so that 2 is before 10."""
    parts = re.split(r"([0-9]+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part.lower()) for part in parts]
