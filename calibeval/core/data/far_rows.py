"""Scores that the workers of an engine read: other processes or machines, which see the same files.

This machine can read them as well, and does so wherever a calculation needs only some rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from calibeval.core.data.copied import copied
from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.data.row_source import RowSource

Result = TypeVar("Result")
Item = TypeVar("Item")
TASK_SCORES = 2**27  # the most scores of a task, which then takes half a second
TASK_ROWS = 2**20  # the most rows of a task, whose results are up to 50 MB
TASKS_EACH = 8  # tasks of each worker, if there are enough rows


class Engine(Protocol):
    """Workers that do the same to many items."""

    @property
    def workers(self) -> int:
        """How many items are worked on at the same time."""
        ...

    def in_order(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of the work on each item, in the order of the items; both are sent to workers by pickle.

        Few items are ahead of the one whose result is awaited, so that results do not fill the memory.
        Raises: what the work raises.
        """
        ...

    def unreachable(self, dump: str) -> None:
        """Is told the name of a dump whose scores this process reads, since workers cannot."""
        ...


class FarRows:
    """Rows that lie in files, with the engine whose workers read them."""

    def __init__(self, source: RowSource, engine: Engine) -> None:
        self._source, self.engine = source, engine
        self.shape, self.dtype = source.shape, source.dtype
        self.held = bool(getattr(source, "held", False))

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive rows, read by this machine."""
        return self._source[rows]

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """The rows of these numbers, in this order, read by this machine."""
        if hasattr(self._source, "take") or not len(rows):
            return rows_at(self._source, rows)
        first = int(rows.min())
        return np.asarray(self._source[first : int(rows.max()) + 1][rows - first])

    def narrowed(self, start: int, stop: int) -> RowSource:
        """Some of the rows, for a worker: without the engine."""
        return narrowed(self._source, start, stop)


class Narrows(Protocol):
    """A source of which a part can be sent to another process; in_files: whether that reads the rows there."""

    in_files: bool

    def narrowed(self, start: int, stop: int) -> RowSource:
        """The rows start to stop."""
        ...


class Span(NamedTuple):
    """A block of rows in a part of a dump.

    predictions: the part, or the dump itself. first: the position of the block's first row among the rows of the dump
    that are not ignored. start: the number of the part's first row in the dump.
    """

    predictions: Predictions
    block: Block
    first: int
    start: int


class Part(NamedTuple):
    """Consecutive rows of a dump, which are worked on in blocks of `rows` rows; first, start: as in `Span`.

    labels: the type of the labels, which travel in the shortest that holds them.
    """

    predictions: Predictions
    rows: int
    first: int
    start: int
    labels: np.dtype[Any]

    def spans(self) -> Iterator[Span]:
        """The blocks that have rows."""
        first, own = self.first, self.predictions
        if own.labels.dtype != self.labels:
            own = copied(own, labels=own.labels.astype(self.labels))
        for block in own.blocks(self.rows):
            if len(block.labels):
                yield Span(own, block, first, self.start)
            first += len(block.labels)


def all_spans(predictions: Predictions, rows: int) -> Iterator[Span]:
    """All blocks of a dump that have rows."""
    return Part(predictions, rows, 0, 0, predictions.labels.dtype).spans()


def engine_of(predictions: Predictions) -> Engine | None:
    """The engine whose workers read the scores; None if this process reads them."""
    return cast("Engine | None", getattr(predictions.scores, "engine", None))


def with_engine(predictions: Predictions, engine: Engine | None) -> Predictions:
    """The predictions, whose scores the workers of the engine read if they lie in files as they are."""
    if engine is None or engine_of(predictions) is not None:
        return predictions
    if not getattr(predictions.scores, "in_files", False):
        engine.unreachable(predictions.source.name)
        return predictions
    return copied(predictions, scores=FarRows(predictions.scores, engine))


def narrowed(source: RowSource, start: int, stop: int) -> RowSource:
    """The rows start to stop of a source, which can be sent to another process.

    >>> narrowed(np.array([[1], [2], [3]]), 1, 3)[0:1].tolist()
    [[2]]
    """
    return source[start:stop] if isinstance(source, np.ndarray) else cast("Narrows", source).narrowed(start, stop)


def part_of(predictions: Predictions, start: int, stop: int) -> Predictions:
    """The stored rows start to stop with what sums need: scores, labels and weights."""
    labels, weights = predictions.labels[start:stop], predictions.weights
    ignored = int(np.count_nonzero(labels == predictions.ignore_index)) if predictions.ignored else 0
    return copied(
        predictions,
        scores=narrowed(predictions.scores, start, stop),
        labels=labels,
        weights=None if weights is None else copied(weights, values=weights.values[start:stop], labels=labels[:0]),
        ignored=ignored,
        layout=(stop - start,),
        class_names=None,
        columns={},
        ids=None,
        file_rows=None,
        settling=None,
        keys={},
        warnings=(),
        recognised=(),
    )


def parts_of(predictions: Predictions, rows: int, workers: int) -> Iterator[Part]:
    """The dump in parts, each of several blocks of `rows` rows: a few for each worker, or more of a limited size."""
    blocks = -(-predictions.rows // rows)
    most = max(1, min(TASK_SCORES // (rows * (predictions.k or 1)), TASK_ROWS // rows))
    step = rows * max(1, min(most, blocks // (TASKS_EACH * max(1, workers))))
    first = 0
    for start in range(0, predictions.rows, step):
        own = part_of(predictions, start, min(start + step, predictions.rows))
        yield Part(copied(own, labels=_short(own.labels)), rows, first, start, own.labels.dtype)
        first += own.n


def _short(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return labels.astype(np.result_type(*(np.min_scalar_type(int(end)) for end in (labels.min(), labels.max()))))
