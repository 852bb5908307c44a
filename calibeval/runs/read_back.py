"""Written dumps: each is read back before it replaces the file of its name, and refused if anything has changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.pairing import first_difference
from calibeval.core.data.columns import coded_column
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.data.row_ids import comparable
from calibeval.core.data.row_source import show_shape
from calibeval.core.data.weighted import unweighted
from calibeval.core.errors import CalibevalError, InputError, UsageError
from calibeval.readers.load import load
from calibeval.readers.meaning.assemble import assemble
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.limits import Limits, quarter_of_memory
from calibeval.readers.stored.names import ID_KEYS, LABEL_KEYS
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Stored
from calibeval.words.names import visible
from calibeval.writers.dump import WRITERS, check_format, write_dump
from calibeval.writers.sheet import CannotHold, Names

OTHERS = (".npz", ".parquet", ".jsonl", ".pt", ".csv", ".safetensors")
TRIED_SCORES = 2**18  # with more scores, the first other format is suggested without a try
ANY_SIZE = 2**62
ROWS_COMPARED = 2**12
SHOWN = 60


def write_checked(predictions: Predictions, path: Path, max_memory: int | None = None) -> tuple[Notice, ...]:
    """Write predictions in the format of the suffix, after checking that they are the same when they are read back.

    Unknown labels are left out. Labels and ids keep the names from the file that they came from; if an option named
    them there, a column with the usual name repeats them. max_memory: scores of more bytes are read back block by
    block.
    Returns warnings about columns that are left out: labels in the file, if other labels were given.
    Raises: UsageError for another suffix, or for predictions that the format cannot hold, naming one that can;
    FileProblem if the file cannot be written.
    """
    check_format(path)
    predictions = unweighted(predictions)  # the weights are a column
    suffix = path.suffix.lower()
    limits = Limits(max_bytes=ANY_SIZE, max_memory=quarter_of_memory() if max_memory is None else max_memory)
    try:
        _write(predictions, path, suffix, limits)
    except CannotHold as reason:
        other = _other(predictions, suffix, limits)
        remedy = "No other format can, either." if other is None else f"Write {other} instead."
        raise UsageError(f"{path.name}: {suffix} cannot hold this dump: {visible(str(reason))}. {remedy}") from None
    left_out = _names(predictions, WRITERS[suffix].names).left_out
    why = "is left out, because the labels come from another file"
    return tuple(warning("column_left_out", f"the column {_quoted(name)} {why}") for name in sorted(left_out))


def _write(predictions: Predictions, path: Path, suffix: str, limits: Limits) -> None:
    names = _names(predictions, WRITERS[suffix].names)

    def check(written: Path) -> str | None:
        try:
            arrays = load(SteadyFile.of(written), limits, suffix).arrays
        except InputError as error:
            return _unreadable(error, written.name)
        return _changed(predictions, arrays, names, path.name)

    write_dump(
        predictions,
        path,
        labelled=predictions.labelled,
        names=names,
        check=check,
    )


def _other(predictions: Predictions, suffix: str, limits: Limits) -> str | None:
    """A format that can hold the predictions."""
    others = [other for other in OTHERS if other != suffix]
    if predictions.rows * predictions.scores.shape[-1] > TRIED_SCORES:
        return others[0]
    with tempfile.TemporaryDirectory(prefix="calibeval-") as folder:
        for other in others:
            try:
                _write(predictions, Path(folder) / f"dump{other}", other, limits)
            except (CannotHold, UsageError):  # UsageError: there is no pyarrow
                continue
            return other
    return None


def _names(predictions: Predictions, usual: Names) -> Names:
    """The names of labels and ids: those in their own file and, if these are not usual ones, the usual ones as well."""
    elsewhere = predictions.source.labels_path is not None  # then labels in the file of the scores are not its labels
    left_out = frozenset(name for name in predictions.columns if elsewhere and name.lower() in LABEL_KEYS)
    labels = _called(predictions.keys.get("labels"), usual.labels[0], LABEL_KEYS, predictions)
    ids = _called(predictions.keys.get("ids"), usual.ids[0], ID_KEYS, predictions)
    return Names(labels, ids, left_out)


def _called(own: str | None, usual: str, known: tuple[str, ...], predictions: Predictions) -> tuple[str, ...]:
    if own is None or own.lower() in known:
        return (own or usual,)
    return (own,) if any(name.lower() in known for name in predictions.columns) else (usual, own)


def _changed(before: Predictions, arrays: dict[str, Stored], names: Names, name: str) -> str | None:
    """What has changed in the arrays of the written file; None if nothing has."""
    first: str | None = None
    source = Source(path=name)
    for options in _ways(before):
        try:
            after = assemble(arrays, source, options, None, lambda: source)
            changed = _difference(before, after, names)
        except (InputError, UsageError) as error:
            changed = _unreadable(error, name)
        if changed is None:
            return None
        first = first or changed
    return first


def _unreadable(error: CalibevalError, name: str) -> str:
    reason = str(error).removeprefix(name).removeprefix(":").strip()
    return f"it could not be read back ({_short(visible(reason.rstrip('.')), 200)})"


def _ways(before: Predictions) -> Iterator[ReadOptions]:
    """How the file may be read: without options, or with those that the original file must have needed."""
    plain = ReadOptions(believed=True, need_labels=before.labelled)
    keys = Keys(labels=before.keys.get("labels"), ids=before.keys.get("ids"))
    yield plain
    if before.keys:
        yield replace(plain, keys=keys)
    if before.kind == "logits":
        yield replace(plain, keys=keys, kind="logits")
    outside = before.ignore_index is not None and not 0 <= before.ignore_index < (before.k or 0)
    told = any(isinstance(one, Notice) and one.code == "ignored_label" for one in before.warnings)
    if outside and not told:
        yield replace(plain, ignore_index=before.ignore_index)
        yield replace(plain, keys=keys, ignore_index=before.ignore_index)


def _difference(before: Predictions, after: Predictions, names: Names) -> str | None:
    """The first difference between two dumps, in words; None if there is none."""
    if (before.kind, before.k, before.layout) != (after.kind, after.k, after.layout):
        return f"it would come back as {_outline(after)}, not {_outline(before)}"
    if before.labelled != after.labelled:
        return f"it would come back {'with' if after.labelled else 'without'} labels"
    numbers = tuple(map(str, range(before.k or 0)))  # the names of classes without names
    if (before.class_names or numbers) != (after.class_names or numbers):
        return f"its class names would come back as {_listed(after.class_names)}, not {_listed(before.class_names)}"
    return (
        (_of_labels(before, after) if before.labelled else None)
        or _of_ids(before, after)
        or _of_columns(before, after, names)
        or _of_scores(before, after)
    )


def _of_labels(before: Predictions, after: Predictions) -> str | None:
    left_out = _ignored(before)
    if not np.array_equal(left_out, _ignored(after)):
        return f"of its rows {after.ignored:,} would be ignored, not {before.ignored:,}"
    wrong = np.flatnonzero((before.labels != after.labels) & ~left_out)
    if len(wrong):
        row = int(wrong[0])
        return f"the label of {before.locate(row)} would be class {after.labels[row]}, not {before.labels[row]}"
    return None


def _ignored(predictions: Predictions) -> npt.NDArray[np.bool_]:
    """Whether each row is left out."""
    if predictions.ignore_index is None:
        return np.zeros(predictions.rows, bool)
    return np.asarray(predictions.labels == predictions.ignore_index)


def _of_ids(before: Predictions, after: Predictions) -> str | None:
    if (before.ids is None) != (after.ids is None):
        return "it would come back with ids" if before.ids is None else "its ids would come back as something else"
    if before.ids is None or after.ids is None:
        return None
    ours, theirs = comparable(before.ids, after.ids)
    if len(ours) != len(theirs):
        return f"{len(theirs):,} ids would come back, not {len(ours):,}"
    wrong = np.flatnonzero(ours != theirs)
    if not len(wrong):
        return None
    row = int(wrong[0])
    return f"the id {_quoted(ours[row])} would come back as {_quoted(theirs[row])}"


def _of_columns(before: Predictions, after: Predictions, names: Names) -> str | None:
    wanted = {name: values for name, values in before.columns.items() if name not in names.left_out}
    repeated = {*names.labels, *names.ids}
    missing = next((name for name in wanted if name not in after.columns), None)
    if missing is not None:
        return f"the column {_quoted(missing)} would not come back as a column"
    more = next((name for name in after.columns if name not in wanted and name not in repeated), None)
    if more is not None:
        return f"it would come back with a column {_quoted(more)}"
    for name, ours in wanted.items():
        theirs = after.columns[name]
        if len(ours) != len(theirs):
            return f"the column {_quoted(name)} would come back with {len(theirs):,} entries, not {len(ours):,}"
        row = first_difference(np.asarray(ours), np.asarray(theirs))
        if row is not None:
            return f"{_quoted(ours[row])} in column {_quoted(name)} would come back as {_quoted(theirs[row])}"
        if {np.asarray(ours).dtype.kind, np.asarray(theirs).dtype.kind} <= set("OU"):
            continue  # the same texts
        one, other = coded_column(before, name), coded_column(after, name)
        if one.texts() != other.texts() or not np.array_equal(one.codes, other.codes):
            return f"the values of column {_quoted(name)} would come back in another order, or written differently"
    return None


def _of_scores(before: Predictions, after: Predictions) -> str | None:
    """The first rows are compared. Text may come back as float32, where it prints no more than that."""
    rows = slice(0, max(1, ROWS_COMPARED // (before.k or 1)))
    narrow = after.scores.dtype == np.float32
    ours: npt.NDArray[Any] = np.asarray(before.scores[rows], np.float32 if narrow else np.float64)
    return None if np.array_equal(ours, after.scores[rows], equal_nan=True) else "its scores would come back changed"


def _outline(predictions: Predictions) -> str:
    return f"{predictions.kind} of {show_shape(predictions.layout)} rows and {predictions.k or 2} classes"


def _listed(names: tuple[str, ...] | None) -> str:
    if names is None:
        return "none"
    return ", ".join(map(_quoted, names[:3])) + (", ..." if len(names) > 3 else "")


def _quoted(value: object) -> str:
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return f'"{_short(visible(text))}"'


def _short(text: str, most: int = SHOWN) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
