"""One pass over the scores: from predictions to the additive sums that every metric is computed from.

Rows are read in chunks, whose size depends only on the number of classes, and each chunk is processed in blocks that
stay in the processor's cache; there is never an array of rows x classes. All arithmetic is float64, the result of a row
does not depend on its position, and chunks are added in the order of their rows, so results do not depend on `jobs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.check_values import check_values
from calibeval.core.data.far_rows import Span, engine_of
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.precision import as_stored
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import (
    GRID,
    equal_width_edges,
    is_computed,
    on_grid,
)
from calibeval.core.sums.curve_cells import CellsByName, curve_cells
from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.fitted import fits
from calibeval.core.sums.pair_keys import PairKeys
from calibeval.core.sums.passes import over_blocks
from calibeval.core.sums.piece import Piece, piece_of
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.row_keys import AllKeys, CountedKeys, KeptKeys, WeightedKeys
from calibeval.core.sums.rows import BadValues
from calibeval.core.sums.running_total import RunningTotal
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.sums import EqualMass, RowScores, Sums, joined_rows

CHUNK_SCORES, CHUNK_ROWS = 2**21, 2**17  # the most scores and rows of a chunk, the unit of work of a thread
# After an array of this size is freed, glibc keeps the memory for the next ones, so the arrays of a chunk need not be
# paged in again: this saves a third of the time with two classes. With other allocators it has no effect.
# What is computed from all rows needs arrays as long as these: so much is the most that glibc keeps.
KEPT_BYTES, MOST_KEPT_BYTES = 2**24, 31 * 2**20
Result = TypeVar("Result")


def summarise(
    predictions: Predictions,
    bins: int = 15,
    resources: Resources = PLAIN,
    *,
    keep_rows: bool = False,
    finish: bool = True,
    told: Callable[[RowScores], None] | None = None,
    cells: Callable[[CellsByName], None] | None = None,
    slopes: bool = False,
    ordered: PairKeys | None = None,
    fitted: bool = True,
) -> Sums:
    """All sums of the predictions in one pass over the scores.

    bins: number of equal-width bins, and the largest number of equal-mass bins. resources: threads and memory; if the
    scores need more memory, they are read again, once or a few times, for the equal-mass bins.
    keep_rows: also keep the results of every row: 41 bytes per row. finish: whether there are fits, and sums with
    weights are scaled, after which they cannot be added. told: is given the results of every row, block by block,
    in the order of the rows. cells: likewise is given the cells of their smooth curves, for which no results of rows
    are kept. slopes: also keep what each row tells of the temperature, 16 bytes for each row that it is
    fitted on, as if every row were kept. ordered: is given the confidence and correctness of all rows, whose pairs the
    result has then. fitted: whether a temperature and, for two classes, Cox's recalibration are fitted if it finishes.
    Memory in addition to the scores: about 20 MiB per thread, and 8 bytes per row if they are read once.
    Raises: InputError naming the first row whose values contradict the kind.

    >>> sums = summarise(Predictions(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0]), bins=2)
    >>> sums.top.count.tolist(), sums.top.y.tolist()
    ([0.0, 2.0], [0.0, 1.0])
    """
    check_labelled(predictions, "to measure calibration")
    edges, compared = edges_of(predictions, bins)
    jobs, progress, slack = resources.jobs, resources.progress, tie_slack(predictions)
    weights = row_weights(predictions)
    keys: AllKeys = (
        WeightedKeys(weights, slack)
        if weights is not None
        else CountedKeys(predictions.n, partial(over_keys, predictions, bins, jobs), slack)
        if resources.streams(predictions)
        else KeptKeys(predictions.n, jobs, slack)
    )
    np.empty(KEPT_BYTES if ordered is None and not keep_rows else MOST_KEPT_BYTES, np.uint8)
    running, here = RunningTotal(), _reads_here(predictions)
    done = 0
    kept: list[RowScores] = []
    samples: list[Sample] = []
    if progress is not None:
        progress.start(predictions.source.name, predictions.rows)
    try:
        wanted, own = keep_rows or told is not None, keys if here else None
        for sums, piece_keys, sample, of_curves in _pieces(
            predictions,
            edges,
            compared,
            jobs,
            own,
            keep_rows=wanted,
            sampled=finish and fitted,
            curves=cells is not None,
        ):
            if not here:
                keys.put(done, piece_keys)
            done += len(piece_keys)
            if ordered is not None:
                ordered.add(piece_keys)
            if told is not None and sums.rows is not None:
                told(sums.rows)
            if cells is not None and of_curves is not None:
                cells(of_curves)
            samples += [] if sample is None else [sample]
            kept += [sums.rows] if keep_rows and sums.rows is not None else []
            running.add(sums)
            if progress is not None:
                progress.advance(sums.rows_n)
    except BadValues:
        check_values(predictions)
        raise InputError(f"{predictions.source.name}: values contradict the kind {predictions.kind}") from None
    total = running.sums()
    if total is None:
        raise InputError(f"{predictions.source.name}: there are no rows")
    optimum, cox = fits(samples, total, predictions.kind, jobs, keep_rows=keep_rows or slopes)
    found = replace(
        total,
        impossible_place="" if total.impossible_row is None else predictions.locate(total.impossible_row),
        optimum=optimum,
        cox=cox,
        equal_mass=EqualMass(*keys.result(bins)),
        rows=joined_rows(kept) if keep_rows else None,
        pairs=None if ordered is None else ordered.pairs(slack),
    )
    return found.finished() if finish else found


def over_keys(predictions: Predictions, bins: int, jobs: int, work: Callable[[RowKeys], Result]) -> Iterator[Result]:
    """The results of the work on the keys of all rows, from another pass, in the blocks of `summarise`."""
    own = partial(_with_keys, work, *edges_of(predictions, bins))
    return over_blocks(predictions, chunk_rows(predictions), own, jobs)


def all_keys(predictions: Predictions, bins: int, jobs: int = 1) -> Iterator[RowKeys]:
    """The keys of all rows, from another pass."""
    return over_keys(predictions, bins, jobs, np.asarray)


def _with_keys(work: Callable[[RowKeys], Result], edges: Floats, compared: Floats, span: Span) -> Result:
    return work(piece_of(span.predictions, span.block, edges, compared, keep_rows=False).keys)


def edges_of(predictions: Predictions, bins: int) -> tuple[Floats, Floats]:
    """The edges of equal-width bins, exact, and rounded like the probabilities that are compared with them."""
    edges = equal_width_edges(bins)
    return edges, on_grid(edges) if is_computed(predictions.kind) else as_stored(edges, predictions.precision)


def tie_slack(predictions: Predictions) -> float:
    """How far apart two confidences may be and still tie in equal-mass bins."""
    return GRID if is_computed(predictions.kind) else 0.0


def chunk_rows(predictions: Predictions) -> int:
    """The number of rows of a chunk, which depends only on the number of classes."""
    width = predictions.scores.shape[-1] if predictions.k else 1
    return max(1, min(CHUNK_SCORES // width, CHUNK_ROWS))


def _reads_here(predictions: Predictions) -> bool:
    """Whether threads of this process read and add up the scores."""
    return engine_of(predictions) is None and getattr(predictions.scores, "pieces", None) is None


def _pieces(
    predictions: Predictions,
    edges: Floats,
    compared: Floats,
    jobs: int,
    keys: AllKeys | None,
    *,
    keep_rows: bool,
    sampled: bool,
    curves: bool,
) -> Iterator[Piece]:
    """The sums of chunks in the order of their rows.

    compared: rounded edges. keys: take those of each chunk, unless None. sampled: whether to keep a sample. curves:
    whether to add up cells of smooth curves.
    """
    own: Callable[..., Iterator[Piece]] | None = getattr(predictions.scores, "pieces", None)
    if own is not None:  # they lie where they can be added up
        return own(predictions, edges, compared, keep_rows=keep_rows, sampled=sampled, curves=curves)
    n = predictions.n if sampled else None
    work = partial(_piece, edges=edges, compared=compared, keep_rows=keep_rows, n=n, keys=keys, curves=curves)
    return over_blocks(predictions, chunk_rows(predictions), work, jobs)


def _piece(
    span: Span, edges: Floats, compared: Floats, n: int | None, keys: AllKeys | None, *, keep_rows: bool, curves: bool
) -> Piece:
    """The sums of a chunk. n: the number of all rows, of which a sample is kept; None: none is. keys: take its keys."""
    room = None if keys is None else keys.room(span.first, len(span.block.labels))
    piece = piece_of(span.predictions, span.block, edges, compared, keep_rows=keep_rows, room=room)
    if keys is not None:
        keys.put(span.first, piece.keys)
    if curves:
        piece = piece._replace(cells=curve_cells(span.predictions, span.block, piece.keys))
    if piece.sums.impossible_row is not None:
        row = span.start + piece.sums.impossible_row
        piece = piece._replace(sums=replace(piece.sums, impossible_row=row))
    if n is None or piece.sums.excess is None:
        return piece
    return piece._replace(sample=Sample.of_block(span.block, span.first, n))
