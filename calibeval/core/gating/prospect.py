"""The chance that a rule passes or fails in another sample, and the numbers of rows that make it likely.

An interval that reaches r above its centre passes if the centre of the next sample lies r below the limit, and that
centre has a standard error of r/z. Reaches shrink with the square root of the number of rows.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from calibeval.core.gating.evidence import Evidence
from calibeval.core.gating.rules import Rule
from calibeval.core.metrics.table import METRICS
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.special import normal_cdf

# No rule is told to need more rows than this.
MOST_ROWS = 1e9


class Prospect(NamedTuple):
    """What one sample says about others of the same rule, in distances beyond the limit (negative: within it).

    n: number of rows. centre: of the corrected value. above: from the centre to the upper end of the interval that
    passes. below: from the lower end of the interval that fails to the centre. passing, failing: levels of these
    intervals. margin: how far a violation by as much again as the limit lies beyond it. change: whether the rule is
    about a change, of which an unchanged model has none.
    """

    n: int
    centre: float
    above: float
    below: float
    passing: float
    failing: float
    margin: float
    change: bool

    @classmethod
    def of(cls, rule: Rule, found: Evidence, plain: Evidence, levels: tuple[float, float, float]) -> Prospect | None:
        """What the evidence at the level that passes, and at the plain level, says; None without intervals.

        levels: those that pass, of the plain interval, and that fail.
        """
        narrow, wide, threshold = found.excess(rule), plain.excess(rule), plain.threshold(rule)
        if narrow is None or wide is None or threshold is None:
            return None
        passing, usual, failing = levels
        spread = Level(failing).z / Level(usual).z
        most = METRICS[rule.metric].most or 1.0
        margin = most - threshold if rule.kind == "min" else threshold
        below = (wide[1] - wide[0]) * spread
        return cls(plain.n, wide[1], narrow[2] - narrow[1], below, passing, failing, margin, rule.is_change)

    @property
    def unchanged(self) -> float:
        """The excess of a model like this one, or, for a rule on a change, of one that did not change at all."""
        return -self.margin if self.change else self.centre

    def pass_chance(self, excess: float, n: float | None = None) -> float:
        """The chance of passing in a sample of n rows (None: of this size), if that is the true excess.

        >>> prospect = Prospect(1000, -0.01, 0.01645, 0.02, 0.9, 0.95, 0.05, False)
        >>> round(prospect.pass_chance(-0.01), 2), round(prospect.pass_chance(-0.0249), 2)
        (0.26, 0.8)
        """
        return _chance(-excess, self.above, Level(self.passing).z, (n or self.n) / self.n)

    def fail_chance(self, excess: float, n: float | None = None) -> float:
        """The chance of failing in a sample of n rows (None: of this size), if that is the true excess."""
        return _chance(excess, self.below, Level(self.failing).z, (n or self.n) / self.n)

    def rows_to_pass(self, excess: float) -> int | None:
        """The number of rows with which 80 of 100 samples pass, in two digits; None if there is none up to 1e9.

        >>> Prospect(1000, -0.01, 0.01645, 0.02, 0.9, 0.95, 0.05, False).rows_to_pass(-0.0249)
        1000
        """
        return _rows(self.n, self.above, Level(self.passing).detectable, -excess)

    def rows_to_fail(self, excess: float) -> int | None:
        """The number of rows with which 80 of 100 samples fail, as for `rows_to_pass`."""
        return _rows(self.n, self.below, Level(self.failing).detectable, excess)

    @property
    def rows_range(self) -> tuple[int | None, int | None]:
        """The rows that decide if the value is one standard error farther from the limit, and one nearer to it.

        The first is at least this sample's. The second is None if the value is at the limit then.
        """
        passes = self.centre < 0.0
        reach, level = (self.above, self.passing) if passes else (self.below, self.failing)
        error, rows = reach / Level(level).z, self.rows_to_pass if passes else self.rows_to_fail
        sign = -1.0 if passes else 1.0
        fewest, most = (rows(self.centre + sign * way * error) for way in (1.0, -1.0))
        return None if fewest is None else max(fewest, self.n), most

    @property
    def rows_to_detect(self) -> int | None:
        """The number of rows from which a violation by as much again as the limit fails in 80 of 100 samples."""
        return self.rows_to_fail(self.margin)


def _chance(distance: float, reach: float, z: float, share: float) -> float:
    if reach <= 0.0:
        return float(distance >= 0.0)
    return float(normal_cdf(z * (distance * math.sqrt(share) / reach - 1.0)))


def _rows(n: int, reach: float, detectable: float, distance: float) -> int | None:
    if distance * math.sqrt(MOST_ROWS) <= detectable * reach * math.sqrt(n):
        return None
    return rounded_up(n * (detectable * reach / distance) ** 2)


def rounded_up(rows: float) -> int:
    """The number of rows, rounded up to two digits.

    >>> rounded_up(19_600.0), rounded_up(6.2), rounded_up(0.0)
    (20000, 7, 0)
    """
    step: int = 10 ** max(0, math.floor(math.log10(max(rows, 1.0))) - 1)
    return math.ceil(rows / step - 1e-9) * step
