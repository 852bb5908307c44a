"""Numbers as people and programs write them in text: with a decimal point or comma, and with thousands separated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

COMMA, POINT = ",", "."


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    whole = rf"(?:[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+|[0-9]+)"
    fraction = rf"{re.escape(decimal)}[0-9]"
    return re.compile(rf"[+-]?(?:{whole}(?:{fraction}*)?|{fraction}+)(?:[eE][+-]?[0-9]{{1,3}})?")


THOUSANDS = {COMMA: POINT, POINT: COMMA}
PATTERNS = {decimal: _pattern(decimal, thousands) for decimal, thousands in THOUSANDS.items()}


def as_number(text: str, decimal: str) -> float | None:
    """The number that a text is, with this sign before its fraction and the other one between thousands.

    A 0 begins no thousands: 0.125 is no 125.

    >>> as_number("1.234,5", ","), as_number("-0,5", ","), as_number("0.125", ","), as_number("1,234.5", ".")
    (1234.5, -0.5, None, 1234.5)
    """
    if PATTERNS[decimal].fullmatch(text) is None:
        return None
    return float(text.replace(THOUSANDS[decimal], "").replace(decimal, POINT))


def as_numbers(cells: Sequence[str | None], decimal: str) -> npt.NDArray[np.float64] | None:
    """Cells as numbers, None as NaN; None unless each is a number, and one has a fraction: 1.000 may be an id.

    >>> as_numbers(["1.000,5", None, "2"], ",").tolist(), as_numbers(["1.000"], ",")
    ([1000.5, nan, 2.0], None)
    """
    if not any(cell is not None and decimal in cell for cell in cells):
        return None
    numbers: list[Any] = [np.nan if cell is None else as_number(cell, decimal) for cell in cells]
    return None if None in numbers else np.array(numbers, np.float64)


def about_decimals(text: str, decimal: str | None = None) -> str:
    """The end of a message that a text is not a number: the option with which it is one, if there is one.

    >>> about_decimals("0,5"), about_decimals("cat")
    ('; if its comma begins the decimals, say --decimal ,', '')
    """
    if text.endswith("%") and PATTERNS[decimal or POINT].fullmatch(text[:-1].rstrip()):
        return ": leave out the % signs, and divide by 100"
    comma, point = (PATTERNS[sign].fullmatch(text) is not None for sign in (COMMA, POINT))
    if decimal is not None:
        other = "a point" if decimal == COMMA else "a comma"
        return f": with --decimal {decimal}, {other} only separates thousands" if comma or point else ""
    if COMMA not in text or not (comma or point):
        return ""
    if comma and point:
        return "; say --decimal , if its comma begins the decimals, --decimal . if it separates thousands"
    return f"; if its comma {'begins the decimals' if comma else 'separates thousands'}, say --decimal " + (
        COMMA if comma else POINT
    )
