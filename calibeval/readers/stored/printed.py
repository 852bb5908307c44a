"""Numbers that were read from text: those of a float32, printed with as few digits as it needs, are a float32 again.

A float32 third is printed as 0.33333334, which lies above 1/3; as a float32 it lies on the edge 1/3, as it does in
every other format.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.row_source import RowSource

FIRST, BLOCK = 2**10, 2**15  # numbers at a time: most texts of float64 show in the first few
SHORT, SMALL = 10.0**6, 16.0  # six decimals: of numbers below 16, whose steps are 2^-20 at most, no two are one float32
LEAST_EXACT = 1e-14  # the last digit of a smaller float32 lies beyond the powers of ten that float64 holds exactly
NEARLY = 2.0**-50  # how exactly decimals of smaller ones are known
HALF = 0.5 + 1e-6
# By the exponent of a float32: the first power of ten whose inverse is no more than the step between its neighbours.
POWERS = np.array([10.0 ** max(math.ceil((150 - max(exponent, 1)) * math.log10(2)), 0) for exponent in range(256)])


class Float32Rows:
    """Rows as float32, converted when they are read."""

    def __init__(self, source: RowSource) -> None:
        self._source = source
        self.shape, self.dtype = source.shape, np.dtype(np.float32)

    def __getitem__(self, rows: slice, /) -> npt.NDArray[np.float32]:
        """Consecutive rows."""
        return self._source[rows].astype(np.float32)


def as_printed(source: RowSource) -> RowSource:
    """Numbers from text: as float32 if each is, by value, the shortest decimal of a float32; else unchanged.

    >>> as_printed(np.array([0.2, 0.33333334])).dtype, as_printed(np.array([0.2, 1 / 3])).dtype
    (dtype('float32'), dtype('float64'))
    """
    if source.dtype != np.float64 or not _all_float32(source):
        return source
    return source.astype(np.float32) if isinstance(source, np.ndarray) else Float32Rows(source)


def _all_float32(source: RowSource) -> bool:
    width = max(1, math.prod(source.shape[1:]))
    start, step = 0, max(1, FIRST // width)
    while start < source.shape[0]:
        if not are_float32(source[start : start + step].ravel("K")):
            return False
        start, step = start + step, max(1, BLOCK // width)
    return True


def are_float32(values: Floats) -> bool:
    """Whether each value, (n,), is the float64 of a decimal that is the shortest of a float32; others than numbers are.

    >>> are_float32(np.array([0.1, 16777216.0, -np.inf])), are_float32(np.array([0.123456789]))
    (True, False)
    """
    with np.errstate(all="ignore"):
        whole = np.rint(values * SHORT)
        if (whole / SHORT == values).all() and np.abs(whole).max(initial=0.0) < SMALL * SHORT:
            return True
        odd = values[~(_shortest(values, 0.0) & ((np.abs(values) >= LEAST_EXACT) | (values == 0)))]
        if len(odd):
            odd = odd[~(_shortest(odd, NEARLY) & (np.abs(odd) < LEAST_EXACT))]
        return all(_is_float32(value) for value in np.unique(odd).tolist())


def _shortest(values: Floats, slack: float) -> npt.NDArray[np.bool_]:
    """Whether each value is the shortest decimal of a float32; False for some that are: powers of two, large numbers.

    slack: how far a value may be from the decimal, relative to it.
    """
    single = values.astype(np.float32)
    wide = single.astype(np.float64)
    power = POWERS.take(single.view(np.int32) >> 23 & 255)
    digits = np.rint(values * power)
    # With a digit less, neighbours are more than a step of float32 apart, so at most one of them is this float32.
    fewer = power / 10.0
    shorter = np.rint(wide * fewer) / fewer
    closest = (shorter.astype(np.float32) != single) & (np.abs(wide * power - digits) <= HALF)
    near = slack * np.abs(values)
    found = (np.abs(digits / power - values) <= near) & ((np.abs(shorter - values) <= near) | closest)
    return np.asarray(found, np.bool_)


def _is_float32(value: float) -> bool:
    """The same for one value, by printing it."""
    return not math.isfinite(value) or float(str(np.float32(value))) == value
