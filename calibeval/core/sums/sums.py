"""The result of one pass over the scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.optimum import Optimum


class Moments(NamedTuple):
    """The sum of one value per row, and of its squares; inf if a sum exceeds the range of float64.

    Moments of two disjoint sets of rows add up: `one.joined(other)`.

    >>> Moments.of(np.array([1.0, 2.0])).joined(Moments(3.0, 9.0))
    Moments(total=6.0, squares=14.0)
    """

    total: float
    squares: float

    @classmethod
    def of(cls, values: Floats) -> Moments:
        """The moments of these values, (n,)."""
        with np.errstate(over="ignore"):
            return cls(float(np.add.reduce(values)), float(np.add.reduce(values * values)))

    def joined(self, other: Moments) -> Moments:
        """The moments of both sets of rows."""
        return Moments(self.total + other.total, self.squares + other.squares)


@dataclass(frozen=True, slots=True, eq=False)
class RowScores:
    """Results of every row that is not ignored, (n,) each, in the order of the rows.

    confidence: largest probability, in [0, 1]. correct: whether its class is the label. nll: -ln of the probability of
    the label, in nats; inf if that is 0. brier: sum over the classes, in [0, 2]. excess: nll minus its expectation
    under the stated probabilities. If only the top label is known, nll, brier and excess are meaningless.
    """

    confidence: Floats
    correct: npt.NDArray[np.bool_]
    nll: Floats
    brier: Floats
    excess: Floats

    def at(self, places: npt.NDArray[np.intp]) -> RowScores:
        """The rows at these positions, in this order."""
        return RowScores(*(values.take(places) for values in self._columns()))

    def between(self, here: slice) -> RowScores:
        """Consecutive rows, without copying."""
        return RowScores(*(values[here] for values in self._columns()))

    def _columns(self) -> tuple[Any, ...]:
        return self.confidence, self.correct, self.nll, self.brier, self.excess


class EqualMass(NamedTuple):
    """Sums of equal-mass bins, (m,), and their m + 1 edges. They cannot be added, because edges differ."""

    sums: BinSums
    edges: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """The totals of one pass over n rows, from which all metrics are computed.

    Sums of two disjoint sets of rows add up to the sums of their union, except for equal-mass bins, which need the
    order of all rows, the optimum, which needs all scores, and rows; the result of an addition has none of them.

    weights: sum and sum of squares of the rows' weights. Currently each weight is 1, and means are over n.
    top: confidence against correctness in equal-width bins, (m,), with the m + 1 edges `edges`; `compared` are these
    edges rounded like the probabilities that were compared with them. classes: each class's probability against the
    labels in equal-width bins, (k, m); None if only the top label is known, like nll and brier. impossible: number of
    rows whose label has probability 0 (left out of nll); impossible_row: the first of them, or None; impossible_place:
    its place in words.
    excess: of the NLL over its expectation, with its cumulants; None if a label has probability 0, or only the top
    label is known.
    optimum: the temperature with the smallest NLL; None as for the excess, and for added sums.
    equal_mass: like top, in equal-mass bins. rows: the results of every row, if requested.
    """

    n: int
    k: int | None
    weights: Moments
    edges: Floats
    compared: Floats
    top: BinSums
    classes: BinSums | None
    nll: Moments
    brier: Moments
    impossible: int
    impossible_row: int | None
    impossible_place: str = ""
    excess: Excess | None = None
    optimum: Optimum | None = None
    equal_mass: EqualMass | None = None
    rows: RowScores | None = None

    def __add__(self, other: Sums) -> Sums:
        if self.k != other.k or not np.array_equal(self.compared, other.compared):
            raise InputError("sums with different classes or bins cannot be added")
        first = min((self, other), key=_first_impossible)
        return replace(
            first,
            n=self.n + other.n,
            weights=self.weights.joined(other.weights),
            top=self.top + other.top,
            classes=None if self.classes is None or other.classes is None else self.classes + other.classes,
            nll=self.nll.joined(other.nll),
            brier=self.brier.joined(other.brier),
            impossible=self.impossible + other.impossible,
            excess=None if self.excess is None or other.excess is None else self.excess.joined(other.excess),
            optimum=None,
            equal_mass=None,
            rows=None,
        )

    @property
    def expected_nll(self) -> float | None:
        """The total NLL, in nats, that is expected if the stated probabilities are true; None without the excess."""
        return None if self.excess is None else self.nll.total - self.excess.total

    @property
    def mass(self) -> BinSums:
        """Confidence against correctness in equal-mass bins, (m,).

        Raises: NotComputable for added sums, which have none.
        """
        return self._equal_mass().sums

    @property
    def mass_edges(self) -> Floats:
        """The m + 1 edges of the equal-mass bins. Raises: as `mass`."""
        return self._equal_mass().edges

    def _equal_mass(self) -> EqualMass:
        if self.equal_mass is None:
            why = "added sums have no equal-mass bins, which need the order of all rows"
            raise NotComputable("not_measured", why)
        return self.equal_mass


def _first_impossible(sums: Sums) -> float:
    return math.inf if sums.impossible_row is None else sums.impossible_row
