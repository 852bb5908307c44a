"""Whether the rows a map was fitted on are among those it is tested on: then the numbers would deceive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.predictions import Predictions
from calibeval.recalibrate.scores import chunk_rows

STRIP = 64  # columns that are hashed at a time

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Leak:
    """Rows that were fitted on and are tested on.

    reason: "file": the same rows of the same file; "ids": shared ids whose labels and scores agree; "rows": without
    ids, more than half of the rows identical in score and label. rows: how many. text: for people.
    certain: False where ids merely coincide, which is a warning and no leak.
    """

    reason: str
    rows: int
    text: str
    certain: bool = True


def check_leak(fitted: Predictions, tested: Predictions) -> Leak | None:
    """The leak between two dumps, or None.

    Scores are compared in their stored bits, as float32, and read once each.
    Work and memory are linear in the rows, but for sorting 8 bytes a row.

    >>> p = Predictions(probs=[[0.7, 0.3], [0.2, 0.8], [0.4, 0.6]], labels=[0, 0, 1])
    >>> check_leak(p, p).reason, check_leak(p, Predictions(probs=[[0.5, 0.5]], labels=[0]))
    ('rows', None)
    """
    same = _same_file(fitted, tested)
    if same is not None:
        return same
    if fitted.k != tested.k:
        return None
    if fitted.ids is not None and tested.ids is not None:
        return _shared_ids(fitted, tested)
    return _shared_rows(fitted, tested)


def _same_file(fitted: Predictions, tested: Predictions) -> Leak | None:
    """A leak if both are the same file, and the same rows of it."""
    one, other = fitted.settled_source(), tested.settled_source()
    if one.sha256 is None or one.sha256 != other.sha256:
        return None
    if fitted.file_rows is not None and tested.file_rows is not None:
        shared = len(np.intersect1d(fitted.file_rows, tested.file_rows))
    else:
        mine, theirs = (set((source.split or "all").split("+")) for source in (one, other))
        shared = min(fitted.n, tested.n) if mine & theirs or mine == {"all"} or theirs == {"all"} else 0
    if not shared:
        return None
    return Leak("file", shared, f"{one.name} and {other.name} are the same file, and share {_rows(shared)}")


def _shared_ids(fitted: Predictions, tested: Predictions) -> Leak | None:
    """A leak if most of the rows with shared ids agree in label and score; a warning if few do."""
    mine, theirs = _hashes(fitted), _hashes(tested)
    ids, other_ids = (_row_ids(predictions) for predictions in (fitted, tested))
    if ids.dtype.kind != other_ids.dtype.kind and not {ids.dtype.kind, other_ids.dtype.kind} <= set("iu"):
        ids, other_ids = ids.astype(str), other_ids.astype(str)
    kept, other_kept = _kept(fitted), _kept(tested)
    shared, here, there = np.intersect1d(ids[kept], other_ids[other_kept], return_indices=True)
    if not len(shared):
        return None
    agree = int(np.count_nonzero(mine[here] == theirs[there]))
    names = f"{fitted.source.name} and {tested.source.name}"
    if 2 * agree > len(shared):
        return Leak("ids", agree, f"{names} share {_rows(agree)}: the same ids with the same labels and scores")
    alike = f"only {agree} of them with the same label and scores"
    text = f"{names} share {len(shared)} ids, but {alike}: ids seem to coincide"
    return Leak("ids", agree, text, certain=False)


def _row_ids(predictions: Predictions) -> npt.NDArray[Any]:
    """One id for each stored row: an image's pixels share its id and are told apart by their place."""
    ids = np.asarray(predictions.ids)
    if len(ids) == predictions.rows:
        return ids
    pixels = predictions.rows // len(ids)
    place = np.tile(np.arange(pixels).astype(str), len(ids))
    return np.char.add(np.char.add(np.repeat(ids.astype(str), pixels), "/"), place)


def _kept(predictions: Predictions) -> npt.NDArray[np.intp]:
    """The stored rows that count."""
    if not predictions.ignored:
        return np.arange(predictions.rows)
    return np.flatnonzero(predictions.labels != predictions.ignore_index)


def _shared_rows(fitted: Predictions, tested: Predictions) -> Leak | None:
    """A leak if more than half of the rows of either dump are in the other.

    Rows that a dump holds more than once prove nothing: saturated rows are alike by themselves. So more than half of
    the rows that occur once must be shared, too; and where no row does, the two must be alike row by row.
    """
    mine, theirs = _hashes(fitted), _hashes(tested)
    if np.array_equal(mine, theirs):
        return _rows_leak(fitted, tested, len(mine))
    for own, other in ((theirs, mine), (mine, theirs)):
        found = np.isin(own, other)
        _, first, count = np.unique(own, return_index=True, return_counts=True)
        single = first[count == 1]
        if 2 * np.count_nonzero(found) > len(own) and 2 * np.count_nonzero(found[single]) > len(single) > 0:
            return _rows_leak(fitted, tested, int(np.count_nonzero(found)))
    return None


def _rows_leak(fitted: Predictions, tested: Predictions, rows: int) -> Leak:
    names = f"{fitted.source.name} and {tested.source.name}"
    return Leak("rows", rows, f"{names} share {_rows(rows)}, identical in score and label")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _hashes(predictions: Predictions) -> Hashes:
    """A hash of label and scores of every row that counts, (n,)."""
    return np.concatenate(list(_hash_blocks(predictions)))


def _hash_blocks(predictions: Predictions) -> Iterator[Hashes]:
    """Multilinear hashing: random odd multipliers, one for each score, modulo 2^64."""
    width = predictions.scores.shape[1] if predictions.k else 1
    rng = np.random.default_rng(0x5CA1E)
    factors = rng.integers(0, 2**64, width + 1, np.uint64) | np.uint64(1)
    for block in predictions.blocks(chunk_rows(predictions) if predictions.k else 2**16):
        with np.errstate(over="ignore"):
            scores = block.scores.reshape(len(block.labels), width).astype(np.float32, order="C")
            scores += np.float32(0.0)  # -0.0 becomes 0.0
            hashes = block.labels.astype(np.uint64) * factors[-1]
            for start in range(0, width, STRIP):
                bits = scores.view(np.uint32)[:, start : start + STRIP].astype(np.uint64)
                hashes += bits @ factors[:width][start : start + STRIP]
        yield hashes ^ (hashes >> np.uint64(29))
