"""Comparisons of folders of cases: each case of the candidate beside the same one of the base, or with a report."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from calibeval.core.comparison.baseline import Baseline, unpaired_differences
from calibeval.core.comparison.certainty import over_asked
from calibeval.core.comparison.chosen import chosen_of
from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison, Difference, SliceDifferences
from calibeval.core.comparison.matched import check_bins, side
from calibeval.core.comparison.of_images import Models, image_differences
from calibeval.core.comparison.of_sums import matched_sums
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.source import Source
from calibeval.core.dense.as_metrics import of_report
from calibeval.core.dense.case import Cases
from calibeval.core.evaluation.case_parts import Part
from calibeval.core.evaluation.measured_cases import Columns, MeasuredCases, measured_cases
from calibeval.core.metrics.image_names import spelled
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.uncertainty.holm import holm
from calibeval.core.version import VERSION


def compare_cases(
    base: Cases | Baseline,
    candidates: Sequence[Cases],
    settings: Settings,
    resources: Resources = PLAIN,
    only: Collection[str] | None = None,
    *,
    region: str | None = None,
    units: Sequence[str] | None = None,
    columns: Columns | None = None,
    renormalize: bool = False,
) -> Comparison:
    """The differences of every candidate from the base, of the same cases in the same order, or from a report.

    only: limits the metrics to these. Other arguments, and Raises: as for `measured_cases`.
    """
    check_bins(settings)
    found: list[Candidate] = []
    side_of_base: ComparedDump | None = base.side if isinstance(base, Baseline) else None
    for cases in candidates:
        (measured,) = measured_cases(
            cases,
            settings,
            resources,
            of_rows(only),
            base=None if isinstance(base, Baseline) else base,
            region=region,
            units=units,
            columns=columns,
            renormalize=renormalize,
        )
        pair = PairedCases(measured, base if isinstance(base, Baseline) else None)
        side_of_base = side_of_base or pair.base
        found.append(pair.at(settings.level or 0.95, only))
    if side_of_base is None:
        raise AssertionError("there are candidates")
    return Comparison(VERSION, settings, side_of_base, tuple(found))


def of_rows(only: Collection[str] | None) -> list[str] | None:
    """The metrics that rows have; None: those of every report."""
    return None if only is None else [name for name in only if spelled(name) is None]


@dataclass(frozen=True, slots=True, eq=False)
class PairedCases:
    """Measured cases, and what they are compared with: their base, or a saved report."""

    measured: MeasuredCases
    saved: Baseline | None = None

    @property
    def base(self) -> ComparedDump:
        """The base as one side of a comparison."""
        if self.saved is not None:
            return self.saved.side
        own, other = self.measured.sources
        _, matched = matched_sums(self.measured.rows, None, own, [])
        named = matched.side
        return replace(named, name=_name(other or own), source=other or own)

    def at(self, level: float, only: Collection[str] | None = None) -> Candidate:
        """The differences at this level."""
        return self._from_report(self.saved, level, only) if self.saved is not None else self._paired(level, only)

    def _paired(self, level: float, only: Collection[str] | None) -> Candidate:
        measured, own = self.measured, self.measured.sources[0]
        names = self.class_names
        found, differences = self._of_part(measured.whole, names, level, only)
        chosen = over_asked(differences, only)
        told = (*measured.warnings, *measured.warnings_of_base, *found.warnings)
        named = replace(found.dump, name=_name(own), source=own)
        slices = tuple(self._slices(names, level, only))
        return replace(found, dump=named, paired_by="id", differences=chosen, slices=slices, warnings=told)

    @property
    def class_names(self) -> list[str]:
        """The names of the classes."""
        found = self.measured.rows.measurement(None, self.measured.sources[0], ["accuracy"]).report(None, ["accuracy"])
        return [one.name for one in found.per_class]

    def _of_part(
        self, part: Part, names: Sequence[str], level: float, only: Collection[str] | None
    ) -> tuple[Candidate, dict[str, Difference]]:
        """The comparison of the rows of a part, and all differences, without a correction for their number."""
        measured = self.measured
        _, matched = matched_sums(part.rows, level, measured.sources[0], of_rows(only))
        found = matched.at(level, of_rows(only))
        if part.base is None:
            raise AssertionError("cases are compared with their base")
        positive = None if found.dump.positive is None else found.dump.positive.index
        dense = image_differences(Models(part.base, part.images), names, level, measured.settings.background, positive)
        both = {**found.differences, **dense}
        return found, chosen_of(both, only)

    def _slices(self, names: Sequence[str], level: float, only: Collection[str] | None) -> Iterator[SliceDifferences]:
        """The differences of every slice, with Holm's correction over the slices of a column."""
        for column in self.measured.columns:
            parts = [one for one in self.measured.parts(column) if one.n >= (self.measured.settings.min_rows or 1)]
            found = [self._of_part(one, names, level, only)[1] for one in parts]
            holms = {name: holm([one[name].p for one in found]) for name in (found[0] if found else ())}
            for i, (part, own) in enumerate(zip(parts, found, strict=True)):
                corrected = {name: replace(one, p_holm=holms[name][i]) for name, one in own.items()}
                yield SliceDifferences(column, part.value or "", part.n, corrected)

    def _from_report(self, saved: Baseline, level: float, only: Collection[str] | None) -> Candidate:
        measured, own = self.measured, self.measured.sources[0]
        rows = measured.rows.measurement(level, own, of_rows(only))
        saved.check_classes(rows.predictions)
        report = measured.report(level, of_rows(only))
        theirs = chosen_results(report, only)
        known = replace(saved.dump, metrics={**saved.dump.metrics, **of_report(saved.dump)})
        differences: Mapping[str, Difference] = unpaired_differences(
            replace(saved, dump=known), rows.sums, theirs, level, grouped=True
        )
        told = [unpaired_note(saved)]
        if measured.columns:
            text = "slices were not compared: a saved report does not hold the rows of its slices"
            told.append(warning("slices_not_compared", text))
        named = replace(side(rows.predictions, rows.sums), name=_name(own), source=own)
        groups = None if rows.groups is None else rows.groups.counted
        corrected = over_asked(differences, only)
        return Candidate(named, None, corrected, warnings=(*report.warnings, *told), groups=groups)


def unpaired_note(saved: Baseline) -> Notice:
    """What a comparison with a report lacks."""
    text = f"cases are not paired: {saved.dump.name} is a saved report; compare the two folders to pair them"
    return warning("unpaired", text)


def chosen_results(report: DumpReport, only: Collection[str] | None) -> dict[str, MetricResult]:
    """The metrics of a report of cases, with the numbers of its images. only: these alone."""
    return chosen_of({**report.metrics, **of_report(report)}, only)


def _name(source: Source) -> str:
    name = source.title or (source.path or "cases").rstrip("/").rpartition("/")[2]
    return name if source.split is None else f"{name}#{source.split}"
