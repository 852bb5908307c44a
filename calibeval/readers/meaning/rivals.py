"""Other scores in the same file: whether they give the same probabilities as the scores that are used."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import BinaryColumns, Kind, RowSource
from calibeval.core.data.shapes import Form, form_of
from calibeval.core.errors import InputError
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
    shapes = tuple(scores.shape), rival.shape if rows is None else (len(rows), *rival.shape[1:])
    try:
        forms = [form_of(shape, labels, kind) for shape, kind in zip(shapes, kinds, strict=True)]
    except InputError:
        forms = []
    text = f'"{used}" is used; "{unused}" has a different shape and is not used'
    if not forms or forms[0].layout != forms[1].layout:
        return warning("other_scores_differ", text)
    some = max(1, PEEK_SCORES // max(math.prod(scores.shape[1:]), 1))
    piece = slice(0, scores.shape[0] if forms[0].alone else some)
    other = np.asarray(rival.load()[piece] if rows is None else rival.array()[rows[piece]])
    mine, others = _as_probs(np.asarray(scores[piece]), kinds[0], forms[0]), _as_probs(other, kinds[1], forms[1])
    if mine.shape != others.shape:
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


def _as_probs(scores: npt.NDArray[Any], kind: Kind, form: Form) -> npt.NDArray[np.float64]:
    """Scores of any kind as probabilities (n, k), (n, h, w, k) of two or more classes."""
    values = np.asarray(scores, np.float64)
    values = values[np.newaxis] if form.alone else values
    values = values[..., np.newaxis] if form.axis is None else np.moveaxis(values, form.axis, -1)
    if values.shape[-1] == 1:
        flat = values.reshape(-1)
        values = BinaryColumns(flat, kind)[0 : len(flat)].reshape((*values.shape[:-1], 2))
    return probabilities(values, kind, -1)
