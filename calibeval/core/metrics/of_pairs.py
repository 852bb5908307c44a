"""A kind of metric that is computed from the confidence and correctness of every row, and on request only.

A metric of this kind is a row of `requested.REQUESTED`. Its class inherits from `OfPairs`, as a frozen dataclass if it
has fields of its own, and says

- `of_pairs(pairs) -> float`: the value. Raises NotComputable if there is none;
- `floor_of(pairs) -> Floor | None`: the noise floor, if it has one (default: none);
- `interval_of(pairs, level) -> Interval | None`: the interval (default: NotComputable, "there is no method for it");
  then also `has_interval`, which is otherwise False;
- `tested(pairs) -> Tested | None`: statistic and p of a test of perfect calibration (default: none);
- `cell_error(pairs) -> float | None`: how far the value may be from that of single rows, if pairs are cells (below);
- `facts(pairs) -> dict`: further fields of its `MetricResult` (default: none), which must be in the schemas.

`Pairs` has the rows in ascending order of confidence, with weights and numbers of groups if there are any, and caches
what several metrics need. Everything here treats rows as independent: with groups, a metric has its value and the
reason "dependent_rows", unless its class sets `uses_groups` and takes `pairs.groups` into account itself.
Of more than 2^19 rows, entries of `Pairs` are not rows but the wrong and the right ones of narrow cells of the
confidence (`pair_cells.py`), which tie: `pairs.weighed` and `pairs.runs` know how many there are. Where rows have
weights or are in groups or slices, and the scores exceed the memory limit, the value is missing, with a reason.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from calibeval.core.data.notices import NotComputable, Notice
from calibeval.core.metrics.metric import NO_METHOD, Metric
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.pair_keys import pairs_of_rows
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints

DEPENDENT = "it is not computed if only groups of rows are independent"
NOT_KEPT = "it needs the results of every row, which are not kept here; for a file, raise --max-memory"
FROM_SUMS = "it needs the results of every row, which these sums do not hold: make and save them with exact"


class Tested(NamedTuple):
    """The statistic of a test of perfect calibration, in standard deviations, and its p."""

    z: float
    p: float


class OfPairs(Metric):
    """A metric of the pairs of confidence and correctness; see the module for what a class of this kind says."""

    __slots__ = ()

    binned: ClassVar[bool] = False
    # Whether floor, interval and test take groups into account.
    uses_groups: ClassVar[bool] = False

    def of_pairs(self, pairs: Pairs) -> float:
        """The value. Raises: NotComputable."""
        raise NotImplementedError

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """The noise floor, if there is one. Raises: NotComputable."""
        return None

    def interval_of(self, pairs: Pairs, level: float) -> Interval | None:
        """The confidence interval. Raises: NotComputable."""
        raise NotComputable("no_method", NO_METHOD)

    def tested(self, pairs: Pairs) -> Tested | None:
        """A test of perfect calibration, if there is one."""
        return None

    def cell_error(self, pairs: Pairs) -> float | None:
        """How far the value of these cells may be from that of their rows; None if there is no bound."""
        return None

    def facts(self, pairs: Pairs) -> dict[str, Any]:
        """Further fields of the result."""
        return {}

    @property
    def has_interval(self) -> bool:
        """False, unless the class has an interval."""
        return False

    def value(self, sums: Sums) -> float:
        """The value."""
        return self.of_pairs(pairs_of(sums))

    def off(self, sums: Sums) -> float:
        """How far the value of cells may be from that of their rows. Raises: NotComputable if sums do not tell."""
        pairs = pairs_of(sums)
        if pairs.counts is None:
            return 0.0
        error = self.cell_error(pairs)
        if error is not None and math.isfinite(error):
            return error
        if pairs.of_sums:
            raise NotComputable("rows_not_kept", FROM_SUMS)
        return 0.0

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor. Raises: NotComputable for groups."""
        self._check_groups(joints)
        return self.floor_of(pairs_of(sums))

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The interval. Raises: NotComputable for groups."""
        self._check_groups(joints)
        return self.interval_of(pairs_of(sums), level)

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The metric with its noise floor, test, interval and further facts, or the reasons why they are missing."""
        found = Metric.measured(self, sums, level, joints)
        if found.value is None:
            return found
        if found.floor is None:
            found = replace(found, reason=self._no_floor(sums, joints) or found.reason)
        pairs = pairs_of(sums)
        test = None if joints is not None and not self.uses_groups else self.tested(pairs)
        found = found if test is None else replace(found, z=test.z, p=test.p)
        if pairs.counts is not None and found.cell_error is None:
            found = replace(found, cell_error=0.0 if self.cell_error(pairs) == 0.0 else None)
        return replace(found, **self.facts(pairs))

    def error_of_order(self, pairs: Pairs) -> float:
        """The error of cells if the extremes are those of the best and the worst order of the rows of every cell."""
        extremes = [self.of_pairs(pairs.one_first(right=right)) for right in (False, True)]
        own = self.of_pairs(pairs)
        return max(abs(one - own) for one in extremes)

    def _no_floor(self, sums: Sums, joints: Joints | None) -> Notice | None:
        """Why there is no floor although this metric has one, which says more than that it has no interval."""
        try:
            self.floor(sums, joints)
        except NotComputable as missing:
            return missing.reason.reworded(f"no noise floor or interval: {missing}")
        return None

    def _check_groups(self, joints: Joints | None) -> None:
        if joints is not None and not self.uses_groups:
            raise NotComputable("dependent_rows", DEPENDENT)


def pairs_of(sums: Sums) -> Pairs:
    """The pairs of these sums. Raises: NotComputable if results of single rows were not kept."""
    if sums.pairs is not None:
        return sums.pairs
    if sums.rows is None:
        raise NotComputable("rows_not_kept", FROM_SUMS if sums.without_rows else NOT_KEPT)
    if sums.rows.weights is None:
        return pairs_of_rows(sums.rows)
    return Pairs.of(sums.rows.confidence, sums.rows.correct, sums.row_weights)
