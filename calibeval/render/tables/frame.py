"""A report as a pandas table."""

from __future__ import annotations

from dataclasses import fields

import pandas as pd

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Report


def to_frame(report: Report) -> pd.DataFrame:
    """One row per dump and metric, with all fields of MetricResult as columns; values are fractions."""
    columns = [field.name for field in fields(MetricResult) if field.name != "name"]
    rows = {
        (dump.name, name): {column: getattr(metric, column) for column in columns}
        for dump in report.dumps
        for name, metric in dump.metrics.items()
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["dump", "metric"])
    return pd.DataFrame(list(rows.values()), index=index, columns=columns)
