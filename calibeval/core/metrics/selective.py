"""Selective prediction: how well the confidence tells right rows from wrong ones, by areas over all coverages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.means import check_enough_rows, of_means
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.metrics.result import RiskPoint
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.ranking import Ranking
from calibeval.core.sums.risk import FEW, decided_by_few
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.model_pair import Model, Pair
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.paired_means import mean_difference
from calibeval.core.uncertainty.ranking_influence import (
    Influence,
    augrc_influence,
    aurc_influence,
    auroc_influence,
    eaurc_influence,
)

ONE_KIND = "all rows are {}, so there is nothing to rank"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area(OfPairs):
    """An area that says how well the confidence ranks rows, of the distinct confidences and the errors at each.

    area: "auroc", "aurc", "eaurc" or "augrc". Intervals are normal on the scale of log-odds (AUROC) or of logarithms,
    as such areas are skewed.
    """

    has_floor: ClassVar[bool] = False
    area: Literal["auroc", "aurc", "eaurc", "augrc"]

    def of_pairs(self, pairs: Pairs) -> float:
        """The area. Raises: NotComputable for weighted rows, and for the AUROC of rows of one kind."""
        return self._value(ranking_of(pairs))

    def cell_error(self, pairs: Pairs) -> float:
        """That of the best and the worst order of the rows of every cell."""
        return self.error_of_order(pairs)

    def interval_of(self, pairs: Pairs, level: float) -> Interval | None:
        """From the influence of rows. Raises: NotComputable for few errors or few right rows."""
        ranking = ranking_of(pairs)
        _check_many(ranking)
        value, error = self._value(ranking), self._influence(ranking).error(ranking)
        if value <= 0.0 or (self.area == "auroc" and value >= 1.0):
            raise NotComputable("no_method", "a perfect order has no standard error")
        reach = Level(level).z * error
        if self.area != "auroc":
            return Interval(value * math.exp(-reach / value), min(value * math.exp(reach / value), 1.0), None)
        odds, reach = math.log(value / (1.0 - value)), reach / (value * (1.0 - value))
        return Interval(1.0 / (1.0 + math.exp(reach - odds)), 1.0 / (1.0 + math.exp(-odds - reach)), None)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the influence of each row on both areas; for groups, from sums over each group."""
        check_enough_rows(pair)
        (one, before), (other, after) = (self._parts(model) for model in pair.models)
        return of_means(mean_difference(after - before + (other - one), level, 1.0, pair.groups), level)

    def facts(self, pairs: Pairs) -> dict[str, Any]:
        """Of the AURC, points of its curve."""
        return {"curve": curve_points(pairs)} if self.area == "aurc" else {}

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval, given enough rows."""
        return True

    def _value(self, ranking: Ranking) -> float:
        if self.area == "aurc":
            return ranking.aurc()
        if self.area == "eaurc":
            return ranking.eaurc()
        if self.area == "augrc":
            return ranking.augrc()
        value = ranking.auroc()
        if value is None:
            raise NotComputable("no_method", ONE_KIND.format("wrong" if ranking.errors else "right"))
        return value

    def _influence(self, ranking: Ranking) -> Influence:
        return {
            "auroc": auroc_influence,
            "aurc": aurc_influence,
            "eaurc": eaurc_influence,
            "augrc": augrc_influence,
        }[self.area](ranking)

    def _parts(self, model: Model) -> tuple[float, Floats]:
        """The area of a model, and the influence of each row."""
        if model.rows.weights is not None:
            raise NotComputable("weighted_rows", UNWEIGHTED)
        ranking = Ranking.of(model.rows.confidence, model.rows.correct)
        _check_many(ranking)
        own, steps = self._influence(ranking), ranking.steps(model.rows.confidence)
        return self._value(ranking), np.where(model.rows.correct, own.right[steps], own.wrong[steps])


POINTS = 50
UNWEIGHTED = "it ranks rows that count the same, but these have weights"


def ranking_of(pairs: Pairs) -> Ranking:
    """The ranking of these rows. Raises: NotComputable for weighted rows."""
    if pairs.weights is not None:
        raise NotComputable("weighted_rows", UNWEIGHTED)
    return pairs.ranking


def curve_points(pairs: Pairs) -> tuple[RiskPoint, ...]:
    """The risk-coverage curve where it first reaches each of 50 coverages. Raises: NotComputable for weighted rows."""
    curve = ranking_of(pairs).curve()
    wanted = np.arange(1, POINTS + 1) * curve.rows[-1] / POINTS
    places = np.unique(np.minimum(np.searchsorted(curve.rows, wanted * (1.0 - 1e-12)), len(curve.rows) - 1))
    columns = (curve.threshold, curve.coverage, curve.risk)
    return tuple(RiskPoint(*point) for point in zip(*(column[places].tolist() for column in columns), strict=True))


def _check_many(ranking: Ranking) -> None:
    if decided_by_few(ranking.n - ranking.errors, ranking.n):
        few = f"{ranking.errors:,} of {ranking.n:,} rows are wrong"
        raise NotComputable("few_errors", f"{few}; {FEW} right and {FEW} wrong rows are needed")
