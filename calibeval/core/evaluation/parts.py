"""Sums of parts of the rows, for all parts together in one more pass over the scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.copied import copied
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import weighted_like
from calibeval.core.sums.engine import summarise, tie_slack
from calibeval.core.sums.equal_mass import RowKeys, confidence_keys, from_keys
from calibeval.core.sums.equal_weight import from_weighted_keys
from calibeval.core.sums.fitted import fitted_cox, fitted_optimum
from calibeval.core.sums.from_rows import sums_from_rows
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.sums import EqualMass, RowScores, Sums
from calibeval.core.sums.threads import in_order

# Number of scores held at a time when a dump is read block by block.
BLOCK_SCORES = 2**24

Rows = npt.NDArray[np.intp]


class Watch(Protocol):
    """Who is told about the parts of a dump that is read block by block, in the order of their rows."""

    def rows(self, part: int, rows: Rows, results: RowScores) -> None:
        """Some stored rows of a part, and their results."""

    def all_rows(self, part: int, rows: Rows, keys: RowKeys, edges: Floats) -> None:
        """All stored rows of a part, their sort keys, and the edges of its equal-mass bins."""


def known_part_sums(
    predictions: Predictions, known: RowScores, parts: Sequence[Rows], bins: int, jobs: int = 1
) -> list[Sums]:
    """The sums of each part except the class-wise ones, from known results, without reading the scores.

    known: the results of every row that is not ignored. parts: as for `part_sums`. As there, results of single rows are
    not kept: they are known.at(places_of(...)). jobs: number of threads.
    """

    def sums_of(rows: Rows) -> Sums:
        own = known.at(places_of(predictions, rows))
        sums = sums_from_rows(predictions, own, predictions.labels[rows].astype(np.intp), bins)
        return located(sums, predictions, rows)

    return list(in_order(sums_of, parts, jobs))


def places_of(predictions: Predictions, rows: Rows) -> Rows:
    """The positions of stored rows among the rows that are not ignored."""
    if not predictions.ignored:
        return rows
    places: Rows = np.cumsum(predictions.labels != predictions.ignore_index) - 1
    return places[rows]


def part_sums(
    predictions: Predictions,
    parts: Sequence[Rows],
    bins: int,
    resources: Resources = PLAIN,
    watch: Watch | None = None,
    *,
    slopes: bool = False,
    fitted: bool = True,
) -> list[Sums]:
    """The sums of each part, as if its rows were a separate dump.

    parts: numbers of stored rows that are not ignored. A row may belong to several parts. resources: as for
    `summarise`; if scores are read block by block, so are the parts, with 8 bytes for each of their rows, and a sample
    of the scores of each part, until all are read. Results of single rows are not kept: they are those of the whole
    dump. watch: is told about rows that are read block by block, and only of those. slopes, fitted: as for `summarise`.
    """
    if resources.streams(predictions):
        return _streamed(predictions, parts, bins, resources.jobs, watch, slopes=slopes, fitted=fitted)
    scores = predictions.scores[0 : predictions.rows]

    def sums_of(rows: Rows) -> Sums:
        return located(
            summarise(selected(predictions, scores, rows), bins, slopes=slopes, fitted=fitted), predictions, rows
        )

    return list(in_order(sums_of, parts, resources.jobs))


def selected(predictions: Predictions, scores: npt.NDArray[Any], rows: Rows, start: int = 0) -> Predictions:
    """Some stored rows as separate predictions. scores: of the stored rows from start on."""
    outcome = "correct" if predictions.kind == "confidence" else "labels"
    given: dict[str, Any] = {predictions.kind: np.take(scores, rows - start, axis=0), outcome: predictions.labels[rows]}
    own = Predictions(**given, source=predictions.source, precision=predictions.precision)
    return weighted_like(copied(own, positive=predictions.positive), predictions, rows)


def located(sums: Sums, predictions: Predictions, rows: Rows) -> Sums:
    """The sums of some rows, in which the row with an impossible label has its number in the whole dump."""
    if sums.impossible_row is None:
        return sums
    row = int(rows[sums.impossible_row])
    return replace(sums, impossible_row=row, impossible_place=predictions.locate(row))


def _streamed(
    predictions: Predictions,
    parts: Sequence[Rows],
    bins: int,
    jobs: int,
    watch: Watch | None,
    *,
    slopes: bool,
    fitted: bool,
) -> list[Sums]:
    """Like `part_sums`, for scores that are not in memory: each block is cut, and the sums of the parts are added."""
    step = max(1, BLOCK_SCORES // (predictions.k or 1))
    ascending = [np.sort(rows) for rows in parts]
    totals: list[Sums | None] = [None] * len(parts)
    keys: list[list[RowKeys]] = [[] for _ in parts]
    samples: list[list[Sample]] = [[] for _ in parts]
    seen = [0] * len(parts)
    for start in range(0, predictions.rows, step):
        stop = min(start + step, predictions.rows)
        scores = predictions.scores[start:stop]
        cuts = [rows[slice(*np.searchsorted(rows, (start, stop)))] for rows in ascending]
        there = [i for i, rows in enumerate(cuts) if len(rows)]

        def sums_of(part: int, scores: Any = scores, start: int = start, cuts: list[Rows] = cuts) -> Sums:
            own = selected(predictions, scores, cuts[part], start)
            return located(summarise(own, bins, keep_rows=True, finish=False), predictions, cuts[part])

        for part, sums in zip(there, in_order(sums_of, there, jobs), strict=True):
            if watch is not None and sums.rows is not None:
                watch.rows(part, cuts[part], sums.rows)
            if fitted and sums.excess is not None:
                own = selected(predictions, scores, cuts[part], start)
                samples[part].append(Sample.of_block(next(own.blocks(own.rows)), seen[part], len(parts[part])))
                seen[part] += len(cuts[part])
            keys[part] += [] if sums.rows is None else [confidence_keys(sums.rows.confidence, sums.rows.correct)]
            before = totals[part]
            totals[part] = replace(sums, equal_mass=None, rows=None) if before is None else before + sums
    weights, slack = predictions.weights, tie_slack(predictions)

    def mass(part: int, rows: Rows) -> EqualMass:
        own = np.concatenate(keys[part])
        if weights is None or weights.even:
            found = EqualMass(*from_keys(own.copy(), bins, slack=slack))
        else:
            found = EqualMass(*from_weighted_keys(own, weights.values[rows], bins, slack))
        if watch is not None:
            watch.all_rows(part, rows, own, found.edges)
        return found

    return [
        replace(
            total,
            optimum=fitted_optimum(samples[part], total, predictions.kind, keep_rows=slopes),
            cox=fitted_cox(samples[part], total, predictions.kind),
            equal_mass=mass(part, rows),
        ).finished()
        for part, (total, rows) in enumerate(zip(totals, ascending, strict=True))
        if total is not None
    ]
