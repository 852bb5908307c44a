"""The slope of the NLL at fixed temperatures, summed over rows: the optimal temperature of rows that are not kept.

Between two temperatures, the slope is the polynomial of fifth degree that has its value and first two derivatives at
both (Hermite). That of third degree, without second derivatives, tells how far it may be off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import reason
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.optimum import FEW_ERRORS, NO_ERRORS, STEPS, Optimum, slopes_at
from calibeval.core.sums.sample import Sample

PLACES = np.arange(-2.0, 1.75, 0.25)  # of ln(1/T)
COLUMNS = 5
MOST = 1e150  # of these sums, whose products float64 must hold
NARROW, ROUNDING = 2.0**-52, 1e-9
TOO_FAR = f"sums give a temperature from {math.exp(-1.5):.2g} to {math.exp(2.0):.2g} only, and this one is further away"


class AtTemperatures(NamedTuple):
    """rows: of how many rows. sampled: from how many. errors: of these, without the largest score at their label.

    table: (t, 5), at ln(1/T) of PLACES: the slope of the total NLL of all rows by ln(1/T), its first and second
    derivatives, and the sum of the squared slopes of rows, with its derivative; None if it is not known.
    """

    rows: int
    sampled: int
    errors: float
    table: Floats | None

    @classmethod
    def of(cls, sample: Sequence[Sample], kind: Kind, rows: int) -> AtTemperatures:
        """Of rows without weights, from an even sample of them. rows: the number of all."""
        sampled = sum(len(part.labels) for part in sample)
        if not sampled or any(part.weights is not None for part in sample):
            return cls(rows, sampled, 0.0, None)
        table, errors, factor = np.empty((len(PLACES), COLUMNS)), 0.0, rows / sampled
        for i, place in enumerate(PLACES.tolist()):
            found = slopes_at(sample, kind, place)
            errors, excess = found.errors, found.excess
            with np.errstate(over="ignore", invalid="ignore"):
                squares = np.einsum("i,i->", excess, excess)
                turned = 2.0 * np.einsum("i,i->", excess, excess + found.variance)
            table[i, :3] = np.multiply(found.derivatives, factor)
            table[i, 3:] = np.multiply((squares, turned), factor**2)
        return cls(rows, sampled, errors, table if (np.abs(table) < MOST).all() else None)

    def joined(self, other: AtTemperatures) -> AtTemperatures:
        """Of the rows of both."""
        table = None if self.table is None or other.table is None else self.table + other.table
        return AtTemperatures(self.rows + other.rows, self.sampled + other.sampled, self.errors + other.errors, table)

    def optimum(self) -> Optimum | None:
        """The temperature with the smallest NLL; None if the sums are not known.

        >>> four = Sample(np.array([[3.0, 0.0]] * 4), np.array([0, 0, 0, 1]), np.arange(4))
        >>> round(math.exp(AtTemperatures.of([four], "logits", 4).optimum().log_t), 4) == round(3 / math.log(3), 4)
        True
        """
        if self.table is None:
            return None
        if not self.errors:
            return Optimum(self.sampled, None, reason("no_optimum", NO_ERRORS))
        rises = np.flatnonzero((self.table[:-1, 0] < 0.0) & (self.table[1:, 0] >= 0.0))
        if not len(rises):
            return Optimum(self.sampled, None, reason("far_from_one", TOO_FAR))
        place, off = self._root(int(rises[0]))
        information = self._at(place)[1]
        near = None
        if self.errors < FEW_ERRORS:
            low, high = float(PLACES[0]), float(PLACES[-1])
            at = [min(max(place - step / math.sqrt(information), low), high) for step in STEPS]
            near = np.array([(-u, *cumulants(*self._at(u))) for u in at])
        return Optimum(
            rows=self.sampled,
            log_t=-place,
            errors=self.errors,
            information=information,
            squares=max(self._squares(place), 0.0),
            near=near,
            bound=off / information + ROUNDING,
        )

    def _root(self, first: int) -> tuple[float, float]:
        """The place of slope 0 in an interval of the table, and how far both polynomials are apart in there."""
        low, high = 0.0, 1.0
        ends = self._rows()[first : first + 2, :3] * _widths(3)
        slope, rough = (_polynomial(ends, finely=finely) for finely in (True, False))
        while high - low > NARROW:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if slope(middle) < 0.0 else (low, middle)
        apart = np.abs((slope - rough)(np.linspace(0.0, 1.0, 65))).max()
        return float(PLACES[first] + 0.5 * (low + high) * (PLACES[1] - PLACES[0])), float(apart)

    def _at(self, place: float) -> tuple[float, float, float]:
        """The slope and its derivatives at ln(1/T)."""
        first, t = _interval(place)
        width = float(PLACES[1] - PLACES[0])
        slope = _polynomial(self._rows()[first : first + 2, :3] * _widths(3), finely=True)
        return float(slope(t)), float(slope.deriv(1)(t)) / width, float(slope.deriv(2)(t)) / width**2

    def _squares(self, place: float) -> float:
        first, t = _interval(place)
        return float(_polynomial(self._rows()[first : first + 2, 3:] * _widths(2), finely=False)(t))

    def _rows(self) -> Floats:
        if self.table is None:
            raise AssertionError("known")
        return self.table


def _interval(place: float) -> tuple[int, float]:
    """The last place of the table that is not above, and how far beyond it, as a share of the distance to the next."""
    first = min(max(int(np.searchsorted(PLACES, place, side="right")) - 1, 0), len(PLACES) - 2)
    return first, float((place - PLACES[first]) / (PLACES[1] - PLACES[0]))


def _widths(derivatives: int) -> Floats:
    return np.asarray((PLACES[1] - PLACES[0]) ** np.arange(derivatives))


def cumulants(excess: float, second: float, third: float) -> tuple[float, float, float]:
    """The excess and the cumulants of its chance variation, from the slope and derivatives in `Slopes.derivatives`."""
    variance = second - excess
    return excess, variance, 3.0 * variance + excess - third


def _polynomial(ends: Floats, *, finely: bool) -> np.polynomial.Polynomial:
    """The polynomial on [0, 1] with these values and derivatives at its ends: two, or finely three of each."""
    (f0, d0, *more), (f1, d1, *others) = ends.tolist()
    rise = f1 - f0
    if not finely:
        return np.polynomial.Polynomial([f0, d0, 3.0 * rise - 2.0 * d0 - d1, d0 + d1 - 2.0 * rise])
    s0, s1 = more[0], others[0]
    return np.polynomial.Polynomial(
        [
            f0,
            d0,
            0.5 * s0,
            10.0 * rise - 6.0 * d0 - 4.0 * d1 - 1.5 * s0 + 0.5 * s1,
            -15.0 * rise + 8.0 * d0 + 7.0 * d1 + 1.5 * s0 - s1,
            6.0 * rise - 3.0 * (d0 + d1) - 0.5 * s0 + 0.5 * s1,
        ]
    )
