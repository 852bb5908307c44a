"""`.csv`, `.tsv`, `.jsonl` and `.parquet`: one row per sample."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from calibeval.core.errors import BROKEN_IMPORT, first_line, not_importable
from calibeval.writers.sheet import Array, CannotHold, Sheet, plain

PREFIXES = {"logits": "logit", "probs": "prob", "log_probs": "log_prob"}
CLASS_NAMES, IGNORE_INDEX = "class_names", "ignore_index"


def write_csv(sheet: Sheet, file: IO[bytes], *, named: bool = True, delimiter: str = ",") -> None:
    """A header line, then one line per row; NaN is an empty cell.

    named: whether the names of score columns contain the class names.
    Raises: CannotHold for dense scores.
    """
    _check_rows(sheet)
    if sheet.class_names is not None and not named:
        raise CannotHold("the classes have names")
    columns = {name: _cells(plain(name, values)) for name, values in sheet.columns.items()}
    header = [_cell(name, delimiter) for name in (*_score_names(sheet, named=named), *columns)]
    file.write(delimiter.join(header).encode() + b"\n")
    for scores, others in _rows(sheet, columns):
        cells = (_cell(str(value), delimiter) for value in others)
        file.write(delimiter.join([*map(repr, scores), *cells]).encode() + b"\n")


def write_jsonl(sheet: Sheet, file: IO[bytes]) -> None:
    """One object per row; the first one also holds the facts about all rows.

    Raises: CannotHold for dense scores, and infinite numbers.
    """
    _check_rows(sheet)
    columns = {name: _json_values(name, plain(name, values)) for name, values in sheet.columns.items()}
    facts: dict[str, Any] = {}
    if sheet.class_names is not None:
        facts[CLASS_NAMES] = list(sheet.class_names)
    if sheet.ignore_index is not None:
        facts[IGNORE_INDEX] = int(sheet.ignore_index)
    for name in (*facts, sheet.kind):
        if name in columns:
            raise CannotHold(f'there is a column "{name}", which would be read as something other than a column')
    for scores, others in _rows(sheet, columns):
        plain_scores = scores if len(sheet.shape) > 1 else scores[0]
        row = {sheet.kind: plain_scores, **dict(zip(columns, others, strict=True)), **facts}
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        facts = {}


def write_parquet(sheet: Sheet, file: IO[bytes], *, named: bool = True) -> None:
    """One column per class; the ignored label is in the metadata, and so are class names unless `named`.

    named: whether the names of score columns contain the class names.
    Raises: CannotHold for dense scores, and types that parquet lacks; UsageError without pyarrow.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except BROKEN_IMPORT as error:
        raise not_importable(error, "writing .parquet", "pyarrow", "parquet") from None
    _check_rows(sheet)
    facts = {}
    if sheet.class_names is not None:
        facts[CLASS_NAMES] = json.dumps(sheet.class_names, ensure_ascii=False)
    if sheet.ignore_index is not None:
        facts[IGNORE_INDEX] = str(sheet.ignore_index)
    names = _score_names(sheet, named=named)
    columns = {name: plain(name, values) for name, values in sheet.columns.items()}
    if len({*names, *columns}) < len(names) + len(columns):
        raise CannotHold("two columns would have the same name")
    writer, start = None, 0
    try:
        for block in sheet.blocks():
            scores = block if block.ndim > 1 else block[:, None]
            rest = {key: _arrow(pa, values[start : start + len(block)]) for key, values in columns.items()}
            table = pa.table({**{name: scores[:, i] for i, name in enumerate(names)}, **rest})
            if writer is None:
                schema = table.schema.with_metadata(facts) if facts else table.schema
                writer = pq.ParquetWriter(file, schema)
            writer.write_table(table.replace_schema_metadata(facts or None))
            start += len(block)
    except (pa.ArrowException, OverflowError) as error:
        raise CannotHold(first_line(error)) from None
    finally:
        if writer is not None:
            writer.close()


def _arrow(pa: Any, values: Array) -> Any:
    """A column as an arrow array; text always has the same type."""
    return pa.array(values.tolist(), pa.string()) if values.dtype.kind in "OU" else pa.array(values)


def _check_rows(sheet: Sheet) -> None:
    if sheet.dense:
        raise CannotHold("the scores are dense")


def _score_names(sheet: Sheet, *, named: bool) -> list[str]:
    """The names of the columns of scores."""
    if len(sheet.shape) == 1:
        return [sheet.kind]
    prefix = PREFIXES[sheet.kind]
    names = sheet.class_names if named else None
    return [f"{prefix}_{name}" for name in names or map(str, range(sheet.shape[-1]))]


def _rows(sheet: Sheet, columns: dict[str, list[Any]]) -> Iterator[tuple[list[float], tuple[Any, ...]]]:
    """The scores of each row, and its entries in the columns."""
    others = zip(*columns.values(), strict=True) if columns else iter(lambda: (), None)
    for block in sheet.blocks():
        for scores in _numbers(block if block.ndim > 1 else block[:, None]):
            yield scores, next(others)


def _numbers(block: Array) -> list[list[float]]:
    """The scores of a block as Python's numbers, of which the shortest form is that of their type."""
    if block.dtype.itemsize == 8:
        return list(block.tolist())
    return [[float(text) for text in row] for row in block.astype(str).tolist()]


def _cell(text: str, delimiter: str) -> str:
    """A text as a cell, in quotation marks if it holds a character that would end the cell."""
    if delimiter in text or '"' in text or "\n" in text or "\r" in text:
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def _cells(values: Array) -> list[Any]:
    """The entries of a column as cells of a text table: numbers in the shortest form that their type needs."""
    if values.dtype.kind != "f":
        return list(values.tolist())
    texts = values.astype(str).tolist()
    return ["" if text == "nan" else text for text in texts]


def _json_values(name: str, values: Array) -> list[Any]:
    """The entries of a column as JSON values; NaN is null."""
    if values.dtype.kind != "f":
        return list(values.tolist())
    if np.isinf(values).any():
        raise CannotHold(f'column "{name}" holds infinite numbers')
    numbers = (float(text) for text in values.astype(str).tolist())
    return [None if math.isnan(number) else number for number in numbers]
