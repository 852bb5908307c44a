"""Metrics and verdicts as a small JSON object of numbers, which `dvc metrics` and other trackers read."""

from __future__ import annotations

from collections.abc import Mapping

from calibeval.core.data.documents import json_text
from calibeval.core.gating.verdict import Verdict
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Report

Numbers = dict[str, float | str]


def of_report(report: Report) -> str:
    """The metrics of the dump, each with `_low` and `_high` where there is an interval; of several, an object by name.

    Fractions; a number that does not exist is left out, because trackers compare numbers only.
    """
    found = {dump.name: _numbers(dump.n, dump.metrics) for dump in report.dumps}
    return json_text(found if len(found) > 1 else next(iter(found.values())))


def of_verdict(verdict: Verdict) -> str:
    """The verdict, the exit code, and the value and interval that each rule was judged by, named METRIC_KIND."""
    flat: Numbers = {"verdict": verdict.verdict, "exit_code": int(verdict.exit_code)}
    for one in verdict.rules:
        place = "_".join((one.rule.metric, one.rule.kind, *([one.rule.part] if one.rule.part else [])))
        flat[f"{place}_verdict"] = one.verdict
        if one.decisive is not None:
            numbers = {"": one.decisive.value, "_low": one.decisive.low, "_high": one.decisive.high}
            flat |= {place + end: number for end, number in numbers.items() if number is not None}
    return json_text(flat)


def _numbers(n: int, metrics: Mapping[str, MetricResult]) -> Numbers:
    flat: Numbers = {"n": n}
    for name, metric in metrics.items():
        numbers = {"": metric.value, "_low": metric.low, "_high": metric.high}
        flat |= {name + end: number for end, number in numbers.items() if number is not None}
    return flat
