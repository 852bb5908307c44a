"""Dumps in Python, which are paths or predictions, and groups, which are names of columns or arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypedDict, cast

from calibeval.api.base_file import open_base
from calibeval.core.data.arguments import path as checked_path
from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.columns import with_column
from calibeval.core.data.far_rows import Engine, with_engine
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import UsageError
from calibeval.core.heads.features import Features
from calibeval.core.report.report import Report
from calibeval.core.sums.resources import Resources
from calibeval.readers.features.features import read_features
from calibeval.readers.open import open_dump
from calibeval.readers.said import options_of
from calibeval.readers.stored.limits import quarter_of_memory
from calibeval.readers.stored.place import Place, as_name, place_of
from calibeval.recalibrate.fitting.cross_fit import CrossFitted

Dump = Predictions | CrossFitted | str | PathLike[str]
Group = Any  # a column's name, or one value a row
Weighting = Any  # a column's name, or one number a row
GROUP = "group"


class FileReading(TypedDict, total=False):
    """Options for reading files, which every function with paths has; `read` explains them."""

    kind: str
    key: Mapping[str, str]
    logits_key: str
    probs_key: str
    labels_key: str
    ids_key: str
    score_columns: Sequence[str]
    drop_duplicates: bool
    read_as: str
    decimal: str
    normalize: str
    gold: str | PathLike[str]
    missing_confidence: str
    confidence_unit: str
    confidence_means: str
    max_bytes: int
    checksums: bool


class LabelReading(FileReading, total=False):
    """The same, and the options that arrays have too."""

    labels: str | PathLike[str]
    class_names: Sequence[str]
    labels_are: LabelsAre
    ignore_index: int
    renormalize: bool


class Reading(LabelReading, total=False):
    """All of them; functions that measure have `positive` as an argument of their own."""

    positive: str | int


class FeatureReading(TypedDict, total=False):
    """Options for reading files of features; `read_features` explains them."""

    key: Mapping[str, str]
    features_key: str
    labels_key: str
    ids_key: str
    labels: str | PathLike[str]
    class_names: Sequence[str]
    labels_are: LabelsAre
    ignore_index: int
    read_as: str
    decimal: str
    max_bytes: int
    checksums: bool


def and_positive(reading: LabelReading, positive: str | int | None) -> Reading:
    """The reading options with the positive class, if one was named."""
    return cast("Reading", reading if positive is None else {**reading, "positive": positive})


def resources_of(jobs: int, max_memory: int | None, progress: Any) -> Resources:
    """Threads, memory limit in bytes (None: a quarter of the machine's memory) and the receiver of progress."""
    return Resources(jobs, quarter_of_memory() if max_memory is None else max_memory, progress)


def predictions_of(dump: object, reading: Reading, max_memory: int | None, engine: Engine | None = None) -> Predictions:
    """The predictions, read from the file if dump is a path. engine: whose workers read the scores.

    Raises: UsageError for anything else, and for reading options if nothing is read; otherwise as `read`.
    """
    if isinstance(dump, Predictions):
        nothing_to_read(reading)
        return with_engine(dump, engine)
    if isinstance(dump, str | PathLike):
        return open_dump(as_name(dump), options_of(max_memory=max_memory, engine=engine, **reading))
    raise UsageError(f"a {type(dump).__name__} came, but a path or calibeval.Predictions is needed")


def base_of(
    base: object, reading: Reading, max_memory: int | None, engine: Engine | None = None
) -> Predictions | Report:
    """The base of a comparison: predictions, a report, or the path of either. engine: whose workers read the scores.

    Raises: as `predictions_of`.
    """
    if isinstance(base, Report):
        return base
    if isinstance(base, str | PathLike):
        return open_base(as_name(base), options_of(max_memory=max_memory, engine=engine, **reading))
    return predictions_of(base, reading, max_memory, engine)


def features_of(
    features: object, reading: FeatureReading, max_memory: int | None, *, need_labels: bool = True
) -> Features:
    """The features, read from the file if features is a path. need_labels: whether a file without labels is an error.

    Raises: UsageError for anything else; otherwise as `read_features`.
    """
    if isinstance(features, Features):
        return features
    if isinstance(features, str | PathLike):
        return read_features(as_name(features), max_memory=max_memory, need_labels=need_labels, **reading)
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


def by_names(predictions: Any) -> tuple[list[Dump], tuple[str, ...]]:
    """One dump or several as a list, with the names that the user gave them in a dict; without one, no names."""
    if isinstance(predictions, Mapping):
        return list(predictions.values()), tuple(predictions)
    return list(predictions) if isinstance(predictions, list | tuple) else [predictions], ()


def as_texts(values: str | Sequence[str]) -> tuple[str, ...]:
    """Names as a tuple; one may stand alone."""
    return (values,) if isinstance(values, str) else tuple(values)


def as_class(name: str | int | None) -> str | None:
    """A class by its name or number, as a text."""
    return None if name is None else str(name)


def as_classes(names: str | int | Sequence[str | int]) -> tuple[str, ...]:
    """Classes by their names or numbers, as texts; one may stand alone."""
    return (str(names),) if isinstance(names, str | int) else tuple(map(str, names))


def is_path(dump: object) -> bool:
    """Whether it names a file."""
    return isinstance(dump, str | PathLike)


def as_path(path: str | PathLike[str], name: str = "path") -> Path:
    """The path. name: of the argument. Raises: UsageError for what is none."""
    return Path(checked_path(name, path))


def as_place(path: str | PathLike[str], name: str = "path") -> Place:
    """The place of a file that is read, which may be a URL. Raises: as `as_path`."""
    return place_of(checked_path(name, path))


def read_by(reading: Any, given: Sequence[object]) -> None:
    """Refuse reading options where none of these is a file. Raises: UsageError."""
    if not any(map(is_path, given)):
        nothing_to_read(reading)


def features_read_by(reading: Any, given: Sequence[object]) -> None:
    """Refuse options of features where none of these is a file; others hold for the head, too. Raises: UsageError."""
    if not any(map(is_path, given)):
        about = {name: value for name, value in reading.items() if name not in ("max_bytes", "checksums")}
        nothing_to_read(about, "features that are in memory")


def nothing_to_read(reading: Any, came: str = "predictions that are in memory") -> None:
    """Refuse reading options, as nothing is read. Raises: UsageError."""
    if reading:
        raise UsageError(f"{', '.join(reading)} says how files are read, but {came} came")
