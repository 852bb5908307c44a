"""The level of intervals and tests, which always agree with each other."""

from __future__ import annotations

import math
from typing import NamedTuple

from calibeval.core.uncertainty.special import normal_quantile, student_quantile, student_tail

LEAST_P = 1e-15
# What "likely" and "certain" mean, in reports and in comparisons: p below these.
LIKELY_P, CERTAIN_P = 0.05, 0.001
POWER = 0.8


class Level(NamedTuple):
    """The confidence level of intervals, in (0, 1), and the degrees of freedom of their standard errors.

    value: 0.95 for 95 %. freedom: None if errors are estimated from rows; if from groups, see Clusters, and scores are
    then Student's.
    """

    value: float
    freedom: float | None = None

    @property
    def z(self) -> float:
        """The number of standard errors by which an interval extends to either side.

        >>> round(Level(0.95).z, 4), round(Level(0.95, 19).z, 4)
        (1.96, 2.093)
        """
        upper = 0.5 * (1.0 + self.value)
        return normal_quantile(upper) if self.freedom is None else student_quantile(upper, self.freedom)

    @property
    def detectable(self) -> float:
        """The factor from a half width to the smallest difference that is detected with a power of 80 %.

        >>> round(Level(0.95).detectable, 2)
        1.43
        """
        return (self.z + normal_quantile(POWER)) / self.z

    def p(self, score: float) -> float:
        """Two-sided p of a score, at least LEAST_P.

        >>> round(Level(0.95).p(1.96), 4), Level(0.95).p(-40.0)
        (0.05, 1e-15)
        """
        if self.freedom is None:
            return max(math.erfc(abs(score) / math.sqrt(2.0)), LEAST_P)
        return max(2.0 * student_tail(abs(score), self.freedom), LEAST_P)

    def tail(self, score: float) -> float:
        """Probability that a standard score exceeds this one."""
        return 0.5 * math.erfc(score / math.sqrt(2.0)) if self.freedom is None else student_tail(score, self.freedom)

    def p_beyond(self, score: float, bias: float) -> float:
        """The largest p of a score of at least 0 whose mean may be off by this bias, at least LEAST_P.

        >>> round(Level(0.95).p_beyond(1.96, 0.0), 4), round(Level(0.95).p_beyond(1.96, 0.5), 4)
        (0.05, 0.0791)
        """
        return max(self.tail(score - bias) + self.tail(score + bias), LEAST_P)

    def reach(self, bias: float) -> float:
        """The number of standard errors by which an interval extends if its centre may be off by this many.

        Source: Armstrong & Kolesar, Econometrica 86:655 (2018).

        >>> round(Level(0.95).reach(0.0), 3), round(Level(0.95).reach(1.0), 3)
        (1.96, 2.646)
        """
        low, high = 0.0, bias + self.z
        for _ in range(60):
            middle = 0.5 * (low + high)
            far = self.tail(middle - bias) + self.tail(middle + bias) > 1.0 - self.value
            low, high = (middle, high) if far else (low, middle)
        return high

    def agreeing(self, p: float, low: float, high: float) -> float:
        """The p, moved to the side of 1 - level that agrees with the interval: below it iff 0 is outside.

        For tests and intervals of the same method, which may disagree by rounding or by the steps of a grid.

        >>> Level(0.95).agreeing(0.06, 0.01, 0.02) < 0.05 <= Level(0.95).agreeing(0.04, -0.01, 0.02)
        True
        """
        limit = round(1.0 - self.value, 12)
        return max(p, limit) if low <= 0.0 <= high else min(p, math.nextafter(limit, 0.0))
