"""What a rule is judged by: the numbers of all rows, or of each slice, from the measurements at one level."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from calibeval.core.comparison.comparison import Candidate, Comparison, Difference
from calibeval.core.data.notices import Notice
from calibeval.core.data.notices import reason as told
from calibeval.core.errors import UsageError, nearest
from calibeval.core.gating.rules import Rule
from calibeval.core.metrics.largest import FEW_ROWS_DECIDE
from calibeval.core.metrics.of_pairs import DEPENDENT
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY, METRICS
from calibeval.core.report.report import DumpReport
from calibeval.core.uncertainty.intervals import LEAST_BIN_ROWS

NO_INTERVAL = re.compile("no (noise floor or )?interval: ")
# The reasons for a missing number that more rows, or groups, take away.
FEW_ERRORS = ("few_errors", "few_rows_per_class")  # more rows do if some of them are wrong, or of the rare class
FEW = ("thin_bins", "no_filled_bin", "one_row", "few_rows", "too_few_groups", "too_few_to_certify", *FEW_ERRORS)


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of a dump and its slices, and its comparison with a baseline, at one level."""

    report: DumpReport
    comparison: Comparison | None = None

    @property
    def change(self) -> Candidate | None:
        """The dump's differences from the baseline."""
        return None if self.comparison is None else self.comparison.candidates[0]


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


def evidence(rule: Rule, measured: Measured) -> list[Evidence]:
    """The numbers of all rows, of the slice that the rule names, or of every slice of a rule on the worst one.

    Raises: UsageError for a slice that the dump does not have.
    """
    return [_single(rule, measured)] if rule.worst_of is None else _each(rule, measured)


def left_out(rule: Rule, measured: Measured) -> int:
    """The number of slices of a rule on the worst one that were too small to be measured."""
    return sum(rule.worst_of in ("", one.column) for one in measured.report.small_slices or ())


def _single(rule: Rule, measured: Measured) -> Evidence:
    """The numbers of all rows, or of the slice that the rule names."""
    if rule.slice is None:
        return _whole_evidence(rule, measured)
    for small in measured.report.small_slices or ():
        if rule.slice == f"{small.column}={small.value}":
            return Evidence(rule.slice, small.n, None, reason=f"too few rows to be measured: {small.n:,}")
    parts = {part: (column, value) for part, column, value in _known_slices(measured.report)}
    if rule.slice not in parts:
        known = ", ".join(list(parts)[:8]) or "none"
        raise UsageError(f'slice "{rule.slice}" is unknown{nearest(rule.slice, parts)}; there are {known}')
    return _slice_evidence(rule, measured, *parts[rule.slice])


def _each(rule: Rule, measured: Measured) -> list[Evidence]:
    """The numbers of each slice of a rule on the worst one."""
    known = _known_slices(measured.report)
    columns = dict.fromkeys([column for _, column, _ in known])
    columns |= dict.fromkeys([small.column for small in measured.report.small_slices or ()])
    if rule.worst_of and rule.worst_of not in columns:
        hint, there = nearest(rule.worst_of, columns), ", ".join(columns) or "none"
        raise UsageError(f'slice "{rule.slice}": there is no column "{rule.worst_of}"{hint}; there are {there}')
    if not columns:
        raise UsageError(f'slice "{rule.slice}" needs columns: use --slice COLUMN, or slices = ["COLUMN"] under [gate]')
    wanted = [(column, value) for _, column, value in known if rule.worst_of in ("", column)]
    return [_slice_evidence(rule, measured, column, value) for column, value in wanted]


def _known_slices(report: DumpReport) -> list[tuple[str, str, str]]:
    return [(f"{one.column}={one.value}", one.column, one.value) for one in report.slices or ()]


def _whole_evidence(rule: Rule, measured: Measured) -> Evidence:
    change, weights = measured.change, measured.report.weights
    effective = None if weights is None else weights.effective
    if change is not None and rule.is_change:
        found = _of_change(None, change.dump.n, change.differences.get(rule.metric))
    else:
        found = _of_metric(rule, None, measured.report.n, measured.report.metrics.get(rule.metric), effective)
    if found.few:
        found = _with_spread(found, rule, measured.report, measured.report.metrics)
    return replace(found, effective=effective)


def _slice_evidence(rule: Rule, measured: Measured, column: str, value: str) -> Evidence:
    part = f"{column}={value}"
    change = measured.change
    if change is not None and rule.is_change:
        for one in change.slices:
            if (one.column, one.value) == (column, value):
                return replace(_of_change(part, one.n, one.differences.get(rule.metric)), effective=one.effective)
        saved = "the baseline is a saved report, whose slices cannot be compared"
        return Evidence(part, 0, None, reason=saved if change.paired_by is None else "the baseline has no such slice")
    for result in measured.report.slices or ():
        if (result.column, result.value) == (column, value):
            found = _of_metric(rule, part, result.n, result.metrics.get(rule.metric), result.effective)
            found = _with_spread(found, rule, measured.report, result.metrics) if found.few else found
            return replace(found, effective=result.effective)
    return Evidence(part, 0, None, reason="the dump has no such slice")


def _of_metric(rule: Rule, part: str | None, n: int, metric: MetricResult | None, effective: float | None) -> Evidence:
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


def _of_change(part: str | None, n: int, found: Difference | None) -> Evidence:
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


def _with_spread(evidence: Evidence, rule: Rule, report: DumpReport, metrics: Mapping[str, MetricResult]) -> Evidence:
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


def reported(values: Collection[str]) -> frozenset[str] | None:
    """The metrics of a gate's report: those of every report (None), and those on request that rules need.

    >>> reported(["ece"]), sorted(reported(["coverage@error=0.05"]) - {*METRICS})
    (None, ['coverage@error=0.05'])
    """
    asked = [name for name in values if EVERY.on_request(name)]
    return frozenset({*METRICS, *asked}) if asked else None
