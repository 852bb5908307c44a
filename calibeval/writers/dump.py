"""Predictions as a file that `read` reads: scores, labels, ids, slice columns and class names, block by block."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import BROKEN_IMPORT, UsageError, nearest, not_importable
from calibeval.writers.atomic import replacing

ROWS_SCORES = 2**18
EPOCH = (1980, 1, 1, 0, 0, 0)
PREFIXES = {"logits": "logit", "probs": "prob", "log_probs": "log_prob"}


def write_dump(predictions: Predictions, path: Path, *, labelled: bool = True) -> None:
    """Write predictions in the format of the suffix: .npz, .csv, .tsv, .jsonl or .parquet; scores are float64.

    labelled: False leaves out the labels, for data without known labels.
    Equal predictions give equal bytes. Dense scores keep their shape (n, h, w, k) in .npz.
    Raises: UsageError for another suffix; FileProblem if the file cannot be written.
    """
    check_format(path)
    with replacing(path) as file:
        WRITERS[path.suffix.lower()](predictions, file, labelled)


def check_format(path: Path) -> None:
    """Refuse a suffix that cannot be written.

    Raises: UsageError.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        known = ", ".join(WRITERS)
        raise UsageError(f'{path.name}: cannot write "{suffix}"{nearest(suffix, WRITERS)}; formats are {known}')


def _write_npz(predictions: Predictions, file: IO[bytes], labelled: bool) -> None:
    """Uncompressed members, which can be mapped, with a fixed date, so that equal dumps are equal files."""
    shape = (*predictions.layout, predictions.scores.shape[-1])
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo(f"{predictions.kind}.npy", EPOCH)
        with archive.open(info, "w", force_zip64=True) as member:
            npy_format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": shape})
            for scores in _score_blocks(predictions):
                member.write(scores.astype("<f8").tobytes())
        for key, values in _companions(predictions, labelled).items():
            with archive.open(zipfile.ZipInfo(f"{key}.npy", EPOCH), "w", force_zip64=True) as member:
                npy_format.write_array(member, values, allow_pickle=False)


def _companions(predictions: Predictions, labelled: bool) -> dict[str, npt.NDArray[Any]]:
    """Everything except the scores, by key."""
    found = {"labels": predictions.labels.reshape(predictions.layout)} if labelled else {}
    if predictions.ids is not None:
        found["ids"] = _plain(predictions.ids)
    if predictions.class_names is not None:
        found["class_names"] = np.asarray(predictions.class_names, dtype=str)
    if predictions.ignore_index is not None:
        found["ignore_index"] = np.asarray(predictions.ignore_index)
    return found | {key: _plain(values) for key, values in predictions.columns.items() if key not in found}


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Text objects converted to fixed-width text, so that the array needs no pickle."""
    return values.astype(str) if values.dtype.kind == "O" else values


def _score_blocks(predictions: Predictions) -> Iterator[npt.NDArray[np.float64]]:
    rows = max(1, ROWS_SCORES // predictions.scores.shape[-1])
    for start in range(0, predictions.rows, rows):
        yield np.asarray(predictions.scores[start : min(start + rows, predictions.rows)], np.float64)


def _table_columns(predictions: Predictions, labelled: bool) -> dict[str, list[Any]]:
    """The label, id and slice columns of a table, with one entry per row, as Python values."""
    if len(predictions.layout) > 1:
        raise UsageError(f"{predictions.source.name}: dense scores can only be written as .npz")
    names, labels = predictions.class_names, predictions.labels.tolist()
    columns: dict[str, list[Any]] = {}
    if labelled:
        named = labels if names is None else [names[y] if y != predictions.ignore_index else y for y in labels]
        columns["label"] = named
    if predictions.ids is not None:
        columns["id"] = predictions.ids.tolist()
    return columns | {key: values.tolist() for key, values in predictions.columns.items() if key not in columns}


def _score_names(predictions: Predictions) -> list[str]:
    prefix = PREFIXES[predictions.kind]
    names = predictions.class_names or tuple(str(k) for k in range(predictions.scores.shape[-1]))
    return [f"{prefix}_{name}" for name in names]


def _rows(predictions: Predictions, columns: dict[str, list[Any]]) -> Iterator[tuple[list[float], list[Any]]]:
    """The scores of each row, and its entries in the columns."""
    row = 0
    for block in _score_blocks(predictions):
        for scores in block.tolist():
            yield scores, [values[row] for values in columns.values()]
            row += 1


def _write_table(predictions: Predictions, file: IO[bytes], labelled: bool, delimiter: str) -> None:
    columns = _table_columns(predictions, labelled)
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow([*_score_names(predictions), *columns])
    for scores, others in _rows(predictions, columns):
        writer.writerow([*map(repr, scores), *others])
    text.detach()


def _write_jsonl(predictions: Predictions, file: IO[bytes], labelled: bool) -> None:
    columns = _table_columns(predictions, labelled)
    if labelled:
        columns["label"] = predictions.labels.tolist()  # numbers: the class names are not written
    for scores, others in _rows(predictions, columns):
        row = {predictions.kind: scores, **dict(zip(columns, others, strict=True))}
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _write_parquet(predictions: Predictions, file: IO[bytes], labelled: bool) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except BROKEN_IMPORT as error:
        raise not_importable(error, "writing .parquet", "pyarrow", "parquet") from None
    columns, names = _table_columns(predictions, labelled), _score_names(predictions)
    writer, start = None, 0
    for block in _score_blocks(predictions):
        others = {key: values[start : start + len(block)] for key, values in columns.items()}
        table = pa.table({**{name: block[:, k] for k, name in enumerate(names)}, **others})
        writer = pq.ParquetWriter(file, table.schema) if writer is None else writer
        writer.write_table(table)
        start += len(block)
    if writer is not None:
        writer.close()


WRITERS: dict[str, Callable[[Predictions, IO[bytes], bool], None]] = {
    ".npz": _write_npz,
    ".csv": lambda predictions, file, labelled: _write_table(predictions, file, labelled, ","),
    ".tsv": lambda predictions, file, labelled: _write_table(predictions, file, labelled, "\t"),
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
