"""Dumps without labels: what stands in their place, and what is said where they are needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import Kind
from calibeval.core.data.shapes import form_of
from calibeval.core.errors import InputError
from calibeval.readers.stored.names import (
    CORRECT_KEYS,
    LABEL_KEYS,
    MEASURED_KEYS,
    label_like,
    show,
    sounds_predicted,
)
from calibeval.readers.stored.stored import Stored


def why_no_labels(arrays: Mapping[str, Stored]) -> str:
    """That no array has a usual name for labels, and what to do; the rest of a message that names the file."""
    return (
        f"no array has a usual name for labels; found {show(arrays)}. "
        f"Name one with --labels-key, or another file with --labels.{_hint(arrays)}"
    )


def what_to_do(arrays: Mapping[str, Stored], kind: Kind) -> str:
    """What can be done with scores of a kind without labels."""
    if kind == "confidence":
        return 'report, compare and gate need an array "correct", or "prediction" and labels'
    return (
        "apply can recalibrate these scores; report, fit, compare and gate need labels, named with --labels-key, or "
        f"another file with --labels.{_hint(arrays)}"
    )


def _hint(arrays: Mapping[str, Stored]) -> str:
    near = [key for key in label_like(arrays) if not sounds_predicted(key)]
    return f' If "{near[0]}" holds them, use --labels-key {near[0]}.' if near else ""


def zeros_for(shape: tuple[int, ...], kind: Kind, k: int | None, file: str) -> npt.NDArray[np.int64]:
    """Labels without a meaning for scores of this shape. k: the number of classes, if it is known.

    Raises: InputError for images whose classes could be on either axis.
    """
    try:
        return np.zeros(shape[:1] if kind == "confidence" else form_of(shape, None, kind, k).layout, np.int64)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def is_unlabelled_split(arrays: Collection[str], part: str) -> bool:
    """Whether scores or features stand under the prefix, and no labels stand under none, which could be theirs."""
    lower = {key.lower() for key in arrays}
    return lower.isdisjoint((*LABEL_KEYS, *CORRECT_KEYS)) and any(f"{part}_{name}" in arrays for name in MEASURED_KEYS)
