"""Whether a map is tested on rows that it was fitted on, which would make the results too good."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.columns import kept_rows
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.shared_rows import Leak, Sample, find_leak, row_hashes, sketch_of, sketched_rows
from calibeval.recalibrate.base.scores import chunk_rows

__all__ = ["Leak", "check_leak"]


def check_leak(fitted: Predictions, tested: Predictions) -> Leak | None:
    """The leak between two dumps, or None.

    Scores are compared bit by bit as float32, and read once each.
    Time and memory are linear in the rows, except for sorting 8 bytes per row.

    >>> p = Predictions(probs=[[0.7, 0.3], [0.2, 0.8], [0.4, 0.6]], labels=[0, 0, 1])
    >>> check_leak(p, p).reason, check_leak(p, Predictions(probs=[[0.5, 0.5]], labels=[0]))
    ('rows', None)
    """
    return find_leak(_sample(fitted), _sample(tested))


def row_sketch(fitted: Predictions) -> str | None:
    """Some of the rows, recognisable in a file of another format."""
    return sketch_of(_sample(fitted).hashes())


def rows_of_sketch(sketch: str, n: int, tested: Predictions) -> int:
    """About how many of the n rows of a sketch a dump holds, where that is a leak; else 0."""
    return sketched_rows(sketch, n, _sample(tested).hashes())


def _sample(predictions: Predictions) -> Sample:
    width = predictions.scores.shape[1] if predictions.k else 1
    rows = chunk_rows(predictions) if predictions.k else 2**16
    return Sample(
        source=predictions.settled_source(),
        n=predictions.n,
        width=predictions.k,
        values="scores",
        hashes=lambda: row_hashes(((block.scores, block.labels) for block in predictions.blocks(rows)), width),
        ids=None if predictions.ids is None else lambda: _row_ids(predictions)[kept_rows(predictions)],
        file_rows=predictions.file_rows,
    )


def _row_ids(predictions: Predictions) -> npt.NDArray[Any]:
    """One id for each stored row; the pixels of an image share its id and are distinguished by their position."""
    ids = np.asarray(predictions.ids)
    if len(ids) == predictions.rows:
        return ids
    pixels = predictions.rows // len(ids)
    place = np.tile(np.arange(pixels).astype(str), len(ids))
    return np.char.add(np.char.add(np.repeat(ids.astype(str), pixels), "/"), place)
