"""Columns as a few parts each, of which segments are combined: values, or numbers cut at quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Indices
from calibeval.core.data.columns import TRUE_CLASS, Coded, coded_slices
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.search import AUTO, Search
from calibeval.core.data.shot_names import SHOT_COLUMNS
from calibeval.core.errors import UsageError
from calibeval.core.report.segments import Condition, LeftOutColumn

# Numbers with more distinct values are cut into this many parts at their quantiles; texts with more are left out.
PARTS, MOST_NUMBERS, MOST_TEXTS = 3, 5, 30


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A column as parts. codes: (n,), of the rows that are not ignored; conditions: what each part is."""

    column: str
    codes: Indices
    conditions: tuple[Condition, ...]

    @property
    def count(self) -> int:
        """The number of parts."""
        return len(self.conditions)


def searched_columns(
    predictions: Predictions,
    search: Search,
    rows: Indices,
    outcomes: Sequence[npt.NDArray[np.generic]],
    group: str | None,
) -> tuple[list[Parts], list[LeftOutColumn]]:
    """The columns of a search as parts, and those that cannot be searched; if they were named, that is an error.

    rows: those that are not ignored. outcomes: (n,) each, what must not be known from a column, such as labels.
    group: the column of groups, if there is one.
    Raises: UsageError for an unknown column, one that cannot be searched, or if none is left.
    """
    place = predictions.source.name
    own = (group, None if predictions.weights is None else predictions.weights.column, *SHOT_COLUMNS)
    names = search.columns or tuple(name for name in predictions.columns if name not in own)
    if TRUE_CLASS in names and TRUE_CLASS not in predictions.columns:
        raise UsageError(f"{place}: no model is calibrated within a true class; search {AUTO}:{search.depth}:predicted")
    found: list[Parts] = []
    left_out: list[LeftOutColumn] = []
    for name in names:
        parts = _parts(predictions, name, rows)
        reason = parts if isinstance(parts, str) else _told(parts, outcomes)
        if reason:
            left_out.append(LeftOutColumn(name, reason))
        elif isinstance(parts, Parts):
            found.append(parts)
    if left_out and search.columns is not None:
        raise UsageError(f'{place}: column "{left_out[0].column}" cannot be searched: {left_out[0].reason}')
    if not found:
        why = "; ".join(f'"{one.column}": {one.reason}' for one in left_out[:5]) or "it has none"
        remedy = "" if predictions.k is None else f"; the predicted class can be searched: {AUTO}:1:predicted"
        raise UsageError(f"{place}: there is no column to search ({why}){remedy}")
    return found, left_out


def _parts(predictions: Predictions, name: str, rows: Indices) -> Parts | str:
    """The parts of a column, or why it cannot be searched."""
    coded = coded_slices(predictions, name)
    codes = coded.codes[rows]
    counts = np.bincount(codes, minlength=len(coded.values))
    there = np.flatnonzero(counts)
    if len(there) < 2:
        return "all rows have the same value"
    if coded.values.dtype.kind in "iuf" and len(there) > MOST_NUMBERS:
        return _ranges(name, coded, codes, counts)
    if len(there) > MOST_TEXTS:
        return f"{len(there):,} distinct values, more than {MOST_TEXTS}"
    texts = coded.texts()
    place = np.zeros(len(counts), np.intp)
    place[there] = np.arange(len(there))
    return Parts(name, place[codes], tuple(Condition(name, texts[code]) for code in there))


def _ranges(name: str, coded: Coded, codes: Indices, counts: Indices) -> Parts | str:
    """Numbers cut at the quantiles 1/3 and 2/3, equal numbers together; those that are not a number are apart."""
    values = coded.values.astype(np.float64)
    numbers = counts * np.isfinite(values)
    total = np.cumsum(numbers)
    cuts = np.unique(np.searchsorted(total, total[-1] * np.arange(1, PARTS) / PARTS))
    cuts = cuts[total[cuts] < total[-1]]
    limits: list[float | None] = [None, *values[cuts].tolist(), None]
    conditions = [Condition(name, above=low, upto=high) for low, high in pairwise(limits)]
    place = np.searchsorted(cuts, np.arange(len(values)))
    odd = ~np.isfinite(values)
    if counts[odd].any():
        place[odd] = len(conditions)
        conditions.append(Condition(name, "not a finite number"))
    if len(conditions) < 2:
        return "nearly all rows have the same value"
    return Parts(name, place[codes], tuple(conditions))


def _told(parts: Parts, outcomes: Sequence[npt.NDArray[np.generic]]) -> str:
    """Why a column must not be searched: each of its values has a single outcome; empty if that is not so."""
    for outcome in outcomes:
        seen = [set(np.unique(outcome[parts.codes == code]).tolist()) for code in range(parts.count)]
        if all(len(one) <= 1 for one in seen) and len(set().union(*seen)) > 1:
            return "it tells the outcome, and no model is calibrated among rows chosen by their outcome"
    return ""
