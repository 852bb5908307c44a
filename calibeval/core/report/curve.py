"""The smooth calibration curve of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.documents import Place
from calibeval.core.data.records import Layout
from calibeval.core.metrics.possible import SLACK
from calibeval.core.sums.cells import Cells
from calibeval.core.uncertainty.smooth import smoothed

_DECIMALS = 6


def _check(place: Place, found: SmoothCurve) -> None:
    """Refuse a curve that cannot be drawn. Raises: Wrong."""
    columns = {"accuracy": found.accuracy, "low": found.low, "high": found.high}
    for name, values in {"confidence": found.confidence, **columns}.items():
        if len(values) != len(found.confidence):
            place[name].refuse(f"{len(found.confidence)} numbers, as in confidence,")
        if values and not (min(values) >= -SLACK and max(values) <= 1.0 + SLACK):
            place[name].refuse("numbers from 0 to 1")
    if any(b < a for a, b in zip(found.confidence, found.confidence[1:], strict=False)):
        place["confidence"].refuse("numbers in ascending order")


@dataclass(frozen=True, slots=True)
class SmoothCurve:
    """Isotonic regression of correctness on confidence, or of an outcome on its probability, at ascending points.

    confidence: the points, in [0, 1]. accuracy: the curve, ascending. low, high: its consistency band, which holds the
    curve of a calibrated model at each point in 90 % of samples. Between points all are linear. Rounded to 1e-6.
    Source: Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021.
    """

    LAYOUT: ClassVar = Layout(check=_check)

    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, cells: Cells | None) -> SmoothCurve | None:
        """The curve of these cells; None without cells, or without rows. Points inside of straight lines are left out.

        >>> from calibeval.core.sums.cells import cell_sums
        >>> SmoothCurve.of(cell_sums(np.array([0.25, 0.75]), np.array([False, True]))).accuracy
        (0.0, 1.0)
        """
        if cells is None or not (cells.count > 0.0).any():
            return None
        found = smoothed(cells)
        level = np.stack([found.frequency, found.low, found.high]).round(_DECIMALS)
        same = (level[:, 1:] == level[:, :-1]).all(axis=0)
        kept = ~np.concatenate(([False], same[1:] & same[:-1], [False]))[: len(found.p)]
        return cls(*(_numbers(part[kept]) for part in (found.p.round(_DECIMALS), *level)))

    def turned(self) -> SmoothCurve:
        """The curve of the other of two outcomes, whose probabilities are one minus these.

        >>> SmoothCurve((0.25,), (0.0,), (0.125,), (0.5,)).turned()
        SmoothCurve(confidence=(0.75,), accuracy=(1.0,), low=(0.5,), high=(0.875,))
        """
        parts = (self.confidence, self.accuracy, self.high, self.low)
        return SmoothCurve(*(tuple(round(1.0 - x, _DECIMALS) for x in reversed(part)) for part in parts))


def _numbers(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())
