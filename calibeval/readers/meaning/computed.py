"""Columns of a table that are named like the scores of classes: each for itself, and those that are no class."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import Kind
from calibeval.core.errors import InputError
from calibeval.readers.meaning.proposals import LONGEST_LIST
from calibeval.readers.meaning.score_columns import chosen_columns, stacked_columns
from calibeval.readers.stored.names import COLUMN, COLUMN_STEMS, COMPUTED, NAME_KEYS, SCORE_KEYS
from calibeval.readers.stored.stored import Stored

LEAST_CLASSES = 2  # besides the column that is none


def chosen_apart(
    arrays: dict[str, Stored], said: Sequence[str], file: str, taken: Mapping[str, str]
) -> tuple[dict[str, Stored], tuple[str, ...]]:
    """The arrays with the columns that --score-columns names as one array without a name, and their names.

    taken: as `chosen_columns`. Raises: InputError as `chosen_columns`.
    """
    arrays = columns_apart(arrays, said)
    columns = chosen_columns(arrays, said, file, taken)
    left = {key: stored for key, stored in arrays.items() if key not in columns}
    return {**left, "": stacked_columns(arrays, columns)}, columns


def columns_apart(arrays: dict[str, Stored], said: Sequence[str]) -> dict[str, Stored]:
    """The arrays with the columns of scores one by one, if --score-columns names them, in place of one array.

    said: names, ranges and patterns, as `prob_cat` or `prob_*`.
    Raises: InputError if a column of them cannot be used.
    """
    found = [COLUMN.match(words) for words in said]
    wanted = {COLUMN_STEMS[match[1]] for match in found if match is not None}
    parts: dict[str, Stored] = {}
    for key, stored in arrays.items():
        if stored.columns and key in wanted:
            if stored.refusal is not None:
                stored.load()
            whole = functools.cache(stored.array)  # read once for all columns
            parts |= {name: _column(stored, whole, i) for i, name in enumerate(stored.columns)}
    if not parts:
        return arrays
    gone = {key for key, stored in arrays.items() if stored.columns and (key in wanted or key in NAME_KEYS)}
    return {**{key: stored for key, stored in arrays.items() if key not in gone}, **parts}


def _column(stored: Stored, whole: Callable[[], npt.NDArray[Any]], place: int) -> Stored:
    """One column of an array of scores. whole: loads the array."""
    return replace(
        stored,
        shape=stored.shape[:1],
        load=lambda: np.ascontiguousarray(whole()[:, place]),
        columns=(),
        origin=None,
    )


def kind_of(columns: Sequence[str]) -> Kind | None:
    """The kind of scores that all columns are named after, if there is one.

    >>> kind_of(["prob_cat", "prob_dog"]), kind_of(["cat", "dog"])
    ('probs', None)
    """
    stems = {COLUMN_STEMS[match[1]] if (match := COLUMN.match(column)) else "" for column in columns}
    return next((kind for kind in SCORE_KEYS if stems == {kind}), None)


def refuse_computed(
    scores: Stored, names: Sequence[str] | None, stated: Stored | None, labels: npt.NDArray[Any], file: str
) -> None:
    """Refuse columns such as logit_max beside logit_cat and logit_dog, if no label is the class max; also one alone.

    names: of the classes. stated: the array of class names in the file; if it is not made of the names of columns,
    every column is a class. labels: as stored.
    Raises: InputError.
    """
    if not scores.columns or names is None or len(names) != len(scores.columns) or labels.ndim != 1:
        return
    if stated is not None and not stated.columns:
        return
    if len(names) == 1:
        column = scores.columns[0]
        stem = column.removesuffix(names[0]).removesuffix("_")
        raise InputError(
            f'{file}: "{column}" is the only column of scores. If it is that of class 1 of two, call it "{stem}", and '
            "save labels 0 and 1; else save the scores of all classes"
        )
    lower = [name.lower() for name in names]
    odd = [i for i, name in enumerate(lower) if name in COMPUTED and not (name == "true" and "false" in lower)]
    if not odd or len(names) - len(odd) < LEAST_CLASSES or labels.dtype.kind not in "OUSiu":
        return
    known = set(np.unique(labels).tolist()) if labels.dtype.kind in "iu" else {_text(one) for one in labels.tolist()}
    odd = [i for i in odd if i not in known and names[i] not in known]
    if not odd:
        return
    rest = ",".join(column for i, column in enumerate(scores.columns) if i not in odd)
    stem = scores.columns[0].removesuffix(names[0])
    pattern = ",".join([f"{stem}*", *(f"!{scores.columns[i]}" for i in odd)])
    words = shlex.quote(rest if len(rest) <= LONGEST_LIST else pattern)
    raise InputError(
        f'{file}: "{scores.columns[odd[0]]}" seems to be computed from the other columns, because no label is '
        f'"{names[odd[0]]}". Say --score-columns {words}, or name every class there if it is one'
    )


def _text(label: object) -> str:
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
