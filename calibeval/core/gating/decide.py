"""The verdict on one part of the rows, from its numbers."""

from __future__ import annotations

import math
from dataclasses import replace

from calibeval.core.data.notices import Notice, outcome
from calibeval.core.gating.evidence import Evidence, excess, too_few, within
from calibeval.core.gating.levels import Levels
from calibeval.core.gating.prospect import MOST_ROWS, Prospect, rounded_up, rows_without_interval
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import Judged, Outcome, Outlook
from calibeval.core.metrics.metric import NO_DIFFERENCE, NO_METHOD
from calibeval.core.metrics.table import EVERY

POINT = 'so only decide = "point" can judge it'
AT_LIMIT = "sums do not tell on which side of the limit the value of the rows is"
# Where more rows than so many samples of this size are needed, the value is said to be close to the limit.
NEAR = 100


def before_intervals(rule: Rule, plain: Evidence, settings: GateSettings) -> Judged | None:
    """The verdict that needs no interval: without a value, rows or intervals, or by the value alone; else None."""
    threshold = plain.threshold(rule)
    if rule.is_change and settings.decide == "interval" and not EVERY[rule.metric].has_difference:
        text = f"{NO_DIFFERENCE}: limit its value, or the change of another metric"
        return _judged(rule, plain, "error", outcome("no_interval", text))
    if plain.value is None and plain.few and settings.decide == "interval":
        return _undecided(rule, plain, settings)
    if not all(one is None or math.isfinite(one) for one in (plain.value, plain.low, plain.high, threshold)):
        bare = replace(plain, value=None, low=None, high=None, centre=None, baseline=None)
        return _judged(rule, bare, "error", outcome("no_value", "its value or interval is no finite number"))
    if plain.value is None or threshold is None:
        return _judged(rule, plain, "error", outcome("no_value", plain.reason or "there is no value"))
    if plain.worth < settings.min_rows:
        counts = "" if plain.effective is None else f", which count as {plain.effective:,.0f},"
        text = f"too few rows: {plain.n:,}{counts} of at least {settings.min_rows:,}"
        return _judged(rule, plain, "error", outcome("too_few_rows", text))
    if settings.decide == "point":
        if abs(excess(rule, plain.value, threshold)) <= plain.off > 0.0:
            return _judged(
                rule,
                plain,
                "inconclusive",
                outcome("at_limit", AT_LIMIT + (f"; {plain.reason}" if plain.reason else "")),
            )
        if excess(rule, plain.value, threshold) > 0:
            return _judged(rule, plain, "fail", outcome("value_beyond", "value beyond the limit"))
        return _judged(rule, plain, "pass", outcome("value_within", "value within the limit"))
    if plain.ends[0] is None:
        if plain.few:
            return _undecided(rule, plain, settings)
        why = f": {plain.reason}" if plain.reason else ""
        by_groups = Notice.of(plain.reason or "").code == "dependent_rows"
        alone = f"this metric has no interval, {POINT}"
        text = alone if plain.reason == NO_METHOD else f"there is no interval{why}"
        text += f", {POINT}" if by_groups else ""
        return _judged(rule, plain, "error", outcome("no_interval", text))
    return None


def _undecided(rule: Rule, plain: Evidence, settings: GateSettings) -> Judged:
    """The verdict where too few rows, or groups, give no interval."""
    text, threshold, rows = plain.reason or too_few(plain.n, plain.effective), plain.threshold(rule), None
    if plain.spread is not None and threshold is not None:
        rows = rows_without_interval(rule, threshold, plain.spread, settings.level)
        rows = rows and max(rows, plain.least)
        if rows is not None and plain.effective is not None:  # of rows with such weights
            rows = rounded_up(rows * plain.n / plain.effective)
            rows = rows if rows <= MOST_ROWS else None
    if rows is None:
        return _judged(rule, plain, "inconclusive", outcome("no_interval", text))
    reason = outcome("more_rows_needed", f"{text}; {_would_decide(rule, rows)}")
    return _judged(rule, plain, "inconclusive", reason, outlook=Outlook(rows_needed=rows))


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
        reason = outcome("interval_beyond", f"{_beyond(wide)}{doubt}")
        return _judged(rule, wide, "fail", reason, plain, levels.failing)
    undecided, level = (narrow, levels.passing) if at_pass[0] <= 0 else (wide, levels.failing)
    ends = plain.excess(rule)
    if EVERY[rule.metric].certifies:
        outlook, reason = None, outcome("more_rows_needed", f"{_possible(undecided)}{doubt}")
    elif ends is not None and abs(ends[1]) <= plain.off > 0.0:
        outlook, reason = None, outcome("at_limit", f"{AT_LIMIT}{doubt}")
    else:
        outlook, reason = _outlook(rule, Prospect.of(rule, narrow, plain, levels), doubt)
    if usual[0] > 0:
        text = f"beyond the limit alone, not among {holm} (Holm's correction); {reason}"
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
        centre=None if usual.centre is None else within(usual.centre, found.low, found.high),
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
    excess, rows, ends = prospect.centre, prospect.rows_to_fail, prospect.rows_range
    if prospect.centre < 0.0:
        rows = prospect.rows_to_pass
        if rule.is_change and prospect.margin > 0:
            excess, ends = prospect.unchanged, (None, None)
    needed = rows(excess)
    passing = prospect.pass_chance(prospect.unchanged)
    outlook = Outlook(passing, needed, *(ends if needed else (None, None)), prospect.rows_to_detect)
    if needed is None:
        return outlook, outcome("at_limit", f"more rows would not decide: the value is at the limit{doubt}")
    near = "close to the limit: " if needed > NEAR * prospect.n else ""
    return outlook, outcome("more_rows_needed", f"{near}{_would_decide(rule, needed)}{doubt}")


def _possible(found: Evidence) -> str:
    """Of a certified coverage: what more rows may certify, in words.

    >>> _possible(Evidence(None, 500, 0.2, 0.1, 0.3, possible=0.523))
    'not certified yet, but up to 52.3 % is possible'
    """
    return f"not certified yet, but up to {100.0 * (found.ends[1] or 0.0):.1f} % is possible"


def _beyond(found: Evidence) -> str:
    """What is beyond the limit, in words.

    >>> _beyond(Evidence(None, 500, 0.2, 0.1, 0.3)), _beyond(Evidence(None, 500, 0.2, 0.1, 0.3, possible=0.31))
    ('interval beyond the limit', 'beyond the limit: at most 31.0 % is possible')
    """
    if found.possible is None:
        return "interval beyond the limit"
    return f"beyond the limit: at most {100.0 * (found.ends[1] or 0.0):.1f} % is possible"


def _would_decide(rule: Rule, rows: int) -> str:
    """How many rows would decide, in words; of a slice, rows of it.

    >>> _would_decide(Rule("ece", "max", 0.05), 20_000)
    'about 20,000 rows would decide'
    """
    return f"about {rows:,} rows {'' if rule.slice is None else 'of it '}would decide"
