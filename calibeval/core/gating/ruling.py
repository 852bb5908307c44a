"""The verdict of one rule: what decided it, on which part of the rows, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from calibeval.core.data.notices import Notice
from calibeval.core.data.records import to_plain
from calibeval.core.gating.movers import Part
from calibeval.core.gating.rules import OnInconclusive, Rule

Outcome = Literal["pass", "fail", "inconclusive", "error"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What another sample, or more rows, would do for a rule that is inconclusive.

    pass_chance: of passing in another sample of this size, for a model like this one, or, of a rule on a change, for
    one that did not change at all. rows_needed: number of rows from which 80 of 100 samples decide; None if no number
    does. rows_low, rows_high: its range, as the value is known to one standard error only; rows_high is None if it has
    no end. rows_to_detect: number of rows from which a violation by as much again as the limit fails in 80 of 100
    samples.
    """

    pass_chance: float | None = None
    rows_needed: int | None = None
    rows_low: int | None = None
    rows_high: int | None = None
    rows_to_detect: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of one rule on all rows, or on one slice.

    slice: "column=value"; None for all rows. n: number of rows; None if unknown. value: the metric, or for a rule on a
    change candidate - baseline; for limits on confidence_gap itself, its absolute value. low, high: the interval that
    decided. centre: the value corrected for bias, the centre of the interval. baseline: the baseline's value.
    threshold: the limit in the unit of the metric, computed from the baseline's value for a relative rule.
    interval_level: of the interval that decided. plain_low, plain_high: the interval at the level of the settings.
    outlook: of an inconclusive rule, what more rows would do.
    """

    slice: str | None
    n: int | None
    value: float | None
    low: float | None
    high: float | None
    centre: float | None
    baseline: float | None
    threshold: float | None
    verdict: Outcome
    reason: Notice
    interval_level: float | None = None
    plain_low: float | None = None
    plain_high: float | None = None
    outlook: Outlook | None = None

    @property
    def rows_needed(self) -> int | None:
        """The rows that decide an inconclusive rule in 80 of 100 samples; None if it is decided, or no number would."""
        return None if self.outlook is None else self.outlook.rows_needed

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this part of a rule on slices."""
        return to_plain(self, "centre", "threshold", "outlook")


@dataclass(frozen=True, slots=True)
class Trial:
    """What the same rule would say of the dump after a temperature alone, each row by a fit on others.

    value: of the metric. repairs: whether the rule would pass. verdict: what it would be. low, high: the interval that
    decides, of the value, or of the change where the rule is about one. change: from the baseline. temperature: the
    mean of those of the folds. corrected: the value without its bias, where the rule is about the value and it has one.
    interval_level: of the interval. All but value and repairs are None where an earlier version wrote the verdict.
    """

    value: float
    repairs: bool
    verdict: Literal["pass", "fail", "inconclusive"] | None = None
    low: float | None = None
    high: float | None = None
    change: float | None = None
    temperature: float | None = None
    corrected: float | None = None
    interval_level: float | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """Why a rule did not pass.

    change: whether the change from the baseline was split into parts, or the metric itself. parts: the parts of the
    rows that contribute most; empty if no part contributes much, None if the metric cannot be split into rows or
    classes.
    temperature: the result of temperature scaling; None if it could not be tried, or cannot change the metric.
    """

    change: bool
    parts: tuple[Part, ...] | None
    temperature: Trial | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of these reasons."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """A rule with its verdict.

    rule: the Rule. verdict: "pass", "fail", "inconclusive", "error" (the rule could not be evaluated) or "off". reason:
    of the verdict. decisive: the part that decided: all rows, the slice, or the worst slice; None if the rule is off.
    slices: for a rule on the worst slice, every slice. why: what moved the metric, if requested and the rule did not
    pass. on_inconclusive: what the gate does if this rule is inconclusive.
    """

    rule: Rule
    verdict: Outcome | Literal["off"]
    reason: Notice
    decisive: Judged | None
    slices: tuple[Judged, ...] = ()
    why: Why | None = None
    on_inconclusive: OnInconclusive = "fail"

    @property
    def blocks(self) -> bool:
        """Whether the rule counts for the result of the gate."""
        return self.rule.severity == "error"

    @property
    def stops(self) -> bool:
        """Whether the rule is inconclusive and makes the gate stop for it."""
        return self.blocks and self.verdict == "inconclusive" and self.on_inconclusive == "fail"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this rule."""
        rule, part = self.rule, self.decisive
        return {
            **rule.to_dict(),
            "on_inconclusive": self.on_inconclusive,
            "verdict": self.verdict,
            "reason": self.reason.to_dict(),
            **_facts(part or _NOTHING),
            "worst_slice": part.slice if part is not None and rule.of_each else None,
            "slices": [one.to_dict() for one in self.slices],
            "why": None if self.why is None else self.why.to_dict(),
        }


def whole(verdicts: list[Any]) -> Outcome:
    """The worst of several verdicts; rules that are off do not count.

    >>> whole(["pass", "inconclusive", "off"]), whole([])
    ('inconclusive', 'pass')
    """
    order: tuple[Outcome, ...] = ("fail", "error", "inconclusive")
    return next((outcome for outcome in order if outcome in verdicts), "pass")


def _facts(part: Judged) -> dict[str, Any]:
    outlook = part.outlook or Outlook()
    return {
        "n": part.n,
        "value": part.value,
        "low": part.low,
        "high": part.high,
        "interval_level": part.interval_level,
        "plain_low": part.plain_low,
        "plain_high": part.plain_high,
        "corrected": part.centre,
        "baseline": part.baseline,
        "threshold": part.threshold,
        "pass_chance": outlook.pass_chance,
        "rows_needed": outlook.rows_needed,
        "rows_needed_low": outlook.rows_low,
        "rows_needed_high": outlook.rows_high,
        "rows_to_detect": outlook.rows_to_detect,
    }


_NOTHING = Judged(None, None, None, None, None, None, None, None, "error", Notice(""))
