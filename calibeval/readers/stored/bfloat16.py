"""bfloat16, which numpy lacks: the upper half of the bits of a float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.row_source import RowSource

BFLOAT16_PRECISION = 2.0**-7


@dataclass(frozen=True, slots=True)
class Bfloat16Rows:
    """Rows of bfloat16, widened when they are read."""

    bits: RowSource

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the stored array."""
        return self.bits.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest type that holds the values exactly."""
        return np.dtype(np.float32)

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        return widened(self.bits[rows])

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """The rows of these numbers, in this order."""
        return widened(rows_at(self.bits, rows))


def widened(bits: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """bfloat16 values, given as their bits in uint16, as float32.

    >>> widened(np.array([0x3F80, 0xC040], np.uint16)).tolist()
    [1.0, -3.0]
    """
    return np.asarray(bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def widened_source(bits: RowSource) -> RowSource:
    """The same for rows that may still lie in a file."""
    return widened(bits) if isinstance(bits, np.ndarray) else Bfloat16Rows(bits)
