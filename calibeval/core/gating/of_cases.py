"""What a gate judges in folders of cases: pixels together, means over images and structures, beside a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from calibeval.core.comparison.baseline import Baseline
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.comparison.of_cases import PairedCases, chosen_results, of_rows
from calibeval.core.dense.case import Cases
from calibeval.core.evaluation.measured_cases import Columns, MeasuredCases, measured_cases
from calibeval.core.gating.in_images import in_images
from calibeval.core.gating.measured import Measured
from calibeval.core.gating.rules import Rule
from calibeval.core.gating.ruling import RuleVerdict
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.version import VERSION


@dataclass(frozen=True, slots=True, eq=False)
class CasesSubject:
    """Cases and their baseline, measured in one pass. saved: the baseline, if it is a saved report."""

    cases: MeasuredCases
    saved: Baseline | None
    values: tuple[str, ...]
    changes: tuple[str, ...]
    found: dict[float, Measured] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        cases: Cases,
        base: Cases | Baseline | None,
        rules: Sequence[Rule],
        settings: Settings,
        resources: Resources = PLAIN,
        *,
        region: str | None = None,
        units: Sequence[str] | None = None,
        columns: Columns | None = None,
        renormalize: bool = False,
    ) -> CasesSubject:
        """Measure what these rules need. Other arguments, and Raises: as for `measured_cases`."""
        every = list(dict.fromkeys(["accuracy", *(rule.metric for rule in rules)]))
        saved = base if isinstance(base, Baseline) else None
        (measured,) = measured_cases(
            cases,
            settings,
            resources,
            of_rows(every),
            base=None if isinstance(base, Baseline) else base,
            region=region,
            units=units,
            columns=columns,
            renormalize=renormalize,
        )
        changes = tuple(dict.fromkeys(rule.metric for rule in rules if rule.is_change))
        values = tuple(every) if base is None else tuple(name for name in every if name not in changes)
        both = {rule.metric for rule in rules if not rule.is_change}
        values += tuple(name for name in changes if name in both and name not in values)
        return cls(measured, saved, values, changes)

    @property
    def settings(self) -> Settings:
        """The settings under which they were measured."""
        return self.cases.settings

    @property
    def n(self) -> float:
        """The number of pixels."""
        return float(self.cases.whole.images.sums.n.sum())

    def pairs(self, name: str | None) -> Pairs | None:
        """None: pixels are not kept."""
        del name
        return None

    def report(self, level: float) -> DumpReport:
        """A report of the cases."""
        return self.cases.report(level)

    def measure(self, level: float) -> Measured:
        """The results and differences that the rules need, with intervals at that level; cached for each level."""
        if level not in self.found:
            report = self.cases.report(level, of_rows(self.values))
            metrics = chosen_results(report, self.values)
            self.found[level] = Measured(replace(report, metrics=metrics), self._compared(level))
        return self.found[level]

    def in_units(self, verdicts: tuple[RuleVerdict, ...]) -> tuple[RuleVerdict, ...]:
        """The verdicts; where more rows would decide, they say how many images."""
        share = len(self.cases.whole.images.sums) / max(self.n, 1.0)
        return tuple(in_images(one, share) for one in verdicts)

    def _compared(self, level: float) -> Comparison | None:
        if self.saved is None and self.cases.base is None:
            return None
        pair = PairedCases(self.cases, self.saved)
        return Comparison(VERSION, self.settings, pair.base, (pair.at(level, self.changes),))
