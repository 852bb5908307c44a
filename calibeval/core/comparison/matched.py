"""A base and a candidate with all their sums: read once, and once more for each slice column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.baseline import Baseline, unpaired_differences
from calibeval.core.comparison.certainty import over_metrics
from calibeval.core.comparison.comparison import Candidate, ComparedDump, Difference, SliceDifferences
from calibeval.core.comparison.matched_part import MatchedPart, MatchedSlice, corrected, independent
from calibeval.core.comparison.pairing import Pairing
from calibeval.core.data.arrays import Floats
from calibeval.core.data.columns import PREDICTED_CLASS, TRUE_CLASS, coded_slices, is_by_label, kept_rows
from calibeval.core.data.distinct_names import name_of
from calibeval.core.data.notices import warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.bin_tables import bin_table, class_view
from calibeval.core.evaluation.cut import Cut
from calibeval.core.evaluation.groups import Groups, find_groups
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.parts import known_part_sums, part_sums
from calibeval.core.evaluation.slices import SlicedColumn
from calibeval.core.report.settings import Settings
from calibeval.core.sums.class_pairs import ClassRows, PairedClasses
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.model_pair import Model, Pair

# The joint table of two models has the square of this number of entries.
MOST_BINS = 1000

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Two models on the same rows, with the slices of each column."""

    base: Predictions
    candidate: Predictions
    pairing: Pairing
    whole: MatchedPart
    columns: tuple[tuple[MatchedSlice, ...], ...]

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
        """Match two dumps, each given with the sums of all its rows.

        pairing: which rows belong together. resources: for the passes over slices. known: slices of the candidate.
        by_class: whether to include class-wise sums of slices; without them, slices need no extra pass.
        Raises: UsageError for columns that cannot be cut.
        """
        cut = _Slices.of(base, candidate, pairing, settings, resources, known=known, by_class=by_class)
        columns = tuple(tuple(cut.slices(column)) for column in settings.slices)
        return cls(base[0], candidate[0], pairing, cut.whole, columns)

    @property
    def side(self) -> ComparedDump:
        """The base as one side of a comparison."""
        return side(self.base, self.whole.pair.base.sums)

    def at(self, level: float, only: Collection[str] | None = None) -> Candidate:
        """The differences from the base, with intervals at that level. only: limits the metrics to these."""
        slices = [one for column in self.columns for one in corrected(column, level, only)]
        differences = self.whole.differences(level, only)
        candidate = self.candidate, self.whole.pair.candidate.sums
        return _candidate(self.base, candidate, self.pairing, self.whole.groups, differences, slices)


def compared(
    base: tuple[Predictions, Sums],
    candidate: tuple[Predictions, Sums],
    pairing: Pairing,
    settings: Settings,
    resources: Resources,
    level: float,
    only: Collection[str] | None = None,
) -> Candidate:
    """Like `Matched.at`, with the slices of one column in memory at a time. Raises: as `Matched.of`."""
    cut = _Slices.of(base, candidate, pairing, settings, resources)
    slices = [one for column in settings.slices for one in corrected(tuple(cut.slices(column)), level, only)]
    differences = cut.whole.differences(level, only)
    return _candidate(base[0], candidate, pairing, cut.whole.groups, differences, slices)


def _candidate(
    base: Predictions,
    measured: tuple[Predictions, Sums],
    pairing: Pairing,
    groups: Groups | None,
    differences: dict[str, Difference],
    slices: Sequence[SliceDifferences],
) -> Candidate:
    candidate, sums = measured
    doubts = () if groups is None else filter(None, (groups.warning(),))
    name = name_of(base)
    of_base = [one if one.startswith(f"{name} ") else one.reworded(f"{name}: {one}") for one in base.warnings]
    return Candidate(
        dump=side(candidate, sums),
        paired_by=pairing.by,
        differences=over_metrics(differences),
        slices=tuple(slices),
        warnings=(*of_base, *candidate.warnings, *pairing.warnings, *doubts),
        groups=None if groups is None else groups.counted,
    )


def check_bins(settings: Settings) -> None:
    """Check that two models can be compared with this number of bins. Raises: UsageError."""
    if settings.bins > MOST_BINS:
        raise UsageError(f"bins is {settings.bins}, but a comparison can have at most {MOST_BINS}")


def unpaired(saved: Baseline, measured: Measurement, level: float, only: Collection[str] | None = None) -> Candidate:
    """A candidate compared with a report, which holds no rows, with intervals at that level.

    only: limits the metrics to these. Raises: InputError for different classes.
    """
    candidate, groups = measured.predictions, measured.groups
    saved.check_classes(candidate)
    warnings = [*candidate.warnings, *saved.warnings(candidate)]
    if measured.settings.slices and not measured.columns:  # a gate measures them without the baseline
        text = "slices were not compared: a saved report does not hold the rows of its slices"
        warnings.append(warning("slices_not_compared", text))
    warnings += [] if groups is None else filter(None, (groups.warning(),))
    differences = unpaired_differences(
        saved, measured.sums, measured.metrics(level, only), level, grouped=groups is not None
    )
    counted = None if groups is None else groups.counted
    return Candidate(
        side(candidate, measured.sums), None, over_metrics(differences), warnings=tuple(warnings), groups=counted
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Slices:
    """What is needed to cut two dumps into the same slices. known, rows: results that need not be read again."""

    base: Predictions
    candidate: Predictions
    order: Rows | None
    whole: MatchedPart
    settings: Settings
    known: Mapping[str, SlicedColumn]
    resources: Resources
    rows: RowScores | None

    @classmethod
    def of(
        cls,
        base: tuple[Predictions, Sums],
        candidate: tuple[Predictions, Sums],
        pairing: Pairing,
        settings: Settings,
        resources: Resources,
        *,
        known: Sequence[SlicedColumn] = (),
        by_class: bool = True,
    ) -> _Slices:
        """Arguments as for `Matched.of`. All rows are matched; no slices are cut yet."""
        (ours, our_sums), (theirs, their_sums), order = base, candidate, pairing.order
        groups = _groups(ours, theirs, settings, order)
        labels = ours.labels[kept_rows(ours)].astype(np.intp)
        models, stored = (model(ours, our_sums), model(theirs, their_sums, order)), kept_rows(theirs)
        rows = kept_rows(ours), stored if order is None else stored[order]
        classes = _class_wise((ours, theirs), models, rows, resources.jobs)
        pair = Pair(*models, labels, independent(groups), classes=classes)
        whole = MatchedPart(pair, rows[1], groups)
        own = {column.column: column for column in known}
        return cls(ours, theirs, order, whole, settings, own, resources, None if by_class else our_sums.rows)

    def slices(self, column: str) -> Iterator[MatchedSlice]:
        """The slices of a column, from one more pass over each dump, unless its slices are known."""
        ours, partners = kept_rows(self.base), self.whole.rows
        holder, rows = (self.base, ours) if _has(self.base, column) else (self.candidate, partners)
        cut = _cut(holder, column, rows, self.settings.min_rows or 1, row_weights(self.base))
        by_label = is_by_label(holder, column)
        names, places = [cut.names[code] for code in cut.measured], cut.places()
        own = [ours[chosen] for chosen in places]
        if self.rows is None:
            base = self._sums(self.base, own)
        else:
            base = known_part_sums(self.base, self.rows, own, self.settings.bins, self.resources.jobs)
        candidate = self._candidate_sums(column, [partners[chosen] for chosen in places], names)
        for value, chosen, *sums in zip(names, places, base, candidate, strict=True):
            yield MatchedSlice(self.whole, chosen, (sums[0], sums[1]), column, value, by_label)

    def _sums(self, predictions: Predictions, rows: Sequence[Rows]) -> list[Sums]:
        return part_sums(predictions, rows, self.settings.bins, self.resources)

    def _candidate_sums(self, column: str, parts: Sequence[Rows], names: Sequence[str]) -> list[Sums]:
        """The sums of the candidate's rows, slice by slice; known slices are not read again."""
        known = {} if column not in self.known else {part.value: part for part in self.known[column].parts}
        found = []
        for value, rows in zip(names, parts, strict=True):
            part = known.get(value)
            if part is None or not np.array_equal(np.sort(rows), part.rows):
                return self._sums(self.candidate, parts)
            found.append(part.sums)
        return found


def model(predictions: Predictions, sums: Sums, order: Rows | None = None) -> Model:
    """One model with its rows in the order of the base."""
    rows = sums.rows
    if rows is None:
        raise InputError(f"{predictions.source.name}: the results of single rows were not kept")
    if order is not None:
        rows = rows.at(order)
    return Model(sums, rows, order)


def _class_wise(
    dumps: tuple[Predictions, Predictions], models: tuple[Model, Model], rows: tuple[Rows, Rows], jobs: int
) -> PairedClasses | None:
    """Where the probabilities of every class are read; None if one dump has the top label only."""
    if dumps[0].k is None or dumps[1].k is None:
        return None
    of_each = zip(dumps, models, rows, strict=True)
    one, other = (ClassRows(dump, own, model.rows.nll, model.sums.compared) for dump, model, own in of_each)
    return PairedClasses((one, other), jobs)


def side(predictions: Predictions, sums: Sums) -> ComparedDump:
    """A dump as one side of a comparison, with its sums."""
    source = predictions.settled_source()
    name = name_of(predictions)
    table = bin_table(sums.top, sums.edges)
    positive = class_view(sums, predictions, sums.positive) if sums.k == 2 else None
    n, k, ignored = sums.rows_n, predictions.k, predictions.ignored
    return ComparedDump(name, source, predictions.kind, n, k, ignored, bins=table, positive=positive)


def _groups(base: Predictions, candidate: Predictions, settings: Settings, order: Rows | None) -> Groups | None:
    """The groups of the base's rows, by its own column, or else by the candidate's column."""
    column = settings.group
    if column is None or column in base.columns or column not in candidate.columns:
        return find_groups(base, settings)
    groups = find_groups(candidate, settings)
    return groups if groups is None or order is None else groups.of_rows(order)


def _has(predictions: Predictions, column: str) -> bool:
    return column in predictions.columns or (column == TRUE_CLASS and predictions.k is not None)


def _cut(predictions: Predictions, column: str, rows: Rows, least: int, weights: Floats | None) -> Cut:
    """The column cut over these stored rows, with their weights.

    Raises: UsageError for an unknown column, or one with too many values.
    """
    if column == PREDICTED_CLASS and column not in predictions.columns:
        raise UsageError(f'a comparison has no slices by "{column}": predicted classes differ between models')
    place = f'{predictions.source.name}: column "{column}"'
    return Cut.of(coded_slices(predictions, column), rows, least, place, verb="compared", weights=weights)
