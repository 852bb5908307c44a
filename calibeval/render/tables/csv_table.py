"""Metrics as CSV: one line per dump and metric, exact fractions, for programs and spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import Any

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.standing import standing_in
from calibeval.words.best import best
from calibeval.words.names import visible

COLUMNS = ("dump", "metric", "value", "low", "high", "corrected", "floor", "floor_high", "reason", "standing", "best")
SLICE_COLUMNS = ("slice_column", "slice", "rows", "p_holm")
# Signs that a spreadsheet reads as the start of a formula, with full-width forms; control characters are escaped.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def render(report: Report) -> str:
    """The metrics of every dump; numbers round-trip exactly, absent facts are empty cells.

    standing: how the value stands against its noise floor; best: "yes" if it is certainly the best of several dumps.

    Of images, means over images and the pooled numbers of segmentations follow the metrics.

    If slices were requested, their metrics follow those of their dump, and every line has four more columns.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    sliced = any(dump.slices is not None for dump in report.dumps)
    writer.writerow([*COLUMNS, *SLICE_COLUMNS] if sliced else COLUMNS)
    winners = {name: best(report.dumps, name) for dump in report.dumps for name in dump.metrics}
    for i, dump in enumerate(report.dumps):
        whole = ["", "", dump.n, ""] if sliced else []
        for name, metric in dump.metrics.items():
            standing = standing_in(dump, name)
            judged = ["" if standing is None else standing.short, "yes" if i in winners[name] else ""]
            writer.writerow(_line(dump.name, metric) + judged + whole)
        writer.writerows([*_line(dump.name, one), "", "", *whole] for one in _means(dump))
        for one in dump.slices or ():
            own = [no_formula(one.column), no_formula(one.value), one.n, one.p_holm]
            writer.writerows([*_line(dump.name, metric), "", "", *own] for metric in one.metrics.values())
    return text.getvalue()


def _means(dump: DumpReport) -> list[MetricResult]:
    """What a report of images has besides: means over images, and pooled numbers that are no metrics of rows."""
    numbers = () if dump.per_image is None else dump.per_image.numbers.values()
    found = [
        MetricResult(one.name, one.pooled, reason=one.reason, low=one.pooled_low, high=one.pooled_high)
        for one in numbers
        if one.name not in dump.metrics
    ]
    return found + [
        MetricResult(f"{one.name}_mean_over_images", one.mean, reason=one.reason, low=one.mean_low, high=one.mean_high)
        for one in numbers
    ]


def _line(dump: str, m: MetricResult) -> list[Any]:
    numbers = (m.value, m.low, m.high, m.corrected, m.floor, m.floor_high)
    return [no_formula(dump), m.name, *numbers, no_formula(m.reason or "")]


def no_formula(name: str) -> str:
    r"""The name as text for any spreadsheet: with an apostrophe before a formula's first sign, controls as escapes.

    >>> no_formula("=1+1"), no_formula("a\tb"), no_formula("plain")
    ("'=1+1", 'a\\tb', 'plain')
    """
    shown = visible(name)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
