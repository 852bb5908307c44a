"""`.txt`: numbers without a header, as `np.savetxt` writes them; one text in each line; or a table with a header."""

from __future__ import annotations

import io
import itertools
import math
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.formats.csv import read_table
from calibeval.readers.formats.dialect import SEPARATORS
from calibeval.readers.formats.text import LineBlock, TextSource, line_blocks
from calibeval.readers.formats.texts import Texts
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import CORRECT_KEYS, ID_KEYS, LABEL_KEYS, SCORE_KEYS
from calibeval.readers.stored.spool import Spool
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored, read_from_text

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf|nan", re.IGNORECASE)
WHOLE = re.compile(rb"[0-9\s+-]*")
EXACT = 2**53
NAMES = {*(name for names in SCORE_KEYS.values() for name in names), *LABEL_KEYS, *CORRECT_KEYS, *ID_KEYS}


def read_txt(file: SteadyFile, limits: Limits, decimal: str | None = None) -> Contents:
    """The array without a name that the lines hold: numbers, (n,) or (n, k), or texts, (n,).

    Numbers are separated by blanks, tabs, commas or semicolons. A first line with separators that holds no numbers, or
    that is a usual name, is the header of a table, which is read as .csv.
    Raises: InputError for lines of different lengths, and as `read_csv`.
    """
    source = TextSource.of(file)
    blocks = line_blocks(source, limits, quotes=False)
    first = next(blocks, None)
    if first is None:
        raise InputError(f"{source.name}: the file is empty")
    line = first.data[: int(first.ends[0])].decode().strip()
    separator = next((one for one in (",", ";", "\t") if one in line), None)
    parts = [part.strip() for part in line.split(separator)]
    if parts and all(NUMBER.fullmatch(part) for part in parts):
        values = _numbers(itertools.chain([first], blocks), separator, len(parts), source.name, limits)
        return Contents(read_from_text({"": values}), told=("numbers without a header",))
    if any(one in line for one in SEPARATORS) or line.strip('"').lower() in NAMES:
        return read_table(source, limits, ",", decimal)
    return Contents(read_from_text({"": _texts(itertools.chain([first], blocks), source.name, limits)}))


def _numbers(blocks: Iterator[LineBlock], separator: str | None, columns: int, name: str, limits: Limits) -> Stored:
    """The lines as an array; one number in each line makes it (n,), of integers if all are whole."""
    spool, whole = Spool(limits.max_memory), True
    for block in blocks:
        piece = _piece(block, separator, columns, name)
        whole = whole and columns == 1 and WHOLE.fullmatch(block.data) is not None
        spool.add(piece[:, 0] if columns == 1 else piece)
    source = spool.source()
    if not whole or not source.shape[0] or np.abs(source[0 : source.shape[0]]).max() > EXACT:
        return Stored(source.shape, source.dtype, lambda: source)
    return Stored.of(np.asarray(source[0 : source.shape[0]]).astype(np.int64))


def _piece(block: LineBlock, separator: str | None, columns: int, name: str) -> npt.NDArray[np.float64]:
    try:
        found = np.loadtxt(io.BytesIO(block.data), np.float64, delimiter=separator, comments=None, ndmin=2)
    except ValueError:
        found = np.empty((0, 0))
    if found.shape == (len(block.ends), columns) and not np.isinf(found).any():
        return found
    for number, line in enumerate(block.data.decode().splitlines(), block.first_line):
        parts = [part.strip() for part in line.split(separator)]
        if len(parts) != columns:
            raise InputError(f"{name} line {number}: there are {len(parts)} numbers, but {columns} in the first line")
        odd = next((part for part in parts if not NUMBER.fullmatch(part)), None)
        if odd is not None:
            raise InputError(f'{name} line {number}: "{odd[:40]}" is not a number, but the first line holds numbers')
        if any(math.isinf(float(part)) and part[-1].isdigit() for part in parts):
            raise InputError(f"{name} line {number}: the number is too large for float64")
    if found.shape == (len(block.ends), columns):
        return found
    raise InputError(f"{name} from line {block.first_line} on: these are not {columns} numbers in each line")


def _texts(blocks: Iterator[LineBlock], name: str, limits: Limits) -> Stored:
    texts = Texts(limits.max_memory)
    for block in blocks:
        lines = [line.strip() for line in block.data.decode().split("\n")[: len(block.ends)]]
        if "" in lines:
            raise InputError(f"{name} line {block.line(lines.index(''))}: the line is blank")
        texts.add(np.array([*lines, None], object)[:-1], name)
    return Stored.of(texts.array())
