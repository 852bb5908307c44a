"""The verdict as the page shows it: the conclusion and one row for each rule; all of the text is harmless."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.gating.verdict import Verdict
from calibeval.words.verdict import Line, compared, conclusion, rule_lines, rules_from


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The gate's part of a page. interval: the head of the column of intervals, with their level."""

    conclusion: str
    facts: str
    interval: str
    rows: list[Line]


def verdict_view(verdict: Verdict) -> VerdictView:
    """The verdict for the template."""
    facts = " · ".join(part for part in (compared(verdict), rules_from(verdict)) if part)
    level, deciding = verdict.settings.level, [rule.decisive for rule in verdict.rules]
    others = any(part and part.low is not None and part.interval_level not in (None, level) for part in deciding)
    interval = f"interval ({100 * level:g} % unless stated)" if others else f"{100 * level:g} % interval"
    return VerdictView(conclusion(verdict), facts, interval, rule_lines(verdict))
