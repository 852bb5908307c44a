"""A plan of a gate in words: what a sample of this size can decide."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.gating.plan import Plan, RulePlan
from calibeval.words import cells
from calibeval.words.chances import chance
from calibeval.words.rules import harmless, rule_asked
from calibeval.words.verdict import weighting

ASSUMED = "Changes: without a baseline, the candidate is assumed to share half of this model's variance."
HEADS = ("rule", "passes here", "80 % pass from", "twice as bad: 80 % fail from")


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One rule in words. passes: the chance of an unchanged model; rows, detects: numbers of rows. note: or empty."""

    asked: str
    passes: str
    rows: str
    detects: str
    note: str


def plan_lines(plan: Plan) -> list[PlanLine]:
    """The rules in their order."""
    return [_line(one) for one in plan.rules]


def planned_for(plan: Plan) -> str:
    """What was planned for: "cand.npz, 2,000 rows, baseline main.npz (paired by id)"."""
    text = f"{harmless(str(plan.dump['name']))}, {cells.plural(plan.n, 'row')}{weighting(plan.dump)}"
    if plan.baseline is None:
        return text
    how = "not paired: its rows are not there" if plan.paired_by is None else f"paired by {plan.paired_by}"
    return f"{text}, baseline {harmless(str(plan.baseline['name']))} ({how})"


def summary(plan: Plan) -> str:
    """The chances of the whole gate in one sentence."""
    if plan.exit_0_chance is None:
        return "The chance of the whole gate is unknown: a rule that blocks has no interval."
    text = f"Of unchanged models, {chance(plan.exit_0_chance)} get exit code 0"
    if plan.pass_chance is not None and any(one.rule.severity == "error" and not one.stops for one in plan.rules):
        text += f", and {chance(plan.pass_chance)} pass every rule"
    if plan.exit_0_chance >= 0.995 and not any(one.stops for one in plan.rules):
        return f"{text}: no rule stops the gate if it is inconclusive."
    if plan.rows_needed is None:
        return f"{text}; no number of rows brings it to 80 %."
    return f"{text}; 80 % get it from about {plan.rows_needed:,} rows."


def _line(one: RulePlan) -> PlanLine:
    asked = rule_asked(one.rule) + ("" if one.slices is None else f" of {one.slices}")
    asked += "" if one.rule.severity == "error" else " (does not block)"
    rows, detects = (cells.NULL if n is None else f"{n:,}" for n in (one.rows_needed, one.rows_to_detect))
    note = ""
    if one.reason is not None:
        note = ASSUMED if one.reason.code == "assumed_candidate" else f"{asked}: {harmless(str(one.reason), 300)}"
    return PlanLine(asked, chance(one.pass_chance), rows, detects, note)
