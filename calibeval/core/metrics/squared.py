"""The root of the mean squared gap of bins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.bins import Binned
from calibeval.core.metrics.few_by_groups import allowing
from calibeval.core.metrics.metric import BY_GROUPS, Side
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast, centre_of, check_thick, margins
from calibeval.core.uncertainty.squares import mean_square, rms_floor, rms_interval

if TYPE_CHECKING:
    from calibeval.core.uncertainty.model_pair import Pair


class RootMeanSquare(Binned):
    """The root of the mean over bins of (accuracy - confidence) squared, weighted by their rows."""

    __slots__ = ()

    def value(self, sums: Sums) -> float:
        """The root."""
        return math.sqrt(mean_square(self.bins(sums)))

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor, from the moments of the squared gaps of true probabilities."""
        return rms_floor(self.bins(sums), sums.n, self.joint(sums, joints))

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The interval, from the moments of the squared gaps."""
        found = rms_interval(self.bins(sums), sums.n, level, self.joint(sums, joints))
        return allowing(found, self.value(sums), sums, joints, level)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the intervals of the two models, whose errors may add up."""
        if pair.grouped:
            raise NotComputable("dependent_rows", BY_GROUPS)
        check_thick(*self.together(pair).sums)
        n = pair.n
        first, second = (rms_interval(self.bins(model.sums), n, level.value) for model in pair.models)
        return margins(first, second, (centre_of(first), centre_of(second)), level, independent=False)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals; they are asymmetric, so their errors may add up."""
        return self.margins_from(saved, own, level, independent=False)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """The size of the gap: the root mean square is at least the mean."""
        return abs(gap)

    def shares(self, sums: Sums) -> Floats | None:
        """Each row's gap times its bin's mean gap, divided by n and by the value."""
        rows, value = self.row_bins(sums), self.value(sums)
        if rows is None or value == 0.0:
            return None
        return (rows.totals / rows.rows)[rows.places] * rows.gaps / (sums.n * value)
