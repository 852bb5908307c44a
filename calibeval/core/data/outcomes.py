"""Labels beside their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.dense import DensePixels
from calibeval.core.data.labels import Read, read_labels
from calibeval.core.data.row_source import BinaryColumns, Kind, RowSource, show_shape
from calibeval.core.errors import InputError

TOLERANCE = 0.01  # of the sum of a row of probabilities, to see how they were flattened


def labels_beside(
    scores: RowSource,
    kind: Kind,
    raw: npt.NDArray[Any],
    class_names: Sequence[str] | None,
    ignore_index: int | None,
    noun: str,
    labels_are: LabelsAre | None = None,
) -> Read:
    """The labels as integers, one for each row of the scores, and the label of ignored rows.

    noun: what messages call the labels. labels_are: whether they are names or positions, if both are possible.

    Raises: InputError if there are more or fewer, or for a label that is not a class.
    """
    shape, owner = scores.shape, "the scores have"
    n, k = shape[0], 2 if len(shape) == 1 else shape[1]
    if isinstance(scores, BinaryColumns):
        if raw.size and raw.ndim and n > len(raw) and n % len(raw) == 0:
            raise InputError(_flattened(scores, kind, len(raw), noun))
        if raw.dtype.kind in "fiu" and raw.max(initial=0) > 1:
            column, what = scores.column, "binary column"
            given, what = (column.given, "channel") if isinstance(column, DensePixels) else (column.shape, what)
            owner = f"{kind} of shape {show_shape(given)} were read as one {what} with"
    elif raw.ndim == 1 and n != len(raw) == k:
        raise InputError(
            f"{kind} have shape {show_shape(shape)}, but {noun} have shape {show_shape(raw.shape)}; "
            f"one row per label is needed, so transpose the {kind}"
        )
    found = read_labels(raw, k, class_names, ignore_index, labels_are=labels_are, owner=owner)
    if len(found.labels) != n:
        raise InputError(f"{n} rows of scores, but {len(found.labels)} {noun}")
    return found


def _flattened(scores: BinaryColumns, kind: Kind, n: int, noun: str) -> str:
    """What to do with one column that holds several scores for each of n labels."""
    k = scores.shape[0] // n
    remedy = f"reshape(-1, {k})"
    if kind == "probs":
        flat = np.asarray(scores.column[0 : scores.shape[0]], np.float64)
        by_row, by_class = (np.abs(sums - 1).max() for sums in (flat.reshape(n, k).sum(1), flat.reshape(k, n).sum(0)))
        remedy = f"reshape({k}, -1).T" if by_class < TOLERANCE <= by_row else remedy
    return (
        f"{scores.shape[0]} scores = {n} {noun} × {k}: {remedy} gives one row of {k} scores for each of the {noun}; "
        "save them in that shape"
    )
