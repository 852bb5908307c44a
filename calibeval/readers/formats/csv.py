"""`.csv` and `.tsv`, plain or gzipped: one row per sample, parsed by pandas to the nearest float64 values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.formats.cells import is_list, parse_lists
from calibeval.readers.formats.table import LIST_KEYS, Table
from calibeval.readers.formats.text import LineBlock, Positions, TextSource, line_blocks
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import ID_KEYS, LABEL_KEYS
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, read_from_text

if TYPE_CHECKING:
    import pandas as pd

PADDED = re.compile(r"0[0-9]")
EXACT_BY_DEFAULT = (3, 1)  # the first pandas that converts exactly by default, and deprecates the option for it
LARGEST = 10**308  # a whole number beyond which float64 may not hold it


def read_csv(file: SteadyFile, limits: Limits) -> Contents:
    """The columns of a comma-separated file with a header line.

    `logit_0, logit_1, ...` become one array, `logits`; columns named logit_CLASS also give the class names. A column
    with a usual name for scores whose cells hold lists becomes an array (n, k).
    Raises: InputError for an empty file, lines of different lengths, cells of score columns that are not numbers, text
    that is not UTF-8, or a file that expands beyond the limits.
    """
    return read_table(TextSource.of(file), limits, ",")


def read_tsv(file: SteadyFile, limits: Limits) -> Contents:
    """The columns of a tab-separated file with a header line; see `read_csv`."""
    return read_table(TextSource.of(file), limits, "\t")


def read_table(source: TextSource, limits: Limits, separator: str) -> Contents:
    """The columns of a text table; see `read_csv`.

    If a column has texts after numbers, the table is read again with that column as text, so that "007" is kept. The
    same applies to ids with leading zeros or fractions.
    """
    table = _read(source, limits, separator, as_text=frozenset())
    if table.mixed:
        table = _read(source, limits, separator, as_text=frozenset(table.mixed))
    return Contents(read_from_text(table.arrays()))


def _read(source: TextSource, limits: Limits, separator: str, as_text: frozenset[str]) -> Table:
    blocks = line_blocks(source, limits, quotes=True)
    first = next(blocks, None)
    if first is None:
        raise InputError(f"{source.name}: the file is empty")
    columns = _header(first, source.name, separator)
    table = Table(columns, source.name, limits)
    ids = [i for i, column in enumerate(columns) if column.lower() in ID_KEYS and column not in as_text]
    padded = any(PADDED.match(name) for group in table.groups for name in group.names or ())
    labels = [i for i, column in enumerate(columns) if padded and column.lower() in LABEL_KEYS]
    for block in _bodies(first, blocks):
        ends = _cell_ends(block, len(columns), source.name, separator)
        batch = _Batch(_parsed(block, columns, separator, as_text, source.name), block, source.name, separator)
        table.add(
            {group.key: batch.scores(group.columns) for group in table.groups},
            {column: batch.plain(column, table.width(column)) for column in table.plain},
            len(block.ends),
        )
        table.mixed |= {columns[i] for i in ids if batch.is_float(columns[i])}
        table.mixed |= {columns[i] for i in (*ids, *labels) if _padded(block, ends, i)}
    return table


def _header(block: LineBlock, name: str, separator: str) -> list[str]:
    """The names of the columns."""
    line = block.data[: int(block.ends[0])].rstrip(b"\r").decode("utf-8")
    try:
        columns = [column.strip() for column in next(csv.reader([line], delimiter=separator, strict=True), [])]
    except csv.Error as error:
        raise InputError(f"{name} line 1: the header cannot be read ({error})") from None
    if not columns:
        raise InputError(f"{name} line 1: the line is empty, but the names of the columns are needed")
    other = next((other for other in ";\t,|" if other != separator and other in line), None)
    if len(columns) == 1 and other is not None:
        raise InputError(
            f"{name} line 1: the cells seem to be separated by {other!r}, but this format needs {separator!r}"
        )
    if all(_is_number(column) for column in columns):
        raise InputError(
            f'{name} line 1: the line holds numbers ("{columns[0]}"), but the names of the columns are needed'
        )
    return columns


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _bodies(first: LineBlock, others: Iterator[LineBlock]) -> Iterator[LineBlock]:
    """The blocks without the header."""
    start = int(first.ends[0]) + 1
    if len(first.ends) > 1:
        inside = None if first.inside is None else first.inside[start:]
        yield LineBlock(first.data[start:], first.line_at(start), first.ends[1:] - start, inside)
    yield from others


def _cell_ends(block: LineBlock, columns: int, name: str, separator: str) -> Positions:
    """The end of each cell, (rows, columns).

    Raises: InputError for a row with more or fewer cells than the header.
    """
    marks = np.frombuffer(block.data, np.uint8) == ord(separator)
    if block.inside is not None:
        marks &= ~block.inside
    places = np.flatnonzero(marks)
    before = np.searchsorted(places, block.ends)
    cells = np.diff(before, prepend=0) + 1
    wrong = np.flatnonzero(cells != columns)
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"{name} line {block.line(row)}: the row has {int(cells[row])} cells, but the header has {columns}"
        )
    return np.column_stack([places[: before[-1]].reshape(len(block.ends), columns - 1), block.ends])


def _padded(block: LineBlock, ends: Positions, column: int) -> bool:
    """Whether a cell of the column has a 0 before another digit, as in 007, or is in quotation marks."""
    values = np.frombuffer(block.data, np.uint8)
    starts = ends[:, column - 1] + 1 if column else np.concatenate([[0], ends[:-1, -1] + 1])
    starts = starts[ends[:, column] - starts > 1]
    digits = (values[starts + 1] >= ord("0")) & (values[starts + 1] <= ord("9"))
    return bool((digits & (values[starts] == ord("0")) | (values[starts] == ord('"'))).any())


def _parsed(block: LineBlock, columns: list[str], separator: str, as_text: frozenset[str], name: str) -> pd.DataFrame:
    """The rows of a block; each column gets the narrowest of the types int, float, bool and text."""
    import pandas as pd

    version = tuple(int(part) for part in pd.__version__.split(".")[:2])
    try:
        table = pd.read_csv(
            io.BytesIO(block.data),
            sep=separator,
            header=None,
            names=range(len(columns)),
            index_col=False,
            dtype={i: str for i, column in enumerate(columns) if column in as_text},
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            low_memory=False,
            float_precision=None if version >= EXACT_BY_DEFAULT else "round_trip",
        )
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise InputError(
            f"{name} from line {block.first_line} on: this is not a table ({str(error).strip()})"
        ) from None
    if len(table) != len(block.ends):
        raise InputError(
            f"{name} from line {block.first_line} on: {len(table)} rows were read from {len(block.ends)} lines; "
            "quotation marks must enclose whole cells, and must be doubled inside them"
        )
    table.columns = pd.Index(columns)
    return table


class _Batch:
    """The columns of one parsed block."""

    def __init__(self, table: pd.DataFrame, block: LineBlock, name: str, separator: str) -> None:
        self._table, self._block, self._name, self._separator = table, block, name, separator

    def scores(self, columns: list[str]) -> npt.NDArray[np.float64]:
        """Columns of scores as one array.

        Raises: InputError that names the first cell that is not a number.
        """
        part = self._table[columns]
        if all(dtype.kind in "fiu" for dtype in part.dtypes):
            scores = part.to_numpy(np.float64)
            if np.isfinite(scores).all():
                return scores
            if not np.isnan(scores).any():
                self._refuse_overflow(scores, columns)
                return scores
        column = next(name for name in columns if part[name].dtype.kind not in "fiu" or part[name].isna().any())
        row = self._first_odd(part[column])
        cell = part[column].iloc[row]
        if isinstance(cell, int):
            raise self._too_large(row, column)
        what = "the cell is empty" if _is_empty(cell) else f'"{str(cell)[:40]}" is not a number'
        raise InputError(f"{self._where(row, column)}: {what}")

    def plain(self, column: str, width: int | None) -> npt.NDArray[Any]:
        """Any other column: numbers, bools, texts, or, if its name is a usual one, lists of numbers."""
        values = self._table[column]
        if values.dtype.kind in "fiub":
            return values.to_numpy()
        texts = np.empty(len(values), object)
        texts[:] = [None if _is_empty(cell) else str(cell) for cell in values.tolist()]
        if column.lower() in LIST_KEYS and (width is not None or is_list(texts[0])):
            return parse_lists(texts.tolist(), width, lambda row: self._where(row, column))
        return texts

    def is_float(self, column: str) -> bool:
        """Whether a column holds numbers with fractions."""
        return bool(self._table[column].dtype.kind == "f")

    def _refuse_overflow(self, scores: npt.NDArray[np.float64], columns: list[str]) -> None:
        """Refuse infinities that are written as decimals: -1e500 is not the -inf of a masked class."""
        for row, place in np.argwhere(np.isinf(scores)).tolist():
            if re.search("[0-9]", self._written(row, columns[place])):
                raise self._too_large(row, columns[place])

    def _written(self, row: int, column: str) -> str:
        """A cell as it is written."""
        ends = self._block.ends
        line = self._block.data[int(ends[row - 1]) + 1 if row else 0 : int(ends[row])].decode()
        return next(csv.reader([line], delimiter=self._separator))[[*self._table.columns].index(column)]

    def _too_large(self, row: int, column: str) -> InputError:
        return InputError(f"{self._where(row, column)}: the number is too large for float64")

    def _first_odd(self, values: pd.Series[Any]) -> int:
        import pandas as pd

        for row, cell in enumerate(values.tolist()):
            if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) > LARGEST:
                return row
        odd = np.flatnonzero(pd.to_numeric(values.astype(object), errors="coerce").isna().to_numpy())
        return int(odd[0]) if len(odd) else 0

    def _where(self, row: int, column: str) -> str:
        return f'{self._name} line {self._block.line(row)}, column "{column}"'


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124 - NaN marks an empty cell
