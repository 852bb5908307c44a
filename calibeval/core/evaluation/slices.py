"""Slices: the rows that share a value of a column, each measured as if it were a separate dump.

All slices of a column together take one more pass over the scores, and a second one if there are groups and class-wise
bins. Their sums are kept and give results at any level of the intervals; the results of single rows are those of the
whole dump.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from calibeval.core.data.columns import coded_slices, is_by_label, kept_rows
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights
from calibeval.core.evaluation.class_noise import with_class_spread
from calibeval.core.evaluation.cut import Cut
from calibeval.core.evaluation.groups import Groups, counted_groups, grouped_metrics, joints_for
from calibeval.core.evaluation.parts import Rows, known_part_sums, part_sums, places_of, selected
from calibeval.core.evaluation.stream_joints import NO_CLASSES, StreamedParts
from calibeval.core.evaluation.with_pairs import with_pairs
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import all_metrics, needs_gain, needs_pairs
from calibeval.core.report.report import SliceResult, SmallSlice
from calibeval.core.report.settings import Settings
from calibeval.core.sums.gain import Gain
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.floors import gap_p_value
from calibeval.core.uncertainty.holm import holm
from calibeval.core.uncertainty.intervals import joint_p_value
from calibeval.core.uncertainty.joints import Joints

# The joint variation by groups is kept for the next level, for all slices of a column, up to this many 8-byte numbers.
MOST_KEPT = 2**23


@dataclass(frozen=True, slots=True, eq=False)
class SlicePart:
    """One slice: its value, the numbers of its stored rows, and their sums, without the results of single rows."""

    value: str
    rows: Rows
    sums: Sums


@dataclass(frozen=True, slots=True, eq=False)
class SlicedColumn:
    """The slices of one column with all their sums, which give results at any level of the intervals.

    parts: the measured slices, in the order of their values; small: those with too few rows.
    groups: of all rows. by_label: whether rows were selected by their label, so that no slice is calibrated by itself.
    known: the results of every row that is not ignored, if they were kept. told: joint variation by groups, for each
    value. gain: of all rows by recalibration, if it was computed.
    """

    predictions: Predictions
    column: str
    parts: tuple[SlicePart, ...]
    small: tuple[SmallSlice, ...]
    groups: Groups | None
    by_label: bool
    known: RowScores | None = None
    told: dict[str, Told] = field(default_factory=dict)
    gain: Gain | Notice | None = None

    @classmethod
    def of(
        cls,
        predictions: Predictions,
        column: str,
        settings: Settings,
        resources: Resources = PLAIN,
        *,
        groups: Groups | None = None,
        known: RowScores | None = None,
        by_class: bool = True,
        gain: Gain | Notice | None = None,
        fitted: bool = True,
    ) -> SlicedColumn:
        """The slices of a column, from one more pass over the scores.

        known: the results of every row that is not ignored. by_class: whether to include class-wise sums; without them
        and with known results, the scores are not read again. groups: of dependent rows; None if rows are independent.
        gain: of all rows. resources, fitted: as for `summarise`.
        Raises: UsageError for an unknown column, or one that makes too many slices.
        """
        place, hint = f'{predictions.source.name}: column "{column}"', "; store numbers as bands, such as 0-10"
        kept = kept_rows(predictions)
        cut = Cut.of(
            coded_slices(predictions, column),
            kept,
            settings.min_rows or 1,
            place,
            hint=hint,
            weights=row_weights(predictions),
        )
        rows = [kept[places] for places in cut.places()]
        names, told = [cut.names[code] for code in cut.measured], {}
        if by_class or known is None:
            streamed = StreamedSlices.of(groups, rows, settings.bins, resources)
            watch = None if streamed is None else streamed.parts
            grouped = groups is not None and groups.refused is None
            sums = part_sums(predictions, rows, settings.bins, resources, watch, slopes=grouped, fitted=fitted)
            told = (
                {}
                if streamed is None
                else dict(zip(names, streamed.told(sums, resources, by_class=by_class), strict=True))
            )
        else:
            sums = known_part_sums(predictions, known, rows, settings.bins, resources.jobs)
        if by_class and groups is None and settings.level is not None:
            sums = with_class_spread(predictions, rows, sums)
        parts = map(SlicePart, names, rows, sums)
        small = (SmallSlice(column, cut.names[code], int(cut.counts[code])) for code in cut.small)
        by_label = is_by_label(predictions, column)
        return cls(predictions, column, tuple(parts), tuple(small), groups, by_label, known, told, gain)

    def with_rows(self, part: SlicePart) -> Sums:
        """The sums of a slice with the results of its rows, if those of the dump were kept."""
        if self.known is None:
            return part.sums
        return replace(part.sums, rows=self.known.at(places_of(self.predictions, part.rows)))

    def results(self, level: float | None, only: Collection[str] | None = None) -> list[SliceResult]:
        """The measured slices, worst first, with intervals at that level. only: limits the metrics to these.

        They are sorted by the ECE corrected for its bias; without intervals, by the ECE minus its noise floor.
        Holm's correction is over the measured slices: after it, the probability that any calibrated slice of the column
        has a p below 0.05 is at most 5 %, however the slices depend on each other.
        """
        scores = _Scores(self.predictions)
        worst_by = self._worst_by(only)
        sorted_by = only if only is None else {*only, worst_by}
        measured = [self._measured(part, level, sorted_by, scores) for part in self.parts]
        corrected = holm([p for _, p in measured])
        rows = zip(self.parts, measured, corrected, strict=True)
        results = [
            SliceResult(self.column, part.value, part.sums.rows_n, metrics, p, p_holm, part.sums.effective)
            for part, (metrics, p), p_holm in rows
        ]
        results.sort(key=lambda one: _badness(one.metrics.get(worst_by, MetricResult(worst_by, None))), reverse=True)
        if only is None or worst_by in only:
            return results
        return [
            replace(one, metrics={name: found for name, found in one.metrics.items() if name in only})
            for one in results
        ]

    def _worst_by(self, only: Collection[str] | None) -> str:
        """The metric by which slices are sorted and tested: of two classes, that of P(positive class) if measured."""
        binary = self.predictions.k == 2 and all(part.sums.classes is not None for part in self.parts)
        return "ece_positive" if binary and (only is None or "ece_positive" in only) else "ece"

    def _measured(
        self, part: SlicePart, level: float | None, only: Collection[str] | None, scores: _Scores
    ) -> tuple[dict[str, MetricResult], float | None]:
        """The metrics of a slice, and the p-value of its ECE."""
        classes, own = part.sums.classes, part.sums.positive
        positive = classes.row(own) if classes is not None and self._worst_by(only) == "ece_positive" else None
        if self.groups is None:
            own_sums = self._asked(part, part.sums, None, only)
            metrics = all_metrics(own_sums, level, only=only)
            p: float | None = gap_p_value(part.sums.top if positive is None else positive, part.sums.n)
        else:
            sums = self.with_rows(part)
            told = self._told(part, sums, self.groups, scores)
            sums = self._asked(part, sums, told.groups, only)
            metrics, p = grouped_metrics(sums, told.groups, told.joints, level, only)
            if positive is not None and told.joints is not None:
                joint = None if told.joints.classes is None else told.joints.classes.of_class(own)
                p = None if joint is None else joint_p_value(positive, part.sums.n, joint)
        if self.by_label:
            return {
                name: replace(m, floor=None, floor_high=None, floor_certain=None, z=None, p=None, lr=None)
                for name, m in metrics.items()
            }, None
        return metrics, p

    def _asked(self, part: SlicePart, sums: Sums, groups: Groups | None, only: Collection[str] | None) -> Sums:
        """The sums of a slice with what these metrics need of its rows. groups: of the slice's rows."""
        if needs_pairs(only):
            sums = with_pairs(self.with_rows(part), self.predictions, groups)
        if not needs_gain(only) or not isinstance(self.gain, Gain):
            return sums
        codes = None if groups is None else groups.codes
        return replace(sums, gain=self.gain.of_rows(places_of(self.predictions, part.rows), codes))

    def _told(self, part: SlicePart, sums: Sums, every: Groups, scores: _Scores) -> Told:
        """The joint variation of one slice by groups, kept if there is room. sums: of its rows. every: all groups."""
        if part.value in self.told:
            return self.told[part.value]
        groups = every.of_rows(places_of(self.predictions, part.rows))
        if every.units is not None:
            joints = joints_for(sums, groups, self.predictions, by_class=False)
            told = Told(groups, None if joints is None else replace(joints, no_classes=NO_CLASSES))
        else:
            own = self.predictions if groups.refused is not None or sums.classes is None else scores.of(part.rows)
            told = Told(groups, joints_for(sums, groups, own))
        if sum(one.size for one in self.told.values()) + told.size <= MOST_KEPT:
            self.told[part.value] = told
        return told


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """The groups of a slice's rows, and the joint variation of its sums that they show."""

    groups: Groups
    joints: Joints | None

    @property
    def size(self) -> int:
        """The number of stored numbers."""
        codes = 0 if self.groups.codes is None else self.groups.codes.size
        found = () if self.joints is None else (self.joints.top, self.joints.mass, self.joints.classes)
        return codes + sum(joint.correlation.size for joint in found if joint is not None)


@dataclass(frozen=True, slots=True, eq=False)
class StreamedSlices:
    """The groups of slices of a dump that is read block by block. parts: their sums; None if they are too large."""

    groups: Groups
    parts: StreamedParts | None
    refused: Notice | None

    @classmethod
    def of(cls, groups: Groups | None, rows: Sequence[Rows], bins: int, resources: Resources) -> StreamedSlices | None:
        """Of slices with these stored rows; None without groups, or if rows are not read block by block."""
        if groups is None or groups.units is None or groups.refused is not None:
            return None
        refused = StreamedParts.too_large(groups.units, rows, bins, resources.memory)
        return cls(groups, None if refused is not None else StreamedParts(groups.units, rows, bins), refused)

    def told(self, sums: Sequence[Sums], resources: Resources, *, by_class: bool) -> list[Told]:
        """The groups and the joint variation of every slice. sums: of every slice."""
        if self.parts is None:
            return [Told(replace(self.groups, refused=self.refused), None)] * len(sums)
        if by_class:
            self.parts.read_classes(sums, resources.memory)
        found = []
        for part, own in enumerate(sums):
            groups = counted_groups(self.groups.column, self.parts.clusters(part))
            found.append(Told(groups, None if groups.refused is not None else self.parts.joints(part, own)))
        return found


class _Scores:
    """The scores of a dump, read when the first slice needs them, and once for all slices."""

    def __init__(self, predictions: Predictions) -> None:
        self._predictions = predictions
        self._read: npt.NDArray[Any] | None = None

    def of(self, rows: Rows) -> Predictions:
        """These stored rows as separate predictions."""
        if self._read is None:
            self._read = self._predictions.scores[0 : self._predictions.rows]
        return selected(self._predictions, self._read, rows)


def _badness(ece: MetricResult) -> tuple[float, float]:
    """The sort key of slices: the ECE corrected for bias, then the ECE."""
    value = ece.value or 0.0
    return (value - (ece.floor or 0.0) if ece.corrected is None else ece.corrected), value
