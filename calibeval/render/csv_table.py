"""Metrics as CSV: one line per dump and metric, exact fractions, for programs and spreadsheets."""

from __future__ import annotations

import csv
import io

from calibeval.core.report import Report
from calibeval.render.names import visible

COLUMNS = ("dump", "metric", "value", "low", "high", "corrected", "floor", "floor_high", "reason")
# What a spreadsheet takes for the start of a formula, full-width forms included; control characters are escaped.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def render(report: Report) -> str:
    """The metrics of every dump; numbers round-trip exactly, absent facts are empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for dump in report.dumps:
        for name, m in dump.metrics.items():
            numbers = (m.value, m.low, m.high, m.corrected, m.floor, m.floor_high)
            writer.writerow([harmless(dump.name), name, *numbers, harmless(m.reason or "")])
    return text.getvalue()


def harmless(name: str) -> str:
    r"""The name as text for every spreadsheet: an apostrophe before a formula's first sign, controls as escapes.

    >>> harmless("=1+1"), harmless("a\tb"), harmless("plain")
    ("'=1+1", 'a\\tb', 'plain')
    """
    shown = visible(name)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
