"""The file that `--labels` names: which of its arrays say what was true of each row, and which hold ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_ids import copies_in
from calibeval.core.errors import InputError
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.roles import class_names_key, id_key, ignore_key, named_key
from calibeval.readers.meaning.splits import View
from calibeval.readers.stored.names import (
    CORRECT_KEYS,
    FEATURE_KEYS,
    ID_KEYS,
    LABEL_KEYS,
    PREDICTION_KEYS,
    SCORE_KEYS,
    index_column,
    index_splits,
    label_like,
    show,
    sounds_predicted,
)
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.stored import Contents, Stored

SIDES = ("correct", "prediction")
FEW = 30  # rows that could all be of different classes
CLASSES = ("class_names", "classes", "class")


@dataclass(frozen=True, slots=True, eq=False)
class ExternalLabels:
    """Another file that holds the labels, opened. split: what stands after # in its name."""

    contents: Contents
    path: Place
    split: str | None = None

    def beside(self, view: View, keys: Keys, file: str) -> LabelsFile:
        """The roles of its arrays; of several ids, those that are called like those of the dump.

        view, file: of the dump, whose split also selects the arrays of that prefix here.
        Raises: InputError if no array can be the labels, or more than one.
        """
        if keys.ids is None:
            keys = replace(keys, ids=id_key(view.arrays, keys, file))
        arrays, name, split = self.contents.arrays, self.path.name, self.split
        if split is not None:
            arrays = split_of_labels(arrays, split, name)
        elif not any(key.lower() in LABEL_KEYS for key in arrays) and keys.labels is None:
            own = _of_prefix(arrays, view.name)
            arrays, split = (own, view.name) if own else (arrays, None)
        return replace(labels_file(arrays, name, keys), split=split)


@dataclass(frozen=True, slots=True, eq=False)
class LabelsFile:
    """What a file beside the dump holds.

    roles: the keys of labels, correct and prediction, as far as it has them. ids, class_names, ignore: keys, too.
    split: the name of the split whose arrays these are; None: they are those of all rows.
    """

    name: str
    arrays: Mapping[str, Stored]
    roles: Mapping[str, str]
    ids: str | None
    class_names: str | None
    ignore: str | None
    split: str | None = None

    @property
    def labels(self) -> str:
        """The key of the labels.

        Raises: InputError if the file only says whether predictions are right.
        """
        if "labels" not in self.roles:
            raise InputError(f"{self.name}: labels are needed, but this file only says whether rows are correct")
        return self.roles["labels"]

    def only_labels(self) -> LabelsFile:
        """The file without what it says of predictions.

        Raises: InputError if it holds no labels.
        """
        return replace(self, roles={"labels": self.labels})

    def array(self, role: str) -> npt.NDArray[Any]:
        """The values of one of its roles."""
        return self.arrays[self.roles[role]].array()


def labels_file(arrays: Mapping[str, Stored], name: str, keys: Keys) -> LabelsFile:
    """The roles of the arrays in a file of labels.

    keys: the names that the user gave; those that are in this file count.
    Raises: InputError if no array can be the labels, or more than one.
    """
    here = replace(keys, ids=keys.ids if keys.ids in arrays else None)
    alone = len(arrays) == 1 and arrays.keys().isdisjoint({keys.correct, keys.prediction})
    ids, names, ignore = (
        (None, None, None)
        if alone
        else (id_key(arrays, here, name), class_names_key(arrays, name), ignore_key(arrays, name))
    )
    rest = {key: stored for key, stored in arrays.items() if key not in (ids, names, ignore)}
    if names is not None and not rest:  # a column of that name is one class a row
        rest, names = {names: arrays[names]}, None
    roles = {} if alone else {role: key for role in SIDES if (key := _beside(rest, keys, role)) is not None}
    one_hot = {} if keys.labels is not None or alone else _one_hot(rest, roles.values())
    if one_hot:
        arrays, rest, names = {**arrays, **one_hot}, {**rest, **one_hot}, names or "class_names"
    labels = _labels(rest, keys, name, alone=alone, needed="correct" not in roles, used=roles.values())
    if labels is not None:
        roles["labels"] = labels
    return LabelsFile(name, arrays, roles, ids, names, ignore)


def keys_beside(arrays: Mapping[str, Stored], keys: Keys, labels: LabelsFile | None, file: str) -> Keys:
    """The user's names that count for a dump: ids may be called so in the labels' file only.

    Raises: InputError if the dump has no ids then.
    """
    if labels is None or keys.ids is None or keys.ids in arrays or keys.ids != labels.ids:
        return keys
    usual = replace(keys, ids=None)
    if id_key(arrays, usual, file) is None:
        raise InputError(
            f'{file}: {keys.said("ids")}: only {labels.name} has "{keys.ids}", here there are no ids; found '
            f"{show(arrays)}. Give both files ids, or leave the option out to pair rows by position."
        )
    return usual


def _beside(arrays: Mapping[str, Stored], keys: Keys, role: str) -> str | None:
    """The key of `correct` or `prediction`: the one that the user named, or the only one with a usual name."""
    named: str | None = getattr(keys, role)
    if named is not None:
        return named if named in arrays else None
    usual = CORRECT_KEYS if role == "correct" else PREDICTION_KEYS
    found = [key for key in arrays if key.lower() in usual]
    return found[0] if len(found) == 1 else None


def _labels(
    arrays: Mapping[str, Stored], keys: Keys, file: str, *, alone: bool, needed: bool, used: Collection[str]
) -> str | None:
    """The key of the labels: the one that the user named, the only array, one of a usual name, or the only one left."""
    if keys.labels is not None:
        return named_key(arrays, keys, "labels", file)
    usual = [key for key in arrays if key.lower() in LABEL_KEYS]
    if len(usual) == 1:
        return usual[0]
    others = [*arrays] if alone else usual or _unnamed(arrays, used)
    if len(others) == 1 and not sounds_predicted(others[0]):
        return others[0]
    if not needed:
        return None
    if len(others) == 1:
        raise InputError(
            f'{file}: "{others[0]}" sounds like predictions, and nothing else can be the labels. If it says what was '
            f"true, use --labels-key {others[0]}."
        )
    near = [key for key in label_like({key: arrays[key] for key in others}) if not sounds_predicted(key)]
    example = next(iter([*near, *(key for key in others if not sounds_predicted(key)), *others]), None)
    split = next((key[: -len("_labels")] for key in near if key.endswith("_labels")), None)
    also = "" if split is None or len(near) < 2 else f", or a split, as in --labels {file}#{split}"
    hint = "" if example is None else f". Name one, as in --labels-key {example}{also}."
    if usual:
        raise InputError(f"{file}: {len(usual)} arrays have a usual name for labels: {show(arrays, usual)}{hint}")
    raise InputError(f"{file}: no array has a usual name for labels; found {show(arrays)}{hint}")


def _one_hot(arrays: Mapping[str, Stored], used: Collection[str]) -> dict[str, Stored]:
    """Labels and class names of columns that are one-hot rows together: a 1 in the column of the class, else 0."""
    if any(key.lower() in (*LABEL_KEYS, *CLASSES) for key in arrays):
        return {}
    columns = _unnamed(arrays, used)
    plain = all(len(arrays[key].shape) == 1 and arrays[key].dtype.kind in "biuf" for key in columns)
    if len(columns) < 2 or not plain or len({arrays[key].shape for key in columns}) > 1:
        return {}
    rows = np.stack([arrays[key].array() for key in columns], axis=1)
    if not ((rows == 0) | (rows == 1)).all() or not (rows.sum(axis=1) == 1).all() or not len(rows):
        return {}
    names = np.array(columns)
    return {"labels": Stored.of(names[rows.argmax(axis=1)]), "class_names": Stored.of(names)}


def _unnamed(arrays: Mapping[str, Stored], used: Collection[str]) -> list[str]:
    """The arrays that could be labels, since their names say nothing else."""
    other = (*ID_KEYS, *FEATURE_KEYS, *(name for names in SCORE_KEYS.values() for name in names))
    splits = {f"{split}_index" for split in index_splits(dict(arrays))}
    index = index_column(arrays)
    found = [
        key
        for key, stored in arrays.items()
        if key not in used
        and key not in splits
        and key != index
        and key.lower() not in other
        and stored.shape
        and stored.refusal is None
    ]
    return found if len(found) < 2 else [key for key in found if not _differs_in_every_row(arrays[key])] or found


def _differs_in_every_row(stored: Stored) -> bool:
    """Whether a column holds a text of its own in each of many rows: the classes of so many rows repeat."""
    plain = len(stored.shape) == 1 and stored.shape[0] >= FEW and stored.dtype.kind in "OUS"
    return plain and copies_in(stored.array()) is None


def split_of_labels(arrays: Mapping[str, Stored], split: str, file: str) -> dict[str, Stored]:
    """The arrays of one split of a file of labels: those with its prefix, some rows of all, or the array of that name.

    Raises: InputError if there is no such split.
    """
    parts = [_part(arrays, part, file) for part in split.split("+")]
    if len(parts) == 1:
        return parts[0]
    try:
        return {
            key: Stored.of(np.concatenate([part[key].array() for part in parts]))
            for key in parts[0]
            if all(key in part for part in parts)
        }
    except (TypeError, ValueError):
        raise InputError(f"{file}: the splits of #{split} hold arrays of types or shapes that do not agree") from None


def _part(arrays: Mapping[str, Stored], part: str, file: str) -> dict[str, Stored]:
    if part == "all":
        return dict(arrays)
    own = _of_prefix(arrays, part)
    if own:
        return own
    rows = arrays.get(f"{part}_index")
    if rows is not None and rows.dtype.kind in "iu" and len(rows.shape) == 1:
        return _rows_of(arrays, rows.array(), file)
    if part in arrays:
        return {"labels": arrays[part]}
    raise InputError(f'{file}: there is no split or array "{part}" in the file of labels; found {show(arrays)}')


def _of_prefix(arrays: Mapping[str, Stored], prefix: str) -> dict[str, Stored]:
    """The arrays of this prefix, without it, if labels are among them; else none."""
    own = {key.removeprefix(f"{prefix}_"): value for key, value in arrays.items() if key.startswith(f"{prefix}_")}
    return own if any(key.lower() in (*LABEL_KEYS, *CORRECT_KEYS) for key in own) else {}


def _rows_of(arrays: Mapping[str, Stored], rows: npt.NDArray[Any], file: str) -> dict[str, Stored]:
    """Some rows of every array that has them."""
    end = int(rows.max(initial=-1)) + 1
    if rows.min(initial=0) < 0:
        raise InputError(f"{file}: the split's row numbers begin at {rows.min()}")
    found = {
        key: Stored.of(stored.array()[rows])
        for key, stored in arrays.items()
        if stored.shape and stored.shape[0] >= end and stored.refusal is None and not key.endswith("_index")
    }
    if not found:
        raise InputError(f"{file}: the split's row numbers reach {end - 1}, but no array has that many rows")
    return found
