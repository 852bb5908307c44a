"""Rows in order of confidence, and what it is worth to answer only the most confident ones.

Rows of equal confidence are one step: no threshold separates them, so each has the mean error of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices


class RiskCoverage(NamedTuple):
    """Points of the risk-coverage curve, from the most confident rows on, (m,) each.

    threshold: rows of at least this confidence are answered. coverage: their share of all rows. risk: the share of them
    that is wrong. rows, wrong: their numbers.
    """

    threshold: Floats
    coverage: Floats
    risk: Floats
    rows: Floats
    wrong: Floats


@dataclass(frozen=True, eq=False)
class Ranking:
    """The distinct confidences from the largest down, with their rows and the wrong ones among them, (m,) each.

    >>> found = Ranking.of([0.9, 0.8, 0.8, 0.7], [True, True, False, False])
    >>> found.confidence.tolist(), found.rows.tolist(), found.wrong.tolist()
    ([0.9, 0.8, 0.7], [1.0, 2.0, 1.0], [0.0, 1.0, 1.0])
    """

    confidence: Floats
    rows: Floats
    wrong: Floats

    @classmethod
    def of(cls, confidence: npt.ArrayLike, correct: npt.ArrayLike, slack: float = 0.0) -> Self:
        """The ranking of rows; of a step, the smallest confidence stands for all.

        confidence, correct: (n,), n at least 1. slack: how far apart two neighbouring confidences may be and still tie.
        """
        stated, right = np.asarray(confidence, np.float64), np.asarray(correct, np.bool_)
        order = np.argsort(-stated)
        ranked = stated[order]
        first = np.flatnonzero(np.concatenate(([True], ranked[:-1] - ranked[1:] > slack)))
        rows = np.diff(first, append=len(ranked)).astype(np.float64)
        return cls(
            ranked[np.append(first[1:], len(ranked)) - 1],
            rows,
            np.add.reduceat((~right[order]).astype(np.float64), first),
        )

    @cached_property
    def n(self) -> int:
        """The number of rows."""
        return int(self.rows.sum())

    @cached_property
    def errors(self) -> int:
        """The number of wrong rows."""
        return int(self.wrong.sum())

    @cached_property
    def right(self) -> Floats:
        """The right rows, (m,)."""
        return self.rows - self.wrong

    @cached_property
    def rows_to(self) -> Floats:
        """The rows up to each confidence, itself included, (m,)."""
        return np.cumsum(self.rows)

    @cached_property
    def wrong_to(self) -> Floats:
        """The wrong rows up to each confidence, itself included, (m,)."""
        return np.cumsum(self.wrong)

    @cached_property
    def inverse(self) -> Floats:
        """The sum of 1/k over the places k = 1 ... n of the rows of each confidence, (m,)."""
        if self.n > MANY:
            return inverse_between(self.rows_to - self.rows, self.rows_to)
        inverse = 1.0 / np.arange(1.0, self.n + 1.0)
        if len(self.rows) < self.n:
            inverse = np.add.reduceat(inverse, (self.rows_to - self.rows).astype(np.intp))
        return inverse

    def steps(self, confidence: Floats) -> Indices:
        """The step of each row. confidence: those that the ranking was made of, in any order."""
        return np.asarray(len(self.confidence) - np.searchsorted(self.confidence[::-1], confidence, side="right"))

    def curve(self) -> RiskCoverage:
        """The risk-coverage curve: one point for each confidence that a threshold can have.

        Source: El-Yaniv & Wiener, JMLR 11:1605 (2010).

        >>> Ranking.of([0.9, 0.8, 0.8, 0.7], [True, True, False, False]).curve().risk.round(3).tolist()
        [0.0, 0.333, 0.5]
        """
        return self._curve

    @cached_property
    def _curve(self) -> RiskCoverage:
        rows, wrong = self.rows_to, self.wrong_to
        return RiskCoverage(self.confidence, rows / rows[-1], wrong / rows, rows, wrong)

    def auroc(self) -> float | None:
        """The probability that a right row has a larger confidence than a wrong one; equal ones count half.

        None without right or without wrong rows.
        Source: Hanley & McNeil, Radiology 143:29 (1982).

        >>> Ranking.of([0.9, 0.8, 0.8, 0.7], [True, True, False, False]).auroc()
        0.875
        """
        pairs = float(self.n - self.errors) * self.errors
        if not pairs:
            return None
        return float((self.right * (self.errors - self.wrong_to + 0.5 * self.wrong)).sum()) / pairs

    def aurc(self) -> float:
        """The mean of the risk over all coverages 1/n ... 1; rows of equal confidence have their mean error.

        Source: Geifman & El-Yaniv, NeurIPS 2017.

        >>> round(Ranking.of([0.9, 0.8, 0.8, 0.7], [True, True, False, False]).aurc(), 6)  # (0 + .5/2 + 1/3 + 2/4) / 4
        0.270833
        """
        return self._aurc

    @cached_property
    def _aurc(self) -> float:
        before, missed = self.rows_to - self.rows, self.wrong_to - self.wrong
        # Within a step, the k-th row has the risk (missed + (k - before) each) / k = each + (missed - before each) / k.
        excess = (missed - before * (self.wrong / self.rows)) * self.inverse
        return (self.errors + float(excess.sum())) / self.n

    def least_aurc(self) -> float:
        """The AURC of an order that ranks all right rows above all wrong ones.

        >>> round(Ranking.of([0.9, 0.8, 0.8, 0.7], [True, True, False, False]).least_aurc(), 6)  # (1/3 + 2/4) / 4
        0.208333
        """
        right, n = float(self.n - self.errors), float(self.n)
        return (self.errors - right * float(inverse_between(np.array([right]), np.array([n]))[0])) / n

    def eaurc(self) -> float:
        """The AURC minus that of the best order of the same rows, at least 0.

        Source: Geifman, Uziel & El-Yaniv, ICLR 2019.
        """
        return max(self.aurc() - self.least_aurc(), 0.0)

    def augrc(self) -> float:
        """The mean over all coverages 1/n ... 1 of the generalised risk: wrong answered rows as a share of all rows.

        Source: Traub et al., NeurIPS 2024.

        >>> Ranking.of([0.9, 0.8, 0.8, 0.7], [True, True, False, False]).augrc()  # (0 + .5 + 1 + 2) / 4 / 4
        0.21875
        """
        missed = self.wrong_to - self.wrong
        return float((self.rows * missed + 0.5 * self.wrong * (self.rows + 1.0)).sum()) / self.n**2

    def trapezoids(self) -> tuple[float, float] | None:
        """AURC and AUGRC as torch-uncertainty integrates: by trapezoids from coverage 1/n to 1, by the width 1 - 1/n.

        None for one row.
        Source: torch-uncertainty 0.13, metrics AURC and AUGRC.

        >>> found = Ranking.of([0.9, 0.8, 0.8, 0.7], [True, True, False, False]).trapezoids()
        >>> [round(x, 6) for x in found]  # (1.083333 - (0 + .5) / 2) / 3, (3.5 / 4 - (0 + .5) / 2) / 3
        [0.277778, 0.208333]
        """
        n = self.n
        if n < 2:
            return None
        first, last = float(self.wrong[0] / self.rows[0]), self.errors / n
        return (
            (n * self.aurc() - 0.5 * (first + last)) / (n - 1),
            (n * self.augrc() - 0.5 * (first / n + last)) / (n - 1),
        )


TABLED, MANY = 64, 2**21
_SMALL = np.cumsum(np.concatenate(([0.0], 1.0 / np.arange(1.0, TABLED + 1.0))))


def inverse_between(first: Floats, last: Floats) -> Floats:
    """The sums of 1/k over first < k <= last, whole numbers of at least 0, from the series of the digamma function.

    >>> inverse_between(np.array([1.0, 0.0]), np.array([3.0, 1e6])).round(6).tolist()  # 1/2 + 1/3
    [0.833333, 14.392727]
    """
    low, high = np.maximum(first, TABLED), np.maximum(last, TABLED)
    tabled = [_SMALL[np.minimum(one, TABLED).astype(np.intp)] for one in (first, last)]
    return np.asarray(tabled[1] - tabled[0] + np.log1p((high - low) / low) + (_rest(high) - _rest(low)))


def _rest(k: Floats) -> Floats:
    """The harmonic number of k, minus its logarithm and Euler's constant; within 2e-17 for k of at least 64."""
    inverse = 1.0 / k
    square = inverse * inverse
    return np.asarray(0.5 * inverse - square * (1.0 / 12.0 - square * (1.0 / 120.0 - square / 252.0)))
