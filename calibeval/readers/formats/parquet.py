"""`.parquet`: numbered or named score columns, or one column of lists, read in batches of rows (extra `parquet`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import BROKEN_IMPORT, CalibevalError, InputError, first_line, not_importable
from calibeval.readers.formats.arrow_values import lengths, numbers, texts
from calibeval.readers.formats.groups import best_columns, check_groups, score_columns
from calibeval.readers.formats.metadata import with_facts
from calibeval.readers.formats.table import Table, check_names, stacked
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import types
except BROKEN_IMPORT as error:
    raise not_importable(error, "reading .parquet", "pyarrow", "parquet") from None

BATCH_VALUES = 2**19
MOST_ROWS = 2**16  # of a batch
LARGE = 2**20  # bytes of a file from which on its rows get their place before they are read
AS_DOUBLE = "Write it as double."
# A vector of Spark: the values of a dense one (type 1) are all its numbers.
VECTORS = [
    pa.struct(
        [
            pa.field("type", pa.int8(), nullable=False),
            pa.field("size", pa.int32()),
            pa.field("indices", pa.list_(pa.field(name, pa.int32(), nullable=False))),
            pa.field("values", pa.list_(pa.field(name, pa.float64(), nullable=False))),
        ]
    )
    for name in ("element", "item")
]
DENSE = 1
LISTS = {"list", "vector"}

T = TypeVar("T")


def read_parquet(file: SteadyFile, limits: Limits) -> Contents:
    """The columns of a file; `logit_0, logit_1, ...` become one array, `logits`, and lists an array (n, k).

    Each column is read only when it is used.
    Raises: InputError for a damaged file, empty scores, lists of different lengths, or scores of unsupported types.
    """
    return guarded(file, ".parquet", lambda: _ParquetFile(file, limits).contents())


def guarded(file: SteadyFile, what: str, work: Callable[[], T]) -> T:
    """What the work on a file returns, with pyarrow's errors in our words. what: the file should be.

    Raises: InputError for a file that pyarrow cannot read, or that has changed.
    """
    try:
        found = work()
    except CalibevalError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise InputError(f"{file.name}: not a {what} file, or damaged ({first_line(error)})") from None
    except (pa.ArrowException, ValueError, TypeError, LookupError, OverflowError, StopIteration) as error:
        raise InputError(f"{file.name}: not a {what} file, or damaged ({first_line(error)})") from None
    file.check()
    return found


class ColumnFile:
    """A file of columns with the types of Arrow, of which each is read only when it is used."""

    what = ""

    def __init__(self, file: SteadyFile, limits: Limits) -> None:
        self._steady, self._limits, self._name = file, limits, file.name
        self._schema, self._rows = self._about()
        if self._rows < 1:
            raise InputError(f"{self._name}: there are no rows")
        self._columns: list[str] = list(self._schema.names)
        check_names(self._columns, self._name)
        self._kinds = {field.name: self._kind(field) for field in self._schema}
        self._groups = score_columns(self._columns, self._name)
        self._scores = {column for group in self._groups for column in group.columns}

    def contents(self) -> Contents:
        """All columns, of which none is read yet."""
        plain = [column for column in self._columns if column not in self._scores]
        widths = {column: self._width(column) for column in plain if self._kinds[column] in LISTS}
        check_groups(self._groups, plain, widths, self._name)
        arrays: dict[str, Stored] = {}
        for group in self._groups:
            shape = (self._rows, len(group.columns))
            odd = next((column for column in group.columns if self._kinds[column] != "number"), None)
            if odd is not None:
                held = self._schema.field(odd).type
                hint = f". {AS_DOUBLE}" if types.is_decimal(held) else ""
                why = f'{self._name}: column "{odd}" holds {held}, but a score is needed{hint}'
                arrays[group.key] = group.marked(Stored.left(shape, "mixed values", why))
                continue
            arrays[group.key] = group.marked(
                Stored(
                    shape, self._score_type(), self._loader(group.key, group.columns, grouped=True), origin=group.origin
                )
            )
            arrays |= group.class_names()
        for key, told in best_columns(self._columns, self._name).items():
            arrays[key] = Stored.left((self._rows,), *told)
        for column in plain:
            load, place = self._loader(column, [column]), f'{self._name}: column "{column}"'
            kind = self._kinds[column]
            if kind == "other":
                arrays[column] = Stored.refused((self._rows,), np.dtype(object), place, self._why_unread(column))
            else:
                width = (widths[column],) if kind in LISTS else ()
                arrays[column] = Stored((self._rows, *width), self._type(column), load)
        return Contents(with_facts(arrays, self._schema.metadata, self._name))

    def _loader(self, key: str, columns: Sequence[str], *, grouped: bool = False) -> Callable[[], RowSource]:
        def load() -> RowSource:
            return self._read(columns, grouped=grouped)[key].load()

        return lambda: guarded(self._steady, self.what, load)

    def _read(self, columns: Sequence[str], *, grouped: bool) -> dict[str, Stored]:
        """Some columns, batch by batch."""
        values = sum(self._width(column) if self._kinds[column] in LISTS else 1 for column in columns)
        self._limits.check_expansion(self._name, 8 * values * self._rows, size=self._steady.size)
        table, dtype = Table(columns, self._name, self._limits, grouped=grouped), self._score_type()
        size = min(MOST_ROWS, max(1, BATCH_VALUES // values))
        table.expected = self._rows if self._steady.size >= LARGE else 0
        known: dict[str, int] = {}
        for batch in self._batches(columns, size):
            arrays = {
                column: self._array(column, batch.column(i), table.rows, known) for i, column in enumerate(columns)
            }
            scores = {g.key: stacked([arrays.pop(column) for column in g.columns], dtype) for g in table.groups}
            table.add(scores, arrays, batch.num_rows)
        if table.rows != self._rows:
            raise InputError(
                f"{self._name}: the file holds {table.rows} rows, but its metadata says {self._rows}: it is damaged"
            )
        return table.arrays()

    def _about(self) -> tuple[Any, int]:
        """The schema, and the number of rows."""
        raise NotImplementedError

    def _batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Some columns in batches of at most so many rows."""
        raise NotImplementedError

    def _width(self, column: str) -> int:
        """The length of the lists in a column; lists of variable length count as long as the first."""
        kind = self._schema.field(column).type
        if types.is_fixed_size_list(kind):
            return max(int(kind.list_size), 1)
        first = next(self._batches([column], 1)).column(0)
        values = first.field("values") if self._kinds[column] == "vector" else first
        return max(int(lengths(values)[0]), 1)

    def _score_type(self) -> np.dtype[Any]:
        found = {np.dtype(self._held(column).to_pandas_dtype()) for column in self._scores}
        only = found.pop() if len(found) == 1 else np.dtype(np.float64)
        return only if only.kind == "f" else np.dtype(np.float64)

    def _held(self, column: str) -> Any:
        """The type of a column's values, which may be kept in a dictionary."""
        kind = self._schema.field(column).type
        return kind.value_type if types.is_dictionary(kind) else kind

    def _type(self, column: str) -> np.dtype[Any]:
        """The type that a column's array will have, unless cells are empty."""
        kind, held = self._kinds[column], self._held(column)
        if kind in {"text", "time"}:
            return np.dtype(object)
        if kind in {"null", "vector"}:
            return np.dtype(np.float64)
        held = held.value_type if kind == "list" else held
        found: np.dtype[Any] = np.dtype(held.to_pandas_dtype())
        return found

    def _why_unread(self, column: str) -> str:
        held = self._schema.field(column).type
        hint = f". {AS_DOUBLE}" if types.is_decimal(held) else ""
        return f"{held}, but numbers, texts or flat lists of numbers are needed{hint}"

    def _kind(self, field: Any) -> str:
        """The kind of a column's values: number, bool, text, time, null, list, vector, or other: never read."""
        held = field.type.value_type if types.is_dictionary(field.type) else field.type
        if types.is_integer(held) or types.is_floating(held):
            return "number"
        if types.is_string(held) or types.is_large_string(held) or types.is_string_view(held):
            return "text"
        for kind, test in {"bool": types.is_boolean, "time": types.is_temporal, "null": types.is_null}.items():
            if test(held):
                return kind
        listed = types.is_list(held) or types.is_large_list(held) or types.is_fixed_size_list(held)
        if listed and (types.is_integer(held.value_type) or types.is_floating(held.value_type)):
            return "list"
        return "vector" if field.type in VECTORS else "other"

    def _array(self, column: str, values: Any, first_row: int, known: dict[str, int]) -> npt.NDArray[Any]:
        """A column of a batch; known: the lengths of the lists in each column so far.

        Raises: InputError that names the first row without a score.
        """
        kind = self._kinds[column]
        if values.null_count and (kind in LISTS or column in self._scores):
            row = first_row + int(np.flatnonzero(np.asarray(values.is_null()))[0])
            raise InputError(f'{self._name} row {row}, column "{column}": the cell is empty (null)')
        if kind == "vector":
            values = self._dense(column, values, first_row)
        if kind in LISTS:
            return self._lists(column, values, first_row, known)
        if kind in {"text", "time"}:
            return texts(values)
        if kind == "null":
            return np.full(len(values), np.nan)
        if hasattr(values, "dictionary_decode"):
            values = values.dictionary_decode()
        if kind == "bool" and values.null_count:
            values = values.cast(pa.float64())  # an empty cell is NaN, as among numbers
        return numbers(values)

    def _dense(self, column: str, vectors: Any, first_row: int) -> Any:
        """The lists of numbers of vectors."""
        sparse = np.flatnonzero(numbers(vectors.field("type")) != DENSE)
        if len(sparse) or vectors.field("values").null_count:
            row = first_row + (int(sparse[0]) if len(sparse) else 0)
            raise InputError(
                f'{self._name} row {row}, column "{column}": a sparse vector of Spark; vector_to_array makes it dense'
            )
        return vectors.field("values")

    def _lists(self, column: str, values: Any, first_row: int, known: dict[str, int]) -> npt.NDArray[Any]:
        found = lengths(values)
        length = known.setdefault(column, int(found[0]))
        wrong = np.flatnonzero(found != length)
        if length < 1:
            raise InputError(f'{self._name} row {first_row}, column "{column}": the list is empty')
        if len(wrong):
            row = int(wrong[0])
            raise InputError(
                f'{self._name} row {first_row + row}, column "{column}": the list has {int(found[row])} numbers, '
                f"but the first row has {length}"
            )
        flat = values.flatten()
        if flat.null_count:
            at = int(np.flatnonzero(np.asarray(flat.is_null()))[0])
            raise InputError(
                f'{self._name} row {first_row + at // length}, column "{column}": number {at % length} is empty (null)'
            )
        return numbers(flat).reshape(-1, length)


class _ParquetFile(ColumnFile):
    """A .parquet file. The metadata of single columns is not used: pyarrow aborts the process if it is damaged."""

    what = ".parquet"

    _metadata: Any = None  # of the file, once it is read: that of thousands of columns takes long

    def _about(self) -> tuple[Any, int]:
        with self._open([]) as opened:
            self._metadata = opened.metadata
            return opened.schema_arrow, opened.metadata.num_rows

    def _open(self, texts: Sequence[str]) -> Any:
        """The file, with its text columns as dictionaries, so that each different text is held only once."""
        source, known = self._steady.for_library(), self._metadata
        return pq.ParquetFile(source, metadata=known, read_dictionary=list(texts), page_checksum_verification=True)

    def _batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        with self._open([column for column in columns if self._kinds[column] == "text"]) as file:
            for batch in file.iter_batches(rows, columns=list(columns), use_threads=False):
                if batch.schema.names != list(columns):
                    raise InputError(f"{self._name}: a batch has columns {batch.schema.names}: the file is damaged")
                if batch.num_rows:
                    yield batch
