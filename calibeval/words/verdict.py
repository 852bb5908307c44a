"""A verdict in words, for terminal, comment, annotations, test report and page: rules, numbers, reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calibeval.core.gating.ruling import Outcome, RuleVerdict
from calibeval.core.gating.verdict import Verdict
from calibeval.words import cells
from calibeval.words.logs import left_out_lines
from calibeval.words.rules import asked, harmless, shown_interval, shown_value
from calibeval.words.why import why_lines

_REASON = 300
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
    def corrected(self) -> bool:
        """Whether the corrected value stands before the interval."""
        return bool(self.interval) and not self.interval.startswith("[")

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        between = ", corrected " if self.corrected else " "
        numbers = between.join(part for part in (self.value, self.interval) if part)
        return ": ".join(part for part in (self.asked, numbers, self.reason) if part)


def rule_lines(verdict: Verdict) -> list[Line]:
    """The rules in their order."""
    return [_line(rule, verdict.settings.level) for rule in verdict.rules]


def note(lines: Sequence[Line]) -> str:
    """What a number before an interval is; empty if there is none."""
    return "Before an interval: the value corrected for noise." if any(line.corrected for line in lines) else ""


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
    how = "not paired: its rows are not there" if verdict.paired_by is None else f"paired by {verdict.paired_by}"
    return f"{text}, baseline {harmless(str(verdict.baseline['name']))} ({how})"


def left_out(verdict: Verdict) -> list[str]:
    """What was left out of the logs that were judged, in a line each."""
    lines: list[str] = []
    for dump in (verdict.dump, verdict.baseline):
        log = None if dump is None else dump["source"].get("log") if isinstance(dump.get("source"), dict) else None
        if dump is not None and log:
            counts = [(harmless(str(one["what"])), int(one["answers"])) for one in log["counts"] if one["left_out"]]
            lines += left_out_lines(harmless(str(dump["name"])), counts)
    return lines


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


def warning_lines(verdict: Verdict) -> tuple[str, ...]:
    """The warnings, each in one harmless line."""
    return tuple(harmless(warning, _REASON) for warning in verdict.warnings)


def _line(judged: RuleVerdict, level: float) -> Line:
    part = judged.decisive
    word = "FAIL" if judged.verdict == "fail" else str(judged.verdict)
    reason = str(judged.reason)
    if part is not None and judged.rule.of_each and part.slice is not None:
        reason = f"{harmless(part.slice)}, n = {part.n:,}; {reason}"
    if not judged.blocks and judged.verdict not in ("pass", "off"):
        word = "warning" if judged.verdict == "fail" else word
        reason += "; does not block"
    elif judged.verdict == "inconclusive" and not judged.stops:
        reason += "; does not block"
    return Line(
        word=word,
        asked=asked(judged),
        value="" if part is None else shown_value(judged, part),
        interval="" if part is None else shown_interval(judged, part, level),
        reason=harmless(reason, _REASON),
        why=tuple(harmless(one, _REASON) for one in why_lines(judged, level)),
        judged=judged,
    )
