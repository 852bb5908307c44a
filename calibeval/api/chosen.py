"""The metrics that the user chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from calibeval.core.errors import UsageError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import metric_named
from calibeval.core.report.report import Report

ALL = "all"


def chosen_metrics(metrics: str | Sequence[str]) -> frozenset[str] | None:
    """The names in a list, or in a text with commas; None for all.

    Raises: UnknownMetric with the nearest name; UsageError for an empty list.

    >>> sorted(chosen_metrics("ece, nll")), chosen_metrics("all")
    (['ece', 'nll'], None)
    """
    names = [name.strip() for name in metrics.split(",")] if isinstance(metrics, str) else list(metrics)
    if names == [ALL]:
        return None
    if not names:
        raise UsageError("the list of metrics is empty; leave it out for all of them")
    return frozenset(metric_named(name).name for name in names)


def with_metrics(report: Report, chosen: frozenset[str] | None) -> Report:
    """The report with these metrics only, of its dumps, their slices, and what maps made of them."""
    if chosen is None:
        return report

    def some(metrics: Mapping[str, MetricResult]) -> dict[str, MetricResult]:
        return {name: metric for name, metric in metrics.items() if name in chosen}

    dumps = []
    for dump in report.dumps:
        again, slices = dump.recalibrated, dump.slices
        after = None if again is None else replace(again, metrics=some(again.metrics))
        parts = None if slices is None else tuple(replace(one, metrics=some(one.metrics)) for one in slices)
        dumps.append(replace(dump, metrics=some(dump.metrics), recalibrated=after, slices=parts))
    return replace(report, dumps=tuple(dumps))
