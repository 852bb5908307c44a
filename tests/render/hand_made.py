"""Reports built by hand, so that every printed character follows from numbers that stand in the test."""

from __future__ import annotations

import re
from dataclasses import replace

from calibeval.core.data.predictions import Source
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Bin, ClassResult, DumpReport, Report
from calibeval.core.report.settings import Settings

SETTINGS = Settings(bins=4)
HOSTILE = (
    "[/red][bold]markup",
    "\x1b[31mred\x1b[0m\x07",
    "two\nlines\r\tand a tab",
    "\u202eright to left\u2066",
    "\u05e9\u05dc\u05d5\u05dd" * 20,
    "\u65e5\u672c\u8a9e" * 40,
    "e" + "\u0301" * 50,
    "a" * 500,
    "",
    "\ud800",
    "\u200b\u200d",
    "=cmd|'/c calc'!A0",
    "|`<script>&_*~",
    "\\end{tabular}$%#^{}",
)


def bins(*rows):
    """Bins of equal width from (count, confidence, accuracy); count 0 for an empty one."""
    width = 1 / len(rows)
    table = []
    for i, (count, confidence, accuracy) in enumerate(rows):
        facts = (confidence, accuracy, confidence - accuracy) if count else (None, None, None)
        table.append(Bin(i * width, (i + 1) * width, count, *facts))
    return tuple(table)


def over_confident(**changes):
    """1,000 rows: 800 say 0.95 and are right in 0.85, 200 say 0.6 and are right in 0.45; one empty bin."""
    metrics = (
        MetricResult("accuracy", 0.77, low=0.743, high=0.795),
        MetricResult("confidence_gap", 0.11, low=0.085, high=0.135),
        MetricResult("ece", 0.11, low=0.085, high=0.134, corrected=0.109, floor=0.0123, floor_high=0.0221),
        MetricResult("mce", 0.15, low=0.08, high=0.22, floor=0.03, floor_high=0.07, bin=2, count=200),
        MetricResult("cwce", 0.00567, low=0.0, high=0.0041, corrected=0.0027, floor=0.0069, floor_high=0.0071),
        MetricResult("nll", None, reason="infinite: the label has probability 0 in 1 row, first in row 7"),
        MetricResult("brier", 0.3211, low=0.301, high=0.342),
    )
    dump = DumpReport(
        source=Source("a.npz", None, "0" * 64, "npz"),
        kind="log_probs",
        n=1000,
        k=10,
        ignored=0,
        metrics={m.name: m for m in metrics},
        equal_width=bins((0, None, None), (0, None, None), (200, 0.6, 0.45), (800, 0.95, 0.85)),
        equal_mass=None,
        per_class=tuple(ClassResult(name, 100, e, g) for name, e, g in CLASSES),
        name="a.npz",
    )
    return replace(dump, **changes)


CLASSES = (
    ("cat", 0.031, 0.02),
    ("dog", 0.0421, -0.0125),
    ("owl", 0.011, 0.0),
    ("bat", 0.012, 0.001),
    ("bee", 0.013, 0.001),
    ("fox", 0.014, 0.001),
)


def without_intervals(dump):
    """The same dump, as it is where no intervals were asked for."""
    bare = {name: replace(m, low=None, high=None, corrected=None) for name, m in dump.metrics.items()}
    return replace(dump, metrics=bare)


def with_metric(dump, name, **changes):
    """The same dump with another result for one metric."""
    metric = replace(dump.metrics.get(name, MetricResult(name, None)), **changes)
    return replace(dump, metrics={**dump.metrics, name: metric})


def report(*dumps, **settings):
    """A report of these dumps under SETTINGS, some of them changed."""
    return Report("0.1.0", replace(SETTINGS, **settings), dumps)


def without_breaks(page):
    """The page without the places where names may be broken, which depend on the names."""
    return re.sub(r'<wbr>|<span class="(?:long|whole)">([^<]*)</span>', r"\1", page)
