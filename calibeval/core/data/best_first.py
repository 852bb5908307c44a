"""Lists of the best scores of each row in place of one column a class: `torch.topk`, `np.sort`, timm with --topk."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import Kind, RowSource
from calibeval.core.errors import InputError

LEAST_CLASSES, LEAST_ROWS = 3, 30
FIRST_ROWS, PEEK_SCORES = 32, 2**20  # of the first piece that is read, and of the others
LEAST_CHANCE = 1e-3  # that so few labels are drawn with the mean of the column of the largest scores
# How far the labels' frequencies are from the columns' means, in the sum over classes that are too rare: more is
# needed where the frequencies themselves fall like the scores, as they do of a model that is only too sure of itself.
FAR, FAR_IN_ORDER, TOO_SURE = 0.1, 0.2, 0.1
REMEDY = "Write the scores of all classes in class order (timm: --topk 0), not what torch.topk or np.sort returns"


class _Order(NamedTuple):
    """Rows that are all in one order. falls: from left to right. means: of the probabilities in each column."""

    falls: bool
    means: Floats


class RowOrder:
    """Whether the scores are in the same order in all rows, which come piece by piece.

    falls, rises: whether they do so from left to right in all rows. alike: whether all rows are equal to the first.
    total: the sums of the probabilities of the columns.

    >>> order = RowOrder(3, "probs")
    >>> order.add(np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1]]))
    >>> order.possible, order.found().falls
    (True, True)
    """

    def __init__(self, k: int, kind: Kind) -> None:
        self.kind, self.falls, self.rises, self.alike = kind, True, True, True
        self.total, self.rows = np.zeros(k), 0
        self.first: Floats | None = None

    @property
    def possible(self) -> bool:
        """Whether all rows so far are in one order; if not, no more need be added."""
        return self.falls or self.rises

    def add(self, piece: npt.NDArray[Any]) -> None:
        """Further rows, (b, k)."""
        with np.errstate(invalid="ignore", over="ignore"):
            values = np.asarray(piece, np.float64)
            self.falls = self.falls and bool((values[:, 1:] <= values[:, :-1]).all())
            self.rises = self.rises and bool((values[:, 1:] >= values[:, :-1]).all())
        if self.possible and len(values):
            self.first = values[0] if self.first is None else self.first
            self.alike = self.alike and bool((values == self.first).all())
            with np.errstate(all="ignore"):
                self.total = self.total + probabilities(values, self.kind, -1).sum(axis=0)
            self.rows += len(values)

    def joined(self, other: RowOrder) -> RowOrder:
        """The order of both sets of rows."""
        if not self.possible or other.first is None:
            return self if other.possible or not self.possible else other
        if not other.possible or self.first is None:
            return other
        both = RowOrder(len(self.total), self.kind)
        both.falls, both.rises = self.falls and other.falls, self.rises and other.rises
        both.alike = self.alike and other.alike and bool((self.first == other.first).all())
        both.total, both.rows, both.first = self.total + other.total, self.rows + other.rows, self.first
        return both

    def found(self) -> _Order | None:
        """The order of all rows; None if they have none, and for equal rows, as of a constant model."""
        if not self.rows or self.alike or self.falls == self.rises:
            return None
        return _Order(self.falls, self.total / self.rows)


def best_first_error(predictions: Predictions, insist: LabelsAre = "positions") -> InputError | None:
    """The error for scores in the same order in all rows, whose columns' means the labels contradict.

    A class that is the most probable of every row is no contradiction where it is also the most frequent. Of nearly all
    other dumps, the first rows are enough to tell. insist: the value of labels_are that these labels can have.

    >>> p = Predictions(probs=[[0.8, 0.1, 0.1], [0.7, 0.2, 0.1]] * 30, labels=[0, 1, 2] * 20)
    >>> str(best_first_error(p))[:58]
    'the scores fall from left to right in every row, but 33.3 '
    """
    k = predictions.k or 0
    if k < LEAST_CLASSES or predictions.n < LEAST_ROWS or not predictions.labelled:
        return None
    order = _order(_pieces(predictions), predictions.kind, k)
    if order is None:
        return None
    labels = predictions.labels
    kept = labels[labels != predictions.ignore_index] if predictions.ignored else labels
    return contradiction(order, np.bincount(kept.astype(np.int64, copy=False), minlength=k), insist)


def contradiction(order: _Order | None, counts: npt.NDArray[np.integer[Any]], insist: LabelsAre) -> InputError | None:
    """The error for rows in one order, if the labels contradict it. counts: (k,), how often each class is the label."""
    k, n = len(counts), int(counts.sum())
    if order is None or k < LEAST_CLASSES or n < LEAST_ROWS:
        return None
    shares = counts / n
    if not _contradict(shares, order, n):
        return None
    column = 0 if order.falls else k - 1
    facts = (
        f"{100 * shares[column]:.3g} % of labels are class {column}, whose column says "
        f"{100 * order.means[column]:.3g} % on average"
    )
    return InputError(
        f"the scores {_words(order)} from left to right in every row, but {facts}: these seem to be the scores of the "
        f"best classes of each row, not of the classes in order. {REMEDY}, or say --labels-are {insist} if each column "
        "is one class"
    )


def beyond_best(scores: RowSource, kind: Kind, labels: npt.NDArray[Any]) -> InputError | None:
    """The error for scores in the same order in all rows, with labels that are no number of a column."""
    if len(scores.shape) != 2 or scores.shape[0] < LEAST_ROWS or scores.shape[1] < LEAST_CLASSES:
        return None
    if (
        labels.shape != scores.shape[:1]
        or labels.dtype.kind not in "iu"
        or int(labels.max(initial=0)) < scores.shape[1]
    ):
        return None
    rows, k = scores.shape
    order = _order((scores[start:stop] for start, stop in _bounds(rows, k)), kind, k)
    if order is None:
        return None
    return InputError(
        f"the scores {_words(order)} from left to right in every row, and label {int(labels.max())} has no column: "
        f"these seem to be the scores of the best {k} classes of each row, not of the classes in order. {REMEDY}"
    )


def _words(order: _Order) -> str:
    return "fall" if order.falls else "rise"


def _bounds(rows: int, k: int) -> Iterator[tuple[int, int]]:
    """A few rows first, then large pieces."""
    step = max(FIRST_ROWS, PEEK_SCORES // k)
    yield 0, min(FIRST_ROWS, rows)
    for start in range(FIRST_ROWS, rows, step):
        yield start, min(start + step, rows)


def _pieces(predictions: Predictions) -> Iterator[npt.NDArray[Any]]:
    for start, stop in _bounds(predictions.rows, predictions.scores.shape[1]):
        yield predictions.block(start, stop).scores


def _order(pieces: Iterator[npt.NDArray[Any]], kind: Kind, k: int) -> _Order | None:
    """The order of the scores, if it is the same in all rows; None also for equal rows, as of a constant model."""
    order = RowOrder(k, kind)
    for piece in pieces:
        order.add(piece)
        if not order.possible:
            return None
    return order.found()


def _contradict(shares: Floats, order: _Order, n: int) -> bool:
    """Whether labels with these shares can hardly be those of columns with these means.

    The column of the largest scores says too much of its class; the chance of so few labels is bounded by Hoeffding's
    inequality, which holds for any probabilities with this mean.
    """
    means = order.means / order.means.sum()
    steps = np.diff(shares if order.falls else shares[::-1])
    mean, share = (float(values[0 if order.falls else -1]) for values in (means, shares))
    in_order = bool((steps <= 0).all())
    if not mean < 1 or np.maximum(means - shares, 0).sum() < (FAR_IN_ORDER if in_order else FAR):
        return False
    mean -= TOO_SURE if in_order else 0.0
    if share >= mean:
        return False
    one = share * math.log(share / mean) if share > 0 else 0.0
    return n * (one + (1 - share) * math.log((1 - share) / (1 - mean))) > -math.log(LEAST_CHANCE)
