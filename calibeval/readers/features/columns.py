"""Feature caches in other layouts: one table column per feature, and names that end with the split, as in `X_train`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from calibeval.core.errors import InputError
from calibeval.readers.features.roles import matrices
from calibeval.readers.stored.names import FEATURE_KEYS, LABEL_KEYS
from calibeval.readers.stored.stored import Stored

FEATURE_STEMS = {
    "feature": "features",
    "features": "features",
    "feat": "feats",
    "feats": "feats",
    "embedding": "embeddings",
    "embeddings": "embeddings",
    "x": "x",
}
NUMBERED = re.compile(r"^(.+)_([0-9]{1,7})$")
SPLIT_LAST = re.compile(
    rf"^({'|'.join(sorted((*FEATURE_KEYS, *LABEL_KEYS), key=len, reverse=True))})_(.+)$", re.IGNORECASE
)


def with_stacked_columns(arrays: dict[str, Stored], stem: str | None, file: str) -> dict[str, Stored]:
    """The arrays, with the columns feature_0, feature_1, ... replaced by one array.

    stem: the user's name for the features: that of an array, or the name of the columns without their numbers.
    Columns that are named like features but are not numbered 0, 1, 2, ... stay columns, unless nothing else holds
    features.
    Raises: InputError for columns that do not hold numbers, two columns with the same number, or a missing number.
    """
    if stem is not None and stem in arrays:
        return arrays
    groups: dict[str, dict[int, str]] = {}
    for key, stored in arrays.items():
        match = NUMBERED.match(key)
        if match is None or len(stored.shape) != 1:
            continue
        group = match[1] if match[1] == stem else FEATURE_STEMS.get(match[1].lower()) if stem is None else None
        if group is not None:
            _add(groups.setdefault(group, {}), int(match[2]), key, file)
    whole = {name: group for name, group in groups.items() if set(group) == set(range(len(group)))}
    if stem is None:
        whole = {name: group for name, group in whole.items() if len(group) > 1}
    if groups and not whole and not matrices(arrays):
        raise _missing(groups, file)
    for name, group in whole.items():
        columns = [group[i] for i in range(len(group))]
        if name in arrays and len(arrays[name].shape) > 1:
            raise InputError(
                f'{file}: the features could be the array "{name}" or the {len(columns)} columns from "{columns[0]}" '
                "on. Keep one of them."
            )
        rest = {key: stored for key, stored in arrays.items() if key not in columns}
        arrays = {**rest, name: _stacked(arrays, columns, file)}
    return arrays


def split_first(arrays: Mapping[str, Stored]) -> dict[str, Stored]:
    """The arrays, with names such as X_train and y_train changed to train_X and train_y.

    Only splits whose features have such a name are changed, and only if the new name is not taken.

    >>> zeros = Stored.of(np.zeros((2, 3)))
    >>> [*split_first({"X_train": zeros, "y_train": Stored.of(np.zeros(2)), "y_true": zeros})]
    ['train_X', 'train_y', 'y_true']
    """
    matches = {key: match for key in arrays if (match := SPLIT_LAST.match(key)) and key.lower() not in LABEL_KEYS}
    splits = {
        match[2]
        for key, match in matches.items()
        if match[1].lower() in FEATURE_KEYS and match[2].lower() not in FEATURE_KEYS and len(arrays[key].shape) > 1
    }
    turned = {key: f"{match[2]}_{match[1]}" for key, match in matches.items() if match[2] in splits}
    return {
        (turned[key] if key in turned and turned[key] not in arrays else key): stored for key, stored in arrays.items()
    }


def _add(group: dict[int, str], number: int, key: str, file: str) -> None:
    if number in group:
        raise InputError(f'{file}: feature {number} could be column "{group[number]}" or "{key}"')
    group[number] = key


def _missing(groups: Mapping[str, Mapping[int, str]], file: str) -> InputError:
    name, group = max(groups.items(), key=lambda item: len(item[1]))
    missing = next((i for i in range(len(group)) if i not in group), None)
    if missing is None:
        only = group[0]
        return InputError(
            f'{file}: "{only}" is the only column that is named like a feature. '
            f"If there is only one feature, say --features-key {only.rpartition('_')[0]}."
        )
    return InputError(f"{file}: there are {len(group)} columns of {name}, but number {missing} is missing")


def _stacked(arrays: Mapping[str, Stored], columns: Sequence[str], file: str) -> Stored:
    """The columns as one array, in the narrowest type that holds all of them."""
    for column in columns:
        if arrays[column].dtype.kind not in "fiub":
            raise InputError(
                f'{file}: column "{column}" holds {arrays[column].describe()}, but features must be numbers'
            )
    dtype = np.result_type(*(arrays[column].dtype for column in columns))
    n = arrays[columns[0]].shape[0]

    def load() -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        rows = np.empty((n, len(columns)), dtype)
        for i, column in enumerate(columns):
            rows[:, i] = arrays[column].array()
        return rows

    return Stored((n, len(columns)), dtype, load)
