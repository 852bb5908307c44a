"""Slope and intercept of Cox's recalibration, with the score test of both, and calibration in the large.

Of two classes they are about the probability of the positive class, and part of every report. Of more classes, or where
only the top label is known, they are about the confidence and whether it is right, and computed on request.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import NotComputable, reason
from calibeval.core.metrics.means import check_enough_rows, of_means
from calibeval.core.metrics.metric import BY_GROUPS, Metric, Side
from calibeval.core.metrics.of_pairs import DEPENDENT, FROM_SUMS, pairs_of
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.temperature import excess_of_all
from calibeval.core.sums.cox import Cox, LogOdds, fitted
from calibeval.core.sums.log_odds import cox_of_pairs, in_the_large, log_odds_width
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.cox_influence import cox_influence, large_influence
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import LEAST_P, Level
from calibeval.core.uncertainty.paired import Contrast

if TYPE_CHECKING:
    from calibeval.core.sums.class_pairs import ClassRows
    from calibeval.core.uncertainty.model_pair import Model, Pair

FLAT = "the stated log-odds are so large and so often wrong that the likelihood is nearly flat"


class Recalibration(Metric):
    """A number of a logistic regression of the outcome on its stated log-odds, with a sandwich standard error."""

    __slots__ = ()

    binned: ClassVar[bool] = False
    has_floor: ClassVar[bool] = False
    fitted: ClassVar[bool] = True

    def exists(self, k: int | None, *, named: bool) -> bool:
        """On request for any number of classes."""
        return named or Metric.exists(self, k, named=named)

    def value(self, sums: Sums) -> float:
        """The number with the largest likelihood."""
        return self.estimate(fit_of(sums), sums.positive)[0]

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """Normal. Raises: NotComputable for groups, and if the likelihood is too flat."""
        if joints is not None:
            raise NotComputable("dependent_rows", DEPENDENT)
        value, error = self.estimate(fit_of(sums), sums.positive)
        if math.isinf(error):
            raise NotComputable("no_interval", FLAT)
        reach = Level(level).z * error
        return Interval(value - reach, value + reach, None)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the influence of each row on both numbers; for groups, from sums over each group."""
        from calibeval.core.uncertainty.paired_means import mean_difference

        check_enough_rows(pair)
        if pair.weights is not None:
            raise NotComputable("weighted_rows", "differences of it are not tested for rows with weights")
        classes = (None, None) if pair.classes is None else pair.classes.models
        (one, before), (other, after) = (
            self._parts(model, own, pair.labels) for model, own in zip(pair.models, classes, strict=True)
        )
        return of_means(mean_difference(after - before + (other - one), level, math.inf, pair.groups), level)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals. Raises: NotComputable for groups."""
        if not (saved.bins_tell and own.bins_tell):
            raise NotComputable("dependent_rows", BY_GROUPS)
        return self.margins_from(saved, own, level)

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with a reason if it is not from all rows."""
        if result.reason is not None or sums.k != 2 or sums.cox is None or sums.cox.rows == sums.rows_n:
            return result
        text = f"value and interval are from {sums.cox.rows:,} of {sums.rows_n:,} rows, evenly chosen"
        return replace(result, reason=reason("sampled", text))

    def estimate(self, fit: Cox, positive: int) -> tuple[float, float]:
        """The number and its standard error. Raises: NotComputable if there is none.

        positive: the other class of two has the same log-odds and intercept with the other sign, and the same slope.
        """
        raise NotImplementedError

    def influence(self, stated: Floats, happened: npt.NDArray[np.bool_], fit: Cox) -> Floats:
        """How far each row moves the number, times their number; arguments as for `cox_influence`."""
        raise NotImplementedError

    def _parts(self, model: Model, classes: ClassRows | None, labels: Codes) -> tuple[float, Floats]:
        """The number of a model, and the influence of each row in the order of the pair."""
        if model.sums.k == 2 and classes is not None:
            positive, happened, stated = model.sums.positive, labels == 1, classes.log_odds()
            fit = _fit_of_all(model.sums, stated, happened)
        else:
            positive, happened, order = 1, model.rows.correct, np.argsort(model.rows.confidence, kind="stable")
            slack = 0.0 if model.sums.pairs is None else model.sums.pairs.slack
            pairs = Pairs(model.rows.confidence[order], happened[order], slack=slack)
            stated, fit = np.empty(len(order)), cox_of_pairs(pairs)
            with np.errstate(divide="ignore"):
                stated[order] = np.log(pairs.confidence) - np.log(pairs.doubt)
        value, error = self.estimate(fit, positive)
        if math.isinf(error):
            raise NotComputable("no_interval", FLAT)
        return value, self.influence(stated, happened, fit) * (-1.0 if self.turns and positive == 0 else 1.0)

    @property
    def turns(self) -> bool:
        """Whether it has the other sign for the other class of two."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxNumber(Recalibration):
    """Slope or intercept of the regression."""

    of_slope: bool

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The number, with the p of the score test of intercept 0 and slope 1, and the likelihood ratio."""
        if sums.k != 2 and sums.pairs is not None and sums.pairs.of_sums:
            return MetricResult(self.name, None, reason=reason("rows_not_kept", FROM_SUMS))
        found = Metric.measured(self, sums, level, joints)
        try:
            fit = fit_of(sums)
        except NotComputable:
            return found
        if fit.score is None or joints is not None:
            return found
        return replace(found, p=max(math.exp(-0.5 * fit.score), LEAST_P), lr=fit.lr)

    def estimate(self, fit: Cox, positive: int) -> tuple[float, float]:
        """As of every kind. Raises: NotComputable without a maximum."""
        value = fit.slope if self.of_slope else fit.intercept
        if value is None:
            raise NotComputable("no_optimum", str(fit.missing or "there is nothing to fit"))
        return -value if self.turns and positive == 0 else value, fit.errors[1 if self.of_slope else 0]

    def influence(self, stated: Floats, happened: npt.NDArray[np.bool_], fit: Cox) -> Floats:
        """That on intercept or slope."""
        both = cox_influence(stated, happened, fit)
        return np.asarray(both[1 if self.of_slope else 0])

    @property
    def turns(self) -> bool:
        """The slope does not."""
        return not self.of_slope


class InTheLarge(Recalibration):
    """The intercept if the slope is 1: by how much all log-odds are too low."""

    __slots__ = ()

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The number, with its distance from 0 in standard errors, and the p of that."""
        found = Metric.measured(self, sums, level, joints)
        if found.value is None:
            return found
        if sums.k != 2 and sums.pairs is not None and sums.pairs.of_sums:
            error = log_odds_width(sums.pairs)
            if math.isinf(error):
                return MetricResult(self.name, None, reason=reason("rows_not_kept", FROM_SUMS))
            found = self.widened(found, error)
        if joints is not None:
            return found
        value, error = self.estimate(fit_of(sums), sums.positive)
        if not 0.0 < error < math.inf:
            return found
        return replace(found, z=value / error, p=max(math.erfc(abs(value / error) / math.sqrt(2.0)), LEAST_P))

    def estimate(self, fit: Cox, positive: int) -> tuple[float, float]:
        """As of every kind. Raises: NotComputable if all outcomes are the same."""
        if fit.kept is None:
            raise NotComputable("not_measured", "the scores of these rows were not read again")
        value, error = in_the_large(fit.kept)
        return -value if positive == 0 else value, error

    def influence(self, stated: Floats, happened: npt.NDArray[np.bool_], fit: Cox) -> Floats:
        """That on the intercept."""
        return large_influence(stated, happened, self.estimate(fit, 1)[0])


def fit_of(sums: Sums) -> Cox:
    """The regression of these rows. Raises: NotComputable if it is not known, or a stated probability is impossible."""
    if sums.k != 2:
        return cox_of_pairs(pairs_of(sums))
    excess_of_all(sums)
    if sums.cox is None:
        raise NotComputable("not_measured", "sums alone do not hold it: it needs the scores of these rows")
    return sums.cox


def _fit_of_all(sums: Sums, stated: Floats, happened: npt.NDArray[np.bool_]) -> Cox:
    """The regression of all rows: that of their sums, unless it is of a part of them."""
    if sums.cox is not None and sums.cox.rows == sums.rows_n:
        return sums.cox
    finite = np.isfinite(stated)
    return fitted(LogOdds(stated[finite], happened[finite]), len(stated))


IN_THE_LARGE = InTheLarge(
    name="citl",
    short="CITL",
    title="calibration in the large: what must be added to all stated log-odds; below 0: over-confident",
    least=-math.inf,
    most=None,
    better="zero",
    unit="",
    source="Cox, Biometrika 1958; Steyerberg et al., Epidemiology 2010",
)
