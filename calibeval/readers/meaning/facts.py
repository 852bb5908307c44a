"""Facts about all rows of a file: class names, the label to ignore, the names of labels and ids."""

from __future__ import annotations

import numpy as np

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_source import as_array
from calibeval.core.errors import InputError
from calibeval.readers.stored.stored import Stored

LARGEST_LABEL = 2**63 - 1


def keys_of(labels: str | None, ids: str | None) -> dict[str, str]:
    """The names of labels and ids in the file, by role, if they have one."""
    return {role: key for role, key in {"labels": labels, "ids": ids}.items() if key}


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


def ignored_label(stored: Stored, key: str, file: str) -> int:
    """The label to ignore, as stored in the file."""
    value = stored.array().reshape(())
    if value.dtype.kind in "iu" or (value.dtype.kind == "f" and np.isfinite(value) and value == np.floor(value)):
        label = int(value)
        if abs(label) <= LARGEST_LABEL:
            return label
    raise InputError(
        f'{file}: "{key}" is {repr(value.item())[:40]}, but the label to ignore must be an integer of at most 64 bits'
    )


def ignored_notice(label: int, key: str) -> Notice:
    """The warning that rows are ignored because of a number in the file."""
    return warning("ignored_label", f'rows with label {label} are ignored, because "{key}" in the file is {label}')
