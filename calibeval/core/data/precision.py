"""The precision of numbers by the type in which they were stored."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats


class Tolerance(NamedTuple):
    """What rounding explains: how far the sum of a row may be from 1, and a probability below 0 or above 1.

    Both are eight steps of the stored type, but at least 1e-4 and 2e-5.
    of_log: whether -0.0 stands for an option that a row does not have, which rounding cannot change and no clip raises.

    >>> Tolerance.of(2.0**-23), Tolerance.of(2.0**-10).largest
    (Tolerance(of_sum=0.0001, spare=2e-05, of_log=False), 1.0078125)
    """

    of_sum: float
    spare: float
    of_log: bool = False

    @classmethod
    def of(cls, precision: float, *, of_log: bool = False) -> Tolerance:
        """The tolerance for numbers with this relative step."""
        return cls(max(1e-4, 8 * precision), max(2e-5, 8 * precision), of_log)

    @property
    def largest(self) -> float:
        """The largest probability."""
        return 1.0 + self.spare


def stored_precision(dtype: np.dtype[Any]) -> float:
    """The relative step between numbers of a type; integers and text are treated as float64."""
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 2.0**-52


def as_stored(values: Floats, precision: float) -> Floats:
    """The numbers that a type with this relative step holds for these values.

    >>> float(as_stored(np.array([0.2]), 2.0**-23)[0]) == float(np.float32(0.2))
    True
    """
    if precision <= 2.0**-52:
        return values
    if precision == 2.0**-23:
        return values.astype(np.float32).astype(np.float64)
    mantissa, exponent = np.frexp(values)
    bits = int(1.0 - np.log2(precision))
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits), np.float64)
