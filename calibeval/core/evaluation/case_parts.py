"""Some of the cases, such as those of one scanner, and how the values of a column are ordered."""

from __future__ import annotations

import math
from typing import NamedTuple

from calibeval.core.dense.results import Images
from calibeval.core.evaluation.accumulation import Accumulation


class Part(NamedTuple):
    """Cases that have one value of a column, or all cases (None). base: the images of the base."""

    value: str | None
    rows: Accumulation
    images: Images
    base: Images | None

    @property
    def n(self) -> int:
        """The number of pixels."""
        return int(self.images.sums.n.sum())


def natural_key(value: str) -> tuple[int, float, str]:
    """The order of values: numbers first."""
    try:
        number = float(value)
    except ValueError:
        return 1, 0.0, value
    return (0, number, value) if math.isfinite(number) else (1, 0.0, value)
