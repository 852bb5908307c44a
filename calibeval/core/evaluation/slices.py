"""Slices: the rows that share a value of a column, each measured as if it were a dump of its own.

All slices of a column together cost one more reading of the scores, and where groups tell how class-wise bins vary a
second one. Their sums are kept, and results at any level of the intervals follow from these; the results of their rows
are those of the whole dump.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from calibeval.core.data.columns import TRUE_CLASS, coded_slices, kept_rows
from calibeval.core.data.predictions import Predictions
from calibeval.core.evaluation.cut import Cut
from calibeval.core.evaluation.groups import Groups, grouped_metrics, joints_for
from calibeval.core.evaluation.parts import Rows, known_part_sums, part_sums, places_of, selected
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import all_metrics
from calibeval.core.report.report import SliceResult, SmallSlice
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.floors import gap_p_value
from calibeval.core.uncertainty.holm import holm
from calibeval.core.uncertainty.joints import Joints

# What groups tell of the slices of a column is kept from level to level up to so many numbers, of 8 bytes each.
MOST_KEPT = 2**23
WORST_BY = "ece"


@dataclass(frozen=True, slots=True, eq=False)
class SlicePart:
    """One slice: its value, the numbers of its stored rows, and their sums, without the results of single rows."""

    value: str
    rows: Rows
    sums: Sums


@dataclass(frozen=True, slots=True, eq=False)
class SlicedColumn:
    """The slices of one column with all their sums, from which results at any level of the intervals follow.

    parts: the measured slices, in the order of their values; small: those of fewer rows.
    groups: of all rows. by_label: whether rows are chosen by their label, so that no slice is calibrated within itself.
    known: the results of every row of the dump that counts, where they were kept. told: what groups tell, by value.
    """

    predictions: Predictions
    column: str
    parts: tuple[SlicePart, ...]
    small: tuple[SmallSlice, ...]
    groups: Groups | None
    by_label: bool
    known: RowScores | None = None
    told: dict[str, Told] = field(default_factory=dict)

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
    ) -> SlicedColumn:
        """The slices of a column from one more reading of the scores.

        known: the results of every row that counts. by_class: with class-wise sums; without them, and with known
        results, the scores are not read again. groups: of the rows, where these depend on each other. resources: as for
        `summarise`.
        Raises: UsageError for an unknown column, or one that makes too many slices.
        """
        place, hint = f'{predictions.source.name}: column "{column}"', "; store numbers as bands, such as 0-10"
        kept = kept_rows(predictions)
        cut = Cut.of(coded_slices(predictions, column), kept, settings.min_rows or 1, place, hint=hint)
        rows = [kept[places] for places in cut.places()]
        if by_class or known is None:
            sums = part_sums(predictions, rows, settings.bins, resources)
        else:
            sums = known_part_sums(predictions, known, rows, settings.bins, resources.jobs)
        parts = map(SlicePart, (cut.names[code] for code in cut.measured), rows, sums)
        small = (SmallSlice(column, cut.names[code], int(cut.counts[code])) for code in cut.small)
        by_label = column == TRUE_CLASS and column not in predictions.columns
        return cls(predictions, column, tuple(parts), tuple(small), groups, by_label, known)

    def with_rows(self, part: SlicePart) -> Sums:
        """The sums of a slice with the results of its rows, where those of the dump were kept."""
        if self.known is None:
            return part.sums
        return replace(part.sums, rows=self.known.at(places_of(self.predictions, part.rows)))

    def results(self, level: float | None, only: Collection[str] | None = None) -> list[SliceResult]:
        """The measured slices, worst first, with intervals at that level. only: these metrics.

        Worst is the largest ECE corrected for the bias that noise gives it; without intervals, less its noise floor.
        Holm's correction is over the measured slices: with it, the chance that any calibrated slice of the column has a
        p below 0.05 is at most 5 %, however the slices depend on each other.
        """
        scores = _Scores(self.predictions)
        sorted_by = only if only is None else {*only, WORST_BY}
        measured = [self._measured(part, level, sorted_by, scores) for part in self.parts]
        corrected = holm([p for _, p in measured])
        rows = zip(self.parts, measured, corrected, strict=True)
        results = [
            SliceResult(self.column, part.value, part.sums.n, metrics, p, p_holm) for part, (metrics, p), p_holm in rows
        ]
        results.sort(key=_badness, reverse=True)
        if only is None or WORST_BY in only:
            return results
        return [
            replace(one, metrics={name: found for name, found in one.metrics.items() if name in only})
            for one in results
        ]

    def _measured(
        self, part: SlicePart, level: float | None, only: Collection[str] | None, scores: _Scores
    ) -> tuple[dict[str, MetricResult], float | None]:
        """The metrics of a slice, and its p."""
        if self.groups is None:
            metrics = all_metrics(part.sums, level, only=only)
            p: float | None = gap_p_value(part.sums.top, part.sums.n)
        else:
            sums = self.with_rows(part)
            told = self._told(part, sums, self.groups, scores)
            metrics, p = grouped_metrics(sums, told.groups, told.joints, level, only)
        if self.by_label:
            return {name: replace(m, floor=None, floor_high=None) for name, m in metrics.items()}, None
        return metrics, p

    def _told(self, part: SlicePart, sums: Sums, every: Groups, scores: _Scores) -> Told:
        """What groups tell of one slice, found once where it may be kept. sums: of its rows. every: all groups."""
        if part.value in self.told:
            return self.told[part.value]
        groups = every.of_rows(places_of(self.predictions, part.rows))
        own = self.predictions if groups.refused is not None or sums.classes is None else scores.of(part.rows)
        told = Told(groups, joints_for(sums, groups, own))
        if sum(one.size for one in self.told.values()) + told.size <= MOST_KEPT:
            self.told[part.value] = told
        return told


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """The groups of a slice's rows, and what they tell of its sums."""

    groups: Groups
    joints: Joints | None

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        codes = 0 if self.groups.codes is None else self.groups.codes.size
        found = () if self.joints is None else (self.joints.top, self.joints.mass, self.joints.classes)
        return codes + sum(joint.correlation.size for joint in found if joint is not None)


class _Scores:
    """The scores of a dump, read when the first slice asks for its own, and once for all slices."""

    def __init__(self, predictions: Predictions) -> None:
        self._predictions = predictions
        self._read: npt.NDArray[Any] | None = None

    def of(self, rows: Rows) -> Predictions:
        """These stored rows as predictions of their own."""
        if self._read is None:
            self._read = self._predictions.scores[0 : self._predictions.rows]
        return selected(self._predictions, self._read, rows)


def _badness(result: SliceResult) -> tuple[float, float]:
    """By what slices are sorted: the ECE without the bias of noise, then the ECE."""
    ece = result.metrics.get(WORST_BY, MetricResult(WORST_BY, None))
    value = ece.value or 0.0
    return (value - (ece.floor or 0.0) if ece.corrected is None else ece.corrected), value
