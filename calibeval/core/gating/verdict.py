"""The output of a gate: one verdict for each rule and one for the whole, with exact JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from calibeval.core.data.documents import json_text
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.environment import Environment
from calibeval.core.data.notices import Notice
from calibeval.core.data.records import to_plain
from calibeval.core.gating.rules import GateSettings
from calibeval.core.gating.ruling import Outcome, RuleVerdict, whole
from calibeval.core.metrics.lookup import MetricLookup
from calibeval.core.report.report import Report
from calibeval.core.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA, EARLIER = "calibeval.verdict/1", "calibeval.gate/1"


class ExitCode(IntEnum):
    """The exit code that a gate returns to the shell."""

    PASSED = 0
    FAILED = 1
    NOT_EVALUATED = 3
    INCONCLUSIVE = 5


@dataclass(frozen=True, slots=True)
class Verdict(MetricLookup[RuleVerdict]):
    """The verdicts of all rules, in their order. A Verdict is true if the gate passed, so a test can assert it.

    `verdict["ece"]` is the verdict of the only rule on the ECE. If several rules limit one metric, the names also have
    the kind of the limit and, if needed, the slice: "ece max", "ece max worst:night". `list(verdict)` gives all names.
    `verdict.verdict` and `verdict.exit_code` are the result of the gate. `verdict.to_json()` is what `calibeval gate
    --json` prints.
    dump, baseline: the sources of the rows, as in a comparison's JSON; baseline is None without one. paired_by: "id" or
    "position"; None if rows were not paired. report: of the measurements behind the verdicts, if the gate kept it.
    environment: the versions and the command line; None from Python.
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
    environment: Environment | None = None

    def by_name(self) -> Mapping[str, RuleVerdict]:
        """The verdicts by the names of their rules: the metric, with kind and slice if several rules share it."""
        places = [tuple(part for part in one.rule.place if part is not None) for one in self.rules]
        names = [shortest(place, places) for place in places]
        return dict(zip(names, self.rules, strict=True))

    def __bool__(self) -> bool:
        """Whether the gate passed, that is, whether the exit code is 0."""
        return self.exit_code == ExitCode.PASSED

    def __repr__(self) -> str:
        """One short line: the verdict of the gate, and that of each rule."""
        return f"<Verdict {self.verdict}: {', '.join(f'{name} {one.verdict}' for name, one in self.items())}>"

    def __str__(self) -> str:
        """What `calibeval gate` prints, 100 columns wide and without colours, with the warnings at the end."""
        shown: str = elsewhere("calibeval.api.show", "verdict_text")(self)
        return shown

    def figure(self, *, width: float | None = None, of: str = "reliability") -> Figure:
        """The reliability diagram of the dump that was judged. width, of: as for `Report.figure`.

        Raises: UsageError if the verdict has no report; InputError for a risk-coverage curve that no rule needed.
        """
        drawn: Figure = elsewhere("calibeval.api.show", "verdict_figure")(self, width, of)
        return drawn

    def save(self, folder: str | PurePath) -> Path:
        """Write verdict.json and, if there is a report, report.html and report.json to a folder, and return its path.

        A missing folder is created.

        Raises: FileProblem if they cannot be written.
        """
        made: Path = elsewhere("calibeval.api.save", "save_verdict")(self, folder)
        return made

    def _repr_html_(self) -> str:
        """The HTML that a notebook shows for the verdict."""
        shown: str = elsewhere("calibeval.api.show", "verdict_html")(self)
        return shown

    @property
    def verdict(self) -> Outcome:
        """The first of fail, error, inconclusive and pass that a rule of severity "error" has."""
        return whole([rule.verdict for rule in self.rules if rule.blocks])

    @property
    def exit_code(self) -> ExitCode:
        """0: passed, 1: failed, 3: a rule could not be evaluated, 5: inconclusive by a rule that blocks then."""
        if self.verdict == "inconclusive":
            return ExitCode.INCONCLUSIVE if any(rule.stops for rule in self.rules) else ExitCode.PASSED
        codes = {"pass": ExitCode.PASSED, "fail": ExitCode.FAILED, "error": ExitCode.NOT_EVALUATED}
        return codes[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the verdict."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "environment": None if self.environment is None else to_plain(self.environment),
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
        """The verdict as JSON; numbers round-trip exactly, and it never contains NaN."""
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Verdict:
        """The verdict that `to_json` wrote, without its report; bytes are UTF-8.

        Raises: InputError if the text is no verdict of this schema, naming the first field that is not what it must be.
        """
        found: Verdict = elsewhere("calibeval.core.gating.from_json", "verdict_from_json")(text)
        return found


def shortest(place: tuple[str, ...], places: list[tuple[str, ...]]) -> str:
    """The shortest prefix of a rule's place that no other rule has.

    >>> shortest(("ece", "max"), [("ece", "max"), ("nll", "max")])
    'ece'
    >>> shortest(("ece", "max", "worst"), [("ece", "max"), ("ece", "max", "worst")])
    'ece max worst'
    """
    for length in range(1, len(place)):
        if sum(other[:length] == place[:length] for other in places) == 1:
            return " ".join(place[:length])
    return " ".join(place)
