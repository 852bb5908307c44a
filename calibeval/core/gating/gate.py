"""A dump judged by rules: measured as a whole, by slices and against a baseline, as the rules require."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from calibeval.core.comparison.baseline import Baseline
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.comparison.matched import Matched, check_bins
from calibeval.core.comparison.of_arrays import ArrayImages, counted, images_of_both, unpaired_with_images
from calibeval.core.comparison.pairing import pair_rows
from calibeval.core.conventions.table import OWN, find_convention
from calibeval.core.data.columns import kept_rows
from calibeval.core.data.positive import with_positive
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.search import refuse_search
from calibeval.core.data.shot_names import SHOTS_PREDICTED
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.parts import Rows
from calibeval.core.evaluation.settings import checked, stamped
from calibeval.core.evaluation.shots import with_shots
from calibeval.core.evaluation.with_gain import with_same_gain
from calibeval.core.evaluation.with_pairs import with_pairs
from calibeval.core.evaluation.with_second_pass import with_second_pass
from calibeval.core.gating.columns import slice_columns, sliced_in_both
from calibeval.core.gating.config import rule_from_table
from calibeval.core.gating.in_images import in_images
from calibeval.core.gating.judged import judged
from calibeval.core.gating.measured import Measured, reported
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import RuleVerdict
from calibeval.core.gating.verdict import Verdict
from calibeval.core.metrics.bins import Binned
from calibeval.core.metrics.image_names import is_of_images
from calibeval.core.metrics.table import EVERY, needs_gain, needs_pairs, wanted_by
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.settings import Settings
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.sums import Sums
from calibeval.core.version import VERSION


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
    """Judge predictions by rules: each by the interval of its metric, or of the change of its metric.

    rules: Rules, or mappings as in a configuration file. baseline: the predictions of another model on the same rows,
    or its saved report, whose rows cannot be paired. settings: how rules are decided.
    slices: columns for rules on the worst slice; columns that rules name are added. Slices with fewer than
    settings.min_rows rows (or fewer than 100, if that is 0) are left out.
    bins, convention, group, jobs, max_memory: as for `evaluate`.
    Returns: a Verdict, which is true if the gate passed.
    Raises: UsageError for invalid rules or settings; InputError for a baseline with other rows or classes.

    >>> predictions = Predictions(probs=[[0.9, 0.1], [0.3, 0.7]] * 500, labels=[0, 1] * 500)
    >>> verdict = gate(predictions, [{"metric": "accuracy", "min": 0.9}, {"metric": "ece", "max": 0.1}])
    >>> verdict.verdict, [rule.verdict for rule in verdict.rules]
    ('fail', ['pass', 'fail'])
    """
    asked = [rule if isinstance(rule, Rule) else rule_from_table(rule) for rule in rules]
    if not asked:
        raise UsageError("the list of rules is empty, so nothing would be checked")
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
        resources=Resources(jobs, max_memory),
    )
    return judged(subject, asked, how)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A dump and its baseline, measured: read once each, and once more for each slice column.

    measured: the dump. saved: the baseline, if it is a saved report. matched: dump and baseline on the same rows.
    values, changes: the metrics whose value, or whose change from the baseline, the rules need.
    base, rules, how: what it was made of. images, images_of_base: if rules are about these.
    """

    measured: Measurement
    saved: Baseline | None
    matched: Matched | None
    values: frozenset[str]
    changes: frozenset[str]
    resources: Resources
    base: Predictions | Report | None
    rules: tuple[Rule, ...]
    how: GateSettings
    images: ArrayImages | None = None
    images_of_base: ArrayImages | None = None
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
        positive: str | None = None,
        background: str | None = None,
        resources: Resources = PLAIN,
        keep_rows: bool = False,
        in_full: bool = False,
    ) -> Subject:
        """Measure what these rules need.

        keep_rows: keep the results of every row, which `explained` needs. in_full: all metrics of slices, for a report.

        Raises: UsageError for settings that do not work together, and for a rule on a column that the dump does not
        have; InputError for dumps that cannot be measured or compared.
        """
        if base is not None and find_convention(convention).name != OWN:
            name = find_convention(convention).name
            raise UsageError(f"changes from a baseline are measured with calibeval's own bins, not those of {name}")
        dump, slices, _ = with_shots(dump, tuple(slices), (SHOTS_PREDICTED,))
        refuse_search(slices, dump, "a gate")
        columns = slice_columns(rules, slices, dump)
        how = checked(
            bins=bins,
            convention=convention,
            level=settings.level,
            slices=columns,
            min_rows=(settings.min_rows or None) if columns else None,
            group=group,
            positive=positive,
            background=background,
            images=False,
        )
        images = images_of_both(dump, base, how, resources, [rule.metric for rule in rules])
        dump = counted(with_positive(dump, positive), how)
        base = counted(with_positive(base, positive), how) if isinstance(base, Predictions) else base
        how = stamped(how, *(one.warnings for one in (dump, base) if isinstance(one, Predictions)))
        if base is not None:
            check_bins(how)
        saved = Baseline.of(base, how.bins) if isinstance(base, Report) else None
        pairing = pair_rows(base, dump) if isinstance(base, Predictions) else None
        by_class = any(
            own.fitted or (isinstance(own, Binned) and own.by_class) for own in (EVERY[rule.metric] for rule in rules)
        )
        cheap = bool(columns) and not (by_class or in_full) and not resources.streams(dump)
        gain = needs_gain([rule.metric for rule in rules])
        kept = keep_rows or pairing is not None or cheap
        second = wanted_by([rule.metric for rule in rules])
        measured = Measurement.of(
            dump,
            how,
            resources,
            keep_rows=kept,
            by_class=by_class or in_full,
            curves=in_full,
            pairs=needs_pairs([rule.metric for rule in rules]),
            second=second,
            gain=gain,
        )
        matched = None
        if isinstance(base, Predictions) and pairing is not None:
            order = pairing.order
            both = sliced_in_both(how, dump)
            sums = with_second_pass(summarise(base, how.bins, resources, keep_rows=True), base, how.bins, second)
            sums = with_same_gain(sums, base, measured.sums, None if order is None else np.argsort(order))
            matched = Matched.of(
                (base, sums),
                (dump, measured.sums),
                pairing,
                both,
                resources,
                known=measured.columns,
                by_class=by_class,
            )
        values = frozenset(rule.metric for rule in rules if base is None or not rule.is_change)
        values |= {"accuracy", *(("ece",) if columns else ())}  # it says how rows vary; slices are sorted by the ECE
        changes = frozenset(rule.metric for rule in rules if rule.is_change)
        return cls(measured, saved, matched, values, changes, resources, base, tuple(rules), settings, *images)

    def again(self, dump: Predictions) -> Subject:
        """Another dump of the same rows under the same rules, beside the same baseline."""
        own = self.settings
        return Subject.of(
            dump,
            self.base,
            self.rules,
            self.how,
            bins=own.bins,
            convention=own.convention,
            slices=own.slices,
            group=own.group,
            positive=own.positive,
            background=own.background,
            resources=self.resources,
        )

    @property
    def dump(self) -> Predictions:
        """The dump that is judged."""
        return self.measured.predictions

    @property
    def settings(self) -> Settings:
        """The settings under which both were measured."""
        return self.measured.settings

    def part(self, name: str | None) -> tuple[Sums, Rows]:
        """The sums of a slice "column=value" (None: of all rows), and the numbers of its stored rows.

        Raises: InputError if there is no such slice.
        """
        if name is None:
            return self.measured.sums, kept_rows(self.dump)
        for column in self.measured.columns:
            for part in column.parts:
                if name == f"{column.column}={part.value}":
                    return column.with_rows(part), part.rows
        raise InputError(f'{self.dump.source.name}: there is no slice "{name}"')

    def pairs(self, name: str | None) -> Pairs | None:
        """The ranked rows of a slice, as for `part`; None if they were not kept."""
        return with_pairs(self.part(name)[0], self.dump).pairs

    def pair(self, name: str | None) -> tuple[Sums, Sums, Rows] | None:
        """The sums of dump and baseline on the same rows in the same order, and the numbers of the dump's stored rows.

        None if the baseline has no such rows.
        """
        if self.matched is None:
            return None
        part = self.matched.whole
        if name is not None:
            found = next((one for slices in self.matched.columns for one in slices if one.name == name), None)
            if found is None:
                return None
            part = found.part()
        base, candidate = part.pair.base, part.pair.candidate
        return replace(candidate.sums, rows=candidate.rows), replace(base.sums, rows=base.rows), part.rows

    @property
    def n(self) -> float:
        """The number of rows, or with weights their sum."""
        return self.measured.sums.n

    def in_units(self, verdicts: tuple[RuleVerdict, ...]) -> tuple[RuleVerdict, ...]:
        """The verdicts; reasons count rows, and of numbers of images these."""
        if self.images is None:
            return verdicts
        share = self.dump.layout[0] / max(self.n, 1.0)
        return tuple(in_images(one, share) if is_of_images(one.rule.metric) else one for one in verdicts)

    def report(self, level: float) -> DumpReport:
        """A report of the dump, with the metrics that rules need."""
        return self.measured.report(level, reported(self.values))

    def measure(self, level: float) -> Measured:
        """The results and differences that the rules need, with intervals at that level; cached for each level."""
        if level not in self.found:
            report = self.measured.report(level, self.values)
            if self.images is not None:
                report = replace(report, metrics={**report.metrics, **self.images.metrics(level, self.values)})
            self.found[level] = Measured(report, self._compared(level))
        return self.found[level]

    def _compared(self, level: float) -> Comparison | None:
        if self.matched is not None:
            found = self.matched.at(level, self.changes)
            if self.images is not None and self.images_of_base is not None:
                found = self.images.beside(self.images_of_base, found, level, self.changes)
            return Comparison(VERSION, self.settings, self.matched.side, (found,))
        if self.saved is not None:
            found = unpaired_with_images(self.saved, self.measured, self.images, level, self.changes)
            return Comparison(VERSION, self.settings, self.saved.side, (found,))
        return None
