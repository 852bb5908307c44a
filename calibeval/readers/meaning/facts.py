"""Facts about all rows of a file: class names, the label to ignore, the names of labels and ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.ranges import MOST_LABEL
from calibeval.core.data.row_source import Kind, as_array, show_shape
from calibeval.core.errors import InputError
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.roles import Roles
from calibeval.readers.meaning.splits import View
from calibeval.readers.stored.stored import Stored

if TYPE_CHECKING:
    from calibeval.readers.meaning.labels_file import LabelsFile
    from calibeval.readers.meaning.paired_labels import PairedLabels


def own_keys(arrays: Mapping[str, Stored], keys: Keys, beside: LabelsFile | None, file: str) -> Keys:
    """The user's names that count for a dump: all of them, unless another file has the labels; see `keys_beside`."""
    if beside is None:
        return keys
    from calibeval.readers.meaning.labels_file import keys_beside

    return keys_beside(arrays, keys, beside, file)


def paired_with(
    view: View, beside: LabelsFile, ids: str | None, n: int, file: str, *, drop_duplicates: bool
) -> PairedLabels:
    """What another file says of each row: see `paired_labels`."""
    from calibeval.readers.meaning.paired_labels import paired_labels

    return paired_labels(view, beside, ids, n, file, drop_duplicates=drop_duplicates)


def keys_of(labels: str | None, ids: str | None) -> dict[str, str]:
    """The names of labels and ids in the file, by role, if they have one."""
    return {role: key for role, key in {"labels": labels, "ids": ids}.items() if key}


def recognised(
    roles: Roles, kind: Kind, scores: Stored, dtype: np.dtype[Any], paired: PairedLabels | None
) -> tuple[str, ...]:
    """Which arrays gave the scores and the labels, in a few words each, and how rows were paired.

    dtype: of the scores as they were read. paired: what another file says of the rows.
    """
    found = [f"{kind} from {scores.origin or _quoted(roles.scores)}"]
    if scores.printed and dtype == np.float32:
        found.append("float32, by the digits of every score")
    if paired is not None and roles.correct is None:
        found.append(paired.by)
    elif roles.correct is not None:
        unused = (
            "" if paired is None else ", not from the other file: there are no predictions to compare its labels with"
        )
        found.append(f"right or wrong from {_quoted(roles.correct)}{unused}")
    elif roles.labels is not None:
        found.append(f"labels from {_quoted(roles.labels)}")
    else:
        found.append("no labels")
    if roles.prediction is not None:
        found.append(f"predictions from {_quoted(roles.prediction)}")
    return tuple(found)


def _quoted(key: str) -> str:
    return f'"{key}"' if key else "the array"


def stored_names(arrays: dict[str, Stored], key: str | None, file: str) -> tuple[str, ...] | None:
    """The class names under a key, if there is one.

    Raises: InputError unless they are a list of texts or numbers.
    """
    if key is None:
        return None
    stored = arrays[key]
    if len(stored.shape) != 1:
        raise InputError(
            f'{file}: "{key}" {stored.describe()} should be the class names, but a list of names is needed'
        )
    names = stored.array()
    try:
        names = np.char.decode(names, "utf-8") if names.dtype.kind == "S" else names
    except UnicodeDecodeError:
        raise InputError(f'{file}: "{key}" holds bytes that are not UTF-8: save the class names as text') from None
    return tuple(str(name) for name in as_array(names, f'{file}: "{key}"').tolist())


def label_to_ignore(
    said: int | None, arrays: Mapping[str, Stored], key: str | None, beside: LabelsFile | None, file: str
) -> tuple[int | None, tuple[Notice, ...]]:
    """The label to ignore, and the warning if a file says it: the user goes first, then the dump, then the labels.

    said: by the user. key: of the dump's array that says it. beside: another file with the labels.
    Raises: InputError for what is no label.
    """
    if said is not None:
        return said, ()
    if key is None and beside is not None:
        arrays, key, file = beside.arrays, beside.ignore, beside.name
    if key is None:
        return None, ()
    label = _ignored_label(arrays[key], key, file)
    return label, (_ignored_notice(label, key),)


def _ignored_label(stored: Stored, key: str, file: str) -> int:
    """The label to ignore, as stored in the file."""
    value = stored.array().reshape(())
    if value.dtype.kind in "iu" or (value.dtype.kind == "f" and np.isfinite(value) and value == np.floor(value)):
        label = int(value)
        if abs(label) <= MOST_LABEL:
            return label
    raise InputError(
        f'{file}: "{key}" is {repr(value.item())[:40]}, but the label to ignore must be an integer of at most 64 bits'
    )


def _ignored_notice(label: int, key: str) -> Notice:
    """The warning that rows are ignored because of a number in the file."""
    return warning("ignored_label", f'rows with label {label} are ignored, because "{key}" in the file is {label}')


def rows_of(stored: Stored, kind: Kind, key: str, file: str) -> int:
    """Number of rows of the scores.

    Raises: InputError for a single number, and for confidences that are no column.
    """
    if stored.refusal is not None:
        stored.load()
    what = f'"{key}" has' if key else "the scores have"
    if not stored.shape:
        raise InputError(f"{file}: {what} shape (), one number, but scores of many rows are needed")
    if kind == "confidence" and len(stored.shape) != 1:
        raise InputError(f"{file}: {what} shape {show_shape(stored.shape)}, but one confidence a row is needed")
    return stored.shape[0]
