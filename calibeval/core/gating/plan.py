"""What a sample of this size can decide: for each rule the chance that an unchanged model passes, and rows for more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.documents import json_text
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.environment import Environment
from calibeval.core.data.notices import Notice
from calibeval.core.data.records import to_plain
from calibeval.core.gating.rules import GateSettings, OnInconclusive, Rule
from calibeval.core.gating.verdict import shortest
from calibeval.core.metrics.lookup import MetricLookup
from calibeval.core.report.settings import Settings

SCHEMA = "calibeval.plan/1"


@dataclass(frozen=True, slots=True)
class RulePlan:
    """What a sample of this size can decide about one rule.

    n: rows of the dump. slices: number of slices that are judged; None for a rule on all rows or one slice. value: the
    value that an unchanged model is taken to have: the corrected value, and no change for rules on a change; None for
    several slices. threshold: the limit in the unit of the metric; None if it differs between slices. pass_chance: that
    an unchanged model passes. rows_needed: rows of a dump from which 80 of 100 samples do. rows_to_detect: rows from
    which a model whose violation is as large again as the limit (for `min`: as the distance of the limit from the best
    value) fails in 80 of 100 samples. All three are None where they do not exist, and reason says why, or what was
    assumed.
    """

    rule: Rule
    on_inconclusive: OnInconclusive
    n: int
    slices: int | None
    value: float | None
    threshold: float | None
    pass_chance: float | None
    rows_needed: int | None
    rows_to_detect: int | None
    reason: Notice | None = None

    @property
    def stops(self) -> bool:
        """Whether the gate stops if this rule is inconclusive."""
        return self.rule.severity == "error" and self.on_inconclusive == "fail"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this rule."""
        return {**self.rule.to_dict(), **to_plain(self, "rule")}


@dataclass(frozen=True, slots=True)
class Plan(MetricLookup[RulePlan]):
    """What a sample of this size can decide, rule by rule and for the whole gate.

    rules: those that are not off. n: rows of the dump. pass_chance: that an unchanged model passes every rule that
    blocks. exit_0_chance: that it passes every rule that makes the gate stop if it is inconclusive, so that the exit
    code is 0. Both take slices as independent and rules as correlated by 1/2. rows_needed: rows from which 80 of 100
    samples give exit code 0; None if no number does. dump, baseline, paired_by, environment: as in a Verdict.
    """

    NOUN: ClassVar[str] = "rule"

    version: str
    settings: GateSettings
    reading: Settings
    config: str | None
    dump: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    paired_by: str | None
    n: int
    rules: tuple[RulePlan, ...]
    pass_chance: float | None
    exit_0_chance: float | None
    rows_needed: int | None
    warnings: tuple[Notice, ...] = ()
    environment: Environment | None = None

    def by_name(self) -> Mapping[str, RulePlan]:
        """The plans by the names of their rules, as in a Verdict."""
        places = [tuple(part for part in one.rule.place if part is not None) for one in self.rules]
        return dict(zip([shortest(place, places) for place in places], self.rules, strict=True))

    def __repr__(self) -> str:
        """One short line: the chance of exit code 0, and of passing each rule."""
        chances = ", ".join(f"{name} {_rounded(one.pass_chance)}" for name, one in self.items())
        return f"<Plan {_rounded(self.exit_0_chance)}: {chances}>"

    def __str__(self) -> str:
        """What `calibeval gate --plan` prints, 100 columns wide and without colours."""
        shown: str = elsewhere("calibeval.api.show", "plan_text")(self)
        return shown

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the plan."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "environment": None if self.environment is None else to_plain(self.environment),
            "settings": {
                **self.reading.to_dict(),
                "config": self.config,
                "on_inconclusive": self.settings.on_inconclusive,
                "min_rows": self.reading.min_rows or self.settings.min_rows,
            },
            "dump": dict(self.dump),
            "baseline": None if self.baseline is None else dict(self.baseline),
            "paired_by": self.paired_by,
            "n": self.n,
            "pass_chance": self.pass_chance,
            "exit_0_chance": self.exit_0_chance,
            "rows_needed": self.rows_needed,
            "rules": [rule.to_dict() for rule in self.rules],
            "warnings": [one.to_dict() for one in self.warnings],
        }

    def to_json(self) -> str:
        """The plan as JSON; numbers round-trip exactly, and it never contains NaN."""
        return json_text(self.to_dict())


def _rounded(chance: float | None) -> str:
    return "-" if chance is None else f"{100.0 * chance:.0f} %"
