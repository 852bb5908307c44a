"""The result of one pass over the scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, Notice
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.cox import Cox
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.gain import Gain
from calibeval.core.sums.joined_cells import JoinedCells
from calibeval.core.sums.optimum import Optimum
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.second_pass import SecondSums


class Moments(NamedTuple):
    """The sum of one value per row, and of its squares; inf if a sum exceeds the range of float64.

    With weights w, total is the sum of w x, squares of (w x)^2 and crossed of w^2 x; without, crossed is None.
    Moments of two disjoint sets of rows add up: `one.joined(other)`.

    >>> Moments.of(np.array([1.0, 2.0])).joined(Moments(3.0, 9.0))
    Moments(total=6.0, squares=14.0, crossed=None)
    """

    total: float
    squares: float
    crossed: float | None = None

    @classmethod
    def of(cls, values: Floats, weights: Floats | None = None) -> Moments:
        """The moments of these values, (n,)."""
        with np.errstate(over="ignore"):
            if weights is None:
                return cls(float(np.add.reduce(values)), float(np.add.reduce(values * values)))
            own = weights * values
            sums = (float(np.add.reduce(one)) for one in (own, own * own, weights * own))
            return cls(*sums)

    def joined(self, other: Moments) -> Moments:
        """The moments of both sets of rows."""
        crossed = None if self.crossed is None or other.crossed is None else self.crossed + other.crossed
        return Moments(self.total + other.total, self.squares + other.squares, crossed)

    def finished(self, weights: Moments) -> Moments:
        """The moments as those of so many rows of weight 1 as the weights are worth, with the same mean and error.

        The error is that of a ratio of two sums: the squares are those of w times x minus its mean.
        weights: sum and sum of squares of the weights.
        Source: Hajek, in Foundations of Statistical Inference, 1971; Saerndal, Swensson & Wretman 1992, section 5.7.

        >>> Moments.of(np.array([1.0, 2.0]), np.array([2.0, 2.0])).finished(Moments(4.0, 8.0))
        Moments(total=3.0, squares=5.0, crossed=None)
        """
        if self.crossed is None:
            return self
        scale, mean = weights.total / weights.squares, self.total / weights.total
        centred = self.squares - 2.0 * mean * self.crossed + mean * mean * weights.squares
        total = self.total * scale
        return Moments(total, max(centred, 0.0) * scale * scale + mean * total)


@dataclass(frozen=True, slots=True, eq=False)
class RowScores:
    """Results of every row that is not ignored, (n,) each, in the order of the rows.

    confidence: largest probability, in [0, 1]. correct: whether its class is the label. nll: -ln of the probability of
    the label, in nats; inf if that is 0. brier: sum over the classes, in [0, 2]. excess: nll minus its expectation
    under the stated probabilities. risk: nll if the row is wrong, minus nll if it is right (`risk.log_risk`); may be
    inf. If only the top label is known, nll, brier, excess and risk are meaningless.
    weights: as they came; None if all rows count the same.
    """

    confidence: Floats
    correct: npt.NDArray[np.bool_]
    nll: Floats
    brier: Floats
    excess: Floats
    risk: Floats
    weights: Floats | None = field(default=None, kw_only=True)

    def at(self, places: npt.NDArray[np.intp]) -> RowScores:
        """The rows at these positions, in this order."""
        weights = None if self.weights is None else self.weights.take(places)
        return RowScores(*(values.take(places) for values in self._columns()), weights=weights)

    def between(self, here: slice) -> RowScores:
        """Consecutive rows, without copying."""
        weights = None if self.weights is None else self.weights[here]
        return RowScores(*(values[here] for values in self._columns()), weights=weights)

    def _columns(self) -> tuple[Any, ...]:
        return self.confidence, self.correct, self.nll, self.brier, self.excess, self.risk


def joined_rows(parts: list[RowScores]) -> RowScores:
    """The results of consecutive rows, concatenated."""
    return RowScores(
        confidence=np.concatenate([part.confidence for part in parts]),
        correct=np.concatenate([part.correct for part in parts]),
        nll=np.concatenate([part.nll for part in parts]),
        brier=np.concatenate([part.brier for part in parts]),
        excess=np.concatenate([part.excess for part in parts]),
        risk=np.concatenate([part.risk for part in parts]),
        weights=None if parts[0].weights is None else np.concatenate([part.weights for part in parts]),
    )


class EqualMass(NamedTuple):
    """Sums of equal-mass bins, (m,), and their m + 1 edges. They cannot be added, because edges differ.

    bound: how far the mean gap may be from that of bins with exact edges; 0 if these are exact.
    """

    sums: BinSums
    edges: Floats
    bound: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """The totals of one pass over n rows, from which all metrics are computed.

    Sums of two disjoint sets of rows add up to the sums of their union, except for equal-mass bins, which need the
    order of all rows, the optimum, which needs all scores, and rows; the result of an addition has none of them.

    weights: sum and sum of squares of the rows' weights, which are 1 if all rows count the same.
    n: what means are divided by: the number of rows or, with weights, their effective number (sum of w)^2 / sum of w^2.
    With weights, `finished` sums are scaled so that they add up to n like those of n rows; before, they can be added.
    top: confidence against correctness in equal-width bins, (m,), with the m + 1 edges `edges`; `compared` are these
    edges rounded like the probabilities that were compared with them. classes: each class's probability against the
    labels in equal-width bins, (k, m); None if only the top label is known, like nll and brier. impossible: number of
    rows whose label has probability 0 (left out of nll); impossible_row: the first of them, or None; impossible_place:
    its place in words.
    excess: of the NLL over its expectation, with its cumulants; None if a label has probability 0, or only the top
    label is known.
    optimum: the temperature with the smallest NLL; None as for the excess, and for added sums. cox: for two classes,
    Cox's recalibration; None likewise.
    equal_mass: like top, in equal-mass bins. rows: the results of every row, if requested.
    risk: the sum of the rows' risks; None if they are not known, or not needed: with 30 errors and 30 right rows.
    counted: the number of rows of finished sums with weights. class_spread: the variance of a row's weighted class-wise
    gaps, if it was computed; see `class_spread.py`. positive: the number of the positive class of two. pairs: the rows
    in ascending order of confidence, if metrics were asked for that need them. second, gain: likewise, the sums of a
    second pass over the scores, and of the rows before and after recalibration; a reason if there is none.
    without_rows: whether these are sums of batches, of which no row can be read again. joined: what small bins that
    were joined to others may change; None if none was.
    """

    n: float
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
    cox: Cox | None = None
    equal_mass: EqualMass | None = None
    rows: RowScores | None = None
    risk: float | None = None
    counted: int | None = None
    class_spread: float | None = None
    positive: int = 1
    pairs: Pairs | None = None
    second: SecondSums | None = None
    gain: Gain | Notice | None = None
    without_rows: bool = False
    joined: JoinedCells | None = None

    @property
    def done(self) -> bool:
        """Whether the sums have weights and are finished."""
        return self.counted is not None

    @property
    def rows_n(self) -> int:
        """The number of rows."""
        return int(self.n) if self.counted is None else self.counted

    @property
    def effective(self) -> float | None:
        """With weights, the effective number of rows of finished sums; else None."""
        return float(self.n) if self.done else None

    def finished(self) -> Sums:
        """The sums for metrics: with weights, scaled to the effective number of rows."""
        if self.top.squared is None or self.done:
            return self
        scale = self.scale
        mass = self.equal_mass
        return replace(
            self,
            n=max(self.weights.total * scale, 1.0),
            top=self.top.scaled(scale),
            classes=None if self.classes is None else self.classes.scaled(scale),
            nll=self.nll.finished(self.weights),
            brier=self.brier.finished(self.weights),
            excess=None if self.excess is None else self.excess.scaled(scale),
            risk=None if self.risk is None else self.risk * scale,
            equal_mass=None if mass is None else mass._replace(sums=mass.sums.scaled(scale)),
            counted=int(self.n),
        )

    @property
    def scale(self) -> float:
        """The factor from the weights to those of which the sum and the sum of squares are the effective number."""
        return self.weights.total / self.weights.squares

    @property
    def row_weights(self) -> Floats | None:
        """The weights of the single rows, scaled so; None if all rows count the same, or single rows were not kept."""
        return None if self.rows is None or self.rows.weights is None else self.rows.weights * self.scale

    def __add__(self, other: Sums) -> Sums:
        if self.k != other.k or not np.array_equal(self.compared, other.compared):
            raise InputError("sums with different classes or bins cannot be added")
        if (self.top.squared is None) != (other.top.squared is None) or self.done or other.done:
            raise InputError("sums with and without weights, or finished ones with weights, cannot be added")
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
            cox=None,
            equal_mass=None,
            rows=None,
            pairs=None,
            second=None,
            gain=None,
            risk=None if self.risk is None or other.risk is None else self.risk + other.risk,
            class_spread=None,
            joined=None,
        )

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
