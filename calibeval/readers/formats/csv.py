"""`.csv` and `.tsv`, plain or gzipped: one row per sample, parsed to the nearest float64 values.

Tables of plain numbers are parsed by the compiled kernel, if it was built. Pandas parses the others; small files of
plain numbers do not wait for it. Blocks of large files are parsed in threads.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.core.sums.threads import in_order, processors
from calibeval.readers.formats.csv_batch import Batch
from calibeval.readers.formats.csv_numbers import MOST_BYTES, Numbers
from calibeval.readers.formats.decimals import POINT
from calibeval.readers.formats.dialect import Dialect, dialect_of
from calibeval.readers.formats.native_numbers import parser
from calibeval.readers.formats.table import Table
from calibeval.readers.formats.text import LineBlock, Positions, TextSource, line_blocks
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import ID_KEYS, LABEL_KEYS
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, read_from_text

if TYPE_CHECKING:
    import pandas as pd

PADDED = re.compile(r"0[0-9]")
EXACT_BY_DEFAULT = (3, 1)  # the first pandas that converts exactly by default, and deprecates the option for it
MOST_BLANKS = 64  # before an id
MOST_THREADS = {True: 4, False: 2}  # that parse blocks, by whether they are compiled; pandas needs 90 MB a block
PART_BYTES = 2**20  # of a block: looked through and, by the compiled parser, parsed while they are in the cache
SPARE = 1.02  # by how much more rows get a place than there seem to be


def read_csv(file: SteadyFile, limits: Limits, decimal: str | None = None) -> Contents:
    """The columns of a comma-separated file with a header line.

    `logit_0, logit_1, ...` become one array, `logits`; columns named logit_CLASS also give the class names. A column
    with a usual name for scores whose cells hold lists becomes an array (n, k).
    decimal: "," or ".", what stands before decimals; then the other one may separate thousands.
    Raises: InputError for an empty file, lines of different lengths, text that is not UTF-8, or a file that expands
    beyond the limits.
    """
    return read_table(TextSource.of(file), limits, ",", decimal)


def read_tsv(file: SteadyFile, limits: Limits, decimal: str | None = None) -> Contents:
    """The columns of a tab-separated file with a header line; see `read_csv`."""
    return read_table(TextSource.of(file), limits, "\t", decimal)


def read_table(source: TextSource, limits: Limits, separator: str, decimal: str | None = None) -> Contents:
    """The columns of a text table; see `read_csv`.

    If a column has texts after numbers, the table is read again with that column as text, so that "007" is kept. The
    same applies to ids with leading zeros or fractions.
    """
    as_text: frozenset[str] = frozenset()
    while True:
        table, told = _read(source, limits, separator, decimal, as_text)
        if as_text.issuperset(table.mixed):
            return Contents(read_from_text(table.arrays()), told=told)
        as_text |= table.mixed


def _read(
    source: TextSource, limits: Limits, usual: str, decimal: str | None, as_text: frozenset[str]
) -> tuple[Table, tuple[str, ...]]:
    """The table, and what was recognised."""
    module = None if as_text else parser()
    blocks = line_blocks(source, limits, quotes=True, part=None if source.expands else PART_BYTES)
    dialect, blocks = dialect_of(blocks, source.name, usual, decimal)
    columns = dialect.columns
    table = Table(columns, source.name, limits, strip=True)
    ids = [i for i, column in enumerate(columns) if column.lower() in ID_KEYS and column not in as_text]
    padded = any(PADDED.match(name) for group in table.groups for name in group.names or ())
    labels = [i for i, column in enumerate(columns) if padded and column.lower() in LABEL_KEYS]
    small = source.size <= MOST_BYTES

    def parse(block: LineBlock) -> _Piece:
        numbers = None if module is None else Numbers.fast(block, dialect, module)
        if numbers is not None and numbers.padded is not None:
            return _Piece(numbers, block.rows(), block.size, [bool(numbers.padded[i]) for i in (*ids, *labels)])
        inner = _separators(block, len(columns), source.name, dialect.separator)
        plain = Numbers.of(block, dialect) if small and not as_text else None
        batch = plain or Batch(_parsed(block, dialect, as_text, source.name), block, source.name, dialect)
        return _Piece(batch, len(block.ends), block.size, [_padded(block, inner, i) for i in (*ids, *labels)])

    for piece in in_order(parse, blocks, 1 if small else min(processors(), MOST_THREADS[module is not None])):
        batch = piece.batch
        if not table.rows and not small:
            table.expected = int(SPARE * piece.rows * max(source.size, source.declared) / piece.size)
        scores: dict[str, npt.NDArray[Any]] = {}
        for group in table.groups:
            if not table.is_left(group.key):
                with table.leaving(group.columns[0]):
                    scores[group.key] = batch.scores(group.columns)
        plain: dict[str, npt.NDArray[Any]] = {}
        for column in table.plain:
            if not table.is_left(column):
                with table.leaving(column):
                    plain[column] = batch.plain(column, table.width(column), as_text=column in as_text)
        table.add(scores, plain, piece.rows)
        table.mixed |= batch.respelled
        table.mixed |= {columns[i] for i in ids if batch.is_float(columns[i])}
        table.mixed |= {columns[i] for i, found in zip((*ids, *labels), piece.padded, strict=True) if found}
    return table, dialect.told


class _Piece(NamedTuple):
    """A parsed block.

    size: of its text. padded: for each column in question whether a cell has leading zeros or is in quotation marks.
    """

    batch: Batch | Numbers
    rows: int
    size: int
    padded: list[bool]


def _separators(block: LineBlock, columns: int, name: str, separator: str) -> Positions:
    """The end of each cell but the last of its row, (rows, columns - 1).

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
        about = ". Remove what stands before the header, such as comments" if columns == 1 else ""
        raise InputError(
            f"{name} line {block.line(row)}: the row has {int(cells[row])} cells, but the header has {columns}{about}"
        )
    return places[: before[-1]].reshape(len(block.ends), columns - 1)


def _padded(block: LineBlock, inner: Positions, column: int) -> bool:
    """Whether a cell of the column has a 0 before another digit, as in 007, or is in quotation marks.

    inner: the end of each cell but the last of its row.
    """
    values = np.frombuffer(block.data, np.uint8)
    starts = inner[:, column - 1] + 1 if column else np.concatenate([[0], block.ends[:-1] + 1])
    stops = inner[:, column] if column < inner.shape[1] else block.ends
    for _ in range(MOST_BLANKS):
        blank = (starts < stops) & (values[np.minimum(starts, stops)] == ord(" "))
        if not blank.any():
            break
        starts = starts + blank
    starts = starts[stops - starts > 1]
    digits = (values[starts + 1] >= ord("0")) & (values[starts + 1] <= ord("9"))
    return bool((digits & (values[starts] == ord("0")) | (values[starts] == ord('"'))).any())


def _parsed(block: LineBlock, dialect: Dialect, as_text: frozenset[str], name: str) -> pd.DataFrame:
    """The rows of a block; each column gets the narrowest of the types int, float, bool and text."""
    import pandas as pd

    columns = dialect.columns
    version = tuple(int(part) for part in pd.__version__.split(".")[:2])
    try:
        table = pd.read_csv(
            io.BytesIO(block.data),
            sep=dialect.separator,
            decimal=dialect.decimal or POINT,
            header=None,
            names=range(len(columns)),
            index_col=False,
            dtype={i: str for i, column in enumerate(columns) if column in as_text},
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            skipinitialspace=True,
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
