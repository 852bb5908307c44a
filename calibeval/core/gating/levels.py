"""The levels of the intervals that decide: those that let a rule pass, and those that make it fail."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from calibeval.core.gating.evidence import Evidence
from calibeval.core.gating.rules import GateSettings, Rule

# The number of rows from which a slice passes by its one-sided bound: from there on, a slice at its limit passes in at
# most 5 % of samples (tests/benchmarks/gate_passes.py). Metrics that are not here pass by the usual interval.
ONE_SIDED = {"ece": 200, "accuracy": 100}


class Levels(NamedTuple):
    """Levels of the interval that passes, of the plain one, and of the one that fails."""

    passing: float
    plain: float
    failing: float


def passing_level(rule: Rule, found: Evidence, settings: GateSettings, *, grouped: bool) -> float:
    """The level of the interval that passes.

    A change, and a slice or cell of a rule on the worst one, pass by their one-sided bound, which is an end of the
    interval at the level 1 - 2 (1 - level). An interval that is approximate, or by groups of rows, does not do so for
    slices and cells.

    >>> passing_level(Rule("nll", "max_increase", 0.01), Evidence(None, 500, 0.0), GateSettings(), grouped=False)
    0.9
    """
    enough = ONE_SIDED.get(rule.metric)
    sliced = rule.of_each and enough is not None and found.worth >= enough
    one_sided = rule.is_change or (sliced and not grouped and found.reason is None)
    level = round(1.0 - 2.0 * (1.0 - settings.level), 12)
    return level if one_sided and level > 0.0 else settings.level


def failing_level(share: Fraction, settings: GateSettings) -> float:
    """The level of the interval that fails a case with this share of the chance of a false failure.

    >>> failing_level(Fraction(1), GateSettings()), failing_level(Fraction(1, 4), GateSettings())
    (0.95, 0.9875)
    """
    if share == 1:
        return settings.level
    return 1.0 - (1.0 - settings.level) * share.numerator / share.denominator
