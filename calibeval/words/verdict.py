"""A verdict in words, for terminal, comment, annotations, test report and page: rules, numbers, reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from calibeval.core.data.columns import TRUE_CLASS
from calibeval.core.data.notices import Notice
from calibeval.core.gating.movers import Part
from calibeval.core.gating.rules import Rule
from calibeval.core.gating.ruling import Judged, Outcome, RuleVerdict, Trial
from calibeval.core.gating.verdict import Verdict
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import METRICS
from calibeval.words import cells
from calibeval.words.marks import plain
from calibeval.words.signs import signed

_NAME, _REASON = 60, 300
_LITTLE = 0.1
# Other parts are mentioned if they take back at least this share.
_CANCELLED = 0.05
_NOTHING = Judged(None, None, None, None, None, None, None, None, "error", Notice(""))
_HEADLINES = {"pass": "PASSED", "fail": "FAILED", "inconclusive": "INCONCLUSIVE", "error": "NOT EVALUATED"}


@dataclass(frozen=True, slots=True)
class Line:
    """One rule in words. word: its verdict; asked: the rule with its limit; why: what moved the metric."""

    word: str
    asked: str
    value: str
    interval: str
    reason: str
    why: tuple[str, ...]
    judged: RuleVerdict

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        numbers = " ".join(part for part in (self.value, self.interval) if part)
        return ": ".join(part for part in (self.asked, numbers, self.reason) if part)


def rule_lines(verdict: Verdict) -> list[Line]:
    """The rules in their order."""
    return [_line(rule, verdict.settings.level) for rule in verdict.rules]


def conclusion(verdict: Verdict) -> str:
    """The verdict in one line: "FAILED: 1 of 4 rules"."""
    whole, blocking = verdict.verdict, [rule for rule in verdict.rules if rule.blocks]
    counts = Counter(rule.verdict for rule in blocking)
    rules = cells.plural(len(blocking), "rule" if len(blocking) == len(verdict.rules) else "blocking rule")
    text = f"{_HEADLINES[whole]}: {rules if whole == 'pass' else f'{counts[whole]} of {rules}'}"
    known: tuple[Outcome, ...] = ("fail", "error", "inconclusive")
    others = [f"{counts[word]} {word}" for word in known if word != whole and counts[word]]
    text += f" ({', '.join(others)})" if others else ""
    warnings = sum(not rule.blocks and rule.verdict not in ("pass", "off") for rule in verdict.rules)
    text += f"; {cells.plural(warnings, 'warning')}" if warnings else ""
    if whole == "inconclusive" and verdict.exit_code == 0:
        allowed = dict.fromkeys(rule.on_inconclusive for rule in blocking if rule.verdict == "inconclusive")
        text += "; allowed by on_inconclusive = " + " and ".join(f'"{action}"' for action in allowed)
    return text


def compared(verdict: Verdict) -> str:
    """What was judged against what: "cand.npz, baseline main.npz (paired by id)"."""
    text = harmless(str(verdict.dump["name"])) + weighting(verdict.dump)
    if verdict.baseline is None:
        return text
    how = "not paired: a saved report" if verdict.paired_by is None else f"paired by {verdict.paired_by}"
    return f"{text}, baseline {harmless(str(verdict.baseline['name']))} ({how})"


def weighting(dump: Mapping[str, Any]) -> str:
    """How the rows of a dump are weighted, after its name; empty without weights.

    >>> weighting({"name": "a", "weights": {"column": "w", "effective": 1543.2, "zero": 0}})
    ' (weighted by w, counts as 1,543 rows)'
    """
    weights = dump.get("weights")
    if weights is None:
        return ""
    rows = cells.plural(round(weights["effective"]), "row")
    return f" (weighted by {harmless(str(weights['column']))}, counts as {rows})"


def rules_from(verdict: Verdict) -> str:
    """Where the rules came from."""
    return "" if verdict.config is None else f"rules: {harmless(verdict.config)}"


def harmless(text: str, most: int = _NAME) -> str:
    r"""Foreign text in one short line that can control neither a terminal nor the log of a CI service.

    >>> harmless("a\n::error::b ##[group]c")
    'a\\n:\\u003aerror:\\u003ab \\u0023#[group]c'
    """
    return plain(text, most).replace("::", ":\\u003a")


def warning_lines(verdict: Verdict) -> tuple[str, ...]:
    """The warnings, each in one harmless line."""
    return tuple(harmless(warning, _REASON) for warning in verdict.warnings)


def asked(judged: RuleVerdict) -> str:
    """The rule with its limit: "ECE ≤ 3.00 % in weather=night", "NLL change ≤ +0.01 nats"."""
    return rule_asked(judged.rule)


def rule_asked(rule: Rule) -> str:
    """The rule with its limit, as `asked`."""
    name = "|gap|" if rule.metric == "confidence_gap" else cells.label(rule.metric)
    if rule.is_change:
        bound, sign = ("≤", "+") if rule.kind == "max_increase" else ("≥", "\N{MINUS SIGN}")
        unit = _change_unit(rule.metric)
        relative = f"{_exact(100 * rule.limit)} % of baseline"
        size = relative if rule.relative else f"{_limit(rule.metric, rule.limit)} {unit}".rstrip()
        text = f"{name} change {bound} {sign if rule.limit else ''}{size}"
    else:
        sign = "≥" if rule.kind == "min" else "≤"
        text = f"{name} {sign} {_limit(rule.metric, rule.limit)} {cells.unit(rule.metric)}".rstrip()
    if rule.slice is None:
        return text
    if rule.worst_of is None:
        return f"{text} in {harmless(rule.slice)}"
    return f"{text} in worst slice" + (f" of {harmless(rule.worst_of)}" if rule.worst_of else "")


def _change_unit(metric: str) -> str:
    return "points" if cells.unit(metric) == "%" else cells.unit(metric)


def _line(judged: RuleVerdict, level: float) -> Line:
    part = judged.decisive
    word = "FAIL" if judged.verdict == "fail" else str(judged.verdict)
    reason = str(judged.reason)
    if part is not None and judged.rule.worst_of is not None and part.slice is not None:
        reason = f"{harmless(part.slice)}, n = {part.n:,}; {reason}"
    if not judged.blocks and judged.verdict not in ("pass", "off"):
        word = "warning" if judged.verdict == "fail" else word
        reason += "; does not block"
    elif judged.verdict == "inconclusive" and not judged.stops:
        reason += "; does not block"
    return Line(
        word=word,
        asked=asked(judged),
        value="" if part is None else _value(judged, part),
        interval="" if part is None else _interval(judged, part, level),
        reason=harmless(reason, _REASON),
        why=tuple(harmless(one, _REASON) for one in why_lines(judged, level)),
        judged=judged,
    )


def why_lines(judged: RuleVerdict, level: float = 0.95) -> list[str]:
    """What moved the metric, and what the rule would say after a temperature, a line each. level: of the settings.

    >>> from calibeval.core.gating.rules import Rule
    >>> from calibeval.core.gating.ruling import Trial, Why
    >>> rule, parts = Rule("ece", "max", 0.03), (Part("light", "night", 0.75, 0.25, 0.0, 640, 0.08),)
    >>> why_lines(RuleVerdict(rule, "fail", "", None, why=Why(False, parts, Trial(0.05, False))))[0]
    'light=night (640 rows, gap +8.0): 75 % of the error, 25 % of the rows'
    """
    why, metric, lines = judged.why, judged.rule.metric, []
    if why is None:
        return []
    if why.parts:
        whole = "change" if why.change else "error"
        lines += [_part(part, whole) for part in why.parts]
    elif why.parts is not None:
        lines.append("no single bin, class or slice accounts for much of it")
    if metric == "accuracy":
        lines.append("a temperature cannot change the accuracy")
    elif why.temperature is not None:
        lines.append(_tried(judged, why.temperature, level))
    return lines


def _tried(judged: RuleVerdict, trial: Trial, level: float) -> str:
    """What the rule would say after a temperature, with the numbers that decide."""
    rule, still = judged.rule, trial.verdict == judged.verdict
    name = "|gap|" if rule.metric == "confidence_gap" and not rule.is_change else cells.label(rule.metric)
    seen = replace(
        judged.decisive or _NOTHING,
        value=trial.value if trial.change is None else trial.change,
        low=trial.low,
        high=trial.high,
        centre=trial.corrected,
        interval_level=trial.interval_level,
    )
    unit = _change_unit(rule.metric) if trial.change is not None else cells.unit(rule.metric)
    what = f"{name} change" if trial.change is not None else name
    numbers = f"{what} {_value(judged, seen)} {unit}".rstrip()
    inside = _interval(judged, seen, level)
    numbers += f"{'' if inside.startswith('[') or not inside else ', corrected'} {inside}".rstrip()
    found = "" if trial.temperature is None else f" of {trial.temperature:.3g}"
    if trial.verdict is None:  # as 0.1.0 wrote it
        return f"a temperature would {'' if trial.repairs else 'not '}repair it: {numbers}"
    if still and _moves_little(judged, trial):
        after = "this rule would still fail" if trial.verdict == "fail" else "this rule would stay undecided"
        return f"a temperature{found} changes little, {after}: {numbers}"
    if trial.verdict == "inconclusive":
        return f"a temperature{found} would {'leave' if still else 'make'} it undecided: {numbers}"
    return f"a temperature{found} would {'' if trial.verdict == 'pass' else 'not '}repair it: {numbers}"


def _moves_little(judged: RuleVerdict, trial: Trial) -> bool:
    """Whether what the rule judges moves by less than a tenth of its interval's width."""
    before, after = judged.decisive, trial.value if trial.change is None else trial.change
    if before is None or before.value is None or before.low is None or before.high is None:
        return False
    after = abs(after) if judged.rule.metric == "confidence_gap" and trial.change is None else after
    return abs(after - before.value) < _LITTLE * (before.high - before.low)


def _part(part: Part, whole: str) -> str:
    """A part of the rows with its numbers, and what it contributes."""
    name = f"{part.kind} {part.name}" if part.kind in ("bin", TRUE_CLASS) else f"{part.kind}={part.name}"
    facts = [] if part.n is None else [cells.plural(part.n, "row")]
    facts += [] if part.gap is None else [f"gap {signed(100 * part.gap, 1)}"]
    text = harmless(name) + (f" ({', '.join(facts)})" if facts else "")
    text += f": {100 * part.share:.0f} % of the {whole}, {100 * part.rows:.0f} % of the rows"
    if part.cancelled is not None and part.cancelled >= _CANCELLED:
        others = {"bin": "bins", TRUE_CLASS: "classes"}.get(part.kind, "rows")
        text += f", before other {others} take {100 * part.cancelled:.0f} % of it back"
    return text


def _limit(metric: str, limit: float) -> str:
    """All digits of a limit, with at least two decimals where it is a percentage."""
    if cells.unit(metric) != "%":
        return _exact(limit)
    shown = _exact(100 * limit)
    return f"{float(shown):.2f}" if len(shown.partition(".")[2]) < 2 and "e" not in shown else shown


def _exact(number: float) -> str:
    return f"{number:.10g}"


def _value(judged: RuleVerdict, part: Judged) -> str:
    if part.value is None:
        return cells.NULL
    metric = judged.rule.metric
    if judged.rule.is_change:
        return signed(_scaled(metric, part.value), _places(judged, part))
    if metric == "confidence_gap":
        return f"{100 * part.value:.2f}"
    return cells.value(MetricResult(metric, part.value))


def _interval(judged: RuleVerdict, part: Judged, usual: float) -> str:
    """The interval, after the corrected value where it is not that of the value, and with its level if not the usual.

    So the number that stands beside an interval lies in it.
    """
    if part.low is None or part.high is None:
        return ""
    low, high = (_scaled(judged.rule.metric, end) for end in (part.low, part.high))
    places, metric = _places(judged, part), judged.rule.metric
    if judged.rule.is_change:
        text = f"[{signed(low, places)}, {signed(high, places)}]"
    else:
        ends = (f"{end:.{places}f}".replace("-", "\N{MINUS SIGN}") for end in (low, high))
        text = f"[{', '.join(ends)}]" if low else f"[0, {high:.{places}f}]"
    if part.centre is not None and part.value is not None:
        centre, value = _scaled(metric, part.centre), _scaled(metric, part.value)
        if f"{centre:.{places}f}" != f"{value:.{places}f}" or not low <= value <= high:
            text = f"{signed(centre, places) if judged.rule.is_change else f'{centre:.{places}f}'} {text}"
    level = usual if part.interval_level is None else part.interval_level
    return text if level == usual else f"{text} at {100 * level:.4g} %"


def _places(judged: RuleVerdict, part: Judged) -> int:
    """As many decimals as the width of the interval justifies."""
    if part.low is None or part.high is None:
        return cells.decimals(_scaled(judged.rule.metric, part.value or 0.0), 3)
    return min(6, cells.decimals(_scaled(judged.rule.metric, part.high - part.low), 2))


def _scaled(metric: str, number: float) -> float:
    return 100 * number if METRICS[metric].unit == "%" else number
