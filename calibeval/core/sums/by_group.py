"""Sums by group of rows, which add up block by block: all that intervals by groups need, without keeping any row.

Every cell is added up in the order of its rows, one row at a time, so it has the same bits however the rows are divided
into blocks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.sums.binning import BinSums, bin_index
from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.sums import RowScores


class RowTotals(NamedTuple):
    """Sums of the results of rows by group, (j,) each; the names are those of RowScores. excess_squares: of squares.

    With weights w, of w times the result, and of its square.
    """

    confidence: Floats
    correct: Floats
    nll: Floats
    brier: Floats
    excess: Floats
    excess_squares: Floats

    @classmethod
    def empty(cls, groups: int) -> RowTotals:
        """The sums of no rows."""
        return cls(*np.zeros((6, groups)))

    @classmethod
    def of(cls, rows: RowScores, codes: Codes, groups: int, weights: Floats | None = None) -> RowTotals:
        """The sums of these rows. codes: (n,) in [0, groups). weights: (n,); None: 1.

        >>> right, one = np.array([True, True, False]), np.array([0.5, 0.75, 1.0])
        >>> RowTotals.of(RowScores(one, right, one, one, one, one), np.array([1, 0, 1]), 2).correct.tolist()
        [1.0, 1.0]
        """
        found = cls.empty(groups)
        found.add(rows, codes, weights)
        return found

    @classmethod
    def of_one(cls, rows: RowScores) -> RowTotals:
        """The sums of rows of one group, which all count the same."""
        with np.errstate(over="ignore", invalid="ignore"):
            own = rows.confidence, rows.correct, rows.nll, rows.brier, rows.excess, rows.excess * rows.excess
            return cls(*(np.add.reduce(values, dtype=np.float64, keepdims=True) for values in own))

    def add(self, rows: RowScores, codes: Codes, weights: Floats | None = None) -> None:
        """Further rows. codes, weights: (n,), their groups and weights."""
        with np.errstate(over="ignore", invalid="ignore"):
            results = rows.confidence, rows.correct.astype(np.float64), rows.nll, rows.brier, rows.excess
            own = results if weights is None else tuple(weights * values for values in results)
            for total, values in zip(self, (*own, own[-1] * own[-1]), strict=True):
                np.add.at(total, codes, values)

    def grown(self, groups: int) -> RowTotals:
        """The same sums with room for further groups."""
        return RowTotals._make(np.pad(one, (0, groups - len(one))) for one in self)

    def at(self, groups: Codes) -> RowTotals:
        """The sums of these groups, in this order."""
        return RowTotals._make(one[groups] for one in self)

    def scaled(self, scale: float) -> RowTotals:
        """The sums if each weight is multiplied by `scale`."""
        *results, squares = self
        return RowTotals._make((*(scale * total for total in results), scale * scale * squares))


class GapTotals:
    """Sums of correct - confidence by group and bin of the confidence. edges: (m + 1,)."""

    def __init__(self, groups: int, edges: Floats) -> None:
        self._edges, self._m = edges, len(edges) - 1
        self._flat = np.zeros(groups * self._m)

    def grow(self, groups: int) -> None:
        """Make room for further groups."""
        self._flat = np.pad(self._flat, (0, groups * self._m - len(self._flat)))

    def join(self, totals: Floats, codes: Codes) -> None:
        """Add the sums of other rows, (j, m). codes: (j,), the number here of each of their groups."""
        np.add.at(self.totals, codes, totals)

    def scale(self, factor: float) -> None:
        """Multiply each weight by the factor."""
        self._flat = self._flat * factor

    def add(
        self, confidence: Floats, correct: npt.NDArray[np.bool_], codes: Codes, weights: Floats | None = None
    ) -> None:
        """Further rows, (n,). codes, weights: their groups and weights."""
        gaps = correct - confidence if weights is None else (correct - confidence) * weights
        np.add.at(self._flat, codes * self._m + bin_index(confidence, self._edges), gaps)

    def add_keys(self, keys: RowKeys, codes: Codes, weights: Floats | None = None) -> None:
        """Further rows, from `confidence_keys` of theirs. codes, weights: as for `add`."""
        confidence = (keys >> np.uint64(1)).view(np.float64)
        self.add(confidence, (keys & np.uint64(1)).astype(bool), codes, weights)

    def add_sums(self, sums: BinSums, code: int) -> None:
        """Further rows of one group, from their sums by bin."""
        self.totals[code] += sums.y - sums.p

    @property
    def totals(self) -> Floats:
        """(groups, m)."""
        return self._flat.reshape(-1, self._m)


class ClassTotals:
    """Sums of outcome - probability by group, class, and bin of the class's probability. edges: (m + 1,)."""

    def __init__(self, groups: int, k: int, edges: Floats) -> None:
        self._edges, self._k, self._cells = edges, k, k * (len(edges) - 1)
        self._stated, self._hits = np.zeros((2, groups * self._cells))

    def grow(self, groups: int) -> None:
        """Make room for further groups."""
        room = (0, groups * self._cells - len(self._hits))
        self._stated, self._hits = np.pad(self._stated, room), np.pad(self._hits, room)

    def join(self, other: ClassTotals, codes: Codes) -> None:
        """Add the sums of other rows. codes: the number here of each of their groups."""
        for own, theirs in zip(self.sums, other.sums, strict=True):
            np.add.at(own, codes, theirs[: len(codes)])

    def scale(self, factor: float) -> None:
        """Multiply each weight by the factor."""
        self._stated, self._hits = self._stated * factor, self._hits * factor

    @property
    def sums(self) -> tuple[Floats, Floats]:
        """The sums of the probabilities, and of the outcomes, (groups, cells)."""
        return self._stated.reshape(-1, self._cells), self._hits.reshape(-1, self._cells)

    def add(self, p: Floats, labels: Codes, codes: Codes, weights: Floats | None = None) -> None:
        """Further rows. p: (n, k), probabilities. labels, codes, weights: (n,), their labels, groups and weights."""
        index = codes[:, None] * self._cells + np.arange(0, self._cells, self._cells // self._k)
        index += bin_index(p, self._edges)
        np.add.at(self._stated, index.ravel(), (p if weights is None else p * weights[:, None]).ravel())
        np.add.at(self._hits, index[np.arange(len(labels)), labels], 1.0 if weights is None else weights)

    def add_sums(self, sums: BinSums, code: int) -> None:
        """Further rows of one group, from their class-wise sums by bin."""
        stated, hits = self.sums
        stated[code] += sums.p.ravel()
        hits[code] += sums.y.ravel()

    @property
    def totals(self) -> Floats:
        """(groups, cells), in the order of flattened class-wise sums."""
        return (self._hits - self._stated).reshape(-1, self._cells)
