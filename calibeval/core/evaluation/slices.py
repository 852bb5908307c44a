"""Slices: the rows that share a value of a column, each measured as if it were a dump of its own.

All slices of a column together cost one more pass. Where a dump is read block by block, its slices are summed up block
by block, too, and 8 bytes a row are kept for their equal-mass bins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.columns import TRUE_CLASS, Coded, coded_slices
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.groups import Groups, grouped_metrics, joints_for
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import all_metrics
from calibeval.core.report.report import SliceResult, SmallSlice
from calibeval.core.report.settings import Settings
from calibeval.core.sums.engine import stored_bytes, summarise
from calibeval.core.sums.equal_mass import RowKeys, confidence_keys, from_keys
from calibeval.core.sums.sums import EqualMass, Sums
from calibeval.core.sums.threads import in_order
from calibeval.core.uncertainty.floors import gap_p_value
from calibeval.core.uncertainty.holm import holm

# A column of more values is no column of categories, and of more slices nobody reads the table.
MOST_VALUES, MOST_SLICES = 1000, 200
# So many scores are held at a time of a dump that is read block by block.
BLOCK_SCORES = 2**24

Rows = npt.NDArray[np.intp]


def slice_results(
    predictions: Predictions,
    settings: Settings,
    *,
    groups: Groups | None = None,
    jobs: int = 1,
    max_memory: int | None = None,
) -> tuple[tuple[SliceResult, ...], tuple[SmallSlice, ...]]:
    """The slices of every column in settings.slices, worst first, and those below settings.min_rows rows.

    Worst is the largest ECE corrected for the bias that noise gives it; without intervals, less its noise floor.
    Holm's correction is over the measured slices of a column: with it, the chance that any calibrated slice of the
    column has a p below 0.05 is at most 5 %, however the slices depend on each other.
    groups: of the rows, where these depend on each other.
    Raises: UsageError for an unknown column, or one that makes too many slices.
    """
    found: list[SliceResult] = []
    small: list[SmallSlice] = []
    for column in settings.slices:
        coded, given = coded_slices(predictions, column), column in predictions.columns
        cut = _Cut.of(predictions, column, coded, settings.min_rows or 1)
        parts = _parts(predictions, cut, settings.bins, groups, jobs, max_memory)
        measured = [_measured(part, settings.level, label=column == TRUE_CLASS and not given) for part in parts]
        corrected = holm([p for _, p in measured])
        rows = zip(cut.measured, measured, corrected, strict=True)
        results = [
            SliceResult(column, cut.names[code], int(cut.counts[code]), metrics, p, p_holm)
            for code, (metrics, p), p_holm in rows
        ]
        found += sorted(results, key=_badness, reverse=True)
        small += [SmallSlice(column, cut.names[code], int(cut.counts[code])) for code in cut.small]
    return tuple(found), tuple(small)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The sums of one slice, its rows as predictions of their own, and their groups where these are at work."""

    sums: Sums
    rows: Predictions
    groups: Groups | None


def _parts(
    predictions: Predictions, cut: _Cut, bins: int, groups: Groups | None, jobs: int, max_memory: int | None
) -> list[_Part]:
    """The measured slices of one column, in the order of cut.measured."""
    if max_memory is not None and stored_bytes(predictions) > max_memory:
        return _streamed_parts(predictions, cut, bins, groups, jobs)
    scores = predictions.scores[0 : predictions.rows]
    chosen = _rows_by_code(predictions, cut, 0, predictions.rows)
    places = np.cumsum(predictions.labels != predictions.ignore_index) - 1 if predictions.ignored else None

    def part(code: int) -> _Part:
        rows = chosen[code]
        own = _selected(predictions, scores, rows)
        sums = _located(summarise(own, bins, keep_rows=groups is not None), predictions, rows)
        return _Part(sums, own, None if groups is None else groups.of_rows(rows if places is None else places[rows]))

    return list(in_order(part, cut.measured, jobs))


def _streamed_parts(predictions: Predictions, cut: _Cut, bins: int, groups: Groups | None, jobs: int) -> list[_Part]:
    """The same for scores that are not held in memory: each block is cut, and the slices' sums are added up."""
    step = max(1, BLOCK_SCORES // (predictions.k or 1))
    totals: dict[int, Sums] = {}
    keys: dict[int, list[RowKeys]] = {code: [] for code in cut.measured}
    for start in range(0, predictions.rows, step):
        stop = min(start + step, predictions.rows)
        scores, chosen = predictions.scores[start:stop], _rows_by_code(predictions, cut, start, stop)
        summarised = in_order(_block_sums(predictions, scores, start, bins), chosen.values(), jobs)
        for code, (sums, block_keys) in zip(chosen, summarised, strict=True):
            keys[code].append(block_keys)
            totals[code] = totals[code] + sums if code in totals else sums
    parts = []
    for code in cut.measured:
        equal_mass = EqualMass(*from_keys(np.concatenate(keys[code]), bins))
        parts.append(_Part(replace(totals[code], equal_mass=equal_mass), predictions, groups))
    return parts


def _block_sums(
    predictions: Predictions, scores: npt.NDArray[Any], start: int, bins: int
) -> Callable[[Rows], tuple[Sums, RowKeys]]:
    """What sums up some rows of the block that begins at the row start."""

    def sums_of(rows: Rows) -> tuple[Sums, RowKeys]:
        sums = summarise(_selected(predictions, scores, rows, start), bins, keep_rows=True)
        kept = sums.rows
        keys = np.empty(0, np.uint64) if kept is None else confidence_keys(kept.confidence, kept.correct)
        return replace(_located(sums, predictions, rows), rows=None), keys

    return sums_of


def _rows_by_code(predictions: Predictions, cut: _Cut, start: int, stop: int) -> dict[int, Rows]:
    """Of the stored rows start to stop those that count, in their order, for each measured slice that has any."""
    codes = cut.codes[start:stop]
    kept = np.arange(start, stop)
    if predictions.ignored:
        kept = start + np.flatnonzero(predictions.labels[start:stop] != predictions.ignore_index)
        codes = cut.codes[kept]
    order = np.argsort(codes, kind="stable")
    first, last = (np.searchsorted(codes[order], cut.measured, side=side) for side in ("left", "right"))
    ends = zip(cut.measured, first.tolist(), last.tolist(), strict=True)
    return {code: kept[order[low:high]] for code, low, high in ends if high > low}


def _selected(predictions: Predictions, scores: npt.NDArray[Any], rows: Rows, start: int = 0) -> Predictions:
    """Some stored rows as predictions of their own. scores: of the stored rows from start on."""
    outcome = "correct" if predictions.kind == "confidence" else "labels"
    given: dict[str, Any] = {predictions.kind: scores[rows - start], outcome: predictions.labels[rows]}
    return Predictions(**given, source=predictions.source, precision=predictions.precision)


def _located(sums: Sums, predictions: Predictions, rows: Rows) -> Sums:
    """The sums of some rows, with the row whose label is impossible by its number in the dump."""
    if sums.impossible_row is None:
        return sums
    row = int(rows[sums.impossible_row])
    return replace(sums, impossible_row=row, impossible_place=predictions.locate(row))


def _measured(part: _Part, level: float | None, *, label: bool) -> tuple[dict[str, MetricResult], float | None]:
    """The metrics of a slice and its p; label: whether its rows were chosen by their label."""
    if part.groups is None:
        metrics: dict[str, MetricResult] = all_metrics(part.sums, level)
        p: float | None = gap_p_value(part.sums.top, part.sums.n)
    else:
        joints = joints_for(part.sums, part.groups, part.rows)
        metrics, p = grouped_metrics(part.sums, part.groups, joints, level)
    if label:
        return {name: replace(m, floor=None, floor_high=None) for name, m in metrics.items()}, None
    return metrics, p


def _badness(result: SliceResult) -> tuple[float, float]:
    """By what slices are sorted: the ECE without the bias of noise, then the ECE."""
    ece = result.metrics["ece"]
    value = ece.value or 0.0
    return (value - (ece.floor or 0.0) if ece.corrected is None else ece.corrected), value
