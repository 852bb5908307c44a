"""The verdict as the page shows it: the conclusion and one row for each rule; all of the text is harmless."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.gating.verdict import Verdict
from calibeval.words.verdict import Line, compared, conclusion, rule_lines, rules_from


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The gate's part of a page. level: of the intervals."""

    conclusion: str
    facts: str
    level: str
    rows: list[Line]


def verdict_view(verdict: Verdict) -> VerdictView:
    """The verdict for the template."""
    facts = " · ".join(part for part in (compared(verdict), rules_from(verdict)) if part)
    level = f"{100 * verdict.settings.level:g} %"
    return VerdictView(conclusion(verdict), facts, level, rule_lines(verdict))
