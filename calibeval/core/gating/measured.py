"""What was measured of a dump at one level, and the numbers in it that a rule is judged by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from calibeval.core.comparison.comparison import Candidate, Comparison
from calibeval.core.data.notices import Notice
from calibeval.core.errors import UsageError, nearest
from calibeval.core.gating.evidence import Evidence, of_change, of_metric, with_spread
from calibeval.core.gating.rules import Rule
from calibeval.core.metrics.table import EVERY, METRICS
from calibeval.core.report.report import DumpReport

LISTED = 12


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of a dump and its slices, and its comparison with a baseline, at one level."""

    report: DumpReport
    comparison: Comparison | None = None

    @property
    def change(self) -> Candidate | None:
        """The dump's differences from the baseline."""
        return None if self.comparison is None else self.comparison.candidates[0]

    @property
    def grouped(self) -> bool:
        """Whether rows depend on each other by groups."""
        return self.report.groups is not None

    @property
    def compared(self) -> bool:
        """Whether there is a baseline."""
        return self.comparison is not None

    @property
    def dump(self) -> Mapping[str, Any]:
        """The dump, as a verdict names it."""
        report = self.report.to_dict()
        return {key: report[key] for key in ("name", "source", "weights") if report[key] is not None}

    @property
    def baseline(self) -> Mapping[str, Any] | None:
        """The baseline, as a verdict names it."""
        return None if self.comparison is None else self.comparison.base.to_dict()

    @property
    def paired_by(self) -> str | None:
        """How rows are paired: "id" or "position"; None if they are not."""
        return None if self.change is None else self.change.paired_by

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """Those of the dump and of the comparison."""
        return (*self.report.warnings, *(() if self.change is None else self.change.warnings))

    def evidence(self, rule: Rule) -> list[Evidence]:
        """As `evidence`."""
        return evidence(rule, self)

    def left_out(self, rule: Rule) -> int:
        """As `left_out`."""
        return left_out(rule, self)


def evidence(rule: Rule, measured: Measured) -> list[Evidence]:
    """The numbers of all rows, of the slice that the rule names, or of every slice of a rule on the worst one.

    Raises: UsageError for a slice that the dump does not have, and for a rule over cells.
    """
    if rule.of_cells:
        raise UsageError(
            f"a rule on {rule.metric} is about cells ({rule.part}), but one dump came: name many of them by axes in "
            "braces, such as 'preds/{corruption}_{severity}.npz'"
        )
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
        found = of_change(None, change.dump.n, change.differences.get(rule.metric))
    else:
        found = of_metric(rule, None, measured.report.n, measured.report.metrics.get(rule.metric), effective)
        if rule.metric not in measured.report.metrics:
            found = replace(found, reason=f"{found.reason}{_structures(rule, measured.report)}")
    if found.few:
        found = with_spread(found, rule, measured.report, measured.report.metrics)
    return replace(found, effective=effective)


def _structures(rule: Rule, report: DumpReport) -> str:
    """The structures of images, where a number of another one was asked for."""
    there = () if report.per_image is None else report.per_image.structures or ()
    names = [one.name for one in there[:LISTED]] + ["..."] * (len(there) > LISTED)
    return f"; structures are {', '.join(names)}" if names and "." in rule.metric else ""


def _slice_evidence(rule: Rule, measured: Measured, column: str, value: str) -> Evidence:
    part = f"{column}={value}"
    change = measured.change
    if change is not None and rule.is_change:
        for one in change.slices:
            if (one.column, one.value) == (column, value):
                return replace(of_change(part, one.n, one.differences.get(rule.metric)), effective=one.effective)
        saved = "the baseline is a saved report, whose slices cannot be compared"
        return Evidence(part, 0, None, reason=saved if change.paired_by is None else "the baseline has no such slice")
    for result in measured.report.slices or ():
        if (result.column, result.value) == (column, value):
            found = of_metric(rule, part, result.n, result.metrics.get(rule.metric), result.effective)
            found = with_spread(found, rule, measured.report, result.metrics) if found.few else found
            return replace(found, effective=result.effective)
    return Evidence(part, 0, None, reason="the dump has no such slice")


def reported(values: Collection[str]) -> frozenset[str] | None:
    """The metrics of a gate's report: those of every report (None), and those on request that rules need.

    >>> reported(["ece"]), sorted(reported(["coverage@error=0.05"]) - {*METRICS})
    (None, ['coverage@error=0.05'])
    """
    asked = [name for name in values if EVERY.on_request(name)]
    return frozenset({*METRICS, *asked}) if asked else None
