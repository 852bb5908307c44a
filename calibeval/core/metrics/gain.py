"""What recalibration is worth: the share of a proper score that a map takes away, out of fold."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple, cast

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, Notice, reason
from calibeval.core.metrics.means import check_enough_rows, of_means
from calibeval.core.metrics.metric import Metric, Side
from calibeval.core.metrics.of_pairs import NOT_KEPT
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.gain import NONE, Gain, Losses, MapName
from calibeval.core.sums.risk import decided_by_few
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.model_pair import Model, Pair
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.paired_means import mean_difference
from calibeval.core.uncertainty.small_counts import share_of

LEAST_OF_CLASS = 30
FEW_OF_CLASS = f"fewer than {LEAST_OF_CLASS} rows are of one class, and they decide it"
FEW = "fewer than 30 rows are wrong, or right, and they decide it"
ROUNDING = 1e-9  # of the influence of rows of one model, whose temperatures are sums in another order
FROM_SUMS = "it needs the scores of every row, which are not kept here: evaluate the rows themselves"
NOT_MEASURED = "maps are fitted out of fold on all rows of a dump, and here they were not"


class _Share(NamedTuple):
    """The mean score before and after a map, and the influence of each row on their relative difference, (m,)."""

    before: float
    after: float
    influence: Floats  # spread by what the noise of the maps adds

    @property
    def value(self) -> float:
        """The share of the score that the map takes away."""
        return (self.before - self.after) / self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class RecalibrationGain(Metric):
    """The share of the NLL or the Brier score that a map fitted on other rows takes away; below 0 if it adds to it."""

    binned: ClassVar[bool] = False
    has_floor: ClassVar[bool] = False
    left_to_gain: ClassVar[bool] = True
    score: Literal["nll", "brier"]

    def value(self, sums: Sums) -> float:
        """The share; 0 if no map is better than none."""
        return self._chosen(self._gain(sums)).value

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """Normal, from the influence of rows on a ratio of means, for these maps.

        If no map is better than none, it begins at 0 and ends where the best of the others may be.
        """
        gain = self._gain(sums)
        if decided_by_few(*share_of(sums.top, sums.n)):
            raise NotComputable("few_errors", FEW)
        if sums.k == 2 and sums.classes is not None and float(sums.classes.y.sum(axis=1).min()) < LEAST_OF_CLASS:
            raise NotComputable("few_rows_per_class", FEW_OF_CLASS)
        if gain.rows < 2:
            return None
        own = Level(level, None if joints is None else joints.freedom)
        if gain.chosen != NONE:
            return self._around(gain, gain.chosen, own)
        return Interval(0.0, max(0.0, *(self._around(gain, name, own).high for name in gain.after)), None)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the influence of each row on both shares; for groups, from sums over each group."""
        check_enough_rows(pair)
        one, other = (self._of_rows(model) for model in pair.models)
        apart = other - one
        if np.abs(apart).max() <= ROUNDING:
            return Contrast(0.0, 0.0, 1.0, 0.0)
        return of_means(mean_difference(apart, level, math.inf, pair.groups, pair.weights), level)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals; that of no map is not symmetric, so errors may add up."""
        return self.margins_from(saved, own, level, independent=False)

    def comparable(self, classes: Collection[int | None]) -> bool:
        """Never: a model with less to gain is not the better one."""
        return False

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The metric with the map, and the score in two parts: after the map, and what it takes away."""
        found = Metric.measured(self, sums, level, joints)
        if found.value is None or not isinstance(sums.gain, Gain):
            return found
        share = self._chosen(sums.gain)
        return replace(
            found, map=cast("MapName", sums.gain.chosen), refinement=share.after, calibration=share.before - share.after
        )

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with the reason why it is not exact, or not of all rows."""
        why = _approximated(sums.gain)
        return result if why is None or result.reason is not None else replace(result, reason=why)

    def _gain(self, sums: Sums) -> Gain:
        """The rows before and after. Raises: NotComputable if there are none, or they have no such score."""
        if sums.gain is None:
            if sums.rows is None:
                raise NotComputable("rows_not_kept", FROM_SUMS if sums.without_rows else NOT_KEPT)
            raise NotComputable("not_measured", NOT_MEASURED)
        if not isinstance(sums.gain, Gain):
            raise NotComputable("no_rows", str(sums.gain))
        if self.score == "nll" and sums.k is None:
            text = "needs the probability of every class, but this dump has the top label only"
            raise NotComputable("top_label_only", text)
        if self.score == "nll" and sums.impossible:
            raise NotComputable("infinite", "the NLL is infinite, since a label has probability 0")
        return sums.gain

    def _chosen(self, gain: Gain) -> _Share:
        return self._share(gain, gain.before if gain.chosen == NONE else gain.after[gain.chosen])

    def _share(self, gain: Gain, after: Losses) -> _Share:
        old, new = self._losses(gain.before), self._losses(after)
        before, left = (float(np.average(one, weights=gain.weights)) for one in (old, new))
        if not before > 0.0:
            raise NotComputable("no_method", "the score is 0, so there is nothing to gain")
        spread = math.sqrt(1.0 + _noisy(gain, after))
        return _Share(before, left, (left / before * old - new) / before * spread)

    def _losses(self, losses: Losses) -> Floats:
        found = losses.nll if self.score == "nll" else losses.brier
        if found is None:
            raise NotComputable("no_method", "there is no such score")
        return found

    def _around(self, gain: Gain, name: str, level: Level) -> Interval:
        share = self._share(gain, gain.after[name])
        values = share.influence + share.value
        found = mean_difference(values, level, math.inf, gain.groups, gain.weights)
        return Interval(found.low, min(found.high, 1.0), None)

    def _of_rows(self, model: Model) -> Floats:
        """The influence of each row on the share of a model, plus the share, (n,)."""
        gain = self._gain(model.sums)
        if gain.places is not None:
            raise NotComputable("sampled", "it is from a sample of the rows, whose differences are not tested")
        share = self._chosen(gain)
        values = share.influence + share.value
        return values if model.order is None else values[model.order]


def _noisy(gain: Gain, after: Losses) -> float:
    """Which part of the variance of what a map changes comes from its noise, from 0 to 1.

    This part counts twice in the variance of the mean: the product of the errors of two rows in different folds is in
    it once for the map that one of them moves, and again, with the same sign, for that of the other.
    """
    if after.nll is None or gain.before.nll is None or not np.isfinite(gain.before.nll).all():
        return 1.0
    changed = after.nll - gain.before.nll
    away = changed - np.average(changed, weights=gain.weights)
    step = max(math.frexp(float(np.abs(away).max()))[1], 0)  # in units of 2^step, squares of large losses fit float64
    away = np.ldexp(away, -step)
    variance = float(np.average(away * away, weights=gain.weights))
    return min(math.ldexp(after.noise, -2 * step) / variance, 1.0) if variance > 0.0 else 0.0


def _approximated(gain: Gain | Notice | None) -> Notice | None:
    if not isinstance(gain, Gain):
        return None
    if gain.places is not None:
        return reason("sampled", f"value and interval are from {gain.rows:,} of {gain.n:,} rows, evenly chosen")
    if gain.cells is not None:
        # Where a curve rises by d in a cell, a constant adds at most d * d / 4 to its squared error there, and twice
        # that to a Brier score of all classes. The rises of all cells add up to 1 at most.
        most = f"Brier up to {0.5 / gain.cells:.5f} larger"
        text = f"isotonic regression in {gain.cells:,} cells of neighbouring rows: {most}"
        return reason("in_cells", text)
    return None
