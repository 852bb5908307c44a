"""Scores that are text: a list of numbers in each cell, as Spark, pandas and R write them into tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from calibeval.core.data.check_values import FLOAT64
from calibeval.core.data.precision import stored_precision
from calibeval.core.data.rounding import decimals_of, wrong_sums
from calibeval.core.errors import InputError
from calibeval.readers.stored.stored import Stored

PEEK_ROWS = 100


def lists_in_text(stored: Stored, key: str, file: str, decimal: str | None) -> Stored:
    """An array that has the role of scores or features, with its numbers if its cells are texts that hold lists.

    decimal: see ReadOptions.
    Raises: InputError that names the first cell that is no such list, or a number with a decimal comma.
    """
    if not _is_text(stored):
        return stored
    from calibeval.readers.formats.cells import is_named_list, parse_lists
    from calibeval.readers.formats.decimals import about_decimals

    cells = [_text(cell) for cell in stored.array().tolist()]
    if not cells:
        return stored
    if not is_named_list(cells[0], decimal):
        about = about_decimals(cells[0].strip(), decimal)
        if about:
            raise InputError(f'{file}: row 0, column "{key}": "{cells[0][:40]}" is not a number{about}')
        return stored
    values = parse_lists(cells, None, lambda row: f'{file}: row {row}, column "{key}"', decimal)
    return replace(Stored.of(values, origin=f'lists in "{key}"'), printed=True)


def about_text(stored: Stored) -> str:
    """The end of a message that a column holds no numbers, if its first cell says how it would."""
    from calibeval.readers.formats.decimals import about_decimals

    first = _text(stored.array()[0]) if _is_text(stored) and stored.shape[0] else ""
    return about_decimals(first.strip())


def columns_of_lists(arrays: Mapping[str, Stored]) -> list[str]:
    """The columns of text whose first cells all are lists, equally long, that add up to 1."""
    from calibeval.readers.formats.cells import is_named_list, parse_lists

    found = []
    for key, stored in arrays.items():
        if not _is_text(stored) or not stored.shape[0]:
            continue
        cells = [_text(cell) for cell in stored.array()[:PEEK_ROWS].tolist()]
        if not is_named_list(cells[0]):
            continue
        try:
            rows = parse_lists(cells, None, lambda row: f"row {row}")
        except InputError:
            continue
        off = wrong_sums(rows, decimals_of(rows, stored_precision(rows.dtype)) or None, FLOAT64)
        if rows.shape[1] > 1 and (rows >= 0).all() and not off.any():
            found.append(key)
    return found


def columns_of_commas(arrays: Mapping[str, Stored]) -> list[str]:
    """The columns of text whose first cells all are numbers if their comma begins the decimals: at least two of them.

    0,5 and 12,75 are; 1,234 could be more than a thousand.
    """
    from calibeval.readers.formats.decimals import COMMA, POINT, as_number, as_numbers

    texts = {key: stored.array()[:PEEK_ROWS].tolist() for key, stored in arrays.items() if _is_text(stored)}
    found = [
        key for key, cells in texts.items() if cells and as_numbers([_text(cell) for cell in cells], COMMA) is not None
    ]
    clear = [key for key in found if any(as_number(_text(cell), POINT) is None for cell in texts[key])]
    return found if len(found) > 1 and clear else []


def _is_text(stored: Stored) -> bool:
    return stored.refusal is None and len(stored.shape) == 1 and stored.dtype.kind in "OUS"


def _text(cell: object) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
