"""Whether a dump is miscalibrated at all, by all that its headline judges: with the chance that one of many errs.

Each row of a table is judged on its own, so that one of 20 rows of a calibrated model is beyond noise. A sentence that
takes up whichever row that is would be wrong far more often.
"""

from __future__ import annotations

import math

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport
from calibeval.core.report.standing import (
    COARSE,
    Standing,
    class_stands_out,
    standing_in,
    standing_of_regression,
    with_floor,
)
from calibeval.core.report.views import OF_POSITIVE, speaks_of_positive
from calibeval.core.uncertainty.level import CERTAIN_P, LIKELY_P, Level
from calibeval.core.uncertainty.special import normal_quantile

_LIKELY_Z, _CERTAIN_Z = (normal_quantile(1 - 0.5 * p) for p in (LIKELY_P, CERTAIN_P))
_TOP = ("confidence_gap", "ece", "temperature", "cwce")


def chances(dump: DumpReport) -> dict[str, float]:
    """The p of everything that the headline judges; one that is not below 0.05 counts as 1.

    Of two classes, that is P(positive): its mean gap, its ECE, and slope and intercept together. Of more, it is gap,
    ECE, temperature and classes, these by their mean error and by the worst of them.
    """
    if speaks_of_positive(dump):
        found = {name: _p(dump, name) for name in OF_POSITIVE if standing_in(dump, name) is not None}
        standing = standing_of_regression(dump)
        slope = dump.metrics.get("cox_slope")
        return found if standing is None or slope is None else {**found, "cox_slope": _by_test(slope)}
    found = {name: _p(dump, name) for name in _TOP if standing_in(dump, name) is not None}
    judged = [one for one in dump.per_class if one.floor is not None and one.floor_high is not None]
    if judged:
        out = [
            _of_size(one.calibration_error, MetricResult("cwce", None, floor=one.floor, floor_high=one.floor_high))
            for one in judged
            if class_stands_out(one)
        ]
        found["classes"] = min(out, default=1.0)
    return found


def beyond_together(dump: DumpReport) -> bool:
    """Whether anything that the headline judges is beyond noise after allowing for how many things that are.

    A calibrated model is found to be miscalibrated about once in 20 times, however many tests there are: the i-th
    smallest of m values of p is at most i / m of 0.05, for some i.

    Source: Simes, Biometrika 73:751 (1986); for tests that depend on each other as these do, Sarkar, Annals of
    Statistics 26:494 (1998).
    """
    return simes(list(chances(dump).values())) < LIKELY_P


def quiet(standing: Standing | None, metric: MetricResult) -> Standing | None:
    """Where the deciding metric stands if all together are not beyond noise, though it may be so on its own.

    >>> quiet(Standing.LIKELY, MetricResult("ece", 0.05, floor=0.02, floor_high=0.04)).short
    'cannot tell'
    """
    if standing is None or not standing.beyond_noise:
        return standing
    return Standing.UNRESOLVED if (metric.floor_high or metric.high or 0.0) > COARSE else Standing.NOISE


def simes(found: list[float]) -> float:
    """The p of the hypothesis that all are true, from the p of each.

    >>> simes([0.03, 0.9, 0.9]), simes([0.03, 0.03, 0.03]), simes([])
    (0.09, 0.03, 1.0)
    """
    ordered = sorted(found)
    return min((p * len(ordered) / i for i, p in enumerate(ordered, 1)), default=1.0)


def _p(dump: DumpReport, name: str) -> float:
    standing, metric = standing_in(dump, name), with_floor(dump, name)
    if metric.p is not None:
        return _by_test(metric)
    if standing is None or not standing.beyond_noise or metric.value is None:
        return 1.0
    if metric.floor is None:  # the gap of grouped rows, which is judged by its interval
        half = 0.5 * ((metric.high or 0.0) - (metric.low or 0.0))
        return 0.0 if half <= 0.0 else _two_sided(_LIKELY_Z * abs(metric.value) / half)
    return _of_size(abs(metric.value), metric)


def _by_test(metric: MetricResult) -> float:
    return 1.0 if metric.p is None or metric.p >= LIKELY_P else metric.p


def _of_size(size: float, metric: MetricResult) -> float:
    """The p of a size, from the two that 95 and 999 of 1000 calibrated models would not exceed, as of normal errors.

    It is at most 0.05: where the interval alone excludes 0, the size may be smaller.
    """
    likely, floor = metric.floor_high or 0.0, metric.floor or 0.0
    certain = floor + 2 * (likely - floor) if metric.floor_certain is None else metric.floor_certain
    if certain <= likely:
        return LIKELY_P if size <= likely else 0.0
    return min(LIKELY_P, _two_sided(_LIKELY_Z + (_CERTAIN_Z - _LIKELY_Z) * (size - likely) / (certain - likely)))


def _two_sided(z: float) -> float:
    return Level(0.95).p(z) if math.isfinite(z) else 0.0
