"""A kind of metric of pairs whose interval comes from drawn samples along a path of populations.

Its class says `numbers_of(pairs)`, which gives the values of drawn samples, and `influence(pairs)`, how far a right and
a wrong row of each confidence move the value, up to a constant and a factor: it tells how the values of two models on
the same rows vary together.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.means import check_enough_rows
from calibeval.core.metrics.metric import BY_GROUPS, Side
from calibeval.core.metrics.of_pairs import OfPairs, pairs_of
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.drawn_paths import Numbers, Start, allowing_gap, gap_reach, path_interval, reach_of
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.model_pair import Model, Pair
from calibeval.core.uncertainty.paired import Contrast, centre_of, margins

# The most that errors are taken to cancel: those of drawn samples do not.
MOST_TOGETHER = 0.9


class Influence(NamedTuple):
    """How far a right and a wrong row of each run of equal confidences move the value, (m,) each."""

    right: Floats
    wrong: Floats


class AlongPath(OfPairs):
    """A metric whose interval comes from samples that are drawn along a path."""

    __slots__ = ()

    start: ClassVar[Start] = "confidence"
    # Whether the value is never smaller than |mean confidence - accuracy|.
    above_gap: ClassVar[bool] = False

    def numbers_of(self, pairs: Pairs) -> Numbers:
        """What gives the value of each of some samples."""
        raise NotImplementedError

    def influence(self, pairs: Pairs) -> Influence:
        """How far rows move the value."""
        raise NotImplementedError

    def interval_of(self, pairs: Pairs, level: float) -> Interval | None:
        """From drawn samples. Raises: NotComputable for weighted rows, and for fewer than 5."""
        found = path_interval(pairs, self.numbers_of(pairs), level, self.start)
        value = self.of_pairs(pairs)
        if self.above_gap:
            found = allowing_gap(found, value, reach_of(pairs, level).slack, gap_reach(pairs, level))
        # The value is too large on average; a centre above it is an accident of the draws.
        return found._replace(corrected=max(min(centre_of(found), value), found.low))

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the intervals of both models, and how their values vary together.

        Where noise alone could give one of the values, it is not known how, and the correlation counts as 0, unless it
        widens the interval. Raises: NotComputable for groups and weights.
        """
        if pair.grouped:
            raise NotComputable("dependent_rows", BY_GROUPS)
        check_enough_rows(pair)
        (one, before), (other, after) = (self._side(model, level) for model in pair.models)
        together = min(_correlation(before, after), MOST_TOGETHER)
        if min(one.low, other.low) <= 0.0:
            together = min(together, 0.0)
        return margins(one, other, (centre_of(one), centre_of(other)), level, correlation=together)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals. Raises: NotComputable for groups."""
        if not (saved.bins_tell and own.bins_tell):
            raise NotComputable("dependent_rows", BY_GROUPS)
        return self.margins_from(saved, own, level)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """The size of the gap, for values that are never smaller."""
        return abs(gap) if self.above_gap else None

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval, given enough rows."""
        return True

    def _side(self, model: Model, level: Level) -> tuple[Interval, Floats]:
        """The interval of a model, and the influence of each row."""
        pairs = pairs_of(model.sums)
        found = self.interval_of(pairs, level.value)
        if found is None:
            raise NotComputable("no_interval", "a model has no interval for it")
        own = self.influence(pairs)
        runs = pairs.runs_of(model.rows.confidence)
        return found, np.where(model.rows.correct, own.right[runs], own.wrong[runs])


def _correlation(one: Floats, other: Floats) -> float:
    """The correlation; 0 if either is constant."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return min(max(float(one @ other) / size, -1.0), 1.0) if size > 0.0 else 0.0
