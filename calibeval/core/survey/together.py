"""Intervals of means over cells that share rows: a sandwich, with the shared rows (or groups) as the units.

The mean over C cells of a mean over rows is a sum over units, m = 1/C sum_c 1/N_c sum_u s_cu. What a unit u adds to its
error is psi_u = 1/C sum_c (s_cu - n_cu m_c) / N_c, over all cells in which it occurs, and the variance of the mean is
estimated by the sum of psi_u squared, with the jackknife's factor of each cell. Units are independent; cells need not
be. A unit weighs sum_c n_cu / (C N_c): the few rows of a small cell weigh much, and degrees of freedom are by weights.
Source: Liang & Zeger, Biometrika 73:13 (1986); Bell & McCaffrey, Survey Methodology 28:169 (2002), for few groups.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.risk import FEW
from calibeval.core.sums.sums import RowScores
from calibeval.core.survey.rows import Keys, Units, UnitValues
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.intervals import share_interval
from calibeval.core.uncertainty.special import student_quantile

LEAST_UNITS = 10
Ends = tuple[float, float]
# The metrics that are means over rows, from the sums of a unit.
OF_ROWS: Mapping[str, Callable[[UnitValues], Floats]] = {
    "accuracy": lambda values: values.correct.astype(np.float64),
    "confidence_gap": lambda values: values.confidence.astype(np.float64) - values.correct,
    "nll": lambda values: values.nll.astype(np.float64),
    "brier": lambda values: values.brier.astype(np.float64),
    "brier_positive": lambda values: 0.5 * values.brier.astype(np.float64),
}
LIMITS = {"accuracy": (0.0, 1.0), "confidence_gap": (-1.0, 1.0), "nll": (0.0, math.inf), "brier": (0.0, 2.0)}
LIMITS["brier_positive"] = (0.0, 1.0)


class Kept(NamedTuple):
    """The values of a cell's units; after: those after a map."""

    units: Units
    values: UnitValues
    after: UnitValues | None = None

    @classmethod
    def of(
        cls, predictions: Predictions, rows: RowScores | None, group: str | None, after: RowScores | None = None
    ) -> Kept | None:
        """What is kept of the results of rows; None if there are none. after: those after a map."""
        if rows is None:
            return None
        units = Units.of(predictions, rows, group)
        return cls(units.bare, UnitValues.of(rows, units), None if after is None else UnitValues.of(after, units))


class Joined(NamedTuple):
    """A mean over cells, what each unit adds to its error, (u,), with the jackknife's factor, and its weight in it.

    least: the effective number of units of the cell with the fewest.
    """

    mean: float
    psi: Floats
    weights: Floats
    least: float


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """The cells of a survey with the values of their units; None where a cell could not be measured.

    level: of the intervals. bases: of each cell, the values of its reference; None where it has none.
    """

    cells: Sequence[Kept | None]
    level: float
    bases: Sequence[Kept | None] = ()

    def interval(self, name: str, cells: Sequence[int], *, after: bool) -> Ends | None:
        """The interval of the mean of a metric over these cells; None for metrics that are no means over rows, for too
        few units in a cell, and with fewer than 30 units that are ever wrong, or ever right, where it would not hold.
        """
        found = self._held(cells, after=after)
        if name not in OF_ROWS or found is None or _few(found) or _infinite(name, found):
            return None
        joined = psi_of((kept.units, OF_ROWS[name](own), 1.0) for kept, own in found)
        return ends_of(name, joined.mean, joined, self.level)

    def change(self, name: str, cells: Sequence[int]) -> Ends | None:
        """The interval of the mean difference of a metric between these cells and their references; None as above."""
        found = self._held(cells, after=False)
        bases = [self.bases[i] for i in cells]
        held = [(base, base.values) for base in bases if base is not None]
        if name not in OF_ROWS or found is None or len(held) < len(bases) or _few(found) or _few(held):
            return None
        if _infinite(name, [*found, *held]):
            return None
        both = [(*one, 1.0) for one in found] + [(*one, -1.0) for one in held]
        joined = psi_of(((kept.units, OF_ROWS[name](own), sign) for kept, own, sign in both), len(cells))
        reach = _reach(joined, self.level)
        return None if reach is None else (joined.mean - reach, joined.mean + reach)

    def _held(self, cells: Sequence[int], *, after: bool) -> list[tuple[Kept, UnitValues]] | None:
        found = []
        for i in cells:
            kept = self.cells[i]
            values = None if kept is None else kept.after if after else kept.values
            if kept is None or values is None:
                return None
            found.append((kept, values))
        return found


def sharing(kept: Kept | None, known: dict[str, Units]) -> Kept | None:
    """What is kept of a cell, with the names of units of another cell that has the same; known: of cells so far."""
    if kept is None or kept.units.names is None:
        return kept
    same = known.setdefault(kept.units.key, kept.units)
    return kept._replace(units=replace(kept.units, names=same.names))


def psi_of(values: Iterable[tuple[Units, Floats, float]], cells: int | None = None) -> Joined:
    """What each unit adds to the error of the mean over cells. values: sums by unit, one cell at a time, with 1 or,
    where the cell is taken away, -1. cells: how many; None: as many as there are values.
    """
    parts: dict[str, tuple[Units, Floats, Floats]] = {}
    means, least = [], math.inf
    for units, own, sign in values:
        total, sizes = _total(units), units.rows
        mean = float(own.sum()) / total
        means.append(sign * mean)
        psi = (own - sizes * mean) * (_scale(units) * sign / total)
        _, known, weights = parts.setdefault(units.key, (units, np.zeros(units.count), np.zeros(units.count)))
        known += psi
        weights += sizes / total
        least = min(least, effective(units))
    count = len(means) if cells is None else cells
    named = [(units.names, psi, weights) for units, psi, weights in parts.values() if units.names is not None]
    plain = [(psi, weights) for units, psi, weights in parts.values() if units.names is None]
    if len(named) > 1:
        plain.append(_over_names(named))
    else:
        plain += [(psi, weights) for _, psi, weights in named]
    psi, weights = (np.concatenate([one[i] for one in plain]) for i in (0, 1))
    return Joined(sum(means) / count, psi / count, weights / count, least)


def ends_of(name: str, mean: float, joined: Joined, level: float) -> Ends | None:
    """The interval of a mean; None for too few units."""
    reach = _reach(joined, level)
    if reach is None:
        return None
    if name == "accuracy":
        spread, error = mean * (1.0 - mean), error_of(joined)
        if error == 0.0 or spread <= 0.0:
            return None
        found = share_interval(mean, spread / error**2, reach / error)
        return found.low, found.high
    least, most = LIMITS[name]
    return max(mean - reach, least), min(mean + reach, most)


def _reach(joined: Joined, level: float) -> float | None:
    """How far an interval reaches on either side; None for too few units."""
    if too_few(joined):
        return None
    return student_quantile(0.5 * (1.0 + level), Clusters(joined.weights).freedom) * error_of(joined)


def too_few(joined: Joined) -> bool:
    """Whether all units, or those of some cell, are too few to show how much units differ."""
    return round(min(joined.least, Clusters(joined.weights).effective)) < LEAST_UNITS


def error_of(joined: Joined) -> float:
    """The standard error of a mean."""
    return math.sqrt(float(joined.psi @ joined.psi))


def wrong_and_right(units: Units, values: UnitValues) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which units have a wrong row, and which have a right one."""
    return values.correct < units.rows * (1.0 - 1e-6), values.correct > 0


def effective(units: Units) -> float:
    """The number of units of equal sizes that would say as much."""
    return float(units.count) if units.sizes is None else Clusters(units.sizes).effective


def balance(every: Iterable[Units]) -> float:
    """By how much cells of unequal numbers of units lessen what all units say; 1 for equal numbers.

    Of 1/sum of squared weights, the share of all units; units of different cells that are not the same count as others.
    """
    counts = Counter[str]()
    sizes: dict[str, int] = {}
    for units in every:
        counts[units.key] += 1
        sizes[units.key] = units.count
    cells = counts.total()
    squares = sum((counts[key] / cells) ** 2 / size for key, size in sizes.items())
    return 1.0 / (squares * sum(sizes.values()))


def _over_names(parts: Sequence[tuple[Keys, Floats, Floats]]) -> tuple[Floats, Floats]:
    """The sums over all units of cells that share some of them."""
    every, places = np.unique(np.concatenate([names for names, *_ in parts]), return_inverse=True)
    psi, sizes = (np.concatenate([part[i] for part in parts]) for i in (1, 2))
    added = (np.bincount(places, one, len(every)).astype(np.float64) for one in (psi, sizes))
    return next(added), next(added)


def _infinite(name: str, found: Sequence[tuple[Kept, UnitValues]]) -> bool:
    """Whether the NLL is infinite in some unit, so that it has no mean."""
    return name == "nll" and not all(np.isfinite(own.nll).all() for _, own in found)


def _few(found: Sequence[tuple[Kept, UnitValues]]) -> bool:
    """Whether fewer than 30 units are wrong in some cell, or right in some; fewer count where cells are unequal."""
    by_key: dict[str, list[Floats]] = {}
    for kept, values in found:
        count = kept.units.count
        known = by_key.setdefault(kept.units.key, [np.zeros(count), np.zeros(count)])
        wrong, right = wrong_and_right(kept.units, values)
        known[0] += wrong
        known[1] += right
    counts = [sum(int((one[i] > 0).sum()) for one in by_key.values()) for i in (0, 1)]
    return min(counts) * balance(kept.units for kept, _ in found) < FEW


def _scale(units: Units) -> Floats | float:
    """The jackknife's factor of each unit of a cell."""
    return math.sqrt(units.count / max(units.count - 1, 1)) if units.sizes is None else Clusters(units.sizes).scale


def _total(units: Units) -> float:
    return float(units.count) if units.sizes is None else float(units.sizes.sum())
