"""The verdict on what was measured, whatever it was measured of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from calibeval.core.data.notices import Notice
from calibeval.core.gating.coverage_prospect import with_advice
from calibeval.core.gating.judge import Numbers, judge
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import RuleVerdict
from calibeval.core.gating.verdict import Verdict
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.pairs import Pairs
from calibeval.core.version import VERSION

Explain = Callable[[RuleVerdict], RuleVerdict]


class Told(Numbers, Protocol):
    """Numbers with what a verdict says of where they come from."""

    @property
    def dump(self) -> Mapping[str, Any]:
        """What was judged."""

    @property
    def baseline(self) -> Mapping[str, Any] | None:
        """What it was compared with."""

    @property
    def paired_by(self) -> str | None:
        """How rows are paired: "id" or "position"; None if they are not."""

    @property
    def warnings(self) -> Sequence[Notice]:
        """About both."""


class Judgeable(Protocol):
    """A dump, sums of dumps, cases or a survey, measured for rules."""

    @property
    def settings(self) -> Settings:
        """The settings under which it was measured."""

    @property
    def n(self) -> float:
        """The number of rows."""

    def measure(self, level: float) -> Told:
        """The results and differences that the rules need, with intervals at that level."""

    def pairs(self, name: str | None) -> Pairs | None:
        """The ranked rows of a slice, or of all rows; None if they were not kept."""

    def in_units(self, verdicts: tuple[RuleVerdict, ...]) -> tuple[RuleVerdict, ...]:
        """The verdicts, with reasons that count the units of which more would decide."""

    def report(self, level: float) -> DumpReport | None:
        """A report of it, with the metrics that rules need; None of a survey, which is no single dump."""


def judged(
    subject: Judgeable,
    rules: Sequence[Rule],
    settings: GateSettings,
    *,
    config: str | None = None,
    explain: Explain | None = None,
) -> Verdict:
    """The verdict on a subject. config: the file with the rules. explain: adds the reasons to the verdict of a rule.

    Raises: like `judge` and the measurements.
    """
    verdicts = subject.in_units(with_advice(judge(rules, subject.measure, settings), subject.pairs, settings))
    measured = subject.measure(settings.level)
    return Verdict(
        version=VERSION,
        settings=settings,
        reading=subject.settings,
        config=config,
        dump=measured.dump,
        baseline=measured.baseline,
        paired_by=measured.paired_by,
        rules=verdicts if explain is None else tuple(map(explain, verdicts)),
        warnings=tuple(dict.fromkeys(measured.warnings)),
    )
