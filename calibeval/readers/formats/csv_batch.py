"""A parsed block of a text table: its score columns as one array, and each other column by the kind of its cells."""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.formats.cells import is_list, parse_lists
from calibeval.readers.formats.decimals import COMMA, POINT, about_decimals, as_number, as_numbers
from calibeval.readers.formats.dialect import Dialect
from calibeval.readers.formats.table import LIST_KEYS, NO_LISTS
from calibeval.readers.formats.text import LineBlock

if TYPE_CHECKING:
    import pandas as pd

NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?)", re.IGNORECASE | re.ASCII
)  # as pandas knows them: float() also reads other digits, blanks of other kinds, and 1_000
BLANKS = " \t\n\v\f\r"  # around a number
LARGEST = 10**308  # a whole number beyond which float64 may not hold it
TRUTH = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


class Batch:
    """The columns of one parsed block.

    respelled: columns of texts in which true has become True, because all other cells are empty.
    """

    def __init__(self, table: pd.DataFrame, block: LineBlock, name: str, dialect: Dialect) -> None:
        self.respelled: set[str] = set()
        self._table, self._block, self._name, self._dialect = table, block, name, dialect

    def scores(self, columns: list[str]) -> npt.NDArray[np.float64]:
        """Columns of scores as one array.

        Raises: InputError that names the first cell that is not a number, row by row.
        """
        part = self._with_numbers(self._table[columns])
        if all(dtype.kind in "fiu" for dtype in part.dtypes):
            scores = part.to_numpy(np.float64)
            if np.isfinite(scores).all():
                return scores
            if not np.isnan(scores).any() and next(self._too_large(part), None) is None:
                return scores
        raise self._refusal(part)

    def _with_numbers(self, part: pd.DataFrame) -> pd.DataFrame:
        """Columns of texts that are all numbers become numbers: with separated thousands, or of very many digits."""
        for column in part:
            if part[column].dtype.kind not in "fiub":
                numbers = [self._number(cell) for cell in part[column].tolist()]
                if None not in numbers:
                    part = part.copy(deep=False)
                    part[column] = np.array(numbers, np.float64)
        return part

    def _number(self, cell: object) -> float | None:
        """A cell as the number that it is, or None; beyond float64 it is infinite."""
        if isinstance(cell, int) and not isinstance(cell, bool):
            return float(cell) if abs(cell) <= LARGEST else math.inf if cell > 0 else -math.inf
        if not isinstance(cell, str):
            return None
        decimal, text = self._dialect.decimal, cell.strip(BLANKS)
        plain = text if decimal != COMMA else "" if POINT in text else text.replace(COMMA, POINT)
        if NUMBER.fullmatch(plain):
            return float(plain)
        return None if decimal is None else as_number(text.strip(), decimal)

    def _too_large(self, part: pd.DataFrame) -> Iterator[tuple[int, int]]:
        """Row and place of each infinity that is written as decimals: -1e500 is not the -inf of a masked class."""
        places = [place for place, dtype in enumerate(part.dtypes) if dtype.kind == "f"]
        for row, i in np.argwhere(np.isinf(part.iloc[:, places].to_numpy(np.float64))).tolist():
            if re.search("[0-9]", self._written(row, part.columns[places[i]])):
                yield row, places[i]

    def _refusal(self, part: pd.DataFrame) -> InputError:
        """What to say about the first cell that is no score."""
        columns = [str(column) for column in part.columns]
        firsts = [(self._first_odd(part[column]), place) for place, column in enumerate(columns)]
        odd = [(row, place) for row, place in firsts if row is not None]
        rows = min(odd)[0] + 1 if odd else len(part)
        odd += itertools.islice(self._too_large(part[:rows]), 1)
        if not odd:
            name = next(one for one in columns if part[one].dtype.kind not in "fiu")
            where = f'{self._name} from line {self._block.first_line} on, column "{name}"'
            return InputError(f"{where}: a cell is not a number")
        row, place = min(odd)
        column = columns[place]
        cell = part[column].tolist()[row]
        if isinstance(cell, bool) or _is_empty(cell):
            cell = self._written(row, column).strip()
        if isinstance(cell, float) or self._number(cell) is not None:
            what = "the number is too large for float64"
        elif cell == "":
            what = "the cell is empty"
        else:
            what = f'"{str(cell)[:40]}" is not a number{about_decimals(str(cell).strip(), self._dialect.decimal)}'
        return InputError(f"{self._where(row, column)}: {what}")

    def _first_odd(self, values: pd.Series[Any]) -> int | None:
        """The first row whose cell is empty or no number that float64 holds, but for infinities in place of numbers."""
        if values.dtype.kind in "fiu":
            missing = values.isna().to_numpy()
            return int(missing.argmax()) if missing.any() else None
        for row, cell in enumerate(values.tolist()):
            number = self._number(cell)
            if number is None or (math.isinf(number) and (isinstance(cell, int) or re.search("[0-9]", str(cell)))):
                return row
        return None

    def plain(self, column: str, width: int | None, *, as_text: bool) -> npt.NDArray[Any]:
        """Any other column: numbers, bools, texts, or, if its name is a usual one, lists of numbers.

        width: see `Table.width`. as_text: whether its cells stay as they are written.
        """
        values = self._table[column]
        if values.dtype.kind in "fiub":
            return values.to_numpy()
        held = values.tolist()
        if any(isinstance(cell, bool) for cell in held):
            self.respelled.add(column)
        cells = [None if _is_empty(cell) else str(cell) for cell in held]
        if column.lower() in LIST_KEYS and (width != NO_LISTS if width is not None else is_list(cells[0])):
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

    def _written(self, row: int, column: str) -> str:
        """A cell as it is written; in a table of one column, that of an empty line is empty."""
        ends = self._block.ends
        line = self._block.data[int(ends[row - 1]) + 1 if row else 0 : int(ends[row])].decode()
        cells = next(csv.reader([line], delimiter=self._dialect.separator, skipinitialspace=True), [])
        return cells[[*self._table.columns].index(column)] if cells else ""

    def _where(self, row: int, column: str) -> str:
        return f'{self._name} line {self._block.line(row)}, column "{column}"'


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124 - NaN marks an empty cell
