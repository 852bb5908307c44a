"""Slope and intercept of Cox's recalibration of two classes, with the score test of both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from calibeval.core.data.notices import NotComputable, reason
from calibeval.core.metrics.metric import BY_GROUPS, Metric, Side
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.temperature import excess_of_all
from calibeval.core.sums.cox import Cox
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import LEAST_P, Level
from calibeval.core.uncertainty.paired import Contrast


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxNumber(Metric):
    """Slope or intercept of the logistic regression of the label on the stated log-odds of the positive class."""

    binned: ClassVar[bool] = False
    has_floor: ClassVar[bool] = False
    fitted: ClassVar[bool] = True
    of_slope: bool

    def value(self, sums: Sums) -> float:
        """The number with the largest likelihood."""
        return self._of(_fit(sums), sums.positive)[0]

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """Normal, with the sandwich estimate of its standard error."""
        if joints is not None:
            raise NotComputable("dependent_rows", "it is not computed if only groups of rows are independent")
        value, error = self._of(_fit(sums), sums.positive)
        reach = Level(level).z * error
        return Interval(value - reach, value + reach, None)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals. Raises: NotComputable for groups."""
        if not (saved.bins_tell and own.bins_tell):
            raise NotComputable("dependent_rows", BY_GROUPS)
        return self.margins_from(saved, own, level)

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The number, with the p of the score test of intercept 0 and slope 1, and the likelihood ratio."""
        found = Metric.measured(self, sums, level, joints)
        if sums.cox is None or sums.cox.score is None or sums.impossible or joints is not None:
            return found
        return replace(found, p=max(math.exp(-0.5 * sums.cox.score), LEAST_P), lr=sums.cox.lr)

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with a reason if it is not from all rows."""
        if result.reason is not None or sums.cox is None or sums.cox.rows == sums.rows_n:
            return result
        text = f"value and interval are from {sums.cox.rows:,} of {sums.rows_n:,} rows, evenly chosen"
        return replace(result, reason=reason("sampled", text))

    def _of(self, fit: Cox, positive: int) -> tuple[float, float]:
        """The number and its standard error. Raises: NotComputable if there is none.

        The other class has the same log-odds and intercept with the other sign, and the same slope.
        """
        value = fit.slope if self.of_slope else fit.intercept
        if value is not None and positive == 0 and not self.of_slope:
            value = -value
        if value is None:
            raise NotComputable("no_optimum", str(fit.missing or "there is nothing to fit"))
        return value, fit.errors[1 if self.of_slope else 0]


def _fit(sums: Sums) -> Cox:
    excess_of_all(sums)
    if sums.cox is None:
        raise NotComputable("not_measured", "sums alone do not hold it: it needs the scores of these rows")
    return sums.cox
