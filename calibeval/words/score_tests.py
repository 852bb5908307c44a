"""Tests against perfect calibration in words: of a temperature, of Cox's numbers together, of metrics on request."""

from __future__ import annotations

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport
from calibeval.words.cells import label, p_value
from calibeval.words.signs import signed


def tests(dump: DumpReport) -> list[str]:
    """The tests against perfect calibration, a line each."""
    lines, found, slope = [], dump.metrics.get("temperature"), dump.metrics.get("cox_slope")
    if found is not None and found.z is not None and found.p is not None:
        lines.append(f"{label('temperature')}: score test of 1: z = {signed(found.z, 1)}, {p_said(found.p)}")
    if slope is not None and slope.p is not None:
        whose = "Cox" if dump.k == 2 else "Cox, of the top label"
        lines.append(f"{whose}: score test of slope 1 and intercept 0 together: {p_said(slope.p)}")
    for name, metric in dump.metrics.items():
        if EVERY.on_request(name) and metric.z is not None and metric.p is not None:
            size = f"{metric.z:.2f}" if EVERY[name].least == 0.0 else signed(metric.z, 2)
            lines.append(f"{label(name)}: {size} standard deviations of a calibrated model, {p_said(metric.p)}")
    return lines


def by_slope(slope: MetricResult) -> str:
    """In which direction a model is off by its slope on the log-odds; empty where its interval holds 1.

    >>> by_slope(MetricResult("cox_slope", 0.7, low=0.5, high=0.9)), by_slope(MetricResult("cox_slope", 0.7))
    ('over-confident', '')
    >>> by_slope(MetricResult("cox_slope", 0.72, low=0.5, high=1.008))
    ''
    """
    if slope.value is None or slope.low is None or slope.high is None or slope.low <= 1.0 <= slope.high:
        return ""
    return "over-confident" if slope.value < 1.0 else "under-confident"


def p_said(p: float) -> str:
    """A p with its sign.

    >>> p_said(1e-9), p_said(0.25)
    ('p < 0.001', 'p = 0.25')
    """
    shown = p_value(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"
