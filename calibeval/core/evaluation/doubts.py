"""Doubts whether scores and labels belong together: accuracy below chance, exchanged classes, nothing in common.

The sums of the one pass over the scores tell of nearly all dumps that there is no doubt; only of the others the scores
are read again, to see which class is predicted where which label stands.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.amended import with_warnings
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.special import clopper_pearson

# Codes of these warnings: with one of them, nothing else in a report means anything.
SUSPICIONS = ("below_chance", "classes_permuted", "nothing_shared")
LEAST_ROWS = 30
LEVEL = 0.95  # of the interval that lies below chance
# z of the covariance of a class's probability with its label, below which the class is odd; of all classes together.
ODD, CLEAR = -1.0, 3.0
PIECE_SCORES, MOST_PIECES = 2**20, 16  # that are read again
MOST_COUNTED = 1024  # classes
LEAP = 0.05  # of the accuracy
LARGEST_P = 1e-6
MOST_NAMED = 5

Counts = npt.NDArray[np.int64]


class _Look(NamedTuple):
    """What is predicted where which label stands. table: rows by predicted class and label, (k, k); None for many k."""

    predicted: Counts
    labels: Counts
    table: Counts | None


def doubted(predictions: Predictions, sums: Sums) -> Predictions:
    """The predictions, with doubts before their other warnings. sums: of all their rows."""
    doubts, zeros = doubts_of(predictions, sums), _zeros(predictions, sums)
    predictions = with_warnings(predictions, doubts, first=True) if doubts else predictions
    return with_warnings(predictions, (zeros,)) if zeros is not None else predictions


def doubts_of(predictions: Predictions, sums: Sums | None = None) -> tuple[Notice, ...]:
    """Warnings about scores and labels that hardly belong together. sums: of all rows; None: look without them.

    >>> exchanged = Predictions(probs=[[0.9, 0.1], [0.1, 0.9]] * 50, labels=[1, 0] * 50)
    >>> print(*doubts_of(exchanged))
    accuracy 0.0 % lies below chance (50 %): the two columns seem to be exchanged
    """
    k, n = predictions.k, predictions.n
    if k is None or k < 2 or n < LEAST_ROWS or not predictions.labelled:
        return ()
    if sums is not None and not _odd(sums, k):
        return ()
    look = _look(predictions, k)
    seen = int(look.labels.sum())
    if seen < LEAST_ROWS:
        return ()
    hits = None if look.table is None else int(np.trace(look.table))
    accuracy = float(sums.top.y.sum()) / sums.n if sums is not None else None if hits is None else hits / seen
    if accuracy is None:
        return ()
    if not (look.predicted.astype(bool) & look.labels.astype(bool)).any():
        return (_nothing_shared(predictions, look),)
    moved = {} if look.table is None or k == 2 else exchanged(look.table)
    rows = sums.rows_n if sums is not None else seen
    below = accuracy < _by_chance(look) and _upper(round(accuracy * rows), rows) < 1 / k
    notices = [_below(predictions, accuracy, k, moved)] if below else []
    if moved and look.table is not None:
        gain = sum(int(look.table[c, t] - look.table[c, c]) for c, t in moved.items()) / seen
        notices.append(_permuted(predictions, accuracy, accuracy + gain, moved))
    return tuple(notices)


def _zeros(predictions: Predictions, sums: Sums) -> Notice | None:
    """A warning about probabilities of exactly 0 where no label fell on one, so that the nll is finite by luck.

    Rounding makes them, to 2 decimals or to half precision. Only the first 2^20 scores are looked at.
    """
    log = predictions.source.log
    if predictions.kind != "probs" or predictions.k is None or sums.impossible:
        return None
    if log is not None and (log.by is not None or predictions.class_names is None):
        # answers with fewer options are padded with zeros
        return None
    scores = predictions.block(0, min(rows_looked_at(predictions.k), predictions.rows)).scores
    rows = int(np.count_nonzero((np.asarray(scores) == 0).any(axis=1)))
    return zeros_notice(rows, len(scores), sums)


def zeros_notice(rows: int, looked: int, sums: Sums) -> Notice | None:
    """The same, from the number of rows with such a probability among the first ones, of which this many were seen."""
    if not rows or sums.impossible:
        return None
    of = f"{rows:,} of {'' if looked == sums.n else 'the first '}{looked:,} rows"
    text = f"in {of}, a class has probability exactly 0: a label there would make nll infinite, which no interval shows"
    return warning("zero_probabilities", text)


def rows_looked_at(k: int) -> int:
    """The number of rows that are looked at for probabilities of 0."""
    return max(1, PIECE_SCORES // k)


def _odd(sums: Sums, k: int) -> bool:
    """Whether the sums leave a doubt: accuracy below chance, or probabilities that know little of the labels.

    Of two classes they are higher where the label is another one, or of all classes together hardly higher where they
    are the label.
    """
    right = float(sums.top.y.sum())
    if right == 0 or _upper(min(right, sums.n) if sums.done else round(right), sums.n) < 1 / k:
        return True
    if sums.classes is None:
        return False
    n, classes = sums.n, sums.classes
    p, pp, y, yp = (part.sum(axis=1) for part in (classes.p, classes.pp, classes.y, classes.yp))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(y / n * (1 - y / n) * np.maximum(pp - p * p / n, 0.0))
        more = yp - y / n * p
        together = more.sum() / np.sqrt(np.square(spread).sum())
        return int(np.count_nonzero(more / spread < ODD)) >= 2 or bool(together < CLEAR)


def _upper(right: float, n: float) -> float:
    return float(clopper_pearson([right], [n], LEVEL)[1][0])


def _look(predictions: Predictions, k: int) -> _Look:
    """Predicted classes and labels of all rows, or of pieces from everywhere if there are many."""
    step = max(1, PIECE_SCORES // k)
    starts = range(0, predictions.rows, step)
    chosen = np.unique(np.linspace(0, len(starts) - 1, min(len(starts), MOST_PIECES)).round().astype(int)).tolist()
    predicted, labels = np.zeros(k, np.int64), np.zeros(k, np.int64)
    table = np.zeros(k * k, np.int64) if k <= MOST_COUNTED else None
    for i in chosen:
        block = predictions.block(starts[i], min(starts[i] + step, predictions.rows))
        if not len(block.labels):
            continue
        with np.errstate(invalid="ignore"):
            top = np.asarray(block.scores).argmax(axis=1)
        own = block.labels.astype(np.intp)
        predicted += np.bincount(top, minlength=k)
        labels += np.bincount(own, minlength=k)
        if table is not None:
            table += np.bincount(top * k + own, minlength=k * k)
    return _Look(predicted, labels, None if table is None else table.reshape(k, k))


def _by_chance(look: _Look) -> float:
    """The accuracy if predictions were drawn at random, as often of each class as they are."""
    n = float(look.labels.sum())
    return float((look.predicted / n) @ (look.labels / n))


def exchanged(table: Counts) -> dict[int, int]:
    """The classes that are exchanged with each other, each with the label where it is predicted; empty if none are.

    table: rows by predicted class and label, (k, k). Where a class is predicted, another label must be the most
    frequent, and these labels must be the classes that are exchanged, in cycles. In each cycle, the labels must be
    found so much more often there than the classes themselves that chance does not explain it, whichever of the k
    labels may be the most frequent; and accuracy must gain LEAP.

    >>> exchanged(np.array([[0, 50, 0], [50, 0, 0], [0, 0, 50]]))
    {0: 1, 1: 0}
    """
    k = len(table)
    target = table.argmax(axis=1)
    own, there = table.diagonal(), table.max(axis=1)
    wandering = {int(c): int(target[c]) for c in np.flatnonzero(there > own)}
    found: dict[int, int] = {}
    gain = 0
    for cycle in _cycles(wandering):
        moved, kept = int(there[cycle].sum()), int(own[cycle].sum())
        if _log_tail(kept, moved + kept) + len(cycle) * math.log(k) < math.log(LARGEST_P):
            found |= {c: wandering[c] for c in cycle}
            gain += moved - kept
    return dict(sorted(found.items())) if gain >= LEAP * table.sum() else {}


def _cycles(target: dict[int, int]) -> list[list[int]]:
    """The cycles of a map from classes to classes.

    >>> _cycles({0: 1, 1: 0, 2: 0, 4: 5})
    [[0, 1]]
    """
    state: dict[int, int] = {}
    cycles: list[list[int]] = []
    for start in target:
        path: list[int] = []
        c = start
        while c in target and c not in state:
            state[c] = start
            path.append(c)
            c = target[c]
        if c in target and state.get(c) == start and c in path:
            cycles.append(path[path.index(c) :])
    return cycles


def _log_tail(few: int, n: int) -> float:
    """A bound of the logarithm of the chance of at most this few heads in n tosses, by Hoeffding's inequality."""
    share = few / n
    if share >= 0.5:
        return 0.0
    one = share * math.log(2 * share) if few else 0.0
    return -n * (one + (1 - share) * math.log(2 * (1 - share)))


def _below(predictions: Predictions, accuracy: float, k: int, moved: dict[int, int]) -> Notice:
    text = f"accuracy {100 * accuracy:.1f} % lies below chance ({100 / k:.3g} %)"
    if predictions.source.log is not None:
        why = "check that the gold answers belong to these answers"
    elif k == 2:
        one = isinstance(predictions.scores, BinaryColumns)
        why = "the column seems to belong to class 0, not to class 1" if one else "the two columns seem to be exchanged"
    else:
        why = "check the order of the classes" if moved else "check the order of the classes, and of the rows"
    return warning("below_chance", f"{text}: {why}")


def _permuted(predictions: Predictions, before: float, after: float, moved: dict[int, int]) -> Notice:
    def name(c: int) -> str:
        return str(c) if predictions.class_names is None else predictions.class_names[c]

    verbs = (" is predicted", *[""] * (MOST_NAMED - 1))
    pairs = [
        f"{name(c)}{verb} where the label is {name(t)}" for (c, t), verb in zip(moved.items(), verbs, strict=False)
    ]
    more = f", and {len(moved) - MOST_NAMED} more" if len(moved) > MOST_NAMED else ""
    text = (
        f"{len(moved)} classes seem to be exchanged: accuracy is {100 * before:.1f} %, and would be about "
        f"{100 * after:.1f} % if they were put in order ({', '.join(pairs)}{more})"
    )
    return warning("classes_permuted", text)


def _nothing_shared(predictions: Predictions, look: _Look) -> Notice:
    def named(counts: Counts) -> str:
        classes = np.flatnonzero(counts).tolist()
        names = [str(c) if predictions.class_names is None else predictions.class_names[c] for c in classes]
        return ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")

    text = (
        f"no class that is predicted ({named(look.predicted)}) occurs among the labels ({named(look.labels)}): check "
        "the order of the classes, and whether these labels belong to these scores"
    )
    return warning("nothing_shared", text)
