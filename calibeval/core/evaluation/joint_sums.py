"""Sums over the rows of two models together, from which their differences follow without any row.

They add up over disjoint sets of rows, up to rounding: means and products of differences by the formulas of Chan, Golub
& LeVeque (The American Statistician 37:242, 1983), which lose no digits where differences are small.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.errors import InputError
from calibeval.core.metrics.moments import brier_of_outcome, gap_of_outcome, nll_of_outcome
from calibeval.core.sums.binning import PARTS, BinSums, bin_index, sums_by_index, totals_by_index
from calibeval.core.sums.risk import FEW
from calibeval.core.sums.sums import RowScores
from calibeval.core.uncertainty.few_errors import OfOutcome
from calibeval.core.uncertainty.likeness import alike, identical

OUTCOMES: tuple[OfOutcome, ...] = (gap_of_outcome, nll_of_outcome, brier_of_outcome)
# The values of rows whose differences are kept: P(class 1) of two classes is the last one.
VALUES = ("confidence", "correct", "nll", "brier", "positive")
TINY = 1e-16  # the least chance of an outcome, as in `few_errors`


@dataclass(frozen=True, slots=True, eq=False)
class JointSums:
    """Of n rows of two models, base first.

    mean, products: of the differences candidate - base of VALUES, (5,) and (5, 5), the products around the mean; an NLL
    that is infinite counts as 0. counts: rows that both have right, only the candidate, only the base, and none.
    outcomes: sums of the chance of an outcome times the value that rows have if predictions are right, or wrong, by
    OUTCOMES, outcome, chance and model, (3, 2, 2, 2), right before wrong; chances: sums of the chances, (2,). Both are
    None if no model has few errors or few right rows.
    top: sums of the products of correct - confidence by equal-width bins of both, (m, m). binary: of two classes,
    likewise of each class, (2, m, m), and classes: the sums of their bins, (2, 2, 5, m), by class and model. cells: of
    few classes, as `joint_cells.cell_products` gives them. These are None where no sum may be of few rows.
    identical, alike: as `likeness` says.
    """

    n: int
    mean: Floats
    products: Floats
    counts: Floats
    outcomes: Floats | None
    chances: Floats | None
    top: Floats | None
    binary: Floats | None = None
    classes: Floats | None = None
    cells: Floats | None = None
    identical: bool = True
    alike: bool = True

    @classmethod
    def of(
        cls, models: tuple[RowScores, RowScores], labels: Codes, edges: tuple[Floats, Floats], *, k: int
    ) -> JointSums:
        """Of these rows. labels: (n,). edges: that probabilities are compared with. k: 2 for two classes."""
        base, candidate = models
        stated = [_positive(model, labels) for model in models] if k == 2 else None
        apart = _apart(models, stated)
        mean = apart.mean(axis=1)
        centred = apart - mean[:, None]
        right = base.correct, candidate.correct
        counts = [one.sum() for one in (right[0] & right[1], ~right[0] & right[1], right[0] & ~right[1])]
        places = [bin_index(model.confidence, own) for model, own in zip(models, edges, strict=True)]
        gaps = [model.correct - model.confidence for model in models]
        m = len(edges[0]) - 1
        with np.errstate(over="ignore", invalid="ignore"):
            products = centred @ centred.T
        found = cls(
            len(labels),
            mean,
            products,
            np.array([*counts, len(labels) - sum(counts)], np.float64),
            None,
            None,
            _table((places[0], places[1]), (gaps[0], gaps[1]), m),
            identical=identical(base, candidate),
            alike=alike(base, candidate),
        )
        if found.few:
            chances = _chances(models)
            found = replace(found, outcomes=_outcomes(models, chances), chances=chances.sum(axis=1))
        if stated is None:
            return found
        tables, classes = np.empty((2, m, m)), np.empty((2, 2, len(PARTS), m))
        for label in (0, 1):
            p = [one if label == 1 else 1.0 - one for one in stated]
            own = [bin_index(one, of) for one, of in zip(p, edges, strict=True)]
            happened = labels == label
            tables[label] = _table((own[0], own[1]), (happened - p[0], happened - p[1]), m)
            for i in (0, 1):
                sums = sums_by_index(own[i], m, p[i], happened)
                classes[label, i] = [getattr(sums, part) for part in PARTS]
        return replace(found, binary=tables, classes=classes)

    def __add__(self, other: JointSums) -> JointSums:
        n = self.n + other.n
        if not (self.n and other.n):
            return other if not self.n else self
        apart = other.mean - self.mean
        with np.errstate(over="ignore", invalid="ignore"):
            between = np.outer(apart, apart) * (self.n * other.n / n)
        outcomes = None if self.outcomes is None or other.outcomes is None else self.outcomes + other.outcomes
        chances = None if self.chances is None or other.chances is None else self.chances + other.chances
        both = JointSums(
            n,
            self.mean + apart * (other.n / n),
            self.products + other.products + between,
            self.counts + other.counts,
            outcomes,
            chances,
            None if self.top is None or other.top is None else self.top + other.top,
            None if self.binary is None or other.binary is None else self.binary + other.binary,
            None if self.classes is None or other.classes is None else self.classes + other.classes,
            None if self.cells is None or other.cells is None else self.cells + other.cells,
            self.identical and other.identical,
            self.alike and other.alike,
        )
        return both if both.few else replace(both, outcomes=None, chances=None)

    def without_cells(self, least: int) -> JointSums:
        """The sums without tables, whose entries may be of few rows.

        Raises: InputError if fewer rows are right by one of the models alone.
        """
        names = ("both models", "the candidate alone", "the base alone", "neither model")
        for name, rows in zip(names, self.counts.tolist(), strict=True):
            if 0 < rows < least:
                raise InputError(f"{rows:.0f} rows are right by {name}, but no sum may be of fewer than {least}")
        return replace(self, top=None, binary=None, classes=None, cells=None)

    @property
    def few(self) -> bool:
        """Whether either model has fewer than 30 errors, or fewer than 30 right rows."""
        both, gained, lost, none = self.counts.tolist()
        return bool(min(both + lost, both + gained, none + gained, none + lost) < FEW)

    def class_sums(self, label: int) -> tuple[BinSums, BinSums]:
        """Of two classes, the sums of the bins of one, of both models."""
        if self.classes is None:
            raise AssertionError("two classes")
        one, other = (BinSums(*own) for own in self.classes[label])
        return one, other


def _positive(rows: RowScores, labels: Codes) -> Floats:
    """For two classes, P(class 1) of every row, (n,)."""
    return np.where(rows.correct == (labels == 1), rows.confidence, 1.0 - rows.confidence)


def _apart(models: tuple[RowScores, RowScores], stated: list[Floats] | None) -> Floats:
    """The differences candidate - base of VALUES, (5, n)."""
    base, candidate = models
    known = np.isfinite(base.nll) & np.isfinite(candidate.nll)
    nll = np.subtract(candidate.nll, base.nll, out=np.zeros(len(known)), where=known)
    right = candidate.correct.astype(np.float64) - base.correct
    positive = np.zeros(len(known)) if stated is None else stated[1] - stated[0]
    return np.stack([candidate.confidence - base.confidence, right, nll, candidate.brier - base.brier, positive])


def _table(places: tuple[Codes, Codes], gaps: tuple[Floats, Floats], m: int) -> Floats:
    """Sums of the products of the gaps by bins of both models, (m, m)."""
    found = totals_by_index(places[0] * m + places[1], m * m, gaps[0] * gaps[1])[0]
    return np.asarray(found, np.float64).reshape(m, m)


def _chances(models: tuple[RowScores, RowScores]) -> Floats:
    """The mean probability that both models give to be right, and to be wrong, (2, n)."""
    mean = 0.5 * (models[0].confidence + models[1].confidence)
    return np.stack([np.maximum(mean, TINY), np.maximum(1.0 - mean, TINY)])


def _outcomes(models: tuple[RowScores, RowScores], chances: Floats) -> Floats:
    """Sums of the chances times the values of the outcomes, (3, 2, 2, 2)."""
    return np.array(
        [
            [
                [[chance @ of(model.confidence, right) for model in models] for chance in chances]
                for right in (True, False)
            ]
            for of in OUTCOMES
        ]
    )
