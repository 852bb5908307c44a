"""`bins.csv`: the bin tables of every dump, one line per bin."""

from __future__ import annotations

import csv
import io

from calibeval.core.report.report import Report
from calibeval.render.tables.csv_table import no_formula

COLUMNS = ("dump", "binning", "bin", "lower", "upper", "count", "confidence", "accuracy", "gap")


def render(report: Report) -> str:
    """The tables as CSV; fractions at full precision, empty cells for empty bins."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for dump in report.dumps:
        for binning, table in (("equal_width", dump.equal_width), ("equal_mass", dump.equal_mass or ())):
            for number, row in enumerate(table):
                numbers = (row.lower, row.upper, row.count, row.confidence, row.accuracy, row.gap)
                writer.writerow([no_formula(dump.name), binning, number, *numbers])
    return text.getvalue()
