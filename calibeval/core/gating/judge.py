"""Judging rules by intervals, as a pure function of measured numbers.

A rule passes if the whole interval is within the limit, and fails if the whole interval is beyond it. Otherwise it is
inconclusive: the sample is too small for this limit. A metric that could not be measured never passes.

A rule on the worst slice judges every slice. It fails if any slice is certainly beyond the limit. As many slices give
many chances of a false alarm, this uses Holm's correction: among m slices, a slice fails if its interval at the level
1 - (1 - level) / m is beyond the limit; the next slice is then judged among m - 1, and so on. The rule passes if every
slice passes; that needs no correction, because all slices would have to pass by mistake at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from calibeval.core.comparison.comparison import Candidate, Comparison, Difference
from calibeval.core.data.notices import Notice, outcome
from calibeval.core.errors import UsageError, nearest
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.verdict import Judged, Outcome, RuleVerdict, whole
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport

# No rule is told to need more rows than this.
MOST_ROWS = 1e9
NO_INTERVAL = "no interval: "


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
    """The numbers that a rule is judged by, as in Judged. reason: why a number is missing or approximate."""

    slice: str | None
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    centre: float | None = None
    baseline: float | None = None
    reason: str | None = None


Measure = Callable[[float], Measured]


def judge(rules: Sequence[Rule], measure: Measure, settings: GateSettings) -> tuple[RuleVerdict, ...]:
    """The verdict of every rule, in the order of the rules.

    measure: gives the results at a level: that of the settings, and higher levels for Holm's correction over slices.
    Raises: UsageError for a rule on a change without a baseline, and for a slice that the dump does not have.
    """
    return tuple(_judge(rule, measure, settings) for rule in rules)


def _judge(rule: Rule, measure: Measure, settings: GateSettings) -> RuleVerdict:
    if rule.severity == "off":
        return RuleVerdict(rule, "off", outcome("switched_off", "switched off"), None)
    measured = measure(settings.level)
    if rule.is_change and measured.change is None:
        raise UsageError(
            f"{rule.kind} of {rule.metric} needs a baseline: use --baseline FILE, or baseline under [gate]"
        )
    if rule.worst_of is not None:
        return _judge_worst(rule, measure, settings)
    part = decide(rule, _evidence(rule, measured), settings)
    return RuleVerdict(rule, part.verdict, part.reason, part)


def decide(rule: Rule, evidence: Evidence, settings: GateSettings) -> Judged:
    """The verdict on one part of the rows.

    >>> settings = GateSettings()
    >>> decide(Rule("ece", "max", 0.03), Evidence(None, 5000, 0.0161, 0.012, 0.021, 0.016), settings).verdict
    'pass'
    >>> night = decide(Rule("ece", "max", 0.03), Evidence(None, 640, 0.028, 0.014, 0.044, 0.0235), settings)
    >>> night.verdict, night.rows_needed
    ('inconclusive', 6400)
    """
    verdict, reason, needed = _outcome(rule, evidence, settings)
    return Judged(
        slice=evidence.slice,
        n=evidence.n,
        value=evidence.value,
        low=evidence.low,
        high=evidence.high,
        centre=evidence.centre,
        baseline=evidence.baseline,
        threshold=_threshold(rule, evidence),
        verdict=verdict,
        reason=reason,
        rows_needed=needed,
    )


def _outcome(rule: Rule, evidence: Evidence, settings: GateSettings) -> tuple[Outcome, Notice, int | None]:
    """The verdict, its reason, and the number of rows that would decide."""
    threshold = _threshold(rule, evidence)
    if evidence.value is None or threshold is None:
        return "error", outcome("no_value", evidence.reason or "there is no value"), None
    if evidence.n < settings.min_rows:
        text = f"too few rows: {evidence.n:,} of at least {settings.min_rows:,}"
        return "error", outcome("too_few_rows", text), None
    excess = _excess(rule, evidence.value, threshold)
    if settings.decide == "point":
        if excess > 0:
            return "fail", outcome("value_beyond", "value beyond the limit"), None
        return "pass", outcome("value_within", "value within the limit"), None
    if evidence.low is None or evidence.high is None:
        why = f": {evidence.reason}" if evidence.reason else ""
        text = f'there is no interval{why}; only decide = "point" can judge the value'
        return "error", outcome("no_interval", text), None
    ends = sorted(_excess(rule, end, threshold) for end in (evidence.low, evidence.high))
    doubt = f"; {evidence.reason}" if evidence.reason else ""
    if ends[1] <= 0:
        return "pass", outcome("interval_within", f"interval within the limit{doubt}"), None
    if ends[0] > 0:
        return "fail", outcome("interval_beyond", f"interval beyond the limit{doubt}"), None
    centre = excess if evidence.centre is None else _excess(rule, evidence.centre, threshold)
    needed = rows_needed(evidence.n, ends[0], centre, ends[1])
    if needed is None:
        text = f"more rows would not decide: the value is at the limit{doubt}"
        return "inconclusive", outcome("at_limit", text), None
    return "inconclusive", outcome("more_rows_needed", f"about {needed:,} rows would decide{doubt}"), needed


def rows_needed(n: int, low: float, centre: float, high: float) -> int | None:
    """The number of rows for which the interval would exclude 0 if its centre stays the same, rounded up to two digits.

    The side of the interval towards 0 shrinks with the square root of the number of rows. None if the centre is at 0,
    or more than 1e9 rows would be needed.

    >>> rows_needed(640, -1.6, -0.5, 1.0), rows_needed(640, -1.0, 0.0, 1.0)
    (5800, None)
    """
    half = high - centre if centre < 0 else centre - low
    if abs(centre) * math.sqrt(MOST_ROWS) <= half * math.sqrt(n):
        return None
    needed = n * (half / centre) ** 2
    step: int = 10 ** max(0, math.floor(math.log10(max(needed, 1.0))) - 1)
    return math.ceil(needed / step - 1e-9) * step


def _excess(rule: Rule, value: float, threshold: float) -> float:
    """How far a value or change is beyond the limit; negative if it is within the limit."""
    if rule.kind == "min":
        return threshold - value
    return -value - threshold if rule.kind == "max_drop" else value - threshold


def _threshold(rule: Rule, evidence: Evidence) -> float | None:
    """The limit in the unit of the metric; None if it is relative to a baseline without a value."""
    if not rule.relative:
        return rule.limit
    return None if evidence.baseline is None else rule.limit * abs(evidence.baseline)


def _judge_worst(rule: Rule, measure: Measure, settings: GateSettings) -> RuleVerdict:
    """Judge every slice of a column, or of all columns."""
    measured = measure(settings.level)
    found = _slices_evidence(rule, measured)
    large = [evidence for evidence in found if evidence.n >= settings.min_rows]
    small = len(found) - len(large)
    small += sum(rule.worst_of in ("", one.column) for one in measured.report.small_slices or ())
    if not large:
        nothing = outcome("no_slice", f"no slice has enough rows: {small} with too few")
        return RuleVerdict(rule, "error", nothing, None)
    parts = [decide(rule, evidence, settings) for evidence in large]
    if settings.decide == "interval":
        parts = _corrected(rule, parts, measure, settings)
    verdict = whole([part.verdict for part in parts])
    worst = max((part for part in parts if part.verdict == verdict), key=lambda part: _badness(rule, part))
    left_out = f"; {small} with too few rows left out" if small else ""
    reason = f"{worst.reason} (worst of {len(large)} slice{'s' * (len(large) > 1)}{left_out})"
    return RuleVerdict(rule, verdict, worst.reason.reworded(reason), worst, slices=tuple(parts))


def _corrected(rule: Rule, parts: list[Judged], measure: Measure, settings: GateSettings) -> list[Judged]:
    """The verdicts after Holm's correction: failures that are not certain among all slices become inconclusive."""
    suspects = {i for i, part in enumerate(parts) if part.verdict == "fail"}
    left, corrected = len(parts), list(parts)
    while suspects:
        level = 1 - (1 - settings.level) / left
        wider = {evidence.slice: evidence for evidence in _slices_evidence(rule, measure(level))}
        again = {i: decide(rule, wider[parts[i].slice], settings) for i in suspects}
        certain = {i for i, part in again.items() if part.verdict == "fail"}
        if not certain:
            for i, part in again.items():
                reason = f"{part.reason}; beyond the limit by itself, but not after Holm's correction for {left} slices"
                corrected[i] = replace(part, reason=outcome("not_after_holm", reason))
            break
        suspects, left = suspects - certain, left - len(certain)
    return corrected


def _badness(rule: Rule, part: Judged) -> float:
    if part.value is None or part.threshold is None:
        return -math.inf
    return _excess(rule, part.value, part.threshold)


def _evidence(rule: Rule, measured: Measured) -> Evidence:
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


def _slices_evidence(rule: Rule, measured: Measured) -> list[Evidence]:
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
    change = measured.change
    if change is not None and rule.is_change:
        return _of_change(None, change.dump.n, change.differences.get(rule.metric))
    return _of_metric(rule, None, measured.report.n, measured.report.metrics.get(rule.metric))


def _slice_evidence(rule: Rule, measured: Measured, column: str, value: str) -> Evidence:
    part = f"{column}={value}"
    change = measured.change
    if change is not None and rule.is_change:
        for one in change.slices:
            if (one.column, one.value) == (column, value):
                return _of_change(part, one.n, one.differences.get(rule.metric))
        saved = "the baseline is a saved report, whose slices cannot be compared"
        return Evidence(part, 0, None, reason=saved if change.paired_by is None else "the baseline has no such slice")
    for result in measured.report.slices or ():
        if (result.column, result.value) == (column, value):
            return _of_metric(rule, part, result.n, result.metrics.get(rule.metric))
    return Evidence(part, 0, None, reason="the dump has no such slice")


def _of_metric(rule: Rule, part: str | None, n: int, metric: MetricResult | None) -> Evidence:
    if metric is None:
        return Evidence(part, n, None, reason="this metric does not exist for this dump")
    if metric.value is None:
        return Evidence(part, n, None, reason=metric.reason)
    reason = str(metric.reason or "")
    if metric.low is None:
        reason = reason.removeprefix(NO_INTERVAL) if NO_INTERVAL in reason else "there are too few rows or groups"
    centre = metric.value if metric.corrected is None else metric.corrected
    found = Evidence(part, n, metric.value, metric.low, metric.high, centre, reason=reason or None)
    return _size(found) if rule.metric == "confidence_gap" else found


def _of_change(part: str | None, n: int, found: Difference | None) -> Evidence:
    if found is None:
        return Evidence(part, n, None, reason="this metric was not compared")
    if found.difference is None or found.base is None:
        return Evidence(part, n, None, reason=found.reason or "there is no difference", baseline=found.base)
    centre = found.difference
    if found.low is not None and found.high is not None and not found.low <= centre <= found.high:
        centre = (found.low + found.high) / 2  # noise biases both values differently
    return Evidence(part, n, found.difference, found.low, found.high, centre, found.base, found.reason)


def _size(signed: Evidence) -> Evidence:
    """The absolute value of a signed number, with its interval."""
    if signed.value is None or signed.low is None or signed.high is None:
        return replace(signed, value=None if signed.value is None else abs(signed.value), centre=None)
    ends = sorted((abs(signed.low), abs(signed.high)))
    low = 0.0 if signed.low <= 0 <= signed.high else ends[0]
    return replace(signed, value=abs(signed.value), low=low, high=ends[1], centre=abs(signed.value))
