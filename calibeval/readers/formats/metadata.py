"""Facts about all rows in the metadata of a table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import numpy as np

from calibeval.core.errors import InputError
from calibeval.readers.stored.names import IGNORE_KEYS, NAME_KEYS
from calibeval.readers.stored.stored import Stored


def with_facts(arrays: dict[str, Stored], metadata: Mapping[bytes, bytes] | None, file: str) -> dict[str, Stored]:
    """The arrays, and the facts about all rows in the table's metadata: class names (a JSON list), the ignored label.

    Raises: InputError for class names that are not a list of texts, or a label that is not an integer.
    """
    facts = metadata or {}
    key = next((key for key in NAME_KEYS if key.encode() in facts), None)
    if key is not None:
        try:
            names = json.loads(facts[key.encode()])
        except (ValueError, RecursionError):
            names = None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise InputError(f'{file}: "{key}" in the metadata must be a JSON list of texts')
        own = arrays.get(key)
        if own is None or (own.columns and own.array().tolist() == names):
            arrays[key] = Stored.of(np.asarray(names))
    key = next((key for key in IGNORE_KEYS if key.encode() in facts and key not in arrays), None)
    if key is not None:
        text = facts[key.encode()]
        if not re.fullmatch(rb"-?[0-9]{1,18}", text):
            raise InputError(f'{file}: "{key}" in the metadata must be an integer')
        arrays[key] = Stored.of(np.asarray(int(text)))
    return arrays
