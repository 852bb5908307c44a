"""A copy of a frozen record with other values of some attributes, whose checks are not repeated."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

Record = TypeVar("Record")


def copied(record: Record, **facts: Any) -> Record:
    """The record with these values.

    >>> from calibeval.core.data.source import Source
    >>> copied(Source("a.npz"), path="b.npz").path
    'b.npz'
    """
    other = copy.copy(record)
    for name, value in facts.items():
        object.__setattr__(other, name, value)
    return other
