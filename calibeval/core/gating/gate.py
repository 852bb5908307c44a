"""A dump judged by rules: measured alone, by slices and against a baseline, as far as the rules ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calibeval.core.comparison.compare import compare
from calibeval.core.conventions.table import OWN, find_convention
from calibeval.core.data.columns import PREDICTED_CLASS, TRUE_CLASS
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import UsageError, nearest
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.gating.judge import Measured, judge
from calibeval.core.gating.rules import GateSettings, Rule, rule_from_table
from calibeval.core.gating.verdict import RuleVerdict, Verdict
from calibeval.core.report.report import Report
from calibeval.core.report.settings import Settings
from calibeval.core.version import VERSION

Explain = Callable[[RuleVerdict], RuleVerdict]


def gate(
    predictions: Predictions,
    rules: Sequence[Rule | Mapping[str, Any]],
    *,
    baseline: Predictions | Report | None = None,
    settings: GateSettings | None = None,
    bins: int | None = None,
    convention: str = OWN,
    slices: Sequence[str] = (),
    group: str | None = None,
    jobs: int = 1,
    max_memory: int | None = None,
) -> Verdict:
    """Whether predictions may pass: every rule judged by the interval of its metric, or of its change.

    rules: Rules, or tables as a configuration has them. baseline: the predictions of another model on the same rows,
    or its saved report, whose rows cannot be paired. settings: how rules are decided. slices: columns for rules on the
    worst slice; columns that rules name need not be said. Slices below settings.min_rows rows, or 100, are left out.
    bins, convention, group, jobs, max_memory: as for `evaluate`.
    Raises: UsageError for rules or settings that cannot work; InputError for a baseline of other rows or classes.

    >>> predictions = Predictions(probs=[[0.9, 0.1], [0.3, 0.7]] * 500, labels=[0, 1] * 500)
    >>> verdict = gate(predictions, [{"metric": "accuracy", "min": 0.9}, {"metric": "ece", "max": 0.1}])
    >>> verdict.verdict, [rule.verdict for rule in verdict.rules]
    ('fail', ['pass', 'fail'])
    """
    asked = [rule if isinstance(rule, Rule) else rule_from_table(rule) for rule in rules]
    if not asked:
        raise UsageError("the list of rules is empty, so nothing would be asked")
    how = settings or GateSettings()
    subject = Subject.of(
        predictions,
        baseline,
        asked,
        how,
        bins=bins,
        convention=convention,
        slices=slices,
        group=group,
        jobs=jobs,
        max_memory=max_memory,
    )
    return judged(subject, asked, how)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The dump, its baseline (predictions, or a saved report), and the settings under which both are measured.

    slices: columns. min_rows: of a slice; None for the usual number. group: column of rows that depend on each other.
    """

    dump: Predictions
    base: Predictions | Report | None
    bins: int
    convention: str
    slices: tuple[str, ...]
    min_rows: int | None
    group: str | None
    jobs: int
    max_memory: int | None
    found: dict[float, Measured] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        dump: Predictions,
        base: Predictions | Report | None,
        rules: Sequence[Rule],
        settings: GateSettings,
        *,
        bins: int | None,
        convention: str,
        slices: Sequence[str],
        group: str | None,
        jobs: int,
        max_memory: int | None,
    ) -> Subject:
        """The subject that these rules need.

        Raises: UsageError for settings that cannot work together, and for a rule on a column that the dump lacks.
        """
        own = find_convention(convention)
        if base is not None and own.name != OWN:
            raise UsageError(
                f"changes from a baseline are measured by calibeval's own bins, not by those of {own.name}"
            )
        columns = slice_columns(rules, slices, dump)
        least = settings.min_rows or None
        bins = own.bins if bins is None else bins
        return cls(dump, base, bins, own.name, columns, least, group, jobs, max_memory)

    def measure(self, level: float) -> Measured:
        """Results and differences with intervals at that level; measured once for each level."""
        if level not in self.found:
            self.found[level] = self._measured(level)
        return self.found[level]

    def settings(self, level: float) -> Settings:
        """The settings of an evaluation."""
        return checked(
            bins=self.bins,
            convention=self.convention,
            level=level,
            slices=self.slices,
            min_rows=self.min_rows if self.slices else None,
            group=self.group,
        )

    def _measured(self, level: float) -> Measured:
        report = evaluate_dump(self.dump, self.settings(level), jobs=self.jobs, max_memory=self.max_memory)
        if self.base is None:
            return Measured(report)
        if isinstance(self.base, Report) and self.found:
            return Measured(report, next(iter(self.found.values())).comparison)  # it has one level, and no slices
        predicted = PREDICTED_CLASS not in self.dump.columns
        slices = [column for column in self.slices if not (predicted and column == PREDICTED_CLASS)]
        slices = [] if isinstance(self.base, Report) else slices
        comparison = compare(
            self.base,
            [self.dump],
            bins=self.bins,
            level=level,
            slices=slices,
            min_rows=self.min_rows if slices else None,
            group=self.group,
            jobs=self.jobs,
            max_memory=self.max_memory,
        )
        return Measured(report, comparison)


def judged(
    subject: Subject,
    rules: Sequence[Rule],
    settings: GateSettings,
    *,
    config: str | None = None,
    explain: Explain | None = None,
) -> Verdict:
    """The verdict on a subject. config: where the rules stand. explain: adds to a rule's verdict why it is so.

    Raises: as `judge` and the measurements.
    """
    verdicts = judge(rules, subject.measure, settings)
    measured = subject.measure(settings.level)
    report, change, comparison = measured.report.to_dict(), measured.change, measured.comparison
    warnings = [*measured.report.warnings, *(() if change is None else change.warnings)]
    return Verdict(
        version=VERSION,
        settings=settings,
        reading=subject.settings(settings.level),
        config=config,
        dump={key: report[key] for key in ("name", "source")},
        baseline=None if comparison is None else comparison.base.to_dict(),
        paired_by=None if change is None else change.paired_by,
        rules=verdicts if explain is None else tuple(map(explain, verdicts)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def slice_columns(rules: Sequence[Rule], asked: Sequence[str], dump: Predictions) -> tuple[str, ...]:
    """The columns that are cut into slices: those that were asked for, and those that rules name.

    Raises: UsageError for a rule on a column that the dump does not have, with the nearest one.
    """
    known = [*dump.columns, *(name for name in (TRUE_CLASS, PREDICTED_CLASS) if name not in dump.columns)]
    named = [column for rule in rules if rule.severity != "off" and (column := _column(rule, known, dump)) is not None]
    return tuple(dict.fromkeys((*asked, *named)))


def _column(rule: Rule, known: Sequence[str], dump: Predictions) -> str | None:
    """The column that a rule names; None for all rows, and for the worst slice of all columns."""
    if rule.slice is None or rule.worst_of == "":
        return None
    if rule.worst_of is not None:
        column = rule.worst_of if rule.worst_of in known else None
    else:
        fitting = [column for column in known if rule.slice.startswith(f"{column}=")]
        column = max(fitting, key=len, default=None)
    if column is None:
        name = rule.worst_of or rule.slice.partition("=")[0]
        hint = nearest(name, known)
        place = f'{dump.source.name}: slice "{rule.slice}"'
        raise UsageError(f'{place}: there is no column "{name}"{hint}; there are {", ".join(known)}')
    return column
