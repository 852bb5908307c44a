"""The bins of a binned metric: of one model, of two models, and with groups of dependent rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import NotComputable, Notice, reason
from calibeval.core.errors import InputError
from calibeval.core.metrics.metric import BY_GROUPS, Metric, Side
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.binning import BinSums, bin_index
from calibeval.core.sums.joined_cells import points
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.joints import MOST_JOINT_CELLS, Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import MOST_PAIR_CELLS, Contrast, centre_of, check_thick, contrast, margins
from calibeval.core.uncertainty.paths import Joint

if TYPE_CHECKING:
    from calibeval.core.uncertainty.model_pair import Pair, Together
    from calibeval.core.uncertainty.paired_paths import PathSide

# Beyond that many, gaps of about one standard error in many bins make intervals end too low (docs/statistics.md).
MOST_BINS_TESTED = 30
PUT_TOGETHER = "the interval is put together from those of both models, and wide"
# Equal-width and equal-mass bins of the confidence; equal-width bins of the probability of every class, and of the
# positive class of two.
Over = Literal["top", "mass", "classes", "positive"]


class RowBins(NamedTuple):
    """The bin and the gap (confidence - correctness) of every row, (n,); the sum of gaps and the rows of every bin.

    With weights, gaps are multiplied by them, and rows are their sums.
    """

    places: npt.NDArray[np.intp]
    gaps: Floats
    totals: Floats
    rows: Floats

    @property
    def folded(self) -> Floats:
        """The gap of each row with the sign of that of its bin, so that they add up to the size of the bins' gaps."""
        return np.asarray(np.sign(self.totals)[self.places] * self.gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binned(Metric):
    """A metric that is computed from bins. over: which bins."""

    over: Over = "top"

    @property
    def by_class(self) -> bool:
        """Whether the metric needs class-wise sums."""
        return self.over in ("classes", "positive")

    def bins(self, sums: Sums) -> BinSums:
        """The bins of the metric. Raises: NotComputable for class-wise bins if only the top label is known."""
        if self.over in ("top", "mass"):
            return sums.top if self.over == "top" else sums.mass
        if sums.classes is None and sums.k is not None:
            raise NotComputable("not_measured", "class-wise sums of these rows were not computed")
        if sums.classes is None:
            raise NotComputable(
                "top_label_only", "needs the probability of every class, but this dump has the top label only"
            )
        return sums.classes if self.over == "classes" else sums.classes.row(sums.positive)

    def off(self, sums: Sums) -> float:
        """Endless, unless a class knows what joined bins change."""
        return math.inf if sums.joined is not None and sums.joined.top else 0.0

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with a reason if edges of equal-mass bins are not exact, or small bins were joined."""
        bound = self.off(sums)
        if not bound or result.reason is not None:
            return result
        text, exact = "small bins were joined", "the value in all bins"
        if self.over == "mass":
            text, exact = "edges fall on ends of fixed cells", "the value with exact edges"
        return replace(result, reason=reason("from_sums", f"from sums: {text}, within {points(bound)} of {exact}"))

    def approximate(self, sums: Sums) -> Notice | None:
        """That there are more than 30 bins, whatever they hold."""
        bins = len(sums.edges) - 1
        if bins <= MOST_BINS_TESTED:
            return None
        return reason("many_bins", f"the interval is approximate: {bins:,} bins, more than {MOST_BINS_TESTED}")

    def joint(self, sums: Sums, joints: Joints | None) -> Joint | None:
        """How the bins vary together; None if rows are independent.

        Raises: NotComputable if that was not estimated from the groups.
        """
        if joints is None:
            return None
        found = (
            joints.classes
            if self.over in ("classes", "positive")
            else joints.mass
            if self.over == "mass"
            else joints.top
        )
        if found is None and self.by_class and joints.no_classes is not None:
            raise NotComputable("over_max_memory", joints.no_classes)
        if found is None and self.over == "mass" and joints.no_mass is not None:
            raise NotComputable("rows_not_kept", joints.no_mass)
        if found is None:
            cells = (self.bins(sums) if self.over != "positive" or sums.classes is None else sums.classes).count.size
            raise NotComputable(
                "too_many_cells",
                f"the joint variation of {cells:,} bins is not estimated, only of up to {MOST_JOINT_CELLS:,}",
            )
        return found.of_class(sums.positive) if self.over == "positive" else found

    def together(self, pair: Pair) -> Together:
        """The bins of two models. Raises: NotComputable for class-wise bins, which have no joint table."""
        if self.over == "classes":
            raise NotComputable("no_method", "there is no joint table of the class-wise bins of two models")
        return (
            pair.of_class(pair.base.sums.positive)
            if self.over == "positive"
            else pair.mass
            if self.over == "mass"
            else pair.top
        )

    def saved_bins(self, side: Side) -> BinSums:
        """The bins of one side of an unpaired comparison. Raises: NotComputable if there are none."""
        found = side.top if self.over == "top" else side.mass if self.over == "mass" else None
        if found is None:
            bins = "equal-mass bins" if self.over == "mass" else "class-wise bins"
            raise NotComputable("not_in_report", f"the report has no {bins}")
        return found

    def row_bins(self, sums: Sums) -> RowBins | None:
        """The top-label bin of each row; None without single rows, or for other bins."""
        if sums.rows is None or self.by_class:
            return None
        edges = sums.mass_edges if self.over == "mass" else sums.compared
        return _row_bins(sums, edges, sums.rows.confidence, sums.rows.correct)

    def positive_rows(self, sums: Sums, labels: Codes) -> RowBins | None:
        """The bin of P(positive class) of each row, whose gap is P minus whether the row is positive.

        None without single rows, or for other bins. labels: (n,), of these rows.
        """
        if sums.rows is None or self.over != "positive":
            return None
        positive = labels == sums.positive
        # The confidence is that of the positive class where to be right is to be positive.
        stated = np.where(sums.rows.correct == positive, sums.rows.confidence, 1.0 - sums.rows.confidence)
        return _row_bins(sums, sums.compared, stated, positive)


def _row_bins(sums: Sums, edges: Floats, p: Floats, y: npt.NDArray[np.bool_]) -> RowBins:
    places, m = bin_index(p, edges), len(edges) - 1
    gaps, weights = p - y, sums.row_weights
    gaps = gaps if weights is None else gaps * weights
    totals = np.asarray(np.bincount(places, weights=gaps, minlength=m), np.float64)
    rows = np.asarray(np.bincount(places, weights=weights, minlength=m), np.float64)
    return RowBins(places, gaps, totals, np.where(rows > 0.0, rows, 1.0))


def along_paths(bins: Together, level: Level, sides: tuple[PathSide, PathSide]) -> Contrast:
    """The difference along two paths. Raises: NotComputable for bins with few rows, or too many groups and bins."""
    check_thick(*bins.sums)
    if bins.shared is None:
        raise NotComputable(
            "too_many_cells",
            f"groups and bins make {bins.cells:,} cells, but at most {MOST_PAIR_CELLS:,} are supported",
        )
    from calibeval.core.uncertainty.paired_paths import path_difference

    return contrast(*path_difference(*sides, level, bins.shared), level)


def rows_in(sums: BinSums) -> float:
    """The number of rows. Raises: InputError if it is 0."""
    rows = float(sums.count.sum())
    if rows == 0:
        raise InputError("there are no rows to measure")
    return rows


def of_both(metric: Binned, pair: Pair, level: Level) -> Contrast:
    """The difference of two models on the same rows from the intervals of both, whose errors may add up.

    Raises: NotComputable for groups, or if a model has no interval.
    """
    if pair.grouped:
        raise NotComputable("dependent_rows", BY_GROUPS)
    check_thick(*pair.top.sums)
    one, other = (metric.interval(model.sums, level.value) for model in pair.models)
    if one is None or other is None:
        raise NotComputable("no_interval", "a model has no interval for it")
    wide = margins(one, other, (centre_of(one), centre_of(other)), level, independent=False)
    return wide._replace(reason=reason("no_method", PUT_TOGETHER))
