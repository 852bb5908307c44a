"""Lists of numbers inside one cell of text: "[0.1, 0.9]" as Python and Spark print them, "[0.1 0.9]" as numpy does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.formats.decimals import COMMA, POINT

BRACKETS = str.maketrans(dict.fromkeys("[](){},;", " "))
INNER = str.maketrans(dict.fromkeys("[](){};", " "))  # where a comma may belong to a number
CALLED = re.compile(r"(?:DenseVector|(?:np\.|numpy\.)?array|tensor)\((.*?)(?:,\s*dtype=[\w.]+)?\)", re.DOTALL)
SCALAR = re.compile(r"np\.float(?:16|32|64)\(([^()]*)\)")
COMMAS = re.compile(r"[^\s;]+(?:\s*,\s*[^\s;]+)*")  # nothing but commas separates
SPARSE = re.compile(r"(?:SparseVector)?\(\d+,\s*[\[{].*[\]}]\)", re.DOTALL)


def is_list(cell: object) -> bool:
    """Whether a cell certainly holds a list of numbers: in square brackets, or two numbers and more between blanks.

    >>> is_list("[0.1, 0.9]"), is_list("0.1 0.9"), is_list("0.1"), is_list("a cat")
    (True, True, False, False)
    """
    if not isinstance(cell, str):
        return False
    if cell.lstrip().startswith("[") or CALLED.fullmatch(cell.strip()):
        return True
    parts = cell.split()
    return len(parts) > 1 and _numbers(parts[:2]) is not None


def is_named_list(cell: str, decimal: str | None = None) -> bool:
    """Whether a cell of scores holds a list: also in other brackets, with semicolons, or with commas alone.

    Commas alone may separate thousands or decimals, unless two points stand in the cell. decimal: as in `parse_lists`.

    >>> is_named_list("(0.1, 0.9)"), is_named_list("0.1,0.9"), is_named_list("0,1"), is_named_list("1,234.5")
    (True, True, False, False)
    """
    if is_list(cell) or SPARSE.fullmatch(cell.strip()):
        return True
    bare = cell.strip("(){} ")
    if decimal == COMMA:
        separated = ";" in bare or " " in bare
    elif COMMA in bare and ";" not in bare:
        separated = COMMAS.fullmatch(bare) is not None and bare.count(POINT) > 1
    else:
        separated = True
    parts = _parts(cell, decimal)
    return separated and len(parts) > 1 and _numbers(parts) is not None


def parse_lists(
    cells: Sequence[object], width: int | None, where: Callable[[int], str], decimal: str | None = None
) -> npt.NDArray[np.float64]:
    """Cells as an array (len(cells), width) of float64.

    width: how many numbers every cell must hold; None: as many as the first. where: the place of a cell, for messages.
    decimal: "," if numbers have decimal commas.
    Raises: InputError that names the first cell that is not a list of that many numbers.
    """
    rows = []
    for i, cell in enumerate(cells):
        if not isinstance(cell, str) or not cell.strip():
            raise InputError(f"{where(i)}: the cell is empty, but a list of numbers is needed")
        parts = _parts(cell, decimal)
        width = len(parts) if width is None else width
        row = _numbers(parts)
        if row is None or SPARSE.fullmatch(cell.strip()):
            raise InputError(f"{where(i)}: {_why(cell, parts)}")
        if len(row) != width:
            raise InputError(f"{where(i)}: the list has {len(row)} numbers, but the first row has {width}")
        rows.append(row)
    return np.array(rows, np.float64).reshape(len(rows), width or 0)


def _parts(cell: str, decimal: str | None) -> list[str]:
    """What stands between the separators of a list."""
    if "(" in cell:
        called = CALLED.fullmatch(cell.strip())
        cell = SCALAR.sub(r"\1", cell if called is None else called[1])
    if decimal == COMMA and (";" in cell or " " in cell.strip()):
        return [part.rstrip(COMMA).replace(COMMA, POINT) for part in cell.translate(INNER).split()]
    return cell.translate(INNER if ";" in cell else BRACKETS).split()


def _numbers(parts: Sequence[str]) -> list[float] | None:
    """The parts as numbers; None unless each is a number, written as in any other table."""
    text = "".join(parts)
    if "_" in text or not text.isascii():
        return None
    try:
        return [float(part) for part in parts]
    except ValueError:
        return None


def _why(cell: str, parts: Sequence[str]) -> str:
    if "..." in parts:
        return (
            "numpy shortened the list when it was written (...). "
            "Call np.set_printoptions(threshold=sys.maxsize) before saving, or save .npz"
        )
    shown = cell if len(cell) <= 40 else f"{cell[:40]}..."
    if SPARSE.fullmatch(cell.strip()):
        return f'"{shown}" is a sparse vector of Spark, but all numbers are needed: vector_to_array writes them'
    odd = next(part for part in parts if _numbers([part]) is None)
    return f'"{shown}" is not a list of numbers ("{odd[:40]}")'
