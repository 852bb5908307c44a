"""Slices: the rows that share a value of a column, each measured as if it were a dump of its own.

All slices of a column together cost one more reading of the scores; their sums are kept, and results at any level of
the intervals follow from these.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from calibeval.core.data.columns import TRUE_CLASS, Coded, coded_slices, kept_rows
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import UsageError
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

# A column of more values is no column of categories, and of more slices nobody reads the table.
MOST_VALUES, MOST_SLICES = 1000, 200
SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


@dataclass(frozen=True, slots=True, eq=False)
class SlicePart:
    """One slice: its value, the numbers of its stored rows, and their sums."""

    value: str
    rows: Rows
    sums: Sums


@dataclass(frozen=True, slots=True, eq=False)
class SlicedColumn:
    """The slices of one column with all their sums, from which results at any level of the intervals follow.

    parts: the measured slices, in the order of their values; small: those of fewer rows.
    by_label: whether rows are chosen by their label, so that no slice is calibrated within itself.
    """

    predictions: Predictions
    column: str
    parts: tuple[SlicePart, ...]
    small: tuple[SmallSlice, ...]
    groups: Groups | None
    by_label: bool

    @classmethod
    def of(
        cls,
        predictions: Predictions,
        column: str,
        settings: Settings,
        resources: Resources = PLAIN,
        *,
        groups: Groups | None = None,
        keep_rows: bool = False,
        known: RowScores | None = None,
    ) -> SlicedColumn:
        """The slices of a column from one more reading of the scores.

        known: the results of every row that counts; then the scores are not read again, and there are no class-wise
        sums. groups: of the rows, where these depend on each other. resources, keep_rows: as for `summarise`.
        Raises: UsageError for an unknown column, or one that makes too many slices.
        """
        cut = _Cut.of(predictions, column, coded_slices(predictions, column), settings.min_rows or 1)
        rows = cut.rows(predictions)
        kept = keep_rows or groups is not None
        if known is None:
            sums = part_sums(predictions, rows, settings.bins, resources, keep_rows=kept)
        else:
            sums = known_part_sums(predictions, known, rows, settings.bins, resources.jobs)
        parts = map(SlicePart, (cut.names[code] for code in cut.measured), rows, sums)
        small = (SmallSlice(column, cut.names[code], int(cut.counts[code])) for code in cut.small)
        by_label = column == TRUE_CLASS and column not in predictions.columns
        return cls(predictions, column, tuple(parts), tuple(small), groups, by_label)

    def results(self, level: float | None, only: Collection[str] | None = None) -> list[SliceResult]:
        """The measured slices, worst first, with intervals at that level. only: these metrics.

        Worst is the largest ECE corrected for the bias that noise gives it; without intervals, less its noise floor.
        Holm's correction is over the measured slices: with it, the chance that any calibrated slice of the column has a
        p below 0.05 is at most 5 %, however the slices depend on each other.
        """
        measured = [self._measured(part, level, only) for part in self.parts]
        corrected = holm([p for _, p in measured])
        rows = zip(self.parts, measured, corrected, strict=True)
        results = [
            SliceResult(self.column, part.value, part.sums.n, metrics, p, p_holm) for part, (metrics, p), p_holm in rows
        ]
        return sorted(results, key=_badness, reverse=True)

    def _measured(
        self, part: SlicePart, level: float | None, only: Collection[str] | None
    ) -> tuple[dict[str, MetricResult], float | None]:
        """The metrics of a slice, and its p."""
        if self.groups is None:
            metrics = all_metrics(part.sums, level, only=only)
            p: float | None = gap_p_value(part.sums.top, part.sums.n)
        else:
            groups = self.groups.of_rows(places_of(self.predictions, part.rows))
            metrics, p = grouped_metrics(part.sums, groups, self._joints(part, groups), level, only)
        if self.by_label:
            return {name: replace(m, floor=None, floor_high=None) for name, m in metrics.items()}, None
        return metrics, p

    def _joints(self, part: SlicePart, groups: Groups) -> Joints | None:
        """What groups tell of one slice; class-wise bins take one more reading of its scores."""
        if groups.refused is not None:
            return None
        own = selected(self.predictions, self.predictions.scores[0 : self.predictions.rows], part.rows)
        return joints_for(part.sums, groups, own)


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """A column cut into slices. counts: rows that count, by code; measured, small: codes of slices."""

    codes: Rows
    names: tuple[str, ...]
    counts: Rows
    measured: tuple[int, ...]
    small: tuple[int, ...]

    @classmethod
    def of(cls, predictions: Predictions, column: str, coded: Coded, min_rows: int) -> _Cut:
        place = f'{predictions.source.name}: column "{column}"'
        kept = coded.codes[predictions.labels != predictions.ignore_index] if predictions.ignored else coded.codes
        counts = np.bincount(kept, minlength=len(coded.values))
        there = np.flatnonzero(counts)
        if len(there) > MOST_VALUES:
            raise UsageError(
                f"{place} has {len(there):,} distinct values, but slices need categories, at most {MOST_VALUES:,}; "
                "store numbers as bands, such as 0-10"
            )
        measured = tuple(int(code) for code in there if counts[code] >= min_rows)
        if len(measured) > MOST_SLICES:
            raise UsageError(
                f"{place} makes {len(measured)} slices of at least {min_rows} rows, but at most {MOST_SLICES} are "
                "measured; raise --min-rows"
            )
        small = tuple(int(code) for code in there if counts[code] < min_rows)
        return cls(coded.codes, coded.texts(), counts, measured, small)

    def rows(self, predictions: Predictions) -> list[Rows]:
        """The numbers of the stored rows that count, in their order, of each measured slice."""
        kept = kept_rows(predictions)
        codes = self.codes[kept] if predictions.ignored else self.codes
        order = np.argsort(codes, kind="stable")
        first, last = (np.searchsorted(codes[order], self.measured, side=side) for side in SIDES)
        return [kept[order[low:high]] for low, high in zip(first.tolist(), last.tolist(), strict=True)]


def _badness(result: SliceResult) -> tuple[float, float]:
    """By what slices are sorted: the ECE without the bias of noise, then the ECE."""
    ece = result.metrics.get("ece", MetricResult("ece", None))
    value = ece.value or 0.0
    return (value - (ece.floor or 0.0) if ece.corrected is None else ece.corrected), value
