"""The rows of a dump as blocks of d, the log-scores minus the largest of their row, and statistics of all of them.

The search for a temperature uses such blocks: all of them in each pass, or a sub-sample that stays in memory. The
blocks of a pass share their memory, because new arrays of 100 KiB would take longer than the arithmetic on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.far_rows import Span, engine_of
from calibeval.core.data.labels import Labels
from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.sums.at_beta import StoredRows, stored_rows
from calibeval.core.sums.lines import quiet_lines
from calibeval.core.sums.passes import over_blocks
from calibeval.recalibrate.base.scores import BLOCK_SCORES, FEW_CLASSES, Impossible, chunk_rows, log_scores

Coarse = npt.NDArray[np.floating[Any]]
Result = TypeVar("Result")

SAMPLE_SCORES = 2**18
WHOLE_SCORES = 2**18  # with up to this many scores, all rows are kept in memory
COPRIME_TO = 2 * 3 * 5 * 7 * 11 * 13  # strides are coprime to this, and so to typical periods in data


class Piece(NamedTuple):
    """Some rows: d (b, k), or (k, b) on axis 0; t (b,), the label's d; w (b,), their weights, if they differ."""

    d: Coarse
    t: Coarse
    axis: int
    w: Floats | None = None

    @property
    def rows(self) -> float:
        """The number of rows, or the sum of their weights."""
        return len(self.t) if self.w is None else float(np.add.reduce(self.w))


class ScoreFacts(NamedTuple):
    """Statistics that decide whether a finite optimum exists: means over rows.

    spread: mean distance of a possible class from the best class of its row. misses: mean distance of the label from
    it. slope, curvature: derivatives of the NLL with respect to beta at beta = 0. infimum: limit of the NLL as beta
    grows, if all labels have the largest score.
    """

    spread: float
    misses: float
    slope: float
    curvature: float
    infimum: float


class _Room(NamedTuple):
    """Memory for a piece, and the start of each row in its flat scores."""

    d: Coarse
    best: Coarse
    t: Coarse
    at_label: npt.NDArray[np.intp]
    at_row: npt.NDArray[np.intp]


def _room(rows: int, k: int, *, coarse: bool = False) -> _Room:
    """Memory for a piece of at most `rows` rows."""
    dtype = np.float32 if coarse else np.float64
    best, t = np.empty((2, rows), dtype)
    at_row = np.arange(rows) * (1 if k <= FEW_CLASSES else k)
    return _Room(np.empty(rows * k, dtype), best, t, np.empty_like(at_row), at_row)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Rows of a dump in pieces; the arguments are those of `pieces`."""

    predictions: Predictions
    clip: float | None
    coarse: bool
    plain: bool

    @property
    def can_be_stored(self) -> bool:
        """Whether the rows are logits that no clip changes."""
        return self.predictions.kind == "logits" and self.clip is None

    def of(self) -> Callable[[Predictions], Pieces]:
        """What makes the same of other predictions."""
        return partial(Pieces, clip=self.clip, coarse=self.coarse, plain=self.plain)

    def stored(self) -> StoredPieces:
        """The same rows as they are stored."""
        return StoredPieces(self.predictions)

    def __iter__(self) -> Iterator[Piece]:
        return self.of_blocks(self.predictions.blocks(chunk_rows(self.predictions)))

    def of_blocks(self, blocks: Iterable[Block]) -> Iterator[Piece]:
        """The pieces of some blocks of `chunk_rows` rows."""
        predictions, k = self.predictions, self.predictions.scores.shape[1]
        chunk = chunk_rows(predictions)
        step = -(-chunk // -(-chunk // max(1, BLOCK_SCORES // k)))  # equal parts of a chunk
        room = _room(min(step, predictions.rows), k, coarse=self.coarse)
        plain = self.plain and predictions.kind == "logits" and self.clip is None
        for block in blocks:
            for start in range(0, len(block.labels), step):
                here = slice(start, start + step)
                part = Block(block.scores[here], block.labels[here], 0, part_of(block.weights, here))
                yield _plain_piece(part, room) if plain else _piece(part, predictions, self.clip, room)


@dataclass(frozen=True, slots=True, eq=False)
class StoredPieces:
    """The same rows of logits for the compiled kernel, which needs no copy of them."""

    predictions: Predictions

    def of(self) -> Callable[[Predictions], StoredPieces]:
        """What makes the same of other predictions."""
        return StoredPieces

    def __iter__(self) -> Iterator[StoredRows]:
        return self.of_blocks(self.predictions.blocks(chunk_rows(self.predictions)))

    def of_blocks(self, blocks: Iterable[Block]) -> Iterator[StoredRows]:
        """Those of some blocks of `chunk_rows` rows."""
        for block in blocks:
            yield from stored_rows(block.scores, block.labels, block.weights)


def each(work: Callable[[Iterable[Any]], Iterator[Result]], every: Iterable[Any]) -> Iterator[Result]:
    """What the work finds in pieces, in their order; the workers of an engine do it to their own blocks.

    work: finds one result for each piece, which depends on that piece alone.
    """
    if not isinstance(every, Pieces | StoredPieces) or engine_of(every.predictions) is None:
        return work(every)
    own = partial(_each_of_block, work, every.of())
    return chain.from_iterable(over_blocks(every.predictions, chunk_rows(every.predictions), own))


def _each_of_block(
    work: Callable[[Iterable[Any]], Iterator[Result]], of: Callable[[Predictions], Pieces | StoredPieces], span: Span
) -> list[Result]:
    return list(work(of(span.predictions).of_blocks([span.block])))


def pieces(predictions: Predictions, clip: float | None = None, *, coarse: bool = False, plain: bool = False) -> Pieces:
    """All rows that are not ignored; each piece is valid only until the next one is requested.

    coarse: in float32, which is enough for a step towards the optimum, but not for the last step. plain: unchanged
    logits, neither checked nor shifted to at most 0, so exp(d) may overflow or underflow.
    Raises: BadValues for values that contradict the kind; Impossible if a label has probability 0.
    """
    return Pieces(predictions, clip, coarse, plain)


def sample(
    predictions: Predictions, clip: float | None = None, *, coarse: bool = False, size: int = SAMPLE_SCORES
) -> tuple[list[Piece], bool]:
    """Evenly strided rows with about `size` scores, kept in memory, and whether these are all rows.

    coarse: in float32, unless these are all rows.
    Raises: as `pieces`.
    """
    k = predictions.scores.shape[1]
    if predictions.rows * k <= WHOLE_SCORES:
        whole = [Piece(piece.d.copy(), piece.t.copy(), piece.axis, piece.w) for piece in pieces(predictions, clip)]
        return whole, True
    step = predictions.rows * k // size + 1
    while math.gcd(step, COPRIME_TO) > 1:
        step += 1
    own = predictions.weights
    weights = None if own is None or own.even else own.values
    if isinstance(predictions.scores, np.ndarray) or getattr(predictions.scores, "held", False):
        strided = part_of(weights, slice(None, None, step))
        scores = rows_at(predictions.scores, np.arange(0, predictions.rows, step))
        every = Block(scores, predictions.labels[::step], 0, strided)
    else:
        every = _spread_runs(predictions, predictions.rows // step, weights)
    kept = every.labels != predictions.ignore_index if predictions.ignored else slice(None)
    scores, labels = every.scores[kept], every.labels[kept]
    weights = None if every.weights is None else every.weights[kept]
    rows = max(1, BLOCK_SCORES // k)
    cuts = (slice(start, start + rows) for start in range(0, len(labels), rows))
    parts = (Block(scores[here], labels[here], 0, part_of(weights, here)) for here in cuts)
    return [_piece(part, predictions, clip, _room(len(part.labels), k, coarse=coarse)) for part in parts], False


def part_of(weights: Floats | None, here: slice) -> Floats | None:
    """Some of the weights, if there are any."""
    return None if weights is None else weights[here]


def _spread_runs(predictions: Predictions, rows: int, weights: Floats | None, runs: int = 256) -> Block:
    """About `rows` rows, in short runs, of a source that provides consecutive rows only."""
    length = max(1, rows // runs)
    starts = np.linspace(0, predictions.rows - length, max(1, min(runs, rows))).astype(np.intp).tolist()
    scores = [np.array(predictions.scores[start : start + length]) for start in starts]
    labels = [predictions.labels[start : start + length] for start in starts]
    own = None if weights is None else np.concatenate([weights[start : start + length] for start in starts])
    return Block(np.concatenate(scores), np.concatenate(labels), 0, own)


def _piece(block: Block, predictions: Predictions, clip: float | None, room: _Room) -> Piece:
    b, k = block.scores.shape
    axis = 0 if k <= FEW_CLASSES else 1
    out = room.d[: b * k].reshape((k, b) if axis == 0 else (b, k))
    given: dict[str, Any] = {"clip": clip, "axis": axis, "tolerance": predictions.tolerance}
    d, best = log_scores(block.scores, predictions.kind, **given, out=out, best=room.best[:b])
    t = _at_label(d, block.labels, axis, room)
    with quiet_lines():
        t -= best
        d -= best if axis == 0 else best[:, None]
    return Piece(d, t, axis, block.weights)


def _plain_piece(block: Block, room: _Room) -> Piece:
    """The logits themselves: d and t of a row may be shifted by the same constant."""
    b, k = block.scores.shape
    axis = 0 if k <= FEW_CLASSES else 1
    z = room.d[: b * k].reshape((k, b) if axis == 0 else (b, k))
    np.copyto(z, block.scores.T if axis == 0 else block.scores)
    return Piece(z, _at_label(z, block.labels, axis, room), axis, block.weights)


def _at_label(d: Coarse, labels: Labels, axis: int, room: _Room) -> Coarse:
    """The label's score of each row; labels are known to be in [0, k).

    Raises: Impossible if one is -inf.
    """
    b = len(labels)
    place = room.at_label[:b]
    np.copyto(place, labels, casting="unsafe")
    if axis == 0:
        place *= b
    place += room.at_row[:b]
    t = d.reshape(-1).take(place, out=room.t[:b], mode="clip")  # other modes would make a copy first
    if np.minimum.reduce(t, initial=math.inf) == -math.inf:
        raise Impossible
    return t


def score_facts(every: Iterable[Piece]) -> ScoreFacts:
    """The statistics of all rows, in one pass.

    >>> score_facts([Piece(np.array([[0.0, -2.0]]), np.array([-2.0]), axis=1)])
    ScoreFacts(spread=1.0, misses=2.0, slope=1.0, curvature=1.0, infimum=0.0)
    """
    n, entries, total = 0.0, 0.0, np.zeros(5)
    for piece in every:
        axis = piece.axis
        possible = piece.d > -np.inf
        count = possible.sum(axis=axis)
        d, t = np.where(possible, piece.d, np.float64(0.0)), piece.t.astype(np.float64)
        ties = np.log((piece.d == 0).sum(axis=axis))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            mean = d.sum(axis=axis) / count
            variance = ((d - np.expand_dims(mean, axis)) ** 2).sum(axis=axis, where=possible) / count
            parts = (-d, -t, mean - t, variance, ties)
            if piece.w is not None:
                parts = (-d.sum(axis=axis) * piece.w, *(part * piece.w for part in parts[1:]))
            total += [float(part.sum()) for part in parts]
        n += piece.rows
        entries += float(count.sum() if piece.w is None else count @ piece.w)
    spread, misses, slope, curvature, infimum = total.tolist()
    return ScoreFacts(spread / entries, misses / n, slope / n, curvature / n, infimum / n)
