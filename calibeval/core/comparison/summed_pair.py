"""Two models on the same rows of which only sums are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.evaluation.joint_cells import class_of_model, squared_scores
from calibeval.core.evaluation.joint_sums import OUTCOMES, VALUES, JointSums
from calibeval.core.metrics.moments import brier_of_outcome, half_brier_of_outcome
from calibeval.core.sums.binning import BinSums, bin_index
from calibeval.core.sums.by_group import RowTotals
from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.uncertainty.class_pair import difference_by_products, difference_by_totals
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.debiased_difference import ClassDifference
from calibeval.core.uncertainty.few_errors import OfOutcome, Told
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.likeness import equal_sums
from calibeval.core.uncertainty.model_pair import Pair, Together, Values, together
from calibeval.core.uncertainty.paired_means import MeanDifference, accuracy_of_counts, normal_difference
from calibeval.core.uncertainty.paired_paths import shared_products, shared_totals

NO_CLASSES = "sums of so many classes do not show how class-wise bins of two models vary together"
NO_TABLES = "how bins of two models vary together would speak of few rows, so these sums do not hold it"
NO_MASS = "how equal-mass bins of two models vary together needs every row: make the sums of both with exact"


class ByGroups(NamedTuple):
    """Sums by group of both models, base first; clusters: the sizes of the groups. top: by equal-width bin.

    classes: by class-wise bin, (j, k m); None if there are too many.
    """

    clusters: Clusters
    rows: tuple[RowTotals, RowTotals]
    top: tuple[Floats, Floats] | None
    classes: tuple[Floats, Floats] | None


class Keys(NamedTuple):
    """The keys of all rows of both models, in one order, and the group of each row."""

    models: tuple[RowKeys, RowKeys]
    codes: Codes | None


@dataclass(frozen=True, slots=True, eq=False)
class SummedPair(Pair):
    """Two models of which only sums are known. joint: over the rows of both. by_groups: if only groups are independent.

    keys: of all rows, if they are kept.
    """

    joint: JointSums = field(kw_only=True)
    by_groups: ByGroups | None = field(default=None, kw_only=True)
    keys: Keys | None = field(default=None, kw_only=True)

    @property
    def n(self) -> float:
        """The number of rows."""
        return self.joint.n

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.joint.n

    @property
    def weights(self) -> Floats | None:
        """None: all rows count the same."""
        return None

    @property
    def summed(self) -> bool:
        """That only sums of rows are known."""
        return True

    @property
    def grouped(self) -> bool:
        """Whether only groups of rows are independent."""
        return self.by_groups is not None

    @property
    def freedom(self) -> float | None:
        """If only groups are independent, the degrees of freedom of errors that are estimated from them."""
        return None if self.by_groups is None else self.by_groups.clusters.freedom

    @property
    def outcomes(self) -> Told:
        """What is known of the outcomes of both models."""
        return SummedOutcomes(self.joint)

    @property
    def identical(self) -> bool:
        """Whether the two models give the same results for every row."""
        return self.joint.identical and equal_sums(self.base.sums.classes, self.candidate.sums.classes)

    @property
    def alike(self) -> bool:
        """Whether both models are right on the same rows, and give the same probabilities up to rounding."""
        return self.joint.alike

    def mean_change(self, values: Values, level: Level, most: float) -> MeanDifference:
        """The mean over rows of the candidate's value minus the base's. most: the largest possible difference."""
        whole = values(RowTotals(*np.append(np.eye(len(VALUES) - 1), np.zeros((2, 4)), axis=0)))
        return self._change(np.append(whole, 0.0), level, most)

    def accuracy_change(self, level: Level) -> MeanDifference:
        """The difference of the accuracies."""
        plain = self._change(np.eye(len(VALUES))[1], level, 1.0)
        return accuracy_of_counts(plain, SummedOutcomes(self.joint).discordant(), level, grouped=self.grouped)

    @property
    def equally_right(self) -> bool:
        """Whether both models are right on the same rows."""
        return bool(self.joint.counts[1] == self.joint.counts[2] == 0.0)

    def positive_change(self, level: Level) -> MeanDifference:
        """For two classes, the difference of the mean probabilities of the positive one."""
        if self.by_groups is not None:
            raise NotComputable("rows_not_kept", "sums by group do not hold P(positive)")
        return self._change(np.eye(len(VALUES))[4] * (1.0 if self.base.sums.positive == 1 else -1.0), level, 2.0)

    def _change(self, of: Floats, level: Level, most: float) -> MeanDifference:
        """The difference of the means of a value that is this combination of VALUES."""
        joint = self.joint
        mean = float(of @ joint.mean)
        square = max(float(of @ joint.products @ of), 0.0) / (joint.n - 1) / joint.n
        groups = self.by_groups
        if groups is not None:
            one, other = (of[:4] @ np.stack(own[:4]) for own in groups.rows)
            totals = (other - one - groups.clusters.sizes * mean) * groups.clusters.scale
            square = max(square, float(totals @ totals) / joint.n**2)
        return normal_difference(mean, float(np.sqrt(square)), level, most)

    @property
    def top(self) -> Together:
        """How the equal-width bins of the models vary together; computed once."""
        if "top" not in self.found.together:
            self.found.together["top"] = self._top((self.base.sums.top, self.candidate.sums.top))
        return self.found.together["top"]

    def _top(self, sums: tuple[BinSums, BinSums]) -> Together:
        groups = self.by_groups
        if groups is None:
            if self.joint.top is None:
                raise NotComputable("rows_not_kept", NO_TABLES)
            return Together(sums, (None, None), shared_products(self.joint.top, sums, self.joint.n), 0)
        if groups.top is None:
            cells = len(groups.clusters.sizes) * sum(len(one.count) for one in sums)
            return Together(sums, (None, None), None, cells)
        one, other, shared = shared_totals(groups.top, sums, groups.clusters)
        return Together(sums, (one, other), shared, 0)

    @property
    def mass(self) -> Together:
        """How the equal-mass bins of the models vary together. Raises: NotComputable if keys were not kept."""
        sums = self.base.sums.mass, self.candidate.sums.mass
        if self.keys is None:
            raise NotComputable("rows_not_kept", NO_MASS)
        if "mass" not in self.found.together:
            bins, gaps = [], []
            for model, keys in zip(self.models, self.keys.models, strict=True):
                confidence = (keys >> np.uint64(1)).view(np.float64)
                bins.append(bin_index(confidence, model.sums.mass_edges))
                gaps.append((keys & np.uint64(1)).astype(np.float64) - confidence)
            codes = None if self.by_groups is None else self.keys.codes
            self.found.together["mass"] = together((bins[0], bins[1]), (gaps[0], gaps[1]), sums, codes)
        return self.found.together["mass"]

    def of_class(self, label: int) -> Together:
        """For two classes, how the bins of one class's probability vary together."""
        joint = self.joint
        if joint.binary is None or self.by_groups is not None:
            raise NotComputable("rows_not_kept", NO_TABLES if joint.top is None else NO_CLASSES)
        sums = joint.class_sums(label)
        return Together(sums, (None, None), shared_products(joint.binary[label], sums, joint.n), 0)

    @property
    def class_cells(self) -> int:
        """The number of pairs of class-wise bins of the same class, or of class-wise bins of groups."""
        one, other = (model.sums.classes for model in self.models)
        if one is None or other is None:
            return 0
        by_group = 0 if self.by_groups is None else len(self.by_groups.clusters.sizes)
        return int(max(one.count.size * other.count.shape[1], by_group * (one.count.size + other.count.size)))

    def class_difference(self, sums: tuple[BinSums, BinSums]) -> ClassDifference:
        """The difference of the class-wise errors; computed once. Raises: NotComputable for many classes."""
        cells, groups = self.joint.cells, self.by_groups
        if (cells is None) if groups is None else (groups.classes is None):
            raise NotComputable("rows_not_kept", NO_TABLES if self.joint.top is None else NO_CLASSES)
        if self.found.classes is None and groups is not None and groups.classes is not None:
            one, other = (own.reshape(-1, *sums[0].count.shape) for own in groups.classes)
            self.found.classes = difference_by_totals((one.copy(), other.copy()), groups.clusters, sums)
        elif self.found.classes is None and cells is not None:
            squares = partial(squared_scores, cells)
            self.found.classes = difference_by_products(class_of_model(cells), squares, self.joint.n, sums)
        if self.found.classes is None:
            raise AssertionError("either of them")
        return self.found.classes


class SummedOutcomes(NamedTuple):
    """The outcomes of two models, from sums: see `few_errors.Told`."""

    joint: JointSums

    @property
    def few(self) -> bool:
        """Whether either model has fewer than 30 errors, or fewer than 30 right rows."""
        return self.joint.few

    def agreed(self, *, right: bool) -> tuple[float, float]:
        """The rows on which both models are right, or both wrong, and all rows."""
        return float(self.joint.counts[0 if right else 3]), self.joint.n

    def discordant(self) -> tuple[float, float, float]:
        """The rows that only the candidate has right, those that only the base has, and all rows."""
        return float(self.joint.counts[1]), float(self.joint.counts[2]), self.joint.n

    def accuracy(self, level: Level) -> MeanDifference:
        """The difference of the accuracies if rows are independent."""
        joint = self.joint
        plain = normal_difference(
            float(joint.mean[1]), float(np.sqrt(joint.products[1, 1] / (joint.n - 1) / joint.n)), level, 1.0
        )
        return accuracy_of_counts(plain, self.discordant(), level, grouped=False)

    def moved(self, of_outcome: OfOutcome, *, right: bool) -> float:
        """The mean difference of rows on which both models are right, or both are wrong."""
        outcome = 0 if right else 1
        base, candidate = self._values(of_outcome)[outcome, outcome]
        return float(candidate - base) / self._chance(outcome)

    def worth(self, of_outcome: OfOutcome) -> float:
        """By how much the mean value changes, per share of rows that become right."""
        both, _, lost, _ = self.joint.counts
        chance = 0 if (both + lost) / self.joint.n < 0.5 else 1
        values = self._values(of_outcome)
        return 0.5 * float(np.sum(values[0, chance] - values[1, chance])) / self._chance(chance)

    def _values(self, of_outcome: OfOutcome) -> Floats:
        """The sums of the chance of an outcome times the value, by outcome, chance and model, (2, 2, 2)."""
        half = of_outcome is half_brier_of_outcome
        known = brier_of_outcome if half else of_outcome
        if self.joint.outcomes is None or known not in OUTCOMES:
            raise NotComputable("rows_not_kept", "what few errors allow needs every row")
        found: Floats = self.joint.outcomes[OUTCOMES.index(known)] * (0.5 if half else 1.0)
        return found

    def _chance(self, outcome: int) -> float:
        return 0.0 if self.joint.chances is None else float(self.joint.chances[outcome])
