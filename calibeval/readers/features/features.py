"""`read_features`: from a path, optionally with #split, to the features that a head is trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.class_names import LabelsAre, as_labels_are
from calibeval.core.data.lazy_columns import LazyColumns
from calibeval.core.data.notices import Notice
from calibeval.core.data.picked_rows import PickedRows
from calibeval.core.data.predictions import Source
from calibeval.core.data.row_source import RowSource, show_shape
from calibeval.core.errors import InputError, UsageError
from calibeval.core.heads.features import Features
from calibeval.readers.features.columns import split_first, with_stacked_columns
from calibeval.readers.features.folders import open_feature_folder
from calibeval.readers.features.roles import feature_prefixes, find_feature_roles, has_features
from calibeval.readers.load import as_decimal, as_suffix
from calibeval.readers.meaning.columns import check_weights, slice_columns
from calibeval.readers.meaning.facts import keys_of, label_to_ignore, stored_names
from calibeval.readers.meaning.joining import joined_parts
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.labels_file import ExternalLabels, keys_beside
from calibeval.readers.meaning.named import OF_FEATURES, named_roles
from calibeval.readers.meaning.names_beside import NamedLabels, named_beside
from calibeval.readers.meaning.paired_labels import paired_labels
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.meaning.splits import View, check_rows, pick, pooled_notice, split_views
from calibeval.readers.meaning.text_scores import lists_in_text
from calibeval.readers.open import external, open_input, open_labels, source_of, split_name
from calibeval.readers.stored.joined import JoinedRows
from calibeval.readers.stored.limits import Limits, quarter_of_memory
from calibeval.readers.stored.place import Url
from calibeval.readers.stored.stored import Stored


def read_features(
    path: str | PathLike[str],
    *,
    key: Mapping[str, str] | None = None,
    features_key: str | None = None,
    labels_key: str | None = None,
    ids_key: str | None = None,
    labels: str | PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    labels_are: LabelsAre | None = None,
    ignore_index: int | None = None,
    read_as: str | None = None,
    decimal: str | None = None,
    max_bytes: int | None = None,
    max_memory: int | None = None,
    checksums: bool = True,
    need_labels: bool = True,
) -> Features:
    """Features from a file of any supported format, or a folder; `file.npz#train` names a split.

    key: names of arrays or columns, where they are not the usual ones, by their role: features, labels, ids, or
    weights of the rows.
    features_key, labels_key, ids_key: the same, one by one. The columns pc_0, pc_1, ... of a table are together called
    pc. labels: another file with the labels. class_names: in class order. labels_are: as for `read`.
    ignore_index: rows with this label are left out and counted. read_as: the format, such as "csv", whatever the
    suffix. decimal: as for `read`. max_bytes: the most bytes that the file may expand to.
    max_memory: arrays of more bytes are read block by block. checksums: False accepts a .pt file that was written with
    its checksums switched off. need_labels: whether a file without labels is an error.
    Raises: InputError if the content cannot be used, FileProblem if the file cannot be read. The values are checked
    when they are read, by `Features.matrix` or `Features.check_values`.
    """
    options = feature_options(
        key=key,
        features_key=features_key,
        labels_key=labels_key,
        ids_key=ids_key,
        labels=labels,
        class_names=class_names,
        labels_are=labels_are,
        ignore_index=ignore_index,
        read_as=read_as,
        decimal=decimal,
        max_bytes=max_bytes,
        max_memory=max_memory,
        checksums=checksums,
    )
    return open_features(fspath(path), options, need_labels=need_labels)


def feature_options(
    *,
    key: Mapping[str, str] | None = None,
    features_key: str | None = None,
    labels_key: str | None = None,
    ids_key: str | None = None,
    labels: str | PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    labels_are: LabelsAre | None = None,
    ignore_index: int | None = None,
    read_as: str | None = None,
    decimal: str | None = None,
    max_bytes: int | None = None,
    max_memory: int | None = None,
    checksums: bool = True,
) -> ReadOptions:
    """The options of `read_features` in the form that readers take.

    Raises: UsageError for an unknown role or format.
    """
    short = {"features": features_key, "labels": labels_key, "ids": ids_key}
    return ReadOptions(
        keys=Keys(in_full=frozenset(key or ()), **named_roles(key or {}, short, OF_FEATURES)),
        labels=None if labels is None else Path(labels),
        class_names=None if class_names is None else tuple(class_names),
        labels_are=as_labels_are(labels_are),
        ignore_index=ignore_index,
        read_as=as_suffix(read_as),
        decimal=as_decimal(decimal),
        limits=Limits(max_bytes, quarter_of_memory() if max_memory is None else max_memory, checksums),
    )


def open_features(name: str, options: ReadOptions, *, need_labels: bool = True) -> Features:
    """Features from `path` or `path#split`.

    Raises: as `read_features`; UsageError for options that concern scores.
    """
    _refuse_options_of_scores(options)
    path, split = split_name(name)
    opened = None if isinstance(path, Url) else open_feature_folder(path, split, options.limits)
    opened = opened or open_input(path, options.limits, read_as=options.read_as, decimal=options.decimal)
    labels = open_labels(options)
    source, settling = source_of(opened, labels, split)
    return _assembled(opened.contents.arrays, source, options, external(labels), settling, need_labels=need_labels)


def _refuse_options_of_scores(options: ReadOptions) -> None:
    given = {
        "--kind": options.kind,
        "--logits-key": options.keys.logits,
        "--probs-key": options.keys.probs,
        "--score-columns": options.score_columns or None,
    }
    flag = next((flag for flag, value in given.items() if value is not None), None)
    if flag is not None:
        raise UsageError(f"{flag} is for scores, but this reads features: name them with --features-key")


def _assembled(
    arrays: dict[str, Stored],
    source: Source,
    options: ReadOptions,
    labels: ExternalLabels | None,
    settling: Callable[[], Source],
    *,
    need_labels: bool,
) -> Features:
    """The arrays of one input as features."""
    file = Path(source.path or "").name
    arrays = with_stacked_columns(arrays, options.keys.features, file)
    turned = split_first(arrays)
    views = split_views(
        arrays if source.split in (None, "all") else turned,
        source.split,
        feature_prefixes(turned),
        file,
        alone=has_features(arrays, options.keys),
    )
    parts = [_gather(view, options, labels, file, need_labels=need_labels) for view in views]
    part = parts[0] if len(parts) == 1 else _join(parts, [view.name for view in views], file)
    check_weights(part.columns, options.keys, file)
    return Features(
        features=part.features,
        labels=part.labels,
        class_names=part.class_names,
        labels_are=part.labels_are,
        columns=part.columns,
        ids=part.ids,
        weights=options.keys.weights,
        source=source,
        ignore_index=part.ignore_index,
        warnings=(*pooled_notice(arrays, source.split, file), *part.warnings),
        file_rows=part.file_rows,
        settling=settling,
        keys=part.keys,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Everything that Features needs, from one view."""

    features: RowSource
    labels: npt.NDArray[Any] | None
    class_names: tuple[str, ...] | None
    columns: LazyColumns
    ids: npt.NDArray[Any] | None
    ignore_index: int | None
    warnings: tuple[Notice, ...]
    file_rows: npt.NDArray[Any] | None
    keys: dict[str, str]
    labels_are: LabelsAre | None


def _gather(
    view: View, options: ReadOptions, external_labels: ExternalLabels | None, file: str, *, need_labels: bool
) -> _Part:
    arrays, rows = view.arrays, view.rows
    beside = None if external_labels is None else external_labels.beside(view, options.keys, file)
    keys = keys_beside(arrays, options.keys, beside, file)
    roles = find_feature_roles(
        arrays,
        keys if view.chosen is None else replace(keys, features=view.chosen),
        file=file,
        need_labels=need_labels,
        external_labels=beside is not None,
        external_names=bool(options.class_names),
    )
    stored = lists_in_text(arrays[roles.features], roles.features, file, options.decimal)
    if len(stored.shape) < 2:
        what = f'"{roles.features}" has' if roles.features else "the features have"
        raise InputError(f"{file}: {what} shape {show_shape(stored.shape)}, but (n, d) is needed")
    n, features = stored.shape[0], stored.load()
    if rows is not None:
        check_rows(rows, n, file)
        features = PickedRows(features, rows)
    ignore_index, warnings = label_to_ignore(options.ignore_index, arrays, roles.ignore, beside, file)
    names = options.class_names or stored_names(arrays, roles.class_names, file)
    told = NamedLabels(None, names, options.labels_are, ignore_index)
    labels: npt.NDArray[Any] | None = None
    pairing: tuple[Notice, ...] = ()
    if beside is not None:
        beside = beside.only_labels()
        paired = paired_labels(view, beside, roles.ids, n, file, drop_duplicates=None)
        _check_count(paired.values["labels"], features.shape[0], file)
        told = named_beside(beside, paired.values["labels"], told, file, given=options.class_names is not None)
        labels, pairing = told.labels, paired.warnings
    elif roles.labels is not None:
        labels = arrays[roles.labels].array()
        _check_count(labels, n, file)
        labels = pick(labels, rows, n, file)
    used = {roles.features, roles.labels, roles.ids, roles.class_names}
    return _Part(
        features=features,
        labels=labels,
        class_names=told.names,
        columns=slice_columns(arrays, used, rows, n, file),
        ids=None if roles.ids is None else pick(arrays[roles.ids].array(), rows, n, file),
        ignore_index=told.ignore,
        warnings=(*warnings, *pairing),
        file_rows=rows,
        keys=keys_of(roles.labels, roles.ids),
        labels_are=told.labels_are,
    )


def _check_count(labels: npt.NDArray[Any], n: int, file: str) -> None:
    if labels.shape[:1] != (n,):
        count = f"{len(labels)} labels" if labels.shape else "a single label"
        raise InputError(f"{file}: {n} rows of features, but {count}")


def _join(parts: Sequence[_Part], names: Sequence[str], file: str) -> _Part:
    """Several splits of one file joined in the order named, without copying the features."""
    first = parts[0]
    for part, name in zip(parts[1:], names[1:], strict=True):
        pair = f"the splits {names[0]} and {name}"
        if part.features.shape[1:] != first.features.shape[1:]:
            shapes = f"{show_shape(first.features.shape)} and {show_shape(part.features.shape)}"
            raise InputError(f"{file}: {pair} differ in the width of their features: {shapes}")
        if (part.labels is None) != (first.labels is None):
            raise InputError(f"{file}: one of {pair} has labels and the other has none")
    joined = joined_parts(parts, names, file, lambda part: (part.features, part.labels))
    labels = [part.labels for part in parts if part.labels is not None]
    return replace(
        first,
        features=JoinedRows([part.features for part in parts]),
        labels=np.concatenate(labels) if labels else None,
        columns=joined.columns,
        ids=joined.ids,
        warnings=joined.warnings,
        file_rows=joined.file_rows,
    )
