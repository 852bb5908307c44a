"""What one file of predictions holds: scores, and beside them labels, ids and columns in types that files have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.data.class_names import number_of
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import Kind, RowSource

ROWS_SCORES = 2**18
TEXT_KINDS = "MmcS"  # types that most formats hold as text only: dates, durations, complex numbers, bytes

Array = npt.NDArray[Any]
LabelsAs = Literal["positions", "names"]


class CannotHold(Exception):
    """A format cannot hold the predictions; the text says what in them, or what would become of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One dump as a file is to hold it.

    shape: of the scores. columns: labels, ids and slice columns, by name; labels come first. class_names: None where
    the classes have none. ignore_index: as the labels of this file have it.
    """

    kind: Kind
    scores: RowSource
    shape: tuple[int, ...]
    columns: Mapping[str, Array]
    class_names: tuple[str, ...] | None = None
    ignore_index: int | None = None

    @property
    def dense(self) -> bool:
        """Whether these are scores of images."""
        return len(self.shape) > 2

    def blocks(self) -> Iterator[npt.NDArray[np.float64]]:
        """The scores, some rows at a time."""
        n = self.scores.shape[0]
        rows = max(1, ROWS_SCORES // self.scores.shape[-1]) if len(self.scores.shape) > 1 else ROWS_SCORES
        for start in range(0, n, rows):
            yield np.asarray(self.scores[start : min(start + rows, n)], np.float64)


@dataclass(frozen=True, slots=True)
class Style:
    """One of the ways in which a format can hold the same predictions.

    labels: as numbers of classes, or as their names. named: whether columns of scores are called like their classes.
    """

    labels: LabelsAs = "positions"
    named: bool = True


@dataclass(frozen=True, slots=True)
class Names:
    """What labels and ids are called; further names are those of columns that repeat them."""

    labels: Sequence[str] = ("labels",)
    ids: Sequence[str] = ("ids",)
    left_out: frozenset[str] = field(default_factory=frozenset)


def sheet_of(predictions: Predictions, names: Names, style: Style, *, labelled: bool) -> Sheet:
    """The predictions as one file is to hold them.

    Raises: CannotHold where the labels cannot be written in that style.
    """
    columns: dict[str, Array] = {}
    ignore_index = predictions.ignore_index if labelled else None
    if predictions.kind == "confidence":
        columns["correct"] = predictions.labels
    elif labelled:
        labels, ignore_index = _labels(predictions, style.labels)
        columns |= dict.fromkeys(names.labels, labels.reshape(predictions.layout))
    if predictions.ids is not None:
        columns |= dict.fromkeys(names.ids, predictions.ids)
    rest = {key: values for key, values in predictions.columns.items() if key not in names.left_out}
    taken = next((key for key in rest if key in columns), None)
    if taken is not None:
        raise CannotHold(f'both a column and the {"labels" if taken in names.labels else "ids"} are called "{taken}"')
    scores = predictions.scores
    return Sheet(
        kind=predictions.kind,
        scores=scores,
        shape=scores.shape if len(scores.shape) == 1 else (*predictions.layout, scores.shape[-1]),
        columns=columns | rest,
        class_names=predictions.class_names,
        ignore_index=ignore_index,
    )


def _labels(predictions: Predictions, style: LabelsAs) -> tuple[Array, int | None]:
    """The labels, and the ignored one, as numbers of classes or as names."""
    labels, names, ignored = predictions.labels, predictions.class_names, predictions.ignore_index
    if style == "positions" or names is None:
        return labels, ignored
    if ignored is None or not predictions.ignored:
        return np.asarray(names, dtype=str)[labels], None
    if not 0 <= ignored < len(names):
        if str(ignored) in names:
            raise CannotHold(f"rows with label {ignored} are ignored, and a class is called so, too")
        places = np.where(labels == ignored, len(names), labels)
        return np.asarray([*names, str(ignored)], dtype=str)[places], ignored
    number = number_of(names[ignored])
    if number is None or number != int(number):
        raise CannotHold(f'rows of the class "{names[ignored]}" are ignored, and only numbers can be')
    return np.asarray(names, dtype=str)[labels], int(number)


def as_texts(values: Array) -> list[str]:
    """The values as texts, as slices show them.

    >>> as_texts(np.array([b"a", b"b"])), as_texts(np.array(["2024-02-01", "NaT"], "M8[D]"))
    (['a', 'b'], ['2024-02-01', 'NaT'])
    """
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "backslashreplace") for value in values.tolist()]
    if values.dtype.kind in "Mm":
        return [str(value) for value in values]
    return [str(value) for value in values.tolist()]


def plain(name: str, values: Array) -> Array:
    """The values in a type that every format has, in one form or another: truth values, numbers or text.

    Dates, durations and complex numbers become text, and so do bytes.
    Raises: CannotHold for numbers wider than float64 that are not its own, and for records.
    """
    kind = values.dtype.kind
    if kind == "O" or kind in TEXT_KINDS:
        texts = np.empty(values.shape, object)
        texts[...] = as_texts(values)
        return texts
    if kind == "f" and values.dtype.itemsize > 8:
        narrow = values.astype(np.float64)
        if not np.array_equal(narrow, values, equal_nan=True):
            raise CannotHold(f'column "{name}" holds numbers wider than float64')
        return narrow
    if kind not in "biufU":
        raise CannotHold(f'column "{name}" holds {values.dtype}')
    return values.astype(values.dtype.newbyteorder("="), copy=False)
