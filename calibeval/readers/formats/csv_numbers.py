"""A block of a text table that holds nothing but plain numbers, parsed without pandas, whose import takes far longer.

The compiled parser is used for tables of any size, another one in Python for small ones.

The columns are those that pandas makes of them: whole numbers, or the nearest float64 of decimals. Whatever else a cell
may hold (blanks, quotation marks, nothing, names, infinities, whole numbers from 2^53 on) is left to pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.readers.formats.decimals import POINT
from calibeval.readers.formats.dialect import Dialect
from calibeval.readers.formats.native_numbers import parsed
from calibeval.readers.formats.text import LINE_FEED, LineBlock

MOST_BYTES = 2**24  # of a file: of larger ones, parsing here takes as long as importing pandas and parsing with it
PLAIN = b"0123456789+-.eE"
OF_FRACTIONS = tuple(b".eE")
EXACT = 2.0**53  # whole numbers below are float64


class Numbers:
    """The columns of one block of plain numbers, with the methods of `csv_batch.Batch` that tables need.

    values: (rows, columns). whole: for each column whether its cells are whole numbers. padded: whether one of its
    cells begins with 0 and another digit; None where nobody looked. respelled: as of a `Batch`.
    """

    respelled: frozenset[str] = frozenset()

    def __init__(
        self,
        names: Sequence[str],
        values: Floats,
        whole: npt.NDArray[np.bool_],
        padded: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self._values, self._whole = values, whole
        self.padded = padded

    @classmethod
    def of(cls, block: LineBlock, dialect: Dialect) -> Numbers | None:
        """The columns of a block whose rows have as many cells as the header; None if a cell is not a plain number."""
        if block.inside is not None or dialect.decimal not in (None, POINT):
            return None
        separator = dialect.separator.encode()
        if block.data.translate(None, PLAIN + separator + b"\r\n"):
            return None
        text = block.data.replace(b"\r", b"").rstrip(b"\n")
        try:
            cells = np.array([*map(float, text.replace(b"\n", separator).split(separator))], np.float64)
        except ValueError:
            return None
        values = cells.reshape(len(block.ends), len(dialect.columns))
        fractions = _fractions(text, ord(separator), cells.size).reshape(values.shape)
        if not np.isfinite(values).all() or bool((~fractions & (np.abs(values) >= EXACT)).any()):
            return None
        return cls(dialect.columns, *_with_whole(values, np.logical_not(fractions.any(axis=0, keepdims=False))))

    @classmethod
    def fast(cls, block: LineBlock, dialect: Dialect, module: ModuleType) -> Numbers | None:
        """The same by a compiled parser, which also finds rows of another length, and returns None for them."""
        if block.inside is not None or dialect.decimal not in (None, POINT):
            return None
        found = parsed(module, block.parts, dialect.separator, len(dialect.columns))
        if found is None:
            return None
        return cls(dialect.columns, *_with_whole(found.values, ~found.fractions), found.padded)

    def scores(self, columns: list[str]) -> Floats:
        """Columns of scores as one array."""
        places = [self._places[name] for name in columns]
        if places == [*range(places[0], places[0] + len(places))]:
            return self._values[:, places[0] : places[0] + len(places)]  # no copy: a spool makes one
        return self._values[:, places]

    def plain(self, column: str, _width: int | None, *, as_text: bool) -> npt.NDArray[Any]:  # noqa: ARG002 - as that of a Batch
        """Any other column."""
        place = self._places[column]
        return self._values[:, place].astype(np.int64 if self._whole[place] else np.float64)

    def is_float(self, column: str) -> bool:
        """Whether a column holds numbers with fractions."""
        return not self._whole[self._places[column]]


def _with_whole(values: Floats, whole: npt.NDArray[np.bool_]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Values whose whole columns hold 0 instead of -0, as whole numbers do, and which columns those are."""
    values[:, whole] += 0.0
    return values, whole


def _fractions(text: bytes, separator: int, cells: int) -> npt.NDArray[np.bool_]:
    """For each cell whether it has a point or an exponent."""
    values = np.frombuffer(text, np.uint8)
    places = np.flatnonzero(np.isin(values, OF_FRACTIONS))
    stops = np.flatnonzero((values == separator) | (values == LINE_FEED))
    found = np.zeros(cells, np.bool_)
    found[np.searchsorted(stops, places)] = True
    return found
