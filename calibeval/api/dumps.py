"""Dumps in Python, which are paths or predictions, and groups, which are names of columns or arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypedDict

from calibeval.api.base_file import open_base
from calibeval.core.data.columns import with_column
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import UsageError, nearest
from calibeval.core.heads.features import Features
from calibeval.core.report.report import Report
from calibeval.core.sums.resources import Resources
from calibeval.readers.features.features import read_features
from calibeval.readers.open import options_of, read
from calibeval.readers.stored.limits import quarter_of_memory

Dump = Predictions | str | PathLike[str]
Group = Any  # a column's name, or one value a row
GROUP = "group"


class FileReading(TypedDict, total=False):
    """Options for reading files, which every function with paths has; `read` explains them."""

    kind: str
    logits_key: str
    probs_key: str
    labels_key: str
    ids_key: str
    score_columns: Sequence[str]
    read_as: str
    max_bytes: int
    checksums: bool


class Reading(FileReading, total=False):
    """The same, and the options that arrays have too."""

    labels: str | PathLike[str]
    class_names: Sequence[str]
    ignore_index: int


class FeatureReading(TypedDict, total=False):
    """Options for reading files of features; `read_features` explains them."""

    features_key: str
    labels_key: str
    ids_key: str
    labels: str | PathLike[str]
    class_names: Sequence[str]
    ignore_index: int
    read_as: str
    max_bytes: int
    checksums: bool


def resources_of(jobs: int, max_memory: int | None, progress: Any) -> Resources:
    """Threads, memory limit in bytes (None: a quarter of the machine's memory) and the receiver of progress."""
    return Resources(jobs, quarter_of_memory() if max_memory is None else max_memory, progress)


def predictions_of(dump: object, reading: Reading, max_memory: int | None) -> Predictions:
    """The predictions, read where a path came.

    Raises: UsageError for what is neither, and for reading options where nothing is read; else as `read`.
    """
    if isinstance(dump, Predictions):
        _nothing_to_read(reading, "predictions that are in memory")
        return dump
    if isinstance(dump, str | PathLike):
        _known(reading, read)
        return read(fspath(dump), max_memory=max_memory, **reading)
    raise UsageError(
        f"a {type(dump).__name__} came, but a path or calibeval.Predictions is needed; arrays are given by name: "
        "logits=..., labels=..."
    )


def base_of(base: object, reading: Reading, max_memory: int | None) -> Predictions | Report:
    """The base of a comparison: predictions, a report, or the path of either.

    Raises: as `predictions_of`.
    """
    if isinstance(base, Report):
        return base
    if isinstance(base, str | PathLike):
        _known(reading, read)
        return open_base(fspath(base), options_of(max_memory=max_memory, **reading))
    return predictions_of(base, reading, max_memory)


def features_of(features: object, reading: FeatureReading, max_memory: int | None) -> Features:
    """The features, read where a path came.

    Raises: UsageError for what is neither; else as `read_features`.
    """
    if isinstance(features, Features):
        return features
    if isinstance(features, str | PathLike):
        _known(reading, read_features)
        return read_features(fspath(features), max_memory=max_memory, **reading)
    raise UsageError(f"a {type(features).__name__} came, but a path or calibeval.Features is needed")


def grouped(predictions: Predictions, group: Group | None) -> tuple[Predictions, str | None]:
    """The predictions with a column for the groups, and its name; an array becomes a new column.

    Raises: InputError unless the array has one value per row.

    >>> p, name = grouped(Predictions(probs=[0.2, 0.9], labels=[0, 1]), [7, 8])
    >>> name, p.columns[name].tolist()
    ('group', [7, 8])
    """
    if group is None or isinstance(group, str):
        return predictions, group
    name = next(name for name in (GROUP, *(f"{GROUP}_{i}" for i in range(2, 1000))) if name not in predictions.columns)
    return with_column(predictions, name, group), name


def texts(values: str | Sequence[str]) -> tuple[str, ...]:
    """Names as a tuple; one may stand alone."""
    return (values,) if isinstance(values, str) else tuple(values)


def is_path(dump: object) -> bool:
    """Whether it names a file."""
    return isinstance(dump, str | PathLike)


def as_path(path: str | PathLike[str]) -> Path:
    """The path."""
    return Path(fspath(path))


def checked_reading(reading: Any, also: Sequence[str] = ()) -> None:
    """Refuse options that `read` does not have. also: other arguments that may have been meant. Raises: TypeError."""
    _known(reading, read, also)


def read_by(function: Callable[..., Any], reading: Any, given: Sequence[object]) -> None:
    """Refuse reading options that are unknown to a function of several dumps, or where none of these is a file.

    Raises: TypeError, as Python does for any function, with the nearest argument; UsageError.
    """
    checked_reading(reading, list(signature(function).parameters))
    if all(isinstance(one, Predictions | Report) for one in given):
        _nothing_to_read(reading, "predictions that are in memory")


def _nothing_to_read(reading: Reading, what: str) -> None:
    if reading:
        raise UsageError(f"{', '.join(reading)}: is about reading files, but {what} came")


def _known(reading: Any, reader: Any, also: Sequence[str] = ()) -> None:
    """Refuse reading options that no reader has.

    Raises: TypeError, as Python does for any function, with the nearest option.
    """
    there = [name for name in signature(reader).parameters if name not in ("path", "max_memory")]
    for name in reading:
        if name not in there:
            raise TypeError(f'unexpected keyword argument "{name}"{nearest(name, [*there, *also])}')
