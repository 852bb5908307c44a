"""`.parquet`: numbered or named score columns, or one column of lists, read in batches of rows (extra `parquet`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import BROKEN_IMPORT, CalibevalError, InputError, not_importable
from calibeval.readers.formats.table import Table, check_names, score_columns, stacked
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.stored import Contents

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    from pyarrow import types
except BROKEN_IMPORT as error:
    raise not_importable(error, "reading .parquet", "pyarrow", "parquet") from None

BATCH_VALUES = 2**19
MOST_ROWS = 2**16  # of a batch


def read_parquet(path: Path, limits: Limits) -> Contents:
    """The columns of a file; `logit_0, logit_1, ...` become one array, `logits`, and lists an array (n, k).

    Raises: InputError for a damaged file, empty scores, lists of different lengths, or unsupported types.
    """
    try:
        return _File(path, limits).contents()
    except CalibevalError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise InputError(f"{path.name}: not a .parquet file, or damaged ({_short(error)})") from None
    except (pa.ArrowException, ValueError, TypeError, LookupError, OverflowError, StopIteration) as error:
        raise InputError(f"{path.name}: not a .parquet file, or damaged ({_short(error)})") from None


def _short(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__


class _File:
    """One open file."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits, self._name = path, limits, path.name
        with self._open([]) as file:
            self._schema, self._metadata = file.schema_arrow, file.metadata
        self._columns: list[str] = list(self._schema.names)
        check_names(self._columns, self._name)
        self._kinds = {field.name: self._kind(field) for field in self._schema}
        self._scores = {column for group in score_columns(self._columns, self._name) for column in group.columns}
        self._lengths: dict[str, int] = {}
        for column in self._scores:
            if self._kinds[column] != "number":
                kind = self._schema.field(column).type
                raise InputError(f'{self._name}: column "{column}" holds {kind}, but a score is needed')

    def contents(self) -> Contents:
        """All columns."""
        rows = self._metadata.num_rows
        if rows < 1:
            raise InputError(f"{self._name}: there are no rows")
        values = self._values_of_a_row()
        self._limits.check_expansion(self._name, 8 * values * rows, size=self._path.stat().st_size)
        table, dtype = Table(self._columns, self._name, self._limits), self._score_type()
        texts = [column for column, kind in self._kinds.items() if kind == "text"]
        size = min(MOST_ROWS, max(1, BATCH_VALUES // values))
        with self._open(texts) as file:
            for batch in self._batches(file, size):
                arrays = {
                    column: self._array(column, batch.column(i), table.rows) for i, column in enumerate(self._columns)
                }
                scores = {g.key: stacked([arrays.pop(column) for column in g.columns], dtype) for g in table.groups}
                table.add(scores, arrays, batch.num_rows)
        if table.rows != rows:
            raise InputError(
                f"{self._name}: the file holds {table.rows} rows, but its metadata says {rows}: the file is damaged"
            )
        return Contents(table.arrays())

    def _open(self, texts: list[str]) -> Any:
        """The file, with its text columns as dictionaries, so that each different text is held only once."""
        return pq.ParquetFile(self._path, read_dictionary=texts, page_checksum_verification=True)

    def _batches(self, file: Any, rows: int) -> Iterator[Any]:
        for batch in file.iter_batches(rows, use_threads=False):
            if batch.num_columns != len(self._columns):
                raise InputError(f"{self._name}: a batch has {batch.num_columns} columns: the file is damaged")
            if batch.num_rows:
                yield batch

    def _values_of_a_row(self) -> int:
        """Number of values in a row; lists of variable length count as long as the first.

        The metadata of single columns is not used, since pyarrow aborts the process if it is damaged.
        """
        lists = [column for column, kind in self._kinds.items() if kind == "list"]
        total = len(self._columns) - len(lists)
        with self._open([]) as file:
            for column in lists:
                kind = self._schema.field(column).type
                if types.is_fixed_size_list(kind):
                    total += max(kind.list_size, 1)
                else:
                    first = next(file.iter_batches(1, columns=[column], use_threads=False)).column(0)
                    total += max(pc.list_value_length(first)[0].as_py() or 1, 1)
        return total

    def _score_type(self) -> np.dtype[Any]:
        types = {np.dtype(self._schema.field(column).type.to_pandas_dtype()) for column in self._scores}
        only = types.pop() if len(types) == 1 else np.dtype(np.float64)
        return only if only.kind == "f" else np.dtype(np.float64)

    def _kind(self, field: Any) -> str:
        """The kind of a column's values: number, bool, text, time, null or list."""
        held = field.type.value_type if types.is_dictionary(field.type) else field.type
        if types.is_integer(held) or types.is_floating(held):
            return "number"
        if types.is_string(held) or types.is_large_string(held):
            return "text"
        for kind, test in {"bool": types.is_boolean, "time": types.is_temporal, "null": types.is_null}.items():
            if test(held):
                return kind
        listed = types.is_list(held) or types.is_large_list(held) or types.is_fixed_size_list(held)
        if listed and (types.is_integer(held.value_type) or types.is_floating(held.value_type)):
            return "list"
        hint = " Write it as double." if types.is_decimal(held) else " Write the dump without it."
        raise InputError(
            f'{self._name}: column "{field.name}" holds {field.type}, '
            f"but numbers, texts or flat lists of numbers are needed.{hint}"
        )

    def _array(self, column: str, values: Any, first_row: int) -> npt.NDArray[Any]:
        """A column of a batch.

        Raises: InputError that names the first row without a score.
        """
        kind = self._kinds[column]
        if values.null_count and (kind in {"bool", "list"} or column in self._scores):
            row = first_row + int(np.flatnonzero(np.asarray(values.is_null()))[0])
            raise InputError(f'{self._name} row {row}, column "{column}": the cell is empty (null)')
        if kind == "list":
            return self._lists(column, values, first_row)
        if kind in {"text", "time"}:
            return self._texts(values)
        if kind == "null":
            return np.full(len(values), np.nan)
        if hasattr(values, "dictionary_decode"):
            values = values.dictionary_decode()
        return np.asarray(values.to_numpy(zero_copy_only=False))

    def _texts(self, values: Any) -> npt.NDArray[np.object_]:
        """Texts; equal ones are the same Python object."""
        if not isinstance(values, pa.DictionaryArray):
            values = values.cast(pa.string()).dictionary_encode()
        index = values.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        used, place = np.unique(index, return_inverse=True)
        texts = np.empty(len(used), object)
        texts[:] = [None if i < 0 else values.dictionary[i].as_py() for i in used.tolist()]
        return np.asarray(texts[place])

    def _lists(self, column: str, values: Any, first_row: int) -> npt.NDArray[Any]:
        lengths = np.asarray(pc.list_value_length(values))
        length = self._lengths.setdefault(column, int(lengths[0]))
        wrong = np.flatnonzero(lengths != length)
        if length < 1:
            raise InputError(f'{self._name} row {first_row}, column "{column}": the list is empty')
        if len(wrong):
            row = int(wrong[0])
            raise InputError(
                f'{self._name} row {first_row + row}, column "{column}": the list has {int(lengths[row])} numbers, '
                f"but the first row has {length}"
            )
        flat = values.flatten()
        if flat.null_count:
            at = int(np.flatnonzero(np.asarray(flat.is_null()))[0])
            raise InputError(
                f'{self._name} row {first_row + at // length}, column "{column}": number {at % length} is empty (null)'
            )
        return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(-1, length)
