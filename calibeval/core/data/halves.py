"""Numbers in float16, converted faster than numpy converts them one by one, and to the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

MAGNITUDE = np.uint16(0x7FFF)  # all bits but the sign
INFINITE = 0x7C00  # of this magnitude and above are infinity and NaN
CHUNK = 2**16  # numbers that are converted at a time, so that they stay in the processor's cache


def is_half(values: npt.NDArray[Any]) -> bool:
    """Whether the numbers are stored in float16, in this machine's byte order."""
    return values.dtype == np.float16


def halves_finite(values: npt.NDArray[np.float16]) -> bool:
    """Whether all numbers are finite.

    >>> halves_finite(np.float16([1.0, -65504.0])), halves_finite(np.float16([1.0, -np.inf]))
    (True, False)
    """
    return int((values.view(np.uint16) & MAGNITUDE).max(initial=0)) < INFINITE


def widened(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows in float16 as a new array in float32, which holds all of them exactly; others as they are.

    >>> widened(np.float16([[0.1, -2.0]])).tolist()
    [[0.0999755859375, -2.0]]
    """
    if not is_half(values) or values.ndim != 2 or not values.size:
        return values
    found = np.empty(values.shape, np.float32)
    step = max(1, CHUNK // values.shape[1])
    for start in range(0, len(values), step):
        _widen(values[start : start + step], found[start : start + step])
    return found


def _widen(values: npt.NDArray[np.float16], out: npt.NDArray[np.float32]) -> None:
    """Write rows to float32 by moving their bits: the exponent grows by 112, the mantissa by 13 bits.

    A number below 2^-14 has no leading 1, unlike one in float32: it gets one, which is subtracted again.
    """
    stored = values.view(np.uint16)
    magnitude = stored & MAGNITUDE
    if int(magnitude.max()) >= INFINITE:
        out[:] = values
        return
    bits = out.view(np.uint32)
    small = magnitude < 0x400
    bits[:] = magnitude
    bits <<= np.uint32(13)
    bits += np.uint32(112 << 23)
    bits += np.left_shift(small, 23, dtype=np.uint32)
    out -= np.multiply(small, np.float32(2**-14), dtype=np.float32)
    bits |= np.left_shift(stored & ~MAGNITUDE, 16, dtype=np.uint32)
