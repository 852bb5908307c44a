"""Labels beside their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.labels import Read, read_labels
from calibeval.core.data.row_source import BinaryColumns, Kind, RowSource, show_shape
from calibeval.core.errors import InputError


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
        if raw.dtype.kind in "fiu" and raw.max(initial=0) > 1:
            owner = f"{kind} of shape {show_shape(scores.column.shape)} were read as one binary column with"
    elif raw.ndim == 1 and n != len(raw) == k:
        raise InputError(
            f"{kind} have shape {show_shape(shape)}, but {noun} have shape {show_shape(raw.shape)}; "
            f"one row per label is needed, so transpose the {kind}"
        )
    found = read_labels(raw, k, class_names, ignore_index, labels_are=labels_are, owner=owner)
    if len(found.labels) != n:
        raise InputError(f"{n} rows of scores, but {len(found.labels)} {noun}")
    return found
