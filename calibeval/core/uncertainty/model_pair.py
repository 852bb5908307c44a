"""Two models on the same rows: their sums, the results of each row, and how their bins vary together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.binning import BinSums, bin_index, sums_by_index
from calibeval.core.sums.by_group import RowTotals
from calibeval.core.sums.class_pairs import PairedClasses
from calibeval.core.sums.gain import Gain
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.class_pair import difference_by_groups, difference_by_rows
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.debiased_difference import ClassDifference
from calibeval.core.uncertainty.few_errors import Outcomes, Told
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.likeness import alike, equal_sums, identical
from calibeval.core.uncertainty.paired import MOST_PAIR_CELLS, ROWS_NEEDED
from calibeval.core.uncertainty.paired_means import MeanDifference, accuracy_difference, mean_difference
from calibeval.core.uncertainty.paired_paths import Shared, shared_groups, shared_rows
from calibeval.core.uncertainty.paths import Joint

# The values of single rows, or their sums from sums of the results of rows: linear in them.
Values = Callable[[RowScores | RowTotals], Floats]


class Together(NamedTuple):
    """The bins of two models: their sums and, unless there are too many groups, how they vary alone and together."""

    sums: tuple[BinSums, BinSums]
    joints: tuple[Joint | None, Joint | None]
    shared: Shared | None
    cells: int


def together(
    bins: tuple[Codes, Codes],
    residuals: tuple[Floats, Floats],
    sums: tuple[BinSums, BinSums],
    groups: Codes | None,
    weights: Floats | None = None,
) -> Together:
    """How residuals in these bins vary together. weights: of the rows, by which residuals are multiplied."""
    if groups is None:
        n = None if weights is None else float(weights.sum())
        return Together(sums, (None, None), shared_rows(bins, residuals, sums, n), 0)
    cells = (int(groups.max()) + 1) * sum(len(own.count) for own in sums)
    if cells > MOST_PAIR_CELLS:
        return Together(sums, (None, None), None, cells)
    one, other, shared = shared_groups(bins, residuals, sums, groups, weights)
    return Together(sums, (one, other), shared, cells)


@dataclass(slots=True, eq=False)
class Known:
    """What was found of a pair, whatever the level: how bins vary together, and the class-wise difference."""

    together: dict[str, Together] = field(default_factory=dict)
    classes: ClassDifference | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One of two models: its sums and, in the order of the base's rows, the results of each row.

    row_scores: these; None if only sums are known. order: the positions of these rows in the model's own order; None if
    that is the same.
    """

    sums: Sums
    row_scores: RowScores | None
    order: Codes | None = None

    @property
    def rows(self) -> RowScores:
        """The results of each row. Raises: NotComputable if there are only sums of rows."""
        if self.row_scores is None:
            raise NotComputable("rows_not_kept", ROWS_NEEDED)
        return self.row_scores

    @property
    def with_pairs(self) -> Model:
        """The same model, with its rows in the order of their confidence, for metrics on request."""
        rows = self.sums.rows
        if rows is None or self.sums.pairs is not None:
            return self
        pairs = Pairs.of(rows.confidence, rows.correct, self.sums.row_weights)
        return replace(self, sums=replace(self.sums, pairs=pairs))

    def at(self, places: Codes, sums: Sums, groups: Codes | None) -> Model:
        """The rows at these positions as a separate model. sums, groups: of these rows."""
        gain = self.sums.gain
        if isinstance(gain, Gain):
            gain = gain.of_rows(places if self.order is None else self.order[places], groups)
        return Model(replace(sums, gain=gain), self.rows.at(places))

    def positive(self, labels: Codes) -> Floats:
        """For two classes, P(class 1) of every row, (n,)."""
        says_one = self.rows.correct == (labels == 1)
        return np.where(says_one, self.rows.confidence, 1.0 - self.rows.confidence)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two models on the same n rows.

    labels: (n,) of these rows. groups: (n,) of group numbers in [0, j), if only groups are independent; else None.
    found: cache. classes: where the probabilities of all classes are read, if they are known.
    """

    base: Model
    candidate: Model
    labels: Codes
    groups: Codes | None
    found: Known = field(default_factory=Known)
    classes: PairedClasses | None = None

    def at(self, places: Codes, sums: tuple[Sums, Sums], groups: Codes | None, found: Known) -> Pair:
        """The rows at these positions as a separate pair. sums, groups, found: of these rows."""
        one, other = (model.at(places, own, groups) for own, model in zip(sums, self.models, strict=True))
        classes = None if self.classes is None else self.classes.at(places)
        return Pair(one, other, self.labels[places], groups, found, classes)

    @property
    def weights(self) -> Floats | None:
        """The weights of the rows, which add up to their effective number; None if all rows count the same."""
        own = self.base.rows.weights
        return None if own is None else own * self.base.sums.scale

    @property
    def n(self) -> float:
        """The number of rows or, with weights, their effective number."""
        return len(self.labels) if self.base.rows.weights is None else self.base.sums.n

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.labels)

    @property
    def summed(self) -> bool:
        """Whether only sums of rows are known."""
        return False

    @property
    def grouped(self) -> bool:
        """Whether only groups of rows are independent."""
        return self.groups is not None

    @property
    def freedom(self) -> float | None:
        """If only groups are independent, the degrees of freedom of errors that are estimated from them."""
        return None if self.groups is None else Clusters.of(self.groups, self.weights).freedom

    def mean_change(self, values: Values, level: Level, most: float) -> MeanDifference:
        """The mean over rows of the candidate's value minus the base's. most: the largest possible difference."""
        apart = values(self.candidate.rows) - values(self.base.rows)
        return mean_difference(apart, level, most, self.groups, self.weights)

    def accuracy_change(self, level: Level) -> MeanDifference:
        """The difference of the accuracies."""
        base, candidate = self.base.rows.correct, self.candidate.rows.correct
        return accuracy_difference(base, candidate, level, self.groups, self.weights)

    @property
    def equally_right(self) -> bool:
        """Whether both models are right on the same rows."""
        return np.array_equal(self.base.rows.correct, self.candidate.rows.correct)

    def positive_change(self, level: Level) -> MeanDifference:
        """For two classes, the difference of the mean probabilities of the positive one."""
        base, candidate = (model.positive(self.labels) for model in self.models)
        apart = candidate - base if self.base.sums.positive == 1 else base - candidate
        return mean_difference(apart, level, 2.0, self.groups, self.weights)

    @property
    def models(self) -> tuple[Model, Model]:
        """Base and candidate."""
        return self.base, self.candidate

    @property
    def outcomes(self) -> Told:
        """Confidence and correctness of both models."""
        one, other = self.base.rows, self.candidate.rows
        return Outcomes((one.confidence, other.confidence), (one.correct, other.correct), self.weights)

    @property
    def residuals(self) -> tuple[Floats, Floats]:
        """The residuals correct - confidence of both models, (n,) each, times the weights of their rows.

        They are recomputed to save 16 bytes per row.
        """
        one, other = (model.rows.correct - model.rows.confidence for model in self.models)
        weights = self.weights
        return (one, other) if weights is None else (one * weights, other * weights)

    @property
    def top(self) -> Together:
        """How the equal-width bins of the models vary together; computed once."""
        if "top" not in self.found.together:
            bins = [bin_index(model.rows.confidence, model.sums.compared) for model in self.models]
            sums = self.base.sums.top, self.candidate.sums.top
            self.found.together["top"] = self._together((bins[0], bins[1]), self.residuals, sums)
        return self.found.together["top"]

    @property
    def mass(self) -> Together:
        """How the equal-mass bins of the models vary together; computed once."""
        if "mass" not in self.found.together:
            bins = [bin_index(model.rows.confidence, model.sums.mass_edges) for model in self.models]
            sums = self.base.sums.mass, self.candidate.sums.mass
            self.found.together["mass"] = self._together((bins[0], bins[1]), self.residuals, sums)
        return self.found.together["mass"]

    def of_class(self, label: int) -> Together:
        """For two classes, how the bins of one class's probability vary together; computed once."""
        if f"class {label}" not in self.found.together:
            happened, weights = self.labels == label, self.weights
            bins, gaps, sums = [], [], []
            for model in self.models:
                positive = model.positive(self.labels)
                p = positive if label == 1 else 1.0 - positive
                bins.append(bin_index(p, model.sums.compared))
                gaps.append(happened - p if weights is None else (happened - p) * weights)
                sums.append(sums_by_index(bins[-1], len(model.sums.compared) - 1, p, happened, weights))
            own = self._together((bins[0], bins[1]), (gaps[0], gaps[1]), (sums[0], sums[1]))
            self.found.together[f"class {label}"] = own
        return self.found.together[f"class {label}"]

    def _together(
        self, bins: tuple[Codes, Codes], residuals: tuple[Floats, Floats], sums: tuple[BinSums, BinSums]
    ) -> Together:
        return together(bins, residuals, sums, self.groups, self.weights)

    @property
    def class_cells(self) -> int:
        """The number of pairs of class-wise bins of the same class, or of class-wise bins of groups."""
        one, other = (model.sums.classes for model in self.models)
        if one is None or other is None:
            return 0
        by_group = 0 if self.groups is None else (int(self.groups.max()) + 1) * (one.count.size + other.count.size)
        return int(max(one.count.size * other.count.shape[1], by_group))

    def class_difference(self, sums: tuple[BinSums, BinSums]) -> ClassDifference:
        """The difference of the class-wise errors; computed once, in a pass over the scores.

        sums: (k, m) class-wise sums of both models.
        Raises: NotComputable if the probabilities of single rows are not known.
        """
        if self.classes is None:
            raise NotComputable("rows_not_kept", ROWS_NEEDED)
        if self.found.classes is None:
            if self.groups is None:
                self.found.classes = difference_by_rows(self.classes, self.labels, sums)
            else:
                self.found.classes = difference_by_groups(self.classes, self.labels, self.groups, sums)
        return self.found.classes

    @property
    def identical(self) -> bool:
        """Whether the two models give the same results for every row."""
        same = identical(self.base.rows, self.candidate.rows)
        return same and equal_sums(self.base.sums.classes, self.candidate.sums.classes)

    @property
    def alike(self) -> bool:
        """Whether both models are right on the same rows, and give the same probabilities up to rounding."""
        return alike(self.base.rows, self.candidate.rows)
