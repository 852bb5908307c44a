"""Other scores in the same file: whether they say the same as those that are used."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import BinaryColumns, Kind, RowSource
from calibeval.readers.stored.stored import Stored

PEEK_SCORES = 2**20


def rival_warning(
    rival: Stored,
    names: tuple[str, str],
    scores: RowSource,
    kinds: tuple[Kind, Kind],
    labels: tuple[int, ...],
    rows: npt.NDArray[Any] | None,
) -> Notice | None:
    """A warning where other scores of the file give other probabilities, looked at in a first piece of rows.

    names, kinds: of the scores that are used, and of the others. labels: the shape of the labels.
    """
    if rival.dtype.kind not in "fiub":
        return None
    used, unused = names
    piece = slice(0, max(1, PEEK_SCORES // max(math.prod(scores.shape[1:]), 1)))
    other = np.asarray(rival.load()[piece] if rows is None else rival.array()[rows[piece]])
    axis = 1 if scores.shape[2:] == labels[1:] else -1
    mine, others = _as_probs(np.asarray(scores[piece]), kinds[0], axis), _as_probs(other, kinds[1], axis)
    if mine.shape != others.shape:
        text = f'"{used}" are used; "{unused}" has another shape and is left out'
        return warning("other_scores_differ", text)
    with np.errstate(invalid="ignore"):
        gap = np.abs(mine - others)
    if np.all(gap <= 1e-3):
        return None
    known = gap[~np.isnan(gap)]
    how = f"they differ by {known.max():.2g}" if len(known) else "not a number"
    if kinds == ("logits", "probs"):
        return warning("other_scores_differ", f'"{used}" are used, and "{unused}" are not their softmax ({how})')
    return warning("other_scores_differ", f'"{used}" are used, and "{unused}" give other probabilities ({how})')


def _as_probs(scores: npt.NDArray[Any], kind: Kind, axis: int) -> npt.NDArray[np.float64]:
    """Scores of any kind as probabilities of two classes or more; classes stand on the axis."""
    values = np.asarray(scores, np.float64)
    if values.ndim == 1 or values.shape[1:] == (1,):
        values = BinaryColumns(values, kind)[0 : len(values)]
    return probabilities(values, kind, axis)
