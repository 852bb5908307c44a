"""Values of a gate's configuration, read with the key that they belong to in each error."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from calibeval.core.data.arguments import came, refused
from calibeval.core.errors import UsageError, nearest

Name = TypeVar("Name", bound=str)


def as_text(value: object, key: str) -> str:
    """The value, if it is a non-empty string. Raises: UsageError."""
    if not isinstance(value, str) or not value:
        raise UsageError(f"{key} is {show_value(value)}, but it must be a non-empty string")
    return value


def as_path(value: object, key: str) -> str:
    """The value, if it can be a path. Raises: UsageError."""
    text = as_text(value, key)
    if "\0" in text:
        raise UsageError(f"{key} is {show_value(text)}, but a path has no NUL character")
    return text


def as_texts(value: object, key: str) -> tuple[str, ...]:
    """The value, if it is a list of non-empty strings. Raises: UsageError."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise UsageError(f"{key} is {show_value(value)}, but it must be a list of strings")
    return tuple(as_text(one, key) for one in value)


def as_number(value: object, key: str) -> float:
    """The value, if it is a finite number; true and false are not. Raises: UsageError."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating) or not _fits(value):
        hint = f"; limits are fractions: write {share}" if (share := _share(value)) else ""
        raise UsageError(f"{key} is {show_value(value)}, but it must be a finite number{hint}")
    return float(value)


def _fits(value: float | np.integer | np.floating) -> bool:
    """Whether float64 holds the number; a whole number may have more digits than it does."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _share(value: object) -> str | None:
    """The fraction that a percentage in a text means."""
    if not isinstance(value, str) or not value.endswith("%"):
        return None
    with contextlib.suppress(ValueError):
        return f"{float(value[:-1]) / 100:.10g}"
    return None


def as_is(value: object, key: str) -> object:  # noqa: ARG001 - called like its siblings
    """The value, unchecked; the class that receives it will check it."""
    return value


def one_of(value: str, known: Iterable[Name], key: str) -> Name:
    """The value, if it is one of the known names. Raises: UsageError with the nearest name."""
    names = list(known)
    if not isinstance(value, str):
        raise refused(key, value, f"one of {', '.join(names)}")
    for name in names:
        if name == value:
            return name
    raise UsageError(f'{key} "{value}" is unknown{nearest(value, names)}; it must be one of {", ".join(names)}')


def show_value(value: object) -> str:
    """A value in the words of an error message."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else came(value)
