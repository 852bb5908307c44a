"""Other scores in the same file: whether they give the same probabilities as the scores that are used."""

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
    """A warning if other scores in the file give different probabilities; only the first rows are compared.

    names, kinds: of the scores that are used, and of the others. labels: the shape of the labels.
    """
    if rival.dtype.kind not in "fiub" or scores.dtype.kind not in "fiub":
        return None
    used, unused = names
    if not rival.shape:
        return warning("other_scores_differ", f'"{used}" is used; "{unused}" has a different shape and is not used')
    piece = slice(0, max(1, PEEK_SCORES // max(math.prod(scores.shape[1:]), 1)))
    other = np.asarray(rival.load()[piece] if rows is None else rival.array()[rows[piece]])
    axis = 1 if scores.shape[2:] == labels[1:] else -1
    mine, others = _as_probs(np.asarray(scores[piece]), kinds[0], axis), _as_probs(other, kinds[1], axis)
    if mine.shape != others.shape:
        text = f'"{used}" is used; "{unused}" has a different shape and is not used'
        return warning("other_scores_differ", text)
    with np.errstate(invalid="ignore"):
        gap = np.abs(mine - others)
    if np.all(gap <= 1e-3):
        return None
    known = gap[~np.isnan(gap)]
    how = f"they differ by {known.max():.2g}" if len(known) else "NaN"
    if kinds == ("logits", "probs"):
        return warning("other_scores_differ", f'"{used}" is used, but "{unused}" is not its softmax ({how})')
    return warning("other_scores_differ", f'"{used}" is used, but "{unused}" gives different probabilities ({how})')


def _as_probs(scores: npt.NDArray[Any], kind: Kind, axis: int) -> npt.NDArray[np.float64]:
    """Scores of any kind as probabilities of two or more classes; axis: the axis of the classes."""
    values = np.asarray(scores, np.float64)
    if values.ndim == 1 or values.shape[1:] == (1,):
        values = BinaryColumns(values, kind)[0 : len(values)]
    return probabilities(values, kind, axis)
