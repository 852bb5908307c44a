"""A block of a text table that holds nothing but plain numbers, parsed by the compiled kernel, if it was built."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.kernel import chosen

FIRST_POWER, POWERS = -330, 639  # of five, as in native/table.h
FRACTION, PADDED = 1, 2
ONE_LEFT_IN = 8  # of so many cells one may be left to Python, which takes ten times as long for it


class Parsed(NamedTuple):
    """Cells as numbers, (rows, columns).

    For each column: whether a cell has a point or an exponent, and whether one begins with 0 and another digit.
    """

    values: Floats
    fractions: npt.NDArray[np.bool_]
    padded: npt.NDArray[np.bool_]


def parser() -> ModuleType | None:
    """The compiled module; None where it was not built, or where CALIBEVAL_KERNEL is numpy."""
    kernel = chosen()
    return None if kernel is None else kernel.module


def parsed(module: ModuleType, texts: Sequence[bytes], separator: str, columns: int) -> Parsed | None:
    """The numbers of whole lines, each the nearest float64; None if a cell is no plain number, or a row too short.

    texts: parts of so many bytes that they stay in the cache, as one table. Whole numbers from 2^53 on are not plain.
    """
    counts = [text.count(b"\n") for text in texts]
    values, flags = np.empty((sum(counts), columns)), np.zeros(columns, np.uint8)
    stop = 0
    for text, count in zip(texts, counts, strict=True):
        start, stop = stop, stop + count
        if not _parse(module, text, separator, values[start:stop], flags):
            return None
    return Parsed(values, flags & FRACTION != 0, flags & PADDED != 0)


def _parse(module: ModuleType, text: bytes, separator: str, values: Floats, flags: npt.NDArray[np.uint8]) -> bool:
    """Write the numbers of whole lines, and set the flags of their columns; False as `parsed` returns None."""
    left = np.empty((values.size // ONE_LEFT_IN + 16, 3), np.int64)
    count = module.table(text, ord(separator), values.shape[1], *_powers(), values, flags, left)
    if count > 0:
        numbers = np.array([float(text[start:stop]) for start, stop in left[:count, 1:].tolist()])
        if not np.isfinite(numbers).all():
            return False
        values.reshape(-1)[left[:count, 0]] = numbers
    return bool(count >= 0)


@cache
def _powers() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """The first 128 bits of powers of five, rounded down, (POWERS, 2), and their exponents.

    >>> bits, exponents = _powers()
    >>> int(bits[-FIRST_POWER + 3, 0]) >> 57, int(exponents[-FIRST_POWER + 3])
    (125, -121)
    """
    bits, exponents = np.empty((POWERS, 2), np.uint64), np.empty(POWERS, np.int32)
    for row in range(POWERS):
        power = row + FIRST_POWER
        five = 5 ** abs(power)
        length = five.bit_length()
        if power < 0:
            exponent = -127 - length  # 2^-exponent / 5^n lies in [2^127, 2^128)
            first = (1 << -exponent) // five
        else:
            exponent = length - 128
            first = five >> exponent if exponent > 0 else five << -exponent
        bits[row] = first >> 64, first & (2**64 - 1)
        exponents[row] = exponent
    return bits, exponents
