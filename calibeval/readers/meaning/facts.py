"""What a file says of all its rows: class names, the label to leave out, what labels and ids are called."""

from __future__ import annotations

import numpy as np

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_source import as_array
from calibeval.core.errors import InputError
from calibeval.readers.stored.stored import Stored


def keys_of(labels: str | None, ids: str | None) -> dict[str, str]:
    """What labels and ids are called, where they are called anything."""
    return {role: key for role, key in {"labels": labels, "ids": ids}.items() if key}


def stored_names(arrays: dict[str, Stored], key: str | None, file: str) -> tuple[str, ...] | None:
    """The class names under a key, if there is one."""
    if key is None:
        return None
    names = as_array(arrays[key].array(), f'{file}: "{key}"')
    return tuple(str(name) for name in names.tolist())


def ignored_label(stored: Stored, key: str, file: str) -> int:
    """The label to ignore that the file names."""
    value = stored.array()
    if value.dtype.kind in "iu" or (value.dtype.kind == "f" and np.isfinite(value) and value == np.floor(value)):
        return int(value)
    raise InputError(f'{file}: "{key}" is {value.item()!r}, but the label to ignore must be a whole number')


def ignored_notice(label: int, key: str) -> Notice:
    """That the file says which label to ignore."""
    return warning("ignored_label", f'rows with label {label} are ignored, as the file\'s "{key}" says')
