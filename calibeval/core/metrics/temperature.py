"""The temperature with the smallest NLL, and the score test of whether it is 1."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, reason
from calibeval.core.metrics.means import rows_of
from calibeval.core.metrics.metric import Metric, Side
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.optimum import FEW_ERRORS, Optimum
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints, grouped_error
from calibeval.core.uncertainty.level import LEAST_P, Level
from calibeval.core.uncertainty.model_pair import Pair
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.score_test import normal_score, skewness, standardised, two_sided_p

MOST_CHANGE = 0.25  # of 1/T from 1, up to which a series of three terms is used


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature(Metric):
    """The number T that logits must be divided by for the smallest NLL; above 1 if the model is over-confident."""

    binned: ClassVar[bool] = False

    def value(self, sums: Sums) -> float:
        """The optimum; of added sums, from a series around T = 1."""
        excess = excess_of_all(sums)
        if sums.optimum is None:
            return 1.0 / (1.0 - _from_series(excess, sums.n)[0])
        return math.exp(_log_t(sums.optimum))

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """Normal for ln T, with a sandwich error; with few errors, also all T that the score test does not refute."""
        excess = excess_of_all(sums)
        if sums.optimum is None:
            if joints is not None:
                raise NotComputable("rows_not_kept", "added sums do not show how groups vary")
            change, error = _from_series(excess, sums.n)
            reach = Level(level).z * error
            return Interval(1.0 / (1.0 - change + reach), 1.0 / max(1.0 - change - reach, 1e-300), None)
        middle, (error, freedom) = _log_t(sums.optimum), _error(sums.optimum, joints)
        reach = Level(level, freedom).z * error
        low, high = _refuted(sums.optimum, level) if sums.optimum.errors < FEW_ERRORS else (middle, middle)
        return Interval(math.exp(min(middle - reach, low)), math.exp(max(middle + reach, high)), None)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From what each row adds to the two temperatures."""
        raise NotComputable("no_method", "differences of temperatures are not tested")

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals."""
        return self.margins_from(saved, own, level)

    def comparable(self, classes: Collection[int | None]) -> bool:
        """Never: the temperature of one model says nothing about another."""
        return False

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The metric, with z and p of the score test; these exist even if there is no optimum."""
        found = Metric.measured(self, sums, level, joints)
        if sums.excess is None:
            return found
        z, p = excess_test(sums, joints)
        return replace(found, z=z, p=p)

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with a reason if it is not from all rows, or not the optimum itself."""
        if result.reason is not None:
            return result
        if sums.optimum is None:
            return replace(result, reason=reason("from_sums", "from sums, by a series around T = 1"))
        if sums.optimum.rows < sums.n:
            text = f"value and interval are from {sums.optimum.rows:,} of {sums.n:,} rows, evenly chosen"
            return replace(result, reason=reason("sampled", text))
        return result


def excess_of_all(sums: Sums) -> Excess:
    """The excess. Raises: NotComputable if only top labels are known, or a label has probability 0."""
    if sums.k is None:
        raise NotComputable(
            "top_label_only", "needs the probability of every class, but this dump has the top label only"
        )
    if sums.impossible:
        rows = "1 row" if sums.impossible == 1 else f"{sums.impossible:,} rows"
        text = f"the label has probability 0 in {rows}, first in {sums.impossible_place}, whatever the temperature"
        raise NotComputable("infinite", text, count=sums.impossible, row=sums.impossible_row)
    if sums.excess is None:
        raise NotComputable("not_measured", "the scores of these rows were not read again")
    return sums.excess


def excess_test(sums: Sums, joints: Joints | None = None) -> tuple[float | None, float | None]:
    """Z and p of the score test; z is positive if the model is over-confident. None if nothing can vary.

    joints: if only groups are independent. They change the variance as much as that of the observed excess, and p is
    not below that of independent rows.
    """
    excess = excess_of_all(sums)
    z = standardised(excess, sums.n)
    if z is None:
        return None, None
    p = two_sided_p(z, skewness(excess))
    if joints is None:
        return z, p
    found = grouped_error(rows_of(sums).excess, excess.total / sums.n, joints)
    if found is None:
        return None, None
    inflation = (found.error * sums.n) ** 2 / max(found.squares, 1e-300)
    z = standardised(excess, sums.n, inflation) or 0.0
    return z, max(p, Level(0.95, joints.freedom).p(z), LEAST_P)


def _log_t(optimum: Optimum) -> float:
    if optimum.log_t is None:
        missing = optimum.missing or reason("no_optimum", "there is no optimum")
        raise NotComputable("overflow" if missing.code == "overflow" else "no_optimum", str(missing))
    if not abs(optimum.log_t) < 700.0:
        raise NotComputable("overflow", "the scores are too large or too small for a temperature")
    return optimum.log_t


def _error(optimum: Optimum, joints: Joints | None) -> tuple[float, float | None]:
    """The standard error of ln T and, if only groups are independent, its degrees of freedom.

    Source: the sandwich estimate, White, Econometrica 50:1 (1982); by groups, Bell & McCaffrey, Survey Methodology
    28:169 (2002).
    """
    squares, freedom = optimum.squares, None
    if joints is not None:
        if optimum.slopes is None or optimum.places is None:
            raise NotComputable("rows_not_kept", "the results of single rows were not kept")
        _, codes = np.unique(joints.codes[optimum.places], return_inverse=True)
        clusters = Clusters.of(codes)
        totals = clusters.scale * np.bincount(codes, weights=optimum.slopes - optimum.slopes.mean())
        squares, freedom = max(squares, float(totals @ totals)), clusters.freedom
    return math.sqrt(squares) / optimum.information, freedom


def _refuted(optimum: Optimum, level: float) -> tuple[float, float]:
    """The range of ln T that the score test does not refute at this level."""
    near = optimum.near
    if near is None or optimum.log_t is None:
        return math.inf, -math.inf
    scores = np.maximum.accumulate([_score_at(*row) for row in near[::-1, 1:].tolist()])
    places: Floats = near[::-1, 0]
    z = Level(level).z
    # From the largest ln T on, where scores are lowest.
    ends = np.interp([-z, z], scores, places)
    return float(ends[1]), float(ends[0])


def _score_at(total: float, variance: float, third: float) -> float:
    if not variance > 0.0:
        return math.copysign(math.inf, total) if total else 0.0
    return normal_score(total / math.sqrt(variance), third / variance**1.5)


def _from_series(excess: Excess, n: int) -> tuple[float, float]:
    """1 - 1/T from the cumulants at T = 1, and its standard error if the model is right.

    With c = 1 - 1/T, the excess is variance c + third c^2 / 2 + fourth c^3 / 6.
    Raises: NotComputable if it is not close to 0.
    """
    _, variance, third, fourth = excess
    if standardised(excess, n) is None:
        raise NotComputable("no_optimum", "the probabilities leave no doubt that a temperature could change")
    change = 0.0
    for _ in range(50):
        slope = variance + change * (third + 0.5 * change * fourth)
        if not slope > 0.0:
            break
        value = change * (variance + change * (0.5 * third + change * fourth / 6.0)) - excess.total
        step = -value / slope
        change += step
        if not abs(change) <= 4.0 * MOST_CHANGE or abs(step) < 1e-14:
            break
    slope = variance + change * (third + 0.5 * change * fourth)
    if not (slope > 0.0 and abs(change) <= MOST_CHANGE):
        text = "added sums give a temperature only near 1, and this one is further away"
        raise NotComputable("far_from_one", text)
    return change, 1.0 / math.sqrt(slope)
