"""The CRC-32 of bytes from those of their pieces: CRCs are remainders of polynomials, whose products are known."""

from __future__ import annotations

import functools

POLYNOMIAL = 0xEDB88320  # of CRC-32, lowest power first
ONE, X = 1 << 31, 1 << 30


def joined(first: int, second: int, length: int) -> int:
    """The CRC-32 of two pieces one after the other. length: bytes of the second.

    >>> import zlib
    >>> joined(zlib.crc32(b"calib"), zlib.crc32(b"ration"), 6) == zlib.crc32(b"calibration")
    True
    """
    return _times(_shift(length), first) ^ second


@functools.lru_cache(maxsize=64)
def _shift(length: int) -> int:
    """The remainder of x to the power of 8 times the length: so far do bytes that follow move what came before."""
    power, base, found = 8 * length, X, ONE
    while power:
        if power & 1:
            found = _times(base, found)
        base, power = _times(base, base), power >> 1
    return found


def _times(one: int, other: int) -> int:
    """The remainder of the product of two remainders."""
    found, bit = 0, ONE
    while bit:
        if one & bit:
            found ^= other
        other = (other >> 1) ^ POLYNOMIAL if other & 1 else other >> 1
        bit >>= 1
    return found
