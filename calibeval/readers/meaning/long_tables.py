"""Long tables: one row for each class of each sample, as `melt` writes them, in place of one row for each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_ids import as_text
from calibeval.core.data.row_source import Kind, RowSource
from calibeval.core.errors import InputError

CLOSE = 1e-3  # of a sum
LEAST_ROWS = 20


def long_table(scores: RowSource, kind: Kind, ids: npt.NDArray[Any] | None, key: str, file: str) -> InputError | None:
    """An error if every id occurs equally often, and the probabilities of its rows add up to 1; else None.

    scores: of which one column may hold such probabilities. key: its name.
    """
    if ids is None or kind != "probs" or len(scores.shape) != 1 or ids.shape != scores.shape or len(ids) < LEAST_ROWS:
        return None
    _, place, counts = np.unique(as_text(ids), return_inverse=True, return_counts=True)
    times = int(counts[0])
    if times < 2 or (counts != times).any():
        return None
    values = np.asarray(scores[0 : len(ids)])
    if values.dtype.kind not in "fiu":
        return None
    sums = np.bincount(place.reshape(-1), values.astype(np.float64), len(counts))
    if not (np.abs(sums - 1) <= CLOSE).all():
        return None
    return InputError(
        f'{file}: every id occurs {times} times, and "{key}" adds up to 1 over its rows: this looks like a long table, '
        "with one row for each class. Write one row for each id, with a column for each class, such as df.pivot("
        f'index="id", columns="class", values="{key}") of pandas, and the labels beside them; or insist: --kind probs'
    )
