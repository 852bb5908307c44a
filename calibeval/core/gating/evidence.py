"""What a rule is judged by: the numbers of all rows, or of each slice, from the measurements at one level."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from calibeval.core.comparison.comparison import Difference
from calibeval.core.data.notices import Notice
from calibeval.core.data.notices import reason as told
from calibeval.core.gating.rules import Rule
from calibeval.core.metrics.largest import FEW_ROWS_DECIDE
from calibeval.core.metrics.of_pairs import DEPENDENT
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport
from calibeval.core.uncertainty.intervals import LEAST_BIN_ROWS

NO_INTERVAL = re.compile("no (noise floor or )?interval: ")
# The reasons for a missing number that more rows, or groups, take away.
FEW_ERRORS = ("few_errors", "few_rows_per_class")  # more rows do if some of them are wrong, or of the rare class
FEW = ("thin_bins", "no_filled_bin", "one_row", "few_rows", "too_few_groups", "too_few_to_certify", *FEW_ERRORS)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers that a rule is judged by, as in Judged. reason: why a number is missing or approximate.

    effective: with weights, the effective number of rows, which decides whether they are enough. few: whether value or
    interval are missing because there are too few rows or groups. spread: if so, about the standard deviation of what
    one row adds to the value; None if unknown. least: the rows from which there is an interval. possible: of a
    certified coverage, the largest one that the rows do not disprove. off: how far the value may be from that of rows.
    """

    slice: str | None
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    centre: float | None = None
    baseline: float | None = None
    reason: str | None = None
    effective: float | None = None
    few: bool = False
    spread: float | None = None
    least: int = 0
    possible: float | None = None
    off: float = 0.0

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The ends that decide: of the interval; of a certified coverage, the upper one is what is not disproved."""
        if self.possible is None:
            return self.low, self.high
        return self.low or 0.0, max(self.high or 0.0, self.possible)

    @property
    def worth(self) -> float:
        """The number of rows, or with weights their effective number."""
        return self.n if self.effective is None else self.effective

    def threshold(self, rule: Rule) -> float | None:
        """The limit in the unit of the metric; None if it is relative to a baseline without a value."""
        if not rule.relative:
            return rule.limit
        return None if self.baseline is None else rule.limit * abs(self.baseline)

    def excess(self, rule: Rule) -> tuple[float, float, float] | None:
        """How far both ends that decide, and the centre between them, are beyond the limit; negative if within it.

        None if one of them is missing.
        """
        threshold, (lower, upper) = self.threshold(rule), self.ends
        if lower is None or upper is None or self.value is None or threshold is None:
            return None
        low, high = sorted(excess(rule, end, threshold) for end in (lower, upper))
        return low, excess(rule, self.value if self.centre is None else self.centre, threshold), high


def excess(rule: Rule, value: float, threshold: float) -> float:
    """How far a value or change is beyond the limit; negative if it is within the limit."""
    if rule.kind == "min":
        return threshold - value
    return -value - threshold if rule.kind == "max_drop" else value - threshold


def of_metric(rule: Rule, part: str | None, n: int, metric: MetricResult | None, effective: float | None) -> Evidence:
    """The numbers of a rule on the value of a metric. part: the slice."""
    if metric is None:
        return Evidence(part, n, None, reason="this metric does not exist for this dump")
    value = metric.value
    if value is None:
        return Evidence(part, n, None, reason=metric.reason, few=Notice.of(metric.reason or "").code in FEW)
    why, possible = metric.reason, metric.possible if EVERY[rule.metric].certifies else None
    if EVERY[rule.metric].certifies and possible is None and Notice.of(why or "").code == "not_certified":
        why = told("dependent_rows", f"no interval: {DEPENDENT}")
    reason = Notice.of(why or "")
    if metric.low is None and possible is None:
        missing = too_few(n, effective) if EVERY[rule.metric].has_interval else FEW_ROWS_DECIDE
        reason = reason.reworded(NO_INTERVAL.sub("", reason) if NO_INTERVAL.search(reason) else missing)
    centre = within(value if metric.corrected is None else metric.corrected, metric.low, metric.high)
    found = Evidence(part, n, value, metric.low, metric.high, centre, reason=reason or None, possible=possible)
    found = replace(
        found,
        effective=effective,
        off=metric.cell_error or 0.0,
        few=found.ends[0] is None and EVERY[rule.metric].has_interval and _is_few(why),
    )
    return _size(found) if EVERY[rule.metric].better == "zero" else found


def of_change(part: str | None, n: int, found: Difference | None) -> Evidence:
    """The numbers of a rule on the change of a metric."""
    if found is None:
        return Evidence(part, n, None, reason="this metric was not compared")
    if found.difference is None or found.base is None:
        few = Notice.of(found.reason or "").code in FEW
        return Evidence(part, n, None, reason=found.reason or "there is no difference", baseline=found.base, few=few)
    centre = within(found.difference, found.low, found.high)
    change = Evidence(part, n, found.difference, found.low, found.high, centre, found.base, found.reason)
    change = replace(
        change, off=found.cell_error or 0.0, few=found.low is None and Notice.of(found.reason or "").code in FEW
    )
    return _change_of_size(change, found.base) if EVERY[found.name].better == "zero" else change


def _change_of_size(signed: Evidence, base: float) -> Evidence:
    """The change of the absolute value of a signed number, from that of the number and its measured base.

    >>> found = Evidence(None, 900, 0.147, 0.137, 0.157, 0.147, -0.135)
    >>> size = _change_of_size(found, -0.135)
    >>> [round(number, 3) for number in (size.value, size.low, size.high)]
    [-0.123, -0.133, -0.113]
    """

    def size(change: float) -> float:
        return abs(base + change) - abs(base)

    value = None if signed.value is None else size(signed.value)
    if signed.low is None or signed.high is None:
        return replace(signed, value=value, centre=None)
    ends = [size(signed.low), size(signed.high)]
    low = -abs(base) if signed.low <= -base <= signed.high else min(ends)
    return replace(signed, value=value, low=low, high=max(ends), centre=value)


def _is_few(reason: str | None) -> bool:
    """Whether an interval is missing because there are too few rows or groups; thin bins give no reason of their own.

    >>> _is_few(None), _is_few(Notice("no interval: a single row has no interval", "one_row"))
    (True, True)
    >>> _is_few("no interval: there is no method for it")
    False
    """
    return reason is None or not NO_INTERVAL.search(reason) or Notice.of(reason).code in FEW


def with_spread(evidence: Evidence, rule: Rule, report: DumpReport, metrics: Mapping[str, MetricResult]) -> Evidence:
    """With about the standard deviation of what one row adds to a calibration error, from the accuracy.

    Without it for other metrics, where rows depend on each other, where no bin holds enough rows, and where errors are
    too few.
    Source: Agresti & Coull, The American Statistician 52:119 (1998), for the accuracy of few rows.
    """
    spec, found, worth = EVERY[rule.metric], metrics.get("accuracy"), evidence.worth
    few_errors = Notice.of(evidence.reason or "").code in FEW_ERRORS
    if spec.unit != "%" or report.groups is not None or evidence.value is None or few_errors:
        return evidence
    share = 0.5 if found is None or found.value is None else (found.value * worth + 2.0) / (worth + 4.0)
    spread = spec.coarse(math.sqrt(share * (1.0 - share)), report.k)
    return replace(evidence, spread=spread, least=LEAST_BIN_ROWS * len(report.equal_width))


def too_few(n: int, effective: float | None = None) -> str:
    """That so few rows give no interval, in words. effective: with weights, their effective number.

    >>> too_few(60), too_few(300, 1.2)
    ('60 rows are too few', '300 rows, which count as 1, are too few')
    """
    counts = "" if effective is None else f", which count as {effective:,.0f},"
    return "a single row has no interval" if n == 1 else f"{n:,} rows{counts} are too few"


def within(value: float, low: float | None, high: float | None) -> float:
    """The value, or the middle of its interval if noise biases it out of that."""
    return value if low is None or high is None or low <= value <= high else 0.5 * (low + high)


def _size(signed: Evidence) -> Evidence:
    """The absolute value of a signed number, with its interval."""
    if signed.value is None or signed.low is None or signed.high is None:
        return replace(signed, value=None if signed.value is None else abs(signed.value), centre=None)
    ends = sorted((abs(signed.low), abs(signed.high)))
    low = 0.0 if signed.low <= 0 <= signed.high else ends[0]
    return replace(signed, value=abs(signed.value), low=low, high=ends[1], centre=abs(signed.value))
