"""Planning a gate: the chances of its rules from the standard errors of one sample, and the rows for more."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from calibeval.core.data.notices import Notice, outcome
from calibeval.core.errors import UsageError
from calibeval.core.gating.coverage_prospect import EARLY_ERRORS, CoverageProspect, PairsOf
from calibeval.core.gating.decide import before_intervals
from calibeval.core.gating.evidence import Evidence
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judge import Case, Key, families, shares
from calibeval.core.gating.levels import Levels, failing_level, passing_level
from calibeval.core.gating.measured import Measured, evidence
from calibeval.core.gating.plan import Plan, RulePlan
from calibeval.core.gating.prospect import MOST_ROWS, Outlooks, Prospect, rounded_up
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.settings import Settings
from calibeval.core.uncertainty.level import POWER
from calibeval.core.uncertainty.special import normal_cdf, normal_quantile
from calibeval.core.version import VERSION

HARDLY = 0.05
Measure = Callable[[float], Measured]
LEAST_ROWS = 30  # with fewer, intervals are not those that a plan reckons with
ASSUMED = "without a baseline, a candidate is assumed that shares half of this model's variance"


@dataclass(frozen=True, slots=True)
class Chances:
    """The rules of a plan, and the chances of the whole gate."""

    rules: tuple[RulePlan, ...]
    pass_chance: float | None
    exit_0_chance: float | None
    rows_needed: int | None


def plan_of(subject: Subject, rules: Sequence[Rule], settings: GateSettings, *, config: str | None = None) -> Plan:
    """What a subject's rows can decide. config: the file with the rules. Raises: as `planned`."""
    return plan_by(subject.measure, subject.settings, rules, settings, config=config, pairs=subject.pairs)


def plan_by(
    measure: Measure,
    reading: Settings,
    rules: Sequence[Rule],
    settings: GateSettings,
    *,
    config: str | None = None,
    pairs: PairsOf | None = None,
) -> Plan:
    """What the measured rows can decide. reading: how they were measured. pairs: as `planned`. Raises: as `planned`."""
    chances = planned(rules, measure, settings, pairs=pairs)
    measured = measure(settings.level)
    report, change, comparison = measured.report.to_dict(), measured.change, measured.comparison
    warnings = [*measured.report.warnings, *(() if change is None else change.warnings)]
    return Plan(
        version=VERSION,
        settings=settings,
        reading=reading,
        config=config,
        dump={key: report[key] for key in ("name", "source", "weights") if report[key] is not None},
        baseline=None if comparison is None else comparison.base.to_dict(),
        paired_by=None if change is None else change.paired_by,
        n=measured.report.n,
        rules=chances.rules,
        pass_chance=chances.pass_chance,
        exit_0_chance=chances.exit_0_chance,
        rows_needed=chances.rows_needed,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def planned(
    rules: Sequence[Rule], measure: Measure, settings: GateSettings, *, pairs: PairsOf | None = None
) -> Chances:
    """What these rules can decide; those on a change are planned without a baseline, too.

    measure: as for `judge`. Without a baseline it measures all metrics of the rules. pairs: gives the rows of a slice
    (None: all rows), for rules on what they certify; None: such rules are not planned.
    Raises: UsageError for decide = "point", and for a slice that the dump does not have.
    """
    if settings.decide == "point":
        raise UsageError('decide = "point" needs no plan: the value alone decides, whatever the number of rows')
    asked = [rule for rule in rules if rule.severity != "off"]
    measured = measure(settings.level)
    cases = [_cases(i, rule, measured, settings) for i, rule in enumerate(asked)]
    own: dict[Key, Fraction] = {}
    for family in families(cases):
        own |= shares(family)
    found = {key: _prospect(key, case, own[key], measure, settings) for key, case in _tested(cases, own)}
    found |= {case.key: _certifying(case, settings, pairs) for parts in cases for case in parts if _certifies(case)}
    n = measured.report.n
    plans = tuple(
        _plan(rule, [(case, found.get(case.key)) for case in parts], measured, settings)
        for rule, parts in zip(asked, cases, strict=True)
    )
    told = [[found.get(case.key) for case in parts] for parts in cases]
    blocking = [own for own, one in zip(told, plans, strict=True) if one.rule.severity == "error"]
    stopping = [own for own, one in zip(told, plans, strict=True) if one.stops]
    every, most = _together(blocking), _together(stopping)
    if every(1.0) is None:  # a rule that cannot be evaluated gives exit code 3
        return Chances(plans, None, None, None)
    return Chances(plans, every(1.0), most(1.0), _enough(rows_for(most, n), settings))


def rows_for(chance: Callable[[float], float | None], n: int) -> int | None:
    """The number of rows from which a chance is 80 %, rounded up to two digits; None if there is none up to 1e9.

    chance: by the share of rows, 1 for n rows; it rises with them.

    >>> rows_for(lambda share: min(1.0, 0.2 * share), 1000)
    4000
    """
    low, high = 1.0 / n, MOST_ROWS / n
    reached = chance(high)
    if reached is None or reached < POWER:
        return None
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if (chance(middle) or 0.0) >= POWER else (middle, high)
    return rounded_up(high * n)


def _enough(rows: int | None, settings: GateSettings) -> int | None:
    """The number of rows, but not fewer than a plan can speak of, or a gate decides with."""
    return None if rows is None else max(rows, LEAST_ROWS, settings.min_rows)


def _together(rules: Sequence[Sequence[Outlooks | None]]) -> Callable[[float], float | None]:
    """The chance that an unchanged model passes all of them, by the share of rows.

    Slices hold other rows and are independent; rules on the same rows are not.
    """
    known = [[one for one in parts if one is not None] for parts in rules]

    def chance(share: float) -> float | None:
        if any(len(own) < len(parts) or not parts for own, parts in zip(known, rules, strict=True)):
            return None
        each = (math.prod(one.pass_chance(one.unchanged, share * one.n) for one in own) for own in known)
        return all_of(list(each))

    return chance


def all_of(chances: Sequence[float]) -> float:
    """The chance that several events happen together, if normal variables behind them have a correlation of 1/2.

    Then each variable is (z + e)/√2 with a common z, over which the product of the conditional chances is averaged.
    Source: Dunnett & Sobel, Biometrika 42:258 (1955).

    >>> all_of([0.3]), all_of([]), all_of([0.0, 0.5]), round(all_of([0.5, 0.5]), 4)
    (0.3, 1.0, 0.0, 0.3333)
    """
    if len(chances) < 2 or min(chances) <= 0.0:
        return float(math.prod(chances))
    limits = np.array([normal_quantile(min(chance, 1.0 - 1e-12)) for chance in chances])
    z = np.linspace(-8.0, 8.0, 801)
    both = normal_cdf(math.sqrt(2.0) * limits[:, None] - z).prod(axis=0)
    weights = np.exp(-0.5 * z * z)
    return float(both @ weights / weights.sum())


def _cases(index: int, rule: Rule, measured: Measured, settings: GateSettings) -> list[Case]:
    found = [one for one in _evidence(rule, measured) if rule.worst_of is None or one.worth >= settings.min_rows]
    return [Case(index, rule, one, before_intervals(rule, one, settings)) for one in found]


def _evidence(rule: Rule, measured: Measured) -> list[Evidence]:
    """The evidence of a rule; of one on a change without a baseline, that of an assumed candidate."""
    if not rule.is_change or measured.change is not None:
        return evidence(rule, measured)
    if not EVERY[rule.metric].has_difference:
        return [Evidence(None, measured.report.n, None)]
    own = Rule(rule.metric, "max" if EVERY[rule.metric].better != "higher" else "min", 0.0, slice=rule.slice)
    return [_assumed(one) for one in evidence(own, measured)]


def _assumed(found: Evidence) -> Evidence:
    """No change, with the error of the metric itself: the variance of a difference of two values of correlation 1/2."""
    if found.value is None or found.low is None or found.high is None:
        return found
    half = 0.5 * (found.high - found.low)
    return replace(found, value=0.0, low=-half, high=half, centre=0.0, baseline=found.value)


def _tested(cases: Sequence[Sequence[Case]], own: Mapping[Key, Fraction]) -> list[tuple[Key, Case]]:
    return [(case.key, case) for parts in cases for case in parts if case.key in own]


def _prospect(key: Key, case: Case, share: Fraction, measure: Measure, settings: GateSettings) -> Outlooks | None:
    usual = measure(settings.level)
    passing = passing_level(case.rule, case.plain, settings, grouped=usual.report.groups is not None)
    levels = Levels(passing, settings.level, failing_level(share, settings))
    narrow = next(one for one in _evidence(case.rule, measure(passing)) if one.slice == key[1])
    return Prospect.of(case.rule, narrow, case.plain, levels)


def _certifies(case: Case) -> bool:
    """Whether more rows may certify what the rule asks for: it is not missing for another reason than few rows."""
    if not EVERY[case.rule.metric].certifies or case.rule.is_change:
        return False
    return case.settled is None or (case.settled.verdict == "inconclusive" and case.plain.few)


def _certifying(case: Case, settings: GateSettings, pairs: PairsOf | None) -> Outlooks | None:
    rows = None if pairs is None else pairs(case.plain.slice)
    return None if rows is None else CoverageProspect.of(case.rule, rows, settings.level)


def _remark(prospects: Sequence[Outlooks], chance: float | None, rows: int | None, *, assumed: bool) -> Notice | None:
    """What was assumed, or why no number of rows, or so few, would do. rows: the number that would."""
    if assumed:
        return outcome("assumed_candidate", ASSUMED)
    if any(not one.change and one.centre >= 0.0 for one in prospects):
        whose = "the value" if len(prospects) == 1 else "the value of a slice"
        text = f"{whose}, without noise, is measured beyond the limit; if that is true, no number of rows lets it pass"
        return outcome("value_beyond", text)
    if rows is None and any(isinstance(one, CoverageProspect) for one in prospects):
        return outcome("value_beyond", EARLY_ERRORS)
    if chance is not None and chance < HARDLY:
        return outcome("more_rows_needed", "with so few rows, hardly any sample of an unchanged model passes")
    return None


def _plan(
    rule: Rule, parts: Sequence[tuple[Case, Outlooks | None]], measured: Measured, settings: GateSettings
) -> RulePlan:
    """The plan of one rule from the prospects of its parts."""
    n, action = measured.report.n, settings.inconclusive(rule)
    slices = None if rule.worst_of is None else len(parts)
    known = [(case.plain, prospect) for case, prospect in parts if prospect is not None]
    if not known or len(known) < len(parts):
        settled = next((case.settled for case, _ in parts if case.settled is not None), None)
        why = outcome("no_slice", "no slice has enough rows") if settled is None else settled.reason
        rows = None if settled is None or slices is not None else settled.rows_needed
        return RulePlan(rule, action, n, slices, None, None, None, rows, rows, why)
    chance = _together([[prospect for _, prospect in known]])
    hardest = [prospect.rows_to_detect and n * prospect.rows_to_detect / prospect.n for _, prospect in known]
    detect = None if None in hardest else rounded_up(max(rows for rows in hardest if rows is not None))
    thresholds = {plain.threshold(rule) for plain, _ in known}
    assumed = rule.is_change and measured.change is None
    plain = known[0][0]
    value = 0.0 if rule.is_change else plain.value if plain.centre is None else plain.centre
    needed = _enough(rows_for(chance, n), settings)
    return RulePlan(
        rule=rule,
        on_inconclusive=action,
        n=n,
        slices=slices,
        value=value if slices is None or rule.is_change else None,
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
        pass_chance=chance(1.0),
        rows_needed=needed,
        rows_to_detect=_enough(detect, settings),
        reason=_remark([prospect for _, prospect in known], chance(1.0), needed, assumed=assumed),
    )
