"""The class-wise errors of classes with many, medium and few training images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Band = Literal["many", "medium", "few"]


@dataclass(frozen=True, slots=True)
class ShotBand:
    """Classes with a similar number of training images, each against all rows.

    name: many, medium or few. classes: how many there are. least, most: their training images. support: rows with
    these labels. cwce: mean over these classes of their class-wise calibration error, over all rows, in [0, 1].
    floor: the cwce of true probabilities, on average; None where rows depend on each other.
    gap: the probability that all of these classes get together, on average, minus their frequency; below 0: too little.
    """

    name: Band
    classes: int
    least: int
    most: int
    support: int
    cwce: float
    floor: float | None
    gap: float
