"""A base and a candidate with all their sums: read once, and once more for each slice column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.baseline import Baseline, unpaired_differences
from calibeval.core.comparison.comparison import Candidate, ComparedDump, Difference, SliceDifferences
from calibeval.core.comparison.differences import paired_differences
from calibeval.core.comparison.pairing import Pairing
from calibeval.core.data.columns import PREDICTED_CLASS, TRUE_CLASS, coded_slices, kept_rows
from calibeval.core.data.notices import Notice, reason, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.groups import Groups, find_groups
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.parts import known_part_sums, part_sums
from calibeval.core.evaluation.slices import MOST_SLICES, MOST_VALUES, SlicedColumn
from calibeval.core.metrics.table import METRICS
from calibeval.core.report.settings import Settings
from calibeval.core.sums.engine import edges_of
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.holm import holm
from calibeval.core.uncertainty.model_pair import Model, Pair

# The joint table of two models has the square of so many entries.
MOST_BINS = 1000
BY_LABEL = reason(
    "chosen_by_label", "rows chosen by their label are not calibrated within themselves, however good the model"
)

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class MatchedPart:
    """Some rows of two models: all of them, or a slice.

    rows: the numbers of the candidate's stored rows, in the order of the pair's. groups: of these rows.
    """

    pair: Pair
    rows: Rows
    groups: Groups | None
    column: str = ""
    value: str = ""
    by_label: bool = False

    @property
    def name(self) -> str:
        """The slice as "column=value"."""
        return f"{self.column}={self.value}"

    def differences(self, level: float, only: Collection[str] | None) -> dict[str, Difference]:
        """The differences on these rows, those of calibration without interval where rows were chosen by label."""
        found = paired_differences(self.pair, level, only)
        refused = None if self.groups is None else self.groups.refused
        if refused is not None:
            found = {name: _bare(d, refused.reworded(f"no interval: {refused}")) for name, d in found.items()}
        if self.by_label:
            found = {name: _bare(d, BY_LABEL) if METRICS[name].has_floor else d for name, d in found.items()}
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Two models on the same rows, with the slices of every column, each column's together."""

    base: Predictions
    candidate: Predictions
    pairing: Pairing
    whole: MatchedPart
    columns: tuple[tuple[MatchedPart, ...], ...]

    @classmethod
    def of(
        cls,
        base: tuple[Predictions, Sums],
        candidate: tuple[Predictions, Sums],
        pairing: Pairing,
        settings: Settings,
        resources: Resources = PLAIN,
        *,
        known: Sequence[SlicedColumn] = (),
        by_class: bool = True,
    ) -> Matched:
        """The two dumps with sums of all their rows, matched.

        pairing: which rows belong together. resources: of the readings for slices. known: slices of the candidate, with
        their rows. by_class: with class-wise sums of slices; without them slices need no reading.
        Raises: UsageError for columns that cannot be cut.
        """
        (ours, our_sums), (theirs, their_sums) = base, candidate
        groups = _groups(ours, theirs, settings, pairing.order)
        labels = ours.labels[kept_rows(ours)].astype(np.intp)
        pair = _pair(model(ours, our_sums), model(theirs, their_sums, pairing.order), labels, groups)
        own = {column.column: column for column in known}
        our_rows = None if by_class else our_sums.rows
        cut = _Slices(ours, theirs, pairing.order, groups, settings, own, resources, our_rows)
        columns = tuple(tuple(cut.parts(column)) for column in settings.slices)
        stored = kept_rows(theirs)
        rows = stored if pairing.order is None else stored[pairing.order]
        return cls(ours, theirs, pairing, MatchedPart(pair, rows, groups), columns)

    def at(self, level: float, only: Collection[str] | None = None) -> Candidate:
        """The candidate's differences from the base, with intervals at that level. only: of these metrics."""
        groups = self.whole.groups
        doubts = () if groups is None else filter(None, (groups.warning(),))
        return Candidate(
            dump=side(self.candidate),
            paired_by=self.pairing.by,
            differences=self.whole.differences(level, only),
            slices=tuple(one for parts in self.columns for one in _corrected(parts, level, only)),
            warnings=(*self.base.warnings, *self.candidate.warnings, *self.pairing.warnings, *doubts),
            groups=None if groups is None else groups.counted,
        )


def check_bins(settings: Settings) -> None:
    """That two models can be compared by so many bins. Raises: UsageError."""
    if settings.bins > MOST_BINS:
        raise UsageError(f"bins is {settings.bins}, but models are compared with at most {MOST_BINS}")


def unpaired(saved: Baseline, measured: Measurement, level: float, only: Collection[str] | None = None) -> Candidate:
    """A candidate against a report, which holds no rows, with intervals at that level. only: of these metrics.

    Raises: InputError for other classes.
    """
    candidate, groups = measured.predictions, measured.groups
    saved.check_classes(candidate)
    warnings = [*candidate.warnings, *saved.warnings(candidate)]
    if measured.settings.slices:
        text = "slices were not compared: a saved report does not hold the rows of its slices"
        warnings.append(warning("slices_not_compared", text))
    warnings += [] if groups is None else filter(None, (groups.warning(),))
    differences = unpaired_differences(
        saved, measured.sums, measured.metrics(level, only), level, grouped=groups is not None
    )
    counted = None if groups is None else groups.counted
    return Candidate(side(candidate), None, differences, warnings=tuple(warnings), groups=counted)


@dataclass(frozen=True, slots=True, eq=False)
class _Slices:
    """What is needed to cut two dumps into the same slices."""

    base: Predictions
    candidate: Predictions
    order: Rows | None
    groups: Groups | None
    settings: Settings
    known: Mapping[str, SlicedColumn]
    resources: Resources
    rows: RowScores | None

    def parts(self, column: str) -> Iterator[MatchedPart]:
        """The slices of a column, from one more reading of each dump; of the candidate where they are not known."""
        ours, theirs = kept_rows(self.base), kept_rows(self.candidate)
        partners = theirs if self.order is None else theirs[self.order]
        holder, rows = (self.base, ours) if _has(self.base, column) else (self.candidate, partners)
        cut = _cut(holder, column, rows, self.settings.min_rows or 1)
        by_label = column not in holder.columns
        own = [ours[chosen] for _, chosen in cut]
        if self.rows is None:
            base = self._sums(self.base, own)
        else:
            base = known_part_sums(self.base, self.rows, own, self.settings.bins, self.resources.jobs)
        candidate = self._candidate_sums(column, [(value, partners[chosen]) for value, chosen in cut])
        for (value, chosen), one, other in zip(cut, base, candidate, strict=True):
            groups = None if self.groups is None else self.groups.of_rows(chosen)
            labels = self.base.labels[ours[chosen]].astype(np.intp)
            pair = _pair(model(self.base, one), model(self.candidate, other), labels, groups)
            yield MatchedPart(pair, partners[chosen], groups, column, value, by_label)

    def _sums(self, predictions: Predictions, rows: Sequence[Rows]) -> list[Sums]:
        return part_sums(predictions, rows, self.settings.bins, self.resources, keep_rows=True)

    def _candidate_sums(self, column: str, parts: Sequence[tuple[str, Rows]]) -> list[Sums]:
        """The sums of the candidate's rows; those that are known already are not read again."""
        known = {} if column not in self.known else {part.value: part for part in self.known[column].parts}
        found = []
        for value, rows in parts:
            part = known.get(value)
            if part is not None and np.array_equal(rows, part.rows):
                found.append(part.sums)
            elif part is not None and part.sums.rows is not None and np.array_equal(np.sort(rows), part.rows):
                found.append(replace(part.sums, rows=part.sums.rows.at(np.searchsorted(part.rows, rows))))
            else:
                return self._sums(self.candidate, [own for _, own in parts])
        return found


def model(predictions: Predictions, sums: Sums, order: Rows | None = None) -> Model:
    """One model with its rows in the order of the base's."""
    rows = sums.rows
    if rows is None:
        raise InputError(f"{predictions.source.name}: the results of single rows were not kept")
    if order is not None:
        rows = rows.at(order)
    return Model(sums, rows, edges_of(predictions, len(sums.edges) - 1)[1])


def side(predictions: Predictions) -> ComparedDump:
    """A dump as one side of a comparison."""
    source = predictions.settled_source()
    return ComparedDump(source.name, source, predictions.kind, predictions.n, predictions.k, predictions.ignored)


def _pair(base: Model, candidate: Model, labels: Rows, groups: Groups | None) -> Pair:
    codes = None if groups is None or groups.refused is not None else groups.codes
    return Pair.of(base, candidate, labels, codes)


def _groups(base: Predictions, candidate: Predictions, settings: Settings, order: Rows | None) -> Groups | None:
    """The groups of the base's rows, by its own column or else by the candidate's."""
    column = settings.group
    if column is None or column in base.columns or column not in candidate.columns:
        return find_groups(base, settings)
    groups = find_groups(candidate, settings)
    return groups if groups is None or order is None else groups.of_rows(order)


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


def _bare(found: Difference, why: Notice) -> Difference:
    """The difference without interval and p, and why."""
    if found.difference is None:
        return found
    return Difference(found.name, found.base, found.candidate, found.difference, reason=why)


def _corrected(parts: Sequence[MatchedPart], level: float, only: Collection[str] | None) -> list[SliceDifferences]:
    """The slices of one column with p after Holm's correction, metric by metric."""
    found = [part.differences(level, only) for part in parts]
    names = dict.fromkeys(name for differences in found for name in differences)
    corrected = {name: holm([differences[name].p for differences in found]) for name in names}
    return [
        SliceDifferences(
            part.column,
            part.value,
            len(part.pair.labels),
            {name: replace(d, p_holm=corrected[name][i]) for name, d in differences.items()},
        )
        for i, (part, differences) in enumerate(zip(parts, found, strict=True))
    ]
