"""The verdict as the page shows it: the conclusion, a row for each rule with its drawing, then the slices of rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibeval.core.gating.evidence import excess
from calibeval.core.gating.rules import Rule
from calibeval.core.gating.ruling import Judged, RuleVerdict
from calibeval.core.gating.verdict import Verdict
from calibeval.render.page.limits import LimitPlot, limit_plots
from calibeval.words.rules import harmless, rule_asked, rule_facts, shown_interval, shown_value
from calibeval.words.verdict import Line, compared, conclusion, rule_lines, rules_from, warning_lines

# More slices of a rule are folded.
MOST_SLICES = 12


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule. kind: of its verdict, for colour and icon. facts: what the line has no room for."""

    line: Line
    kind: str
    plot: LimitPlot | None
    facts: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One slice under a rule."""

    name: str
    rows: str
    value: str
    interval: str
    kind: str
    plot: LimitPlot | None


@dataclass(frozen=True, slots=True)
class SlicesOfRule:
    """Every slice of a rule on the worst one, worst first, on one scale; others: those that are folded."""

    asked: str
    rows: list[SliceRow]
    others: list[SliceRow]


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The gate's part of a page. kind: of the verdict. interval: the head of the column of intervals, with its level.

    changes: whether a rule is about a change.
    """

    kind: str
    conclusion: str
    name: str
    facts: str
    interval: str
    rows: list[RuleRow]
    slices: list[SlicesOfRule]
    warnings: list[str]
    changes: bool
    corrected: bool

    @property
    def title(self) -> str:
        """The verdict and the name of the dump."""
        return f"{self.conclusion} · {self.name}"


def verdict_view(verdict: Verdict) -> VerdictView:
    """The verdict for the template."""
    facts = [compared(verdict), rules_from(verdict), f"exit code {int(verdict.exit_code)}"]
    level, deciding = verdict.settings.level, [rule.decisive for rule in verdict.rules]
    others = any(part and part.low is not None and part.interval_level not in (None, level) for part in deciding)
    rows = [_row(line, level) for line in rule_lines(verdict)]
    slices = [_slices(rule, level) for rule in verdict.rules if len(rule.slices) > 1]
    return VerdictView(
        kind=verdict.verdict,
        conclusion=conclusion(verdict),
        name=harmless(str(verdict.dump["name"])),
        facts=" · ".join(part for part in facts if part),
        interval=f"interval ({100 * level:g} % unless stated)" if others else f"{100 * level:g} % interval",
        rows=rows,
        slices=slices,
        warnings=list(warning_lines(verdict)),
        changes=any(rule.rule.is_change and rule.decisive is not None for rule in verdict.rules),
        corrected=any(plot is not None and plot.corrected for plot in _plots(rows, slices)),
    )


def _plots(rows: Sequence[RuleRow], slices: Sequence[SlicesOfRule]) -> list[LimitPlot | None]:
    """Every drawing of the page."""
    return [one.plot for one in rows] + [row.plot for table in slices for row in (*table.rows, *table.others)]


def _row(line: Line, level: float) -> RuleRow:
    part = line.judged.decisive
    (plot,) = (None,) if part is None else limit_plots(line.judged.rule, [part])
    facts = rule_facts(line.judged, level)
    line = replace(line, why=tuple(text.replace(" %", "\N{NO-BREAK SPACE}%") for text in line.why))
    return RuleRow(line, line.word.lower(), plot, facts if len(facts) > 1 else [])


def _slices(judged: RuleVerdict, level: float) -> SlicesOfRule:
    parts = sorted(judged.slices, key=lambda part: -_badness(judged.rule, part))
    plots = limit_plots(judged.rule, parts)
    rows = [_slice(judged, part, plot, level) for part, plot in zip(parts, plots, strict=True)]
    asked = rule_asked(judged.rule)
    return SlicesOfRule(asked, rows[:MOST_SLICES], rows[MOST_SLICES:])


def _slice(judged: RuleVerdict, part: Judged, plot: LimitPlot | None, level: float) -> SliceRow:
    value, interval = shown_value(judged, part), shown_interval(judged, part, level)
    rows = "" if part.n is None else f"{part.n:,}"
    return SliceRow(harmless(str(part.slice)), rows, value, interval, part.verdict, plot)


def _badness(rule: Rule, part: Judged) -> float:
    if part.value is None or part.threshold is None:
        return -float("inf")
    return excess(rule, part.value, part.threshold)
