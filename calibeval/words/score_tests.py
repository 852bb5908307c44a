"""Tests against perfect calibration in words: of a temperature, and of Cox's two numbers together."""

from __future__ import annotations

from calibeval.core.report.report import DumpReport
from calibeval.words.cells import label, p_value
from calibeval.words.signs import signed


def tests(dump: DumpReport) -> list[str]:
    """The tests against perfect calibration, a line each."""
    lines, found, slope = [], dump.metrics.get("temperature"), dump.metrics.get("cox_slope")
    if found is not None and found.z is not None and found.p is not None:
        lines.append(f"{label('temperature')}: score test of 1: z = {signed(found.z, 1)}, {_p(found.p)}")
    if slope is not None and slope.p is not None:
        lines.append(f"Cox: score test of slope 1 and intercept 0 together: {_p(slope.p)}")
    return lines


def _p(p: float) -> str:
    """A p with its sign.

    >>> _p(1e-9), _p(0.25)
    ('p < 0.001', 'p = 0.25')
    """
    shown = p_value(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"
