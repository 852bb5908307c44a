"""A rule and its numbers in words: the limit, the value, the interval."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.gating.rules import Rule
from calibeval.core.gating.ruling import Judged, RuleVerdict
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.words import cells
from calibeval.words.chances import chance
from calibeval.words.digits import scaled
from calibeval.words.marks import plain
from calibeval.words.signs import signed

_NAME = 60


def harmless(text: str, most: int = _NAME) -> str:
    r"""Foreign text in one short line that can control neither a terminal nor the log of a CI service.

    >>> harmless("a\n::error::b ##[group]c")
    'a\\n:\\u003aerror:\\u003ab \\u0023#[group]c'
    """
    return plain(text, most).replace("::", ":\\u003a")


def asked(judged: RuleVerdict) -> str:
    """The rule with its limit: "ECE ≤ 3.00 % in weather=night", "NLL change ≤ +0.01 nats"."""
    return rule_asked(judged.rule)


def rule_asked(rule: Rule) -> str:
    """The rule with its limit, as `asked`."""
    name = sized(rule.metric)
    if rule.is_change:
        bound, sign = ("≤", "+") if rule.kind == "max_increase" else ("≥", "\N{MINUS SIGN}")
        unit = change_unit(rule.metric)
        relative = f"{_exact(100 * rule.limit)} % of baseline"
        size = relative if rule.relative else f"{_limit(rule.metric, rule.limit)} {unit}".rstrip()
        text = f"{name} change {bound} {sign if rule.limit else ''}{size}"
    else:
        sign = "≥" if rule.kind == "min" else "≤"
        text = f"{name} {sign} {_limit(rule.metric, rule.limit)} {cells.unit(rule.metric)}".rstrip()
    if rule.of_cells:
        return f"{text} in {harmless(_of_cells(rule))}"
    if rule.slice is None:
        return text
    if rule.worst_of is None:
        return f"{text} in {harmless(rule.slice)}"
    return f"{text} in worst slice" + (f" of {harmless(rule.worst_of)}" if rule.worst_of else "")


def _of_cells(rule: Rule) -> str:
    """Which cells a rule is about.

    >>> _of_cells(Rule("ece", "max", 0.1, over="corruption", cells="mean", where="severity=3"))
    'mean over corruption at severity=3'
    """
    where = "" if rule.where is None else f" at {rule.where}"
    if rule.over is None and rule.where is not None:
        return rule.where
    over = "" if rule.over is None else f" over {rule.over.replace(',', ', ')}"
    return ("mean" if rule.of_mean else "worst cell") + over + where


def sized(metric: str) -> str:
    """The metric as a rule names it: rules limit the size of those that are best at 0.

    >>> sized("ece"), sized("confidence_gap")
    ('ECE', '|gap|')
    """
    return f"|{cells.label(metric)}|" if EVERY[metric].better == "zero" else cells.label(metric)


def change_unit(metric: str) -> str:
    """The unit of a change of the metric."""
    return "points" if cells.unit(metric) == "%" else cells.unit(metric)


def _limit(metric: str, limit: float) -> str:
    """All digits of a limit, with at least two decimals where it is a percentage."""
    if cells.unit(metric) != "%":
        return _exact(limit)
    shown = _exact(100 * limit)
    return f"{float(shown):.2f}" if len(shown.partition(".")[2]) < 2 and "e" not in shown else shown


def _exact(number: float) -> str:
    return f"{number:.10g}"


def shown_value(judged: RuleVerdict, part: Judged) -> str:
    """The value of a rule, or of its change, without the unit."""
    if part.value is None:
        return cells.NULL
    metric = judged.rule.metric
    if judged.rule.is_change:
        return signed(scaled(metric, part.value), _places(judged, part))
    if EVERY[metric].better == "zero":
        return cells.value(MetricResult(metric, abs(part.value))).removeprefix("+")
    return cells.value(MetricResult(metric, part.value))


def shown_interval(judged: RuleVerdict, part: Judged, usual: float) -> str:
    """The interval, after the corrected value where it is not that of the value, and with its level if not the usual.

    So the number that stands beside an interval lies in it.
    """
    text = _ends(judged, part)
    if not text:
        return ""
    metric, places = judged.rule.metric, _places(judged, part)
    if part.centre is not None and part.value is not None:
        centre, value = (f"{scaled(metric, number):.{places}f}" for number in (part.centre, part.value))
        if centre != value or not (part.low or 0.0) <= part.value <= (part.high or 0.0):
            text = f"{signed(scaled(metric, part.centre), places) if judged.rule.is_change else centre} {text}"
    level = usual if part.interval_level is None else part.interval_level
    return text if level == usual else f"{text} at {100 * level:.4g} %"


def _ends(judged: RuleVerdict, part: Judged) -> str:
    """The ends of the interval; empty without one."""
    if part.low is None or part.high is None:
        return ""
    low, high = (scaled(judged.rule.metric, end) for end in (part.low, part.high))
    places = _places(judged, part)
    if judged.rule.is_change:
        return f"[{signed(low, places)}, {signed(high, places)}]"
    ends = (f"{end:.{places}f}".replace("-", "\N{MINUS SIGN}") for end in (low, high))
    return f"[{', '.join(ends)}]" if low else f"[0, {high:.{places}f}]"


def _places(judged: RuleVerdict, part: Judged) -> int:
    """As many decimals as the width of the interval justifies."""
    if part.low is None or part.high is None:
        return cells.decimals(scaled(judged.rule.metric, part.value or 0.0), 3)
    return min(6, cells.decimals(scaled(judged.rule.metric, part.high - part.low), 2))


def beside_interval(part: Judged) -> float | None:
    """The number that an interval belongs to: the corrected value if there is an interval, else the value."""
    return part.value if part.low is None or part.centre is None else part.centre


def limit_of(rule: Rule, part: Judged) -> float | None:
    """The limit with its sign, in the unit of the metric; None for one relative to a baseline without a value."""
    if part.threshold is None:
        return None
    return -part.threshold if rule.kind == "max_drop" else part.threshold


def limit_said(rule: Rule, limit: float) -> str:
    """The limit as a scale marks it.

    >>> limit_said(Rule("ece", "max", 0.03), 0.03), limit_said(Rule("accuracy", "max_drop", 0.005), -0.005)
    ('≤ 3.00', '≥ −0.50')
    """
    sign = "≥" if rule.kind in ("min", "max_drop") else "≤"
    if rule.is_change:
        number = scaled(rule.metric, limit)
        return f"{sign} {signed(number, max(2 if cells.unit(rule.metric) == '%' else 0, cells.decimals(number, 2)))}"
    return f"{sign} {_limit(rule.metric, limit)}"


def rule_facts(judged: RuleVerdict, level: float) -> list[tuple[str, str]]:
    """What a line has no room for: the rows, the baseline, all intervals and what more rows would do. level: usual."""
    part, rule = judged.decisive, judged.rule
    if part is None:
        return []
    facts = [("rows", f"{part.n:,}")] if part.n is not None else []
    if rule.of_each and part.slice is not None:
        facts.append(("worst cell" if rule.of_cells else "worst slice", harmless(part.slice)))
    if part.baseline is not None:
        facts.append(("baseline", cells.with_unit(MetricResult(rule.metric, part.baseline))))
    limit = limit_of(rule, part)
    if rule.relative and limit is not None:
        facts.append(("limit of the change", limit_said(rule, limit)))
    if (part.plain_low, part.plain_high) not in ((None, None), (part.low, part.high)):
        plain = replace(part, low=part.plain_low, high=part.plain_high)
        facts.append((f"{100 * level:g} % interval", _ends(judged, plain)))
    return facts + _outlook(judged, part)


def _outlook(judged: RuleVerdict, part: Judged) -> list[tuple[str, str]]:
    """What another sample, or more rows, would do, if the rule is inconclusive."""
    seen = part.outlook
    if seen is None:
        return []
    facts = []
    if seen.pass_chance is not None:
        share = chance(seen.pass_chance)
        model = "an unchanged model" if judged.rule.is_change else "a model like this one"
        facts.append(("chance to pass", f"{share} of samples of this size, for {model}"))
    if seen.rows_needed is not None:
        ends = ""
        if seen.rows_low is not None:
            ends = f" ({seen.rows_low:,} " + ("or more)" if seen.rows_high is None else f"to {seen.rows_high:,})")
        facts.append(("80 of 100 samples decide", f"from about {seen.rows_needed:,} rows{ends}"))
    if seen.rows_to_detect is not None:
        facts.append(("one twice as bad fails in 80 of 100", f"from about {seen.rows_to_detect:,} rows"))
    return facts
