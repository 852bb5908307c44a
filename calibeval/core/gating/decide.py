"""The verdict on one part of the rows, from its numbers."""

from __future__ import annotations

from calibeval.core.data.notices import Notice, outcome
from calibeval.core.gating.evidence import Evidence, excess
from calibeval.core.gating.levels import Levels
from calibeval.core.gating.prospect import Prospect
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import Judged, Outcome, Outlook


def before_intervals(rule: Rule, plain: Evidence, settings: GateSettings) -> Judged | None:
    """The verdict that needs no interval: without a value, rows or intervals, or by the value alone; else None."""
    threshold = plain.threshold(rule)
    if plain.value is None or threshold is None:
        return _judged(rule, plain, "error", outcome("no_value", plain.reason or "there is no value"))
    if plain.worth < settings.min_rows:
        counts = "" if plain.effective is None else f", which count as {plain.effective:,.0f},"
        text = f"too few rows: {plain.n:,}{counts} of at least {settings.min_rows:,}"
        return _judged(rule, plain, "error", outcome("too_few_rows", text))
    if settings.decide == "point":
        if excess(rule, plain.value, threshold) > 0:
            return _judged(rule, plain, "fail", outcome("value_beyond", "value beyond the limit"))
        return _judged(rule, plain, "pass", outcome("value_within", "value within the limit"))
    if plain.low is None or plain.high is None:
        why = f": {plain.reason}" if plain.reason else ""
        text = f'there is no interval{why}; only decide = "point" can judge the value'
        return _judged(rule, plain, "error", outcome("no_interval", text))
    return None


def by_intervals(rule: Rule, found: tuple[Evidence, Evidence, Evidence], levels: Levels, holm: str) -> Judged:
    """The verdict by the intervals that pass, the plain one and the one that fails, in this order.

    holm: what Holm's procedure tests together, in words.

    >>> narrow, usual = Evidence(None, 640, 0.0, -0.006, 0.008, 0.001), Evidence(None, 640, 0.0, -0.008, 0.01, 0.001)
    >>> by_intervals(Rule("nll", "max_increase", 0.009), (narrow, usual, usual), Levels(0.9, 0.95, 0.95), "").verdict
    'pass'
    """
    narrow, plain, wide = found
    doubt = f"; {plain.reason}" if plain.reason else ""
    at_pass, usual, at_fail = (_ends(rule, one) for one in found)
    if at_pass[1] <= 0:
        reason = outcome("interval_within", f"interval within the limit{doubt}")
        return _judged(rule, narrow, "pass", reason, plain, levels.passing)
    if at_fail[0] > 0:
        reason = outcome("interval_beyond", f"interval beyond the limit{doubt}")
        return _judged(rule, wide, "fail", reason, plain, levels.failing)
    undecided, level = (narrow, levels.passing) if at_pass[0] <= 0 else (wide, levels.failing)
    outlook, reason = _outlook(rule, Prospect.of(rule, narrow, plain, levels), doubt)
    if usual[0] > 0:
        text = f"{reason}; beyond the limit by itself, but not after Holm's correction for {holm}"
        reason = outcome("not_after_holm", text)
    return _judged(rule, undecided, "inconclusive", reason, plain, level, outlook)


def _ends(rule: Rule, found: Evidence) -> tuple[float, float]:
    """The lower and upper end beyond the limit; endless where there is no interval at this level."""
    ends = found.excess(rule)
    return (-float("inf"), float("inf")) if ends is None else (ends[0], ends[2])


def _judged(
    rule: Rule,
    found: Evidence,
    verdict: Outcome,
    reason: Notice,
    plain: Evidence | None = None,
    level: float | None = None,
    outlook: Outlook | None = None,
) -> Judged:
    usual = found if plain is None else plain
    return Judged(
        slice=found.slice,
        n=found.n,
        value=found.value,
        low=found.low,
        high=found.high,
        centre=usual.centre,
        baseline=found.baseline,
        threshold=found.threshold(rule),
        verdict=verdict,
        reason=reason,
        interval_level=level,
        plain_low=usual.low,
        plain_high=usual.high,
        outlook=outlook,
    )


def _outlook(rule: Rule, prospect: Prospect | None, doubt: str) -> tuple[Outlook | None, Notice]:
    """What more rows would do, in numbers and in words."""
    if prospect is None:
        return None, outcome("at_limit", f"the interval contains the limit{doubt}")
    like = "slice" if rule.slice is not None else "model"
    unchanged, kind = rule.is_change and prospect.margin > 0, "change" if rule.is_change else like
    excess, who, verb = prospect.centre, f"a {kind} like this", "fails"
    chance, rows, ends = prospect.fail_chance, prospect.rows_to_fail, prospect.rows_range
    if prospect.centre < 0.0:
        verb, chance, rows = "passes", prospect.pass_chance, prospect.rows_to_pass
        if unchanged:
            excess, who, ends = prospect.unchanged, f"an unchanged {like}", (None, None)
    needed = rows(excess)
    passing = prospect.pass_chance(prospect.unchanged)
    outlook = Outlook(passing, needed, *(ends if needed else (None, None)), prospect.rows_to_detect)
    if needed is None:
        return outlook, outcome("at_limit", f"more rows would not decide: the value is at the limit{doubt}")
    now = f"{who} {verb} in {_percent(chance(excess))} of samples of this size"
    text = f"{now}, in 80 % from about {needed:,} rows{_range(*ends)}{doubt}"
    return outlook, outcome("more_rows_needed", text)


def _percent(chance: float) -> str:
    """A chance in words; never 0 or 100 %.

    >>> _percent(0.194), _percent(0.001), _percent(0.999)
    ('19 %', 'under 1 %', 'over 99 %')
    """
    if chance < 0.01:
        return "under 1 %"
    return "over 99 %" if chance > 0.99 else f"{100.0 * chance:.0f} %"


def _range(low: int | None, high: int | None) -> str:
    """The range of a number of rows in words.

    >>> _range(1400, 20000), _range(1400, None), _range(None, None)
    (' (1,400 to 20,000)', ' (1,400 or more)', '')
    """
    if low is None:
        return ""
    return f" ({low:,} or more)" if high is None else f" ({low:,} to {high:,})"
