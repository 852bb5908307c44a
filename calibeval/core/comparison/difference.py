"""One metric of two models and its difference, of all rows or of a slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout, to_plain
from calibeval.core.metrics.possible import check_difference
from calibeval.core.uncertainty.level import CERTAIN_P, LIKELY_P

FEW_ERRORS = "few_errors"  # the code of the reason why a difference is not certain
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two models and their difference, with its uncertainty. Missing facts are None.

    base, candidate: the metric's values, as in a report. difference: candidate - base, with its sign.
    low, high: confidence interval of the true difference. p: for the hypothesis of no difference; it is below 1 - level
    exactly if the interval excludes 0, and never smaller than 1e-15. p_holm: p after Holm's correction over the metrics
    that tables show; in a slice, over the slices of one column. detectable: the smallest true difference that such a
    sample would show in 80 of 100 cases.
    reason: why numbers are missing, why the interval is approximate, or why the difference is not certain.
    corrected: if noise biases the two values so differently that their difference lies outside the interval, which is
    for the true values, the difference without that bias; else None. same: True if every row is the
    same in both models, up to rounding, so that there is nothing to test; else None. cell_error: how far the difference
    of sums may be from that of the rows, by which the interval is wider; None if it is not.
    Errors and accuracies are fractions; nll is in nats.

    >>> nll = Difference("nll", 0.50, 0.46, -0.04, -0.06, -0.02, 0.0001, 0.029)
    >>> nll.likely, nll.certain, nll.to_dict()["high"]
    (True, True, -0.02)
    """

    LAYOUT: ClassVar = Layout(rare=("corrected", "same", "cell_error"), check=check_difference)

    name: str
    base: float | None
    candidate: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    detectable: float | None = None
    p_holm: float | None = None
    reason: Notice | None = None
    corrected: float | None = None
    same: bool | None = None
    cell_error: float | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0.0 <= self.high

    @property
    def holds_difference(self) -> bool:
        """Whether the interval holds the difference of the two values; True without an interval."""
        if self.difference is None or self.low is None or self.high is None:
            return True
        return self.low - _ROUNDING <= self.difference <= self.high + _ROUNDING

    def inside(self, number: float) -> float:
        """The number, moved to the nearest end of the interval if it lies outside."""
        low = number if self.low is None else max(number, self.low)
        return low if self.high is None else min(low, self.high)

    @property
    def likely(self) -> bool:
        """Whether there is a difference, at least likely: the interval excludes 0, and p is below 0.05.

        p: after Holm's correction where there is one; also for `certain`.
        """
        return self.excludes_zero and self._tested < LIKELY_P

    @property
    def certain(self) -> bool:
        """Whether there is a difference for certain: it is likely, p is below 0.001, and both models have 10 errors.

        Both also need 10 right rows. The accuracy, whose test is exact, needs neither.
        """
        few_errors = self.reason is not None and self.reason.code == FEW_ERRORS
        return self.likely and self._tested < CERTAIN_P and not few_errors

    @property
    def _tested(self) -> float:
        p = self.p if self.p_holm is None else self.p_holm
        return 1.0 if p is None else p

    def without_interval(self, reason: Notice) -> Difference:
        """The difference without interval and p, with the reason."""
        if self.difference is None:
            return self
        return replace(self, low=None, high=None, p=None, detectable=None, p_holm=None, reason=reason, corrected=None)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this difference, without its name."""
        return to_plain(self, "name")


@dataclass(frozen=True, slots=True)
class SliceDifferences:
    """The differences on the n rows that have one value in a column; the column "class" is the label.

    effective: with weights, the effective number of rows; else None.
    """

    LAYOUT: ClassVar = Layout(rare=("effective",))

    column: str
    value: str
    n: int
    differences: Mapping[str, Difference]
    effective: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this slice."""
        return to_plain(self)
