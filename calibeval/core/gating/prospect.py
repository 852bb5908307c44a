"""The chance that a rule passes or fails in another sample, and the numbers of rows that make it likely.

An interval that reaches r above its centre passes if the centre of the next sample lies r below the limit, and that
centre has a standard error of r/z. Reaches shrink with the square root of the number of rows. Two corrections come from
simulation (tests/benchmarks/gate_release.py): ends of intervals of binned errors vary less than r/z, because these
intervals also cover what bins hide, and a model that is worse varies more than the one that was measured.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

from calibeval.core.gating.evidence import Evidence
from calibeval.core.gating.rules import Rule
from calibeval.core.metrics.table import EVERY
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.special import normal_cdf

# How much farther the interval of a calibrated model reaches than that of its gap, since many bins have noise each:
# from calibrated models with 2 to 50 classes on 700 and 2,500 rows, 80 of 100 of which end below.
FARTHER = {"ece": 1.4, "aece": 1.45, "ece_positive": 1.4, "rmsce": 1.65, "cwce": 2.2}
# With fewer rows, metrics on bins have no interval, or a rough one.
LEAST_ROWS = 100
# No rule is told to need more rows than this.
MOST_ROWS = 1e9
# How much the end of an interval varies between samples, in r/z, where that is not 1: of a value, and of a change.
SPREAD = {"ece": 0.75, "aece": 0.75, "ece_positive": 0.75, "oe": 0.8}
SPREAD_OF_CHANGES = dict.fromkeys(SPREAD, 0.6)
# How much the variance of one row grows when a metric gets worse by 1. A log loss that rises by d has a log-likelihood
# ratio of variance 2 d (more if the model is over-confident already); right and wrong rows give at most d.
GROWTH = {"nll": 3.0, "brier": 1.5}


class Outlooks(Protocol):
    """What a plan needs to know of a rule: chances and numbers of rows, from one sample about others."""

    @property
    def n(self) -> int:
        """Number of rows of the sample."""

    @property
    def centre(self) -> float:
        """How far the value, without noise, lies beyond the limit."""

    @property
    def change(self) -> bool:
        """Whether the rule is about a change."""

    @property
    def unchanged(self) -> float:
        """The excess of an unchanged model."""

    @property
    def rows_to_detect(self) -> int | None:
        """The number of rows from which a clear violation fails; None if there is none."""

    def pass_chance(self, excess: float, n: float | None = None) -> float:
        """The chance of passing in a sample of n rows (None: of this size), if that is the true excess."""


class Prospect(NamedTuple):
    """What one sample says about others of the same rule, in distances beyond the limit (negative: within it).

    n: number of rows. centre: of the corrected value. above: from the centre to the upper end of the interval that
    passes. below: from the lower end of the interval that fails to the centre. passing, failing: levels of these
    intervals. margin: how far a violation by as much again as the limit lies beyond it. change: whether the rule is
    about a change, of which an unchanged model has none. spread: how much the upper end varies, in its standard errors.
    growth: of the variance of one row, for each unit by which the value gets worse.
    """

    n: int
    centre: float
    above: float
    below: float
    passing: float
    failing: float
    margin: float
    change: bool
    spread: float = 1.0
    growth: float = 0.0

    @classmethod
    def of(cls, rule: Rule, found: Evidence, plain: Evidence, levels: tuple[float, float, float]) -> Prospect | None:
        """What the evidence at the level that passes, and at the plain level, says; None without intervals.

        levels: those that pass, of the plain interval, and that fail.
        """
        narrow, wide, threshold = found.excess(rule), plain.excess(rule), plain.threshold(rule)
        if narrow is None or wide is None or threshold is None:
            return None
        passing, usual, failing = levels
        wider = Level(failing).z / Level(usual).z
        most = EVERY[rule.metric].most or 1.0
        margin = most - threshold if rule.kind == "min" else threshold
        spread = (SPREAD_OF_CHANGES if rule.is_change else SPREAD).get(rule.metric, 1.0)
        return cls(
            n=plain.n,
            centre=wide[1],
            above=narrow[2] - narrow[1],
            below=(wide[1] - wide[0]) * wider,
            passing=passing,
            failing=failing,
            margin=margin,
            change=rule.is_change,
            spread=spread,
            growth=GROWTH.get(rule.metric, 1.0),
        )

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
        return _chance(-excess, self.above, Level(self.passing).z, (n or self.n) / self.n, self.spread)

    def fail_chance(self, excess: float, n: float | None = None) -> float:
        """The chance of failing in a sample of n rows (None: of this size), if that is the true excess."""
        return _chance(excess, self.below, Level(self.failing).z, (n or self.n) / self.n)

    def rows_to_pass(self, excess: float) -> int | None:
        """The number of rows with which 80 of 100 samples pass, in two digits; None if there is none up to 1e9.

        >>> Prospect(1000, -0.01, 0.01645, 0.02, 0.9, 0.95, 0.05, False).rows_to_pass(-0.0249)
        1000
        """
        return _rows(self.n, self.above * _detectable(self.passing, self.spread), -excess)

    def rows_to_fail(self, excess: float) -> int | None:
        """The number of rows with which 80 of 100 samples fail, as for `rows_to_pass`."""
        return _rows(self.n, self.below * _detectable(self.failing), excess)

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
        """The number of rows from which a violation by as much again as the limit fails in 80 of 100 samples.

        The end of an interval near 0 lies closer than that of such a model, so the longer side counts.
        """
        z, moved = Level(self.failing).z, self.margin - self.unchanged
        reach = max(self.below, self.above * z / Level(self.passing).z)
        grown = math.hypot(reach, z * math.sqrt(self.growth * max(moved, 0.0) / self.n))
        return _rows(self.n, grown * _detectable(self.failing), self.margin)


def rows_without_interval(rule: Rule, threshold: float, spread: float, level: float) -> int | None:
    """The number of rows from which 80 of 100 samples decide, where there are too few for an interval.

    That is so for a value that is as far from the limit as the limit is from a perfect one: a calibrated model passes,
    and one twice as bad as the limit fails. spread: the standard deviation of what one row adds.

    >>> rows_without_interval(Rule("ece", "max", 0.05), 0.05, 0.4, 0.95)
    990
    """
    margin = (EVERY[rule.metric].most or 1.0) - threshold if rule.kind == "min" else threshold
    rows = _rows(1, FARTHER.get(rule.metric, 1.0) * Level(level).z * spread * _detectable(level), margin)
    return None if rows is None else max(rows, LEAST_ROWS)


def _chance(distance: float, reach: float, z: float, share: float, spread: float = 1.0) -> float:
    if reach <= 0.0:
        return float(distance >= 0.0)
    return float(normal_cdf(z / spread * (distance * math.sqrt(share) / reach - 1.0)))


def _detectable(level: float, spread: float = 1.0) -> float:
    """The distance from the limit that decides in 80 of 100 samples, in reaches of the interval.

    >>> round(_detectable(0.95), 2), round(_detectable(0.95, 0.75), 2)
    (1.43, 1.32)
    """
    return 1.0 + spread * (Level(level).detectable - 1.0)


def _rows(n: int, distance_now: float, distance: float) -> int | None:
    if distance * math.sqrt(MOST_ROWS) <= distance_now * math.sqrt(n):
        return None
    return rounded_up(n * (distance_now / distance) ** 2)


def rounded_up(rows: float) -> int:
    """The number of rows, rounded up to two digits.

    >>> rounded_up(19_600.0), rounded_up(6.2), rounded_up(0.0)
    (20000, 7, 0)
    """
    step: int = 10 ** max(0, math.floor(math.log10(max(rows, 1.0))) - 1)
    return math.ceil(rows / step - 1e-9) * step
