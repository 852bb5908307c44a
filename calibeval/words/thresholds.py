"""Certified thresholds in words."""

from __future__ import annotations

import math
from collections.abc import Iterable

from calibeval.core.metrics.coverage import coverage_named
from calibeval.core.metrics.result import MetricResult
from calibeval.words.digits import label

DIGITS = 6


def thresholds(metrics: Iterable[MetricResult]) -> list[str]:
    """From which confidence on rows may be answered, a line for each certified coverage.

    >>> thresholds([MetricResult("coverage@error=0.05", 0.8, threshold=0.71, rows=80, errors=1, cross_fitted=0.78)])
    ['coverage@5%: answer from confidence 0.71 on: 80 rows, 1 wrong; cross-fitted 78.0 %']
    """
    lines = []
    for found in metrics:
        if found.threshold is None or found.rows is None or coverage_named(found.name) is None:
            continue
        line = f"{label(found.name)}: answer from confidence {shown(found.threshold)} on"
        line += f": {found.rows:,} {'row' if found.rows == 1 else 'rows'}, {found.errors or 0:,} wrong"
        if found.cross_fitted is not None:
            line += f"; cross-fitted {100.0 * found.cross_fitted:.1f} %"
        lines.append(line)
    return lines


def shown(threshold: float) -> str:
    """A threshold with six decimals at most, rounded up so that no other row is answered; exactly where that is 1.

    >>> shown(0.7046048045158386), shown(0.5), shown(0.99999991)
    ('0.704605', '0.5', '0.99999991')
    """
    above = math.ceil(threshold * 10**DIGITS) / 10**DIGITS
    return f"{threshold!r}" if above >= 1.0 > threshold else f"{above:.{DIGITS}f}".rstrip("0").rstrip(".")
