"""A parsed block of a text table: its score columns as one array, and each other column by the kind of its cells."""

from __future__ import annotations

import csv
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.formats.cells import is_list, parse_lists
from calibeval.readers.formats.decimals import about_decimals, as_number, as_numbers
from calibeval.readers.formats.dialect import Dialect
from calibeval.readers.formats.table import LIST_KEYS
from calibeval.readers.formats.text import LineBlock

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 10**308  # a whole number beyond which float64 may not hold it
TRUTH = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


class Batch:
    """The columns of one parsed block."""

    def __init__(self, table: pd.DataFrame, block: LineBlock, name: str, dialect: Dialect) -> None:
        self._table, self._block, self._name, self._dialect = table, block, name, dialect

    def scores(self, columns: list[str]) -> npt.NDArray[np.float64]:
        """Columns of scores as one array.

        Raises: InputError that names the first cell that is not a number.
        """
        part = self._with_thousands(self._table[columns])
        if all(dtype.kind in "fiu" for dtype in part.dtypes):
            scores = part.to_numpy(np.float64)
            if np.isfinite(scores).all():
                return scores
            if not np.isnan(scores).any():
                self._refuse_overflow(scores, columns)
                return scores
        column = next(name for name in columns if part[name].dtype.kind not in "fiu" or part[name].isna().any())
        row = self._first_odd(part[column].tolist())
        cell = part[column].iloc[row]
        if isinstance(cell, int):
            raise self._too_large(row, column)
        what = "the cell is empty"
        if not _is_empty(cell):
            what = f'"{str(cell)[:40]}" is not a number{about_decimals(str(cell).strip(), self._dialect.decimal)}'
        raise InputError(f"{self._where(row, column)}: {what}")

    def _with_thousands(self, part: pd.DataFrame) -> pd.DataFrame:
        """Columns in which numbers with separated thousands are numbers, if the user said what begins the decimals."""
        decimal = self._dialect.decimal
        if decimal is None:
            return part
        part = part.copy()
        for column in part:
            if part[column].dtype.kind not in "fiub":
                numbers = [as_number(str(cell).strip(), decimal) for cell in part[column].tolist()]
                if None not in numbers:
                    part[column] = np.array(numbers, np.float64)
        return part

    def plain(self, column: str, width: int | None, *, as_text: bool) -> npt.NDArray[Any]:
        """Any other column: numbers, bools, texts, or, if its name is a usual one, lists of numbers.

        as_text: whether its cells stay as they are written.
        """
        values = self._table[column]
        if values.dtype.kind in "fiub":
            return values.to_numpy()
        cells = [None if _is_empty(cell) else str(cell) for cell in values.tolist()]
        if column.lower() in LIST_KEYS and (width is not None or is_list(cells[0])):
            return parse_lists(cells, width, lambda row: self._where(row, column), self._dialect.decimal)
        found = None if as_text else self._numbers_or_truths(cells)
        if found is not None:
            return found
        texts = np.empty(len(cells), object)
        texts[:] = cells
        return texts

    def _numbers_or_truths(self, cells: list[str | None]) -> npt.NDArray[Any] | None:
        """Cells that are truth values with blanks around, or numbers with separated thousands; None for others."""
        first = (cells[0] or "").strip()
        if first in TRUTH:
            truths = [TRUTH.get((cell or "").strip()) for cell in cells]
            return None if None in truths else np.array(truths, np.bool_)
        if self._dialect.decimal is None:
            return None
        return as_numbers([None if cell is None else cell.strip() for cell in cells], self._dialect.decimal)

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
        return next(csv.reader([line], delimiter=self._dialect.separator, skipinitialspace=True))[
            [*self._table.columns].index(column)
        ]

    def _too_large(self, row: int, column: str) -> InputError:
        return InputError(f"{self._where(row, column)}: the number is too large for float64")

    @staticmethod
    def _first_odd(cells: list[Any]) -> int:
        for row, cell in enumerate(cells):
            if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) > LARGEST:
                return row
            try:
                odd = math.isnan(float(cell)) or "_" in str(cell)
            except (TypeError, ValueError):
                odd = True
            if odd:
                return row
        return 0

    def _where(self, row: int, column: str) -> str:
        return f'{self._name} line {self._block.line(row)}, column "{column}"'


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124 - NaN marks an empty cell
