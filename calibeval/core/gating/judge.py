"""Judging rules by intervals, as a pure function of measured numbers.

A rule passes if the whole interval is within the limit, and fails if the whole interval is beyond it. Otherwise it is
inconclusive: the sample is too small for this limit. A metric that could not be measured never passes.

**Passing.** A limit on a metric is passed by the interval at the level of the settings. A limit on a change is a test
of non-inferiority, passed by the one-sided bound at that level (for 95 %, the end of the 90 % interval). So is a limit
on the worst slice, for the metrics of ONE_SIDED: it passes if all slices do, and if one is beyond its limit, all pass
by mistake with at most the chance that this one does (the intersection-union test: Berger, Technometrics 24:295
(1982)).

**Failing.** Many rules and slices give many chances of a false alarm. Holm's procedure with weights keeps the chance of
any false failure of the gate below that of a single interval: each rule of severity error has the same share of it, and
each slice of a rule on the worst one the same share of its rule's. A part fails if the interval at the level 1 -
(1 - level) · share is beyond the limit; the shares of those that failed then go to the others (Holm, Scandinavian
Journal of Statistics 6:65 (1979)). A lone rule fails by the plain interval. Rules that only warn are judged alone.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from calibeval.core.data.notices import outcome
from calibeval.core.errors import UsageError
from calibeval.core.gating.decide import before_intervals, by_intervals
from calibeval.core.gating.evidence import Evidence, excess
from calibeval.core.gating.levels import Levels, failing_level, passing_level
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import Judged, RuleVerdict, whole
from calibeval.core.uncertainty.holm import shared_holm

Key = tuple[int, str | None]


class Numbers(Protocol):
    """What was measured of a dump, or of the cells of a survey, at one level.

    grouped: whether rows depend on each other by groups. compared: whether there is a baseline.
    """

    @property
    def grouped(self) -> bool: ...  # noqa: D102 - as above

    @property
    def compared(self) -> bool: ...  # noqa: D102 - as above

    def evidence(self, rule: Rule) -> list[Evidence]:
        """The numbers that a rule is judged by: of all rows, of slices, or of cells. Raises: UsageError."""

    def left_out(self, rule: Rule) -> int:
        """The number of slices that were too small to be measured."""


Measure = Callable[[float], Numbers]


@dataclass(frozen=True, slots=True)
class Case:
    """One part of the rows under one rule.

    index: of the rule. plain: the evidence at the level of the settings. settled: its verdict if it needs no interval.
    """

    index: int
    rule: Rule
    plain: Evidence
    settled: Judged | None

    @property
    def key(self) -> Key:
        """What identifies the case."""
        return self.index, self.plain.slice

    @property
    def suspect(self) -> bool:
        """Whether the plain interval is beyond the limit."""
        ends = self.plain.excess(self.rule)
        return ends is not None and ends[0] > 0


def judge(rules: Sequence[Rule], measure: Measure, settings: GateSettings) -> tuple[RuleVerdict, ...]:
    """The verdict of every rule, in the order of the rules.

    measure: gives the results at a level: that of the settings, and those that pass and fail.
    Raises: UsageError for a rule on a change without a baseline, and for a slice that the dump does not have.
    """
    cases = [cases_of(i, rule, measure, settings) for i, rule in enumerate(rules)]
    judged: dict[Key, Judged] = {}
    for family in families(cases):
        judged |= _judged(family, measure, settings)
    return tuple(
        _ruled(rule, [judged[case.key] for case in own], measure, settings)
        for rule, own in zip(rules, cases, strict=True)
    )


def cases_of(index: int, rule: Rule, measure: Measure, settings: GateSettings) -> list[Case]:
    """The parts of the rows that a rule judges; slices with fewer rows than the settings ask for are left out.

    Raises: as `judge`.
    """
    if rule.severity == "off":
        return []
    measured = measure(settings.level)
    if rule.is_change and not measured.compared:
        raise UsageError(
            f"{rule.kind} of {rule.metric} needs a baseline: use --baseline FILE, or baseline under [gate]"
        )
    found = [one for one in measured.evidence(rule) if rule.worst_of is None or one.worth >= settings.min_rows]
    return [Case(index, rule, one, before_intervals(rule, one, settings)) for one in found]


def families(cases: Sequence[Sequence[Case]]) -> list[list[Case]]:
    """The cases that share the chance of a false failure: those of all rules that block, and those of each other."""
    blocking = [case for own in cases for case in own if case.rule.severity == "error"]
    return [blocking, *(list(own) for own in cases if own and own[0].rule.severity != "error")]


def shares(family: Sequence[Case]) -> dict[Key, Fraction]:
    """The share of each case that needs intervals: the same for each rule, and the same for each slice of a rule."""
    tested = Counter(case.index for case in family if case.settled is None)
    return {case.key: Fraction(1, len(tested) * tested[case.index]) for case in family if case.settled is None}


def _judged(family: Sequence[Case], measure: Measure, settings: GateSettings) -> dict[Key, Judged]:
    """The verdicts on the cases of one family."""
    cases, own = {case.key: case for case in family}, shares(family)

    @functools.cache  # a rule may have a thousand parts, each of which is looked up
    def parts(level: float, rule: Rule) -> dict[str | None, Evidence]:
        return {one.slice: one for one in reversed(measure(level).evidence(rule))}

    def at(level: float, key: Key) -> Evidence:
        return parts(level, cases[key].rule)[key[1]]

    def beyond(key: Key, share: Fraction) -> bool:
        ends = at(failing_level(share, settings), key).excess(cases[key].rule)
        return ends is not None and ends[0] > 0

    failed, left = shared_holm(own, [key for key in own if cases[key].suspect], beyond)
    grouped = measure(settings.level).grouped
    judged = {case.key: case.settled for case in family if case.settled is not None}
    for key in own:
        case = cases[key]
        passing = passing_level(case.rule, case.plain, settings, grouped=grouped)
        failing = failing_level(failed.get(key, own[key] / left if left else Fraction(1)), settings)
        found = at(passing, key), case.plain, at(failing, key) if case.suspect else case.plain
        levels = Levels(passing, settings.level, failing)
        judged[key] = by_intervals(case.rule, found, levels, _together(own, key, _what(case.rule)))
    return judged


def _together(own: Mapping[Key, Fraction], key: Key, part: str = "slice") -> str:
    """What Holm's procedure tests together with a case, in words.

    >>> _together({(0, "a=1"): Fraction(1, 4), (0, "a=2"): Fraction(1, 4), (1, None): Fraction(1, 2)}, (0, "a=1"))
    '2 rules and 2 slices'
    """
    rules, parts = len({index for index, _ in own}), sum(index == key[0] for index, _ in own)
    return " and ".join(f"{count} {what}s" for count, what in ((rules, "rule"), (parts, part)) if count > 1)


def _ruled(rule: Rule, parts: Sequence[Judged], measure: Measure, settings: GateSettings) -> RuleVerdict:
    """The verdict of a rule from those on its parts."""
    action = settings.inconclusive(rule)
    if rule.severity == "off":
        return RuleVerdict(rule, "off", outcome("switched_off", "switched off"), None, on_inconclusive=action)
    if not rule.of_each:
        (part,) = parts
        return RuleVerdict(rule, part.verdict, part.reason, part, on_inconclusive=action)
    measured = measure(settings.level)
    small = measured.left_out(rule) + len(measured.evidence(rule)) - len(parts)
    if not parts:
        nothing = outcome("no_slice", f"no slice has enough rows: {small} with too few")
        return RuleVerdict(rule, "error", nothing, None, on_inconclusive=action)
    verdict = whole([part.verdict for part in parts])
    worst = max((part for part in parts if part.verdict == verdict), key=lambda part: _badness(rule, part))
    among = f"; {small} with too few rows left out" if small else ""
    reason = f"{worst.reason} (worst of {len(parts)} {_what(rule)}{'s' * (len(parts) > 1)}{among})"
    return RuleVerdict(rule, verdict, worst.reason.reworded(reason), worst, tuple(parts), on_inconclusive=action)


def _what(rule: Rule) -> str:
    return "cell" if rule.of_cells else "slice"


def _badness(rule: Rule, part: Judged) -> float:
    if part.value is None or part.threshold is None:
        return -math.inf
    return excess(rule, part.value, part.threshold)
