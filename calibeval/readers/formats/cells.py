"""Lists of numbers inside one cell of a text table: "[0.1, 0.9]" as Python prints them, "[0.1 0.9]" as numpy does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError

BRACKETS = str.maketrans({"[": " ", "]": " ", ",": " "})


def is_list(cell: object) -> bool:
    """Whether a cell holds a list of numbers: in brackets, or at least two numbers separated by blanks.

    >>> is_list("[0.1, 0.9]"), is_list("0.1 0.9"), is_list("0.1"), is_list("a cat")
    (True, True, False, False)
    """
    if not isinstance(cell, str):
        return False
    if cell.lstrip().startswith("["):
        return True
    parts = cell.split()
    return len(parts) > 1 and _numbers(parts[:2]) is not None


def parse_lists(cells: Sequence[object], width: int | None, where: Callable[[int], str]) -> npt.NDArray[np.float64]:
    """Cells as an array (len(cells), width) of float64.

    width: how many numbers every cell must hold; None: as many as the first. where: the place of a cell, for messages.
    Raises: InputError that names the first cell that is not a list of that many numbers.
    """
    rows = []
    for i, cell in enumerate(cells):
        if not isinstance(cell, str) or not cell.strip():
            raise InputError(f"{where(i)}: the cell is empty, but a list of numbers is needed")
        parts = cell.translate(BRACKETS).split()
        width = len(parts) if width is None else width
        row = _numbers(parts)
        if row is None:
            raise InputError(f"{where(i)}: {_why(cell, parts)}")
        if len(row) != width:
            raise InputError(f"{where(i)}: the list has {len(row)} numbers, but the first row has {width}")
        rows.append(row)
    return np.array(rows, np.float64).reshape(len(rows), width or 0)


def _numbers(parts: Sequence[str]) -> list[float] | None:
    """The parts as numbers; None unless each is a number, written as in any other table."""
    text = "".join(parts)
    if "_" in text or not text.isascii():
        return None
    try:
        return [float(part) for part in parts]
    except ValueError:
        return None


def _why(cell: str, parts: Sequence[Any]) -> str:
    if "..." in parts:
        return (
            "numpy shortened the list when it was written (...). "
            "Call np.set_printoptions(threshold=sys.maxsize) before saving, or save .npz"
        )
    odd = next(part for part in parts if _numbers([part]) is None)
    shown = cell if len(cell) <= 40 else f"{cell[:40]}..."
    return f'"{shown}" is not a list of numbers ("{odd[:40]}")'
