"""The content of one file of predictions: scores, labels, ids and columns, in types that files can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.data.class_names import number_of
from calibeval.core.data.precision import stored_precision
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.ranges import MOST_LABEL
from calibeval.core.data.row_source import Kind, RowSource

ROWS_SCORES = 2**18
TEXT_KINDS = "MmcS"  # types that most formats hold only as text: dates, durations, complex numbers, bytes

Array = npt.NDArray[Any]
LabelsAs = Literal["positions", "names"]


class CannotHold(Exception):
    """A format cannot hold the predictions; the message says why, or what would change."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One dump in the form in which a file will hold it.

    shape: of the scores. columns: labels, ids and slice columns by name, labels first. class_names: None without names.
    ignore_index: the value of ignored labels in this file. narrow: whether the scores are float32.
    """

    kind: Kind
    scores: RowSource
    shape: tuple[int, ...]
    columns: Mapping[str, Array]
    class_names: tuple[str, ...] | None = None
    ignore_index: int | None = None
    narrow: bool = False

    @property
    def dense(self) -> bool:
        """Whether the scores are those of pixels."""
        return len(self.shape) > 2

    @property
    def dtype(self) -> Literal["<f4", "<f8"]:
        """The type of the scores in the file: their bins depend on it, so that of float32 is kept."""
        return "<f4" if self.narrow else "<f8"

    @property
    def nbytes(self) -> int:
        """The size of the scores in the file."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def blocks(self) -> Iterator[npt.NDArray[np.floating[Any]]]:
        """The scores in blocks of rows."""
        n = self.scores.shape[0]
        rows = max(1, ROWS_SCORES // self.scores.shape[-1]) if len(self.scores.shape) > 1 else ROWS_SCORES
        for start in range(0, n, rows):
            yield np.asarray(self.scores[start : min(start + rows, n)], self.dtype)


@dataclass(frozen=True, slots=True)
class Style:
    """One of the ways to write the same predictions in a format.

    labels: as class numbers or class names. named: whether the names of score columns contain the class names.
    """

    labels: LabelsAs = "positions"
    named: bool = True


@dataclass(frozen=True, slots=True)
class Names:
    """Names of labels and ids; columns with the further names repeat them. left_out: columns that are not written."""

    labels: Sequence[str] = ("labels",)
    ids: Sequence[str] = ("ids",)
    left_out: frozenset[str] = field(default_factory=frozenset)


def sheet_of(predictions: Predictions, names: Names, style: Style, *, labelled: bool) -> Sheet:
    """The predictions in the form in which a file will hold them.

    Raises: CannotHold if the labels cannot be written in that style.
    """
    columns: dict[str, Array] = {}
    ignore_index = predictions.ignore_index if labelled else None
    if labelled and predictions.kind == "confidence":
        columns["correct"] = predictions.labels
    elif labelled:
        labels, ignore_index = _labels(predictions, style.labels)
        columns |= dict.fromkeys(names.labels, labels.reshape(predictions.layout))
    if ignore_index is not None and abs(ignore_index) > MOST_LABEL:
        if predictions.ignored:
            raise CannotHold("the ignored label has more than 64 bits")
        ignore_index = None
    if predictions.ids is not None:
        columns |= dict.fromkeys(names.ids, predictions.ids)
    rest = {key: values for key, values in predictions.columns.items() if key not in names.left_out}
    taken = next((key for key in rest if key in columns), None)
    if taken is not None:
        raise CannotHold(f'both a column and the {"labels" if taken in names.labels else "ids"} are called "{taken}"')
    scores, class_names = predictions.scores, predictions.class_names
    if not labelled and len(predictions.layout) > 1 and class_names is None:
        class_names = tuple(map(str, range(scores.shape[-1])))  # without labels, only they tell the axis of the classes
    return Sheet(
        kind=predictions.kind,
        scores=scores,
        shape=scores.shape if len(scores.shape) == 1 else (*predictions.layout, scores.shape[-1]),
        columns=columns | rest,
        class_names=class_names,
        ignore_index=ignore_index,
        narrow=scores.dtype == np.float32 and predictions.precision == stored_precision(scores.dtype),
    )


def _labels(predictions: Predictions, style: LabelsAs) -> tuple[Array, int | None]:
    """The labels, and the ignored one, as class numbers or class names."""
    labels, names, ignored = predictions.labels, predictions.class_names, predictions.ignore_index
    if style == "positions" or names is None:
        return labels, ignored
    if ignored is None or not predictions.ignored:
        return np.asarray(names, dtype=str)[labels], None
    if not 0 <= ignored < len(names):
        if str(ignored) in names:
            raise CannotHold(f"rows with label {ignored} are ignored, but a class has the same name")
        places = np.where(labels == ignored, len(names), labels)
        return np.asarray([*names, str(ignored)], dtype=str)[places], ignored
    number = number_of(names[ignored])
    if number is None or number != int(number):
        raise CannotHold(f'rows of class "{names[ignored]}" are ignored, but the ignored label must be a number')
    return np.asarray(names, dtype=str)[labels], int(number)


def as_texts(values: Array) -> list[str]:
    """The values as texts, in the form that slices show.

    >>> as_texts(np.array([b"a", b"b"])), as_texts(np.array(["2024-02-01", "NaT"], "M8[D]"))
    (['a', 'b'], ['2024-02-01', 'NaT'])
    """
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "backslashreplace") for value in values.tolist()]
    if values.dtype.kind in "Mm":
        return [str(value) for value in values]
    return [str(value) for value in values.tolist()]


def plain(name: str, values: Array) -> Array:
    """The values in a type that every format has in some form: booleans, numbers or text.

    Dates, durations, complex numbers and bytes become text.
    Raises: CannotHold for wide floats that float64 cannot represent, and for records.
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
