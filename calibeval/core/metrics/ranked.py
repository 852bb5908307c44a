"""Calibration errors of the two best classes of every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.bins import Over
from calibeval.core.metrics.folded import Folded
from calibeval.core.metrics.metric import NO_DIFFERENCE
from calibeval.core.metrics.of_pairs import DEPENDENT
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.model_pair import Pair
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.paths import Joint

NOT_MEASURED = "sums of the two best classes are computed for all rows of a dump only, not for slices or comparisons"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked(Folded):
    """The calibration error of one probability a row, in equal-width bins.

    rank: "both" is the sum of the two largest probabilities, right if one of their classes is the label; "second" is
    the second largest, right if its class is the label.
    """

    over: Over = "classes"
    rank: Literal["both", "second"]

    def bins(self, sums: Sums) -> BinSums:
        """The bins. Raises: NotComputable if only the top label is known, or they were not computed."""
        if sums.k is None:
            raise NotComputable(
                "top_label_only", "needs the probability of every class, but this dump has the top label only"
            )
        if sums.ranks is None:
            raise NotComputable("not_measured", NOT_MEASURED)
        return sums.ranks.both if self.rank == "both" else sums.ranks.second

    def joint(self, sums: Sums, joints: Joints | None) -> Joint | None:
        """None. Raises: NotComputable for groups."""
        if joints is not None:
            raise NotComputable("dependent_rows", DEPENDENT)
        return None

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The interval from inverting the path of the gaps, as for a class. Raises: NotComputable for groups."""
        return intervals.ece_interval(self.bins(sums), sums.n, level, self.joint(sums, joints), of_class=True)

    @property
    def has_difference(self) -> bool:
        """False: sums of the two best classes are not computed for pairs of dumps."""
        return False

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """Raises: NotComputable."""
        raise NotComputable("no_method", NO_DIFFERENCE)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """None: the gap is of the best class."""
        return None
