"""What a gate answers: one verdict for each rule and one for the whole; exact JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from calibeval.core.data.documents import json_text
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.lookup import Lookup
from calibeval.core.data.notices import Notice
from calibeval.core.data.records import to_plain
from calibeval.core.gating.movers import Part
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.report.report import Report
from calibeval.core.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA, EARLIER = "calibeval.verdict/1", "calibeval.gate/1"

Outcome = Literal["pass", "fail", "inconclusive", "error"]


class ExitCode(IntEnum):
    """What a gate returns to the shell."""

    PASSED = 0
    FAILED = 1
    NOT_EVALUATED = 3
    INCONCLUSIVE = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """One part of the rows under one rule: all rows, or a slice.

    slice: "column=value", None for all rows. n: rows; None where unknown. value: the metric, or for a rule on a change
    candidate - baseline; the size of confidence_gap where that is bounded. low, high: its interval. centre: the value
    corrected for bias, around which the interval lies. baseline: the baseline's value. threshold: the limit in the
    metric's own unit, which for a relative rule is a share of the baseline's value. rows_needed: rows that would decide
    an inconclusive rule if the corrected value stayed what it is; None where no number of rows would.
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
    rows_needed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this part of a rule on slices."""
        return to_plain(self, "centre", "threshold", "rows_needed")


@dataclass(frozen=True, slots=True)
class Trial:
    """What the same rule would say of the dump after a temperature alone, each row by a fit on others.

    value: of the metric. repairs: whether the rule would pass. verdict: what it would be. low, high: the interval that
    decides, of the value, or of the change where the rule is about one. change: from the baseline. temperature: the
    mean of those of the folds. All but value and repairs are None where an earlier version wrote the verdict.
    """

    value: float
    repairs: bool
    verdict: Literal["pass", "fail", "inconclusive"] | None = None
    low: float | None = None
    high: float | None = None
    change: float | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """What moved a metric, as facts.

    change: whether its change from the baseline was taken apart, or the metric itself. parts: the parts of the rows
    that carry most of it; empty where no single one carries much, None where rows and classes have no shares in it.
    temperature: None where none could be tried, or it can change nothing.
    """

    change: bool
    parts: tuple[Part, ...] | None
    temperature: Trial | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of these facts."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """A rule with its verdict.

    decisive: the part that the verdict rests on: all rows, the slice, or the worst slice; None where the rule is off.
    slices: every slice of a rule on the worst one. why: what moved the metric, where that was asked for and the rule
    did not pass.
    """

    rule: Rule
    verdict: Outcome | Literal["off"]
    reason: Notice
    decisive: Judged | None
    slices: tuple[Judged, ...] = ()
    why: Why | None = None

    @property
    def blocks(self) -> bool:
        """Whether the rule counts for the whole."""
        return self.rule.severity == "error"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this rule."""
        rule, part = self.rule, self.decisive
        facts = dict.fromkeys(("n", "value", "low", "high", "corrected", "baseline", "threshold", "rows_needed"))
        if part is not None:
            facts = {
                "n": part.n,
                "value": part.value,
                "low": part.low,
                "high": part.high,
                "corrected": part.centre,
                "baseline": part.baseline,
                "threshold": part.threshold,
                "rows_needed": part.rows_needed,
            }
        return {
            "metric": rule.metric,
            "kind": rule.kind,
            "limit": rule.limit,
            "relative": rule.relative,
            "slice": rule.slice,
            "severity": rule.severity,
            "verdict": self.verdict,
            "reason": self.reason.to_dict(),
            **facts,
            "worst_slice": part.slice if part is not None and rule.worst_of is not None else None,
            "slices": [one.to_dict() for one in self.slices],
            "why": None if self.why is None else self.why.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Verdict(Lookup[RuleVerdict]):
    """The verdicts of all rules, in their order. It counts as true where the gate passed, so that a test can assert it.

    `verdict["ece"]` is the verdict of the only rule on the ECE; where several limit one metric, the name goes on with
    the kind of the limit, and with the slice: "ece max", "ece max worst:night". `list(verdict)` has them all.
    dump, baseline: where the rows came from, as in a comparison's JSON; baseline is None without one. paired_by: what
    made rows of both belong together, None where nothing did. `verdict.to_json()` is what `calibeval gate --json`
    prints. report: of the measurements that the rules were judged by, where the gate kept it.
    """

    NOUN: ClassVar[str] = "rule"

    version: str
    settings: GateSettings
    reading: Settings
    config: str | None
    dump: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    paired_by: str | None
    rules: tuple[RuleVerdict, ...]
    warnings: tuple[Notice, ...] = ()
    report: Report | None = field(default=None, compare=False)

    def by_name(self) -> Mapping[str, RuleVerdict]:
        """The verdicts by the names of their rules: the metric, with kind and slice where rules share it."""
        places = [tuple(part for part in one.rule.place if part is not None) for one in self.rules]
        names = [_shortest(place, places) for place in places]
        return dict(zip(names, self.rules, strict=True))

    def __bool__(self) -> bool:
        """Whether the gate passed, as the exit code of the command says."""
        return self.exit_code == ExitCode.PASSED

    def __repr__(self) -> str:
        """One short line: the verdict, and that of each rule."""
        return f"<Verdict {self.verdict}: {', '.join(f'{name} {one.verdict}' for name, one in self.items())}>"

    def __str__(self) -> str:
        """What `calibeval gate` prints, 100 columns wide and without colours; warnings are below it."""
        shown: str = elsewhere("calibeval.api.show", "verdict_text")(self)
        return shown

    def figure(self, *, width: float | None = None) -> Figure:
        """The reliability diagram of the dump that was judged. width: as for `Report.figure`.

        Raises: UsageError where the verdict has no report.
        """
        drawn: Figure = elsewhere("calibeval.api.show", "verdict_figure")(self, width)
        return drawn

    def save(self, folder: str | PurePath) -> Path:
        """Write verdict.json, and with a report report.html and report.json, to a folder, made where it is missing;
        what it returns.

        Raises: FileProblem if they cannot be written.
        """
        made: Path = elsewhere("calibeval.api.save", "save_verdict")(self, folder)
        return made

    def _repr_html_(self) -> str:
        """The verdict as a notebook shows it."""
        shown: str = elsewhere("calibeval.api.show", "verdict_html")(self)
        return shown

    @property
    def verdict(self) -> Outcome:
        """Of the rules of severity error: fail if one failed, else error, else inconclusive, else pass."""
        return whole([rule.verdict for rule in self.rules if rule.blocks])

    @property
    def exit_code(self) -> ExitCode:
        """0 passed, 1 failed, 3 a rule could not be evaluated, 5 inconclusive where on_inconclusive is "fail"."""
        if self.verdict == "inconclusive":
            return ExitCode.INCONCLUSIVE if self.settings.on_inconclusive == "fail" else ExitCode.PASSED
        codes = {"pass": ExitCode.PASSED, "fail": ExitCode.FAILED, "error": ExitCode.NOT_EVALUATED}
        return codes[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the verdict."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "verdict": self.verdict,
            "exit_code": int(self.exit_code),
            "settings": {
                **self.reading.to_dict(),
                "config": self.config,
                "decide": self.settings.decide,
                "on_inconclusive": self.settings.on_inconclusive,
                "min_rows": self.reading.min_rows or self.settings.min_rows,
            },
            "dump": dict(self.dump),
            "baseline": None if self.baseline is None else dict(self.baseline),
            "paired_by": self.paired_by,
            "rules": [rule.to_dict() for rule in self.rules],
            "warnings": [one.to_dict() for one in self.warnings],
        }

    def to_json(self) -> str:
        """The verdict as JSON; numbers round-trip exactly, and there is never a NaN in it."""
        return json_text(self.to_dict())


def _shortest(place: tuple[str, ...], places: list[tuple[str, ...]]) -> str:
    """As many parts of a rule's place as tell it from all others.

    >>> _shortest(("ece", "max"), [("ece", "max"), ("nll", "max")])
    'ece'
    >>> _shortest(("ece", "max", "worst"), [("ece", "max"), ("ece", "max", "worst")])
    'ece max worst'
    """
    for length in range(1, len(place)):
        if sum(other[:length] == place[:length] for other in places) == 1:
            return " ".join(place[:length])
    return " ".join(place)


def whole(verdicts: list[Any]) -> Outcome:
    """The worst of several verdicts; rules that are off do not count.

    >>> whole(["pass", "inconclusive", "off"]), whole([])
    ('inconclusive', 'pass')
    """
    order: tuple[Outcome, ...] = ("fail", "error", "inconclusive")
    return next((outcome for outcome in order if outcome in verdicts), "pass")
