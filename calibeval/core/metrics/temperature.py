"""The temperature with the smallest NLL, and the score test of whether it is 1."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, reason
from calibeval.core.metrics.means import check_enough_rows, of_means
from calibeval.core.metrics.metric import Metric, Side
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.optimum import FEW_ERRORS, MOST_LOG, Optimum
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints, grouped_error
from calibeval.core.uncertainty.level import LEAST_P, Level
from calibeval.core.uncertainty.log_temperature import (
    change_from_series,
    error_of_log_t,
    log_t_of,
    parts_of_log_t,
    plausible_log_t,
)
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.score_test import skewness, standardised, two_sided_p

if TYPE_CHECKING:
    from calibeval.core.uncertainty.model_pair import Model, Pair


class Temperature(Metric):
    """The number T that logits must be divided by for the smallest NLL; above 1 if the model is over-confident."""

    __slots__ = ()

    binned: ClassVar[bool] = False
    has_floor: ClassVar[bool] = False
    fitted: ClassVar[bool] = True

    def value(self, sums: Sums) -> float:
        """The optimum; of added sums without those at fixed temperatures, from a series around T = 1."""
        excess = excess_of_all(sums)
        if sums.optimum is None:
            if sums.top.squared is not None:
                raise NotComputable("no_method", "sums alone give no temperature of weighted rows")
            return 1.0 / (1.0 - change_from_series(excess, sums.n)[0])
        return math.exp(log_t_of(sums.optimum))

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """Normal for ln T, with a sandwich error; with few errors, also all T that the score test does not refute."""
        excess = excess_of_all(sums)
        if sums.optimum is None:
            if joints is not None:
                raise NotComputable("no_method", "sums alone do not show how groups vary")
            change, error = change_from_series(excess, sums.n)
            reach = Level(level).z * error
            if reach >= 1.0 - change:
                return None
            return Interval(1.0 / (1.0 - change + reach), 1.0 / (1.0 - change - reach), None)
        middle, (error, freedom) = log_t_of(sums.optimum), error_of_log_t(sums.optimum, joints)
        reach = Level(level, freedom).z * error
        low, high = plausible_log_t(sums.optimum, level) if sums.optimum.errors < FEW_ERRORS else (middle, middle)
        if max(middle + reach, high) > MOST_LOG:
            raise NotComputable("no_upper_end", "the NLL hardly changes with T, which may be larger than any number")
        return Interval(math.exp(min(middle - reach, low)), math.exp(max(middle + reach, high)), None)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From what each row adds to the two temperatures."""
        from calibeval.core.uncertainty.paired_means import mean_difference

        check_enough_rows(pair)
        if pair.summed:
            raise NotComputable("rows_not_kept", "sums of rows do not show how two temperatures vary together")
        ends = [_parts(model, len(pair.labels)) for model in pair.models]
        n, difference = len(pair.labels), ends[1][0] - ends[0][0]
        values = n * (ends[1][1] - ends[0][1]) + difference
        return of_means(mean_difference(values, level, math.inf, pair.groups), level)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals."""
        return self.margins_from(saved, own, level)

    def comparable(self, classes: Collection[int | None]) -> bool:
        """Never: the temperature of one model says nothing about another."""
        return False

    def off(self, sums: Sums) -> float:
        """How far the optimum from fixed temperatures may be from that of the rows."""
        if sums.optimum is None or not sums.optimum.bound:
            return 0.0
        return self.value(sums) * math.expm1(sums.optimum.bound)

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The metric, with z and p of the score test; these exist even if there is no optimum."""
        found = Metric.measured(self, sums, level, joints)
        if sums.excess is None:
            return found
        try:
            z, p = excess_test(sums, joints)
        except NotComputable:
            return found
        return replace(found, z=z, p=p)

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with a reason if it is not from all rows, or not the optimum itself."""
        if sums.optimum is not None and sums.optimum.bound:
            return _from_sums(result, sums.optimum, sums.rows_n)
        if result.reason is not None:
            return result
        if sums.optimum is None:
            return replace(result, reason=reason("from_sums", "from sums, by a series around T = 1"))
        if sums.optimum.rows < sums.rows_n:
            text = f"value and interval are from {sums.optimum.rows:,} of {sums.rows_n:,} rows, evenly chosen"
            return replace(result, reason=reason("sampled", text))
        return result


def _from_sums(result: MetricResult, optimum: Optimum, rows: int) -> MetricResult:
    """The result with how far it may be from the optimum of rows."""
    off = (result.value or 0.0) * math.expm1(optimum.bound)
    text = f"from sums at fixed temperatures, within {off:.1g} of that of single rows"
    text += "" if optimum.rows == rows else f"; from {optimum.rows:,} of {rows:,} rows, evenly chosen"
    if result.reason is not None:
        return replace(result, reason=result.reason.reworded(f"{result.reason}; {text}"))
    return replace(result, reason=reason("from_sums", text))


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
    z = standardised(excess, sums.n, k=sums.k or 2)
    if z is None:
        return None, None
    p = two_sided_p(z, skewness(excess))
    if joints is None:
        return z, p
    rows = joints.rows
    squares = max(float(rows.excess_squares.sum()) - excess.total**2 / sums.n, 0.0)
    found = grouped_error(rows.excess, excess.total / sums.n, squares, joints)
    if found is None:
        return None, None
    inflation = (found.error * sums.n) ** 2 / max(found.squares, 1e-300)
    z = standardised(excess, sums.n, inflation) or 0.0
    skewed = two_sided_p(z, skewness(excess) * math.sqrt(inflation))
    return z, max(p, skewed, Level(0.95, joints.freedom).p(z), LEAST_P)


def _parts(model: Model, n: int) -> tuple[float, Floats]:
    """The temperature of a model, and how far each row moves it."""
    excess_of_all(model.sums)
    if model.sums.optimum is None or model.sums.optimum.slopes is None:
        raise NotComputable("no_method", "differences of temperatures are tested for all rows only, not for slices")
    value = math.exp(log_t_of(model.sums.optimum))
    return value, value * parts_of_log_t(model.sums.optimum, n, model.order)
