"""From two or more dumps, or a saved report and dumps, to their differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.baseline import Baseline, unpaired_differences
from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison, Difference, SliceDifferences
from calibeval.core.comparison.differences import paired_differences
from calibeval.core.comparison.pairing import pair_rows
from calibeval.core.conventions.table import OWN
from calibeval.core.data.columns import PREDICTED_CLASS, TRUE_CLASS, coded_slices
from calibeval.core.data.picked_rows import PickedRows
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.groups import Groups, find_groups, grouped_metrics, joints_for
from calibeval.core.evaluation.settings import checked
from calibeval.core.evaluation.slices import MOST_SLICES, MOST_VALUES
from calibeval.core.metrics.table import METRICS, all_metrics
from calibeval.core.report.report import Report
from calibeval.core.report.settings import Settings
from calibeval.core.sums.binning import equal_width_edges, stored_edges
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.holm import holm
from calibeval.core.uncertainty.model_pair import Model, Pair
from calibeval.core.version import VERSION

# The joint table of two models has the square of so many entries.
MOST_BINS = 1000
BY_LABEL = "rows chosen by their label are not calibrated within themselves, however good the model"

Rows = npt.NDArray[np.intp]
Summarise = Callable[[Predictions], Sums]


def compare(
    base: Predictions | Report,
    candidates: Sequence[Predictions],
    *,
    bins: int | None = None,
    level: float = 0.95,
    slices: Sequence[str] = (),
    min_rows: int | None = None,
    group: str | None = None,
    jobs: int = 1,
    max_memory: int | None = None,
    progress: Callable[[Predictions], Callable[[int], None]] | None = None,
) -> Comparison:
    """Every metric of each candidate against the base: difference, interval, p, and what could have been shown.

    Rows are paired by id, else by position where labels and shared columns agree. base may be a saved report of one
    dump: then there are no rows to pair, and intervals are wider.
    bins: as for `evaluate`; None: 15, or those of the report. level: of the intervals, inside (0, 1).
    slices, min_rows: as for `evaluate`; rows of one predicted class differ from model to model and are no slice.
    group: as for `evaluate`; a column of the base, or of each candidate.
    jobs, max_memory: as for `evaluate`. Memory: 25 bytes for each row of the base and of one candidate.
    progress: called with each dump before it is read; what it returns is called with the number of rows done.
    Raises: InputError for dumps that cannot be compared; UsageError for settings that cannot work.

    >>> base = Predictions(probs=[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]] * 100, labels=[0, 0, 1] * 100)
    >>> candidate = Predictions(probs=[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]] * 100, labels=[0, 0, 1] * 100)
    >>> nll = compare(base, [candidate])["nll"]
    >>> nll.difference < 0 and nll.certain
    True
    """
    if not candidates:
        raise UsageError("there is no candidate to compare with the base")
    saved = None if isinstance(base, Predictions) else Baseline.of(base, bins)
    bins = bins if saved is None else saved.bins
    settings = checked(bins=bins, convention=OWN, level=level, slices=slices, min_rows=min_rows, group=group)
    if settings.bins > MOST_BINS:
        raise UsageError(f"bins is {settings.bins}, but models are compared with at most {MOST_BINS}")

    def summed(predictions: Predictions) -> Sums:
        step = None if progress is None else progress(predictions)
        return summarise(predictions, settings.bins, jobs=jobs, max_memory=max_memory, progress=step, keep_rows=True)

    if isinstance(base, Predictions):
        against = _Against(base, summed(base), settings, level, summed)
        found, side = [against.compared(candidate) for candidate in candidates], _side(base)
    if saved is not None:
        found, side = [_unpaired(saved, candidate, settings, level, summed) for candidate in candidates], saved.side
    return Comparison(VERSION, settings, side, tuple(found))


@dataclass(frozen=True, slots=True, eq=False)
class _Against:
    """The base with its sums, against which one candidate after the other is held."""

    base: Predictions
    sums: Sums
    settings: Settings
    level: float
    summed: Summarise

    def compared(self, candidate: Predictions) -> Candidate:
        pairing = pair_rows(self.base, candidate)
        models = _model(self.base, self.sums, None), _model(candidate, self.summed(candidate), pairing.order)
        groups = self._groups(candidate, pairing.order)
        labels = self.base.labels[_kept(self.base)].astype(np.intp)
        doubts = () if groups is None else filter(None, (groups.warning(),))
        return Candidate(
            dump=_side(candidate),
            paired_by=pairing.by,
            differences=self._differences(*models, labels, groups),
            slices=tuple(self._slices(candidate, pairing.order, groups)),
            warnings=(*self.base.warnings, *candidate.warnings, *pairing.warnings, *doubts),
            groups=None if groups is None else groups.counted,
        )

    def _groups(self, candidate: Predictions, order: Rows | None) -> Groups | None:
        """The groups of the base's rows, by its own column or else by the candidate's."""
        column = self.settings.group
        if column is None or column in self.base.columns or column not in candidate.columns:
            return find_groups(self.base, self.settings, None)
        groups = find_groups(candidate, self.settings, None)
        return groups if groups is None or order is None else groups.of_rows(order)

    def _differences(self, base: Model, candidate: Model, labels: Rows, groups: Groups | None) -> dict[str, Difference]:
        if groups is None or groups.refused is None:
            codes = None if groups is None else groups.codes
            return paired_differences(Pair.of(base, candidate, labels, codes), self.level)
        found = paired_differences(Pair.of(base, candidate, labels), self.level)
        return {name: _bare(difference, f"no interval: {groups.refused}") for name, difference in found.items()}

    def _slices(self, candidate: Predictions, order: Rows | None, groups: Groups | None) -> Iterator[SliceDifferences]:
        """The slices of every column, each column with Holm's correction of its own."""
        ours, theirs = _kept(self.base), _kept(candidate)
        partners = theirs if order is None else theirs[order]
        for column in self.settings.slices:
            holder, rows = (self.base, ours) if _has(self.base, column) else (candidate, partners)
            by_label = column not in holder.columns
            parts = []
            for value, chosen in _cut(holder, column, rows, self.settings.min_rows or 1):
                own = None if groups is None else groups.of_rows(chosen)
                found = self._of_rows(candidate, ours[chosen], partners[chosen], own)
                if by_label:
                    found = {name: _bare(d, BY_LABEL) if _is_calibration(name) else d for name, d in found.items()}
                parts.append(SliceDifferences(column, value, len(chosen), found))
            yield from _corrected(parts)

    def _of_rows(
        self, candidate: Predictions, ours: Rows, theirs: Rows, groups: Groups | None
    ) -> dict[str, Difference]:
        """The differences on some stored rows of both dumps."""
        base, other = _picked(self.base, ours), _picked(candidate, theirs)
        one, two = (_model(d, summarise(d, self.settings.bins, keep_rows=True), None) for d in (base, other))
        return self._differences(one, two, base.labels.astype(np.intp), groups)


def _unpaired(
    saved: Baseline, candidate: Predictions, settings: Settings, level: float, summed: Summarise
) -> Candidate:
    """A candidate against a report, which holds no rows."""
    saved.check_classes(candidate)
    warnings = [*candidate.warnings, *saved.warnings(candidate)]
    if settings.slices:
        warnings.append("slices were not compared: a saved report does not hold the rows of its slices")
    sums, groups = summed(candidate), find_groups(candidate, settings, None)
    measured = all_metrics(sums, level)
    if groups is not None:
        measured, _ = grouped_metrics(sums, groups, joints_for(sums, groups, candidate), level)
        warnings += filter(None, (groups.warning(),))
    differences = unpaired_differences(saved, sums, measured, level, grouped=groups is not None)
    counted = None if groups is None else groups.counted
    return Candidate(_side(candidate), None, differences, warnings=tuple(warnings), groups=counted)


def _model(predictions: Predictions, sums: Sums, order: Rows | None) -> Model:
    """One model with its rows in the order of the base's."""
    rows = sums.rows
    if rows is None:
        raise InputError(f"{predictions.source.name}: the results of single rows were not kept")
    if order is not None:
        rows = rows.at(order)
    edges = equal_width_edges(len(sums.edges) - 1)
    if predictions.kind in ("probs", "confidence"):
        edges = stored_edges(edges, predictions.precision)
    return Model(sums, rows, edges)


def _kept(predictions: Predictions) -> Rows:
    """The numbers of the stored rows that count."""
    if not predictions.ignored:
        return np.arange(predictions.rows)
    return np.flatnonzero(predictions.labels != predictions.ignore_index)


def _picked(predictions: Predictions, rows: Rows) -> Predictions:
    """Some stored rows as predictions of their own, read only when they are needed."""
    outcome = "correct" if predictions.kind == "confidence" else "labels"
    given: dict[str, Any] = {predictions.kind: PickedRows(predictions.scores, rows), outcome: predictions.labels[rows]}
    return Predictions(
        **given,
        source=predictions.source,
        precision=predictions.precision,
    )


def _has(predictions: Predictions, column: str) -> bool:
    return column in predictions.columns or (column == TRUE_CLASS and predictions.k is not None)


def _cut(predictions: Predictions, column: str, rows: Rows, least: int) -> list[tuple[str, Rows]]:
    """The values of a column with the places, among these stored rows, that have them; values of few rows are left out.

    Raises: UsageError for an unknown column, or one of too many values.
    """
    place = f'{predictions.source.name}: column "{column}"'
    if column == PREDICTED_CLASS and column not in predictions.columns:
        raise UsageError(f'there are no slices by "{column}" in a comparison: predicted classes differ between models')
    coded = coded_slices(predictions, column)
    codes = coded.codes[rows]
    counts = np.bincount(codes, minlength=len(coded.values))
    there = int(np.count_nonzero(counts))
    chosen = np.flatnonzero(counts >= least)
    if there > MOST_VALUES:
        raise UsageError(f"{place} has {there:,} distinct values, but slices need categories, at most {MOST_VALUES:,}")
    if len(chosen) > MOST_SLICES:
        raise UsageError(
            f"{place} makes {len(chosen)} slices of at least {least} rows, but at most {MOST_SLICES} are compared; "
            "raise --min-rows"
        )
    texts = coded.texts()
    return [(texts[code], np.flatnonzero(codes == code)) for code in chosen.tolist()]


def _is_calibration(name: str) -> bool:
    return name in METRICS and METRICS[name].has_floor


def _bare(found: Difference, reason: str) -> Difference:
    """The difference without interval and p, and why."""
    if found.difference is None:
        return found
    return Difference(found.name, found.base, found.candidate, found.difference, reason=reason)


def _corrected(parts: Sequence[SliceDifferences]) -> list[SliceDifferences]:
    """The slices of one column with p after Holm's correction, metric by metric."""
    names = dict.fromkeys(name for part in parts for name in part.differences)
    corrected = {name: holm([part.differences[name].p for part in parts]) for name in names}
    return [
        replace(part, differences={name: replace(d, p_holm=corrected[name][i]) for name, d in part.differences.items()})
        for i, part in enumerate(parts)
    ]


def _side(predictions: Predictions) -> ComparedDump:
    source = predictions.settled_source()
    return ComparedDump(source.name, source, predictions.kind, predictions.n, predictions.k, predictions.ignored)
