"""Metrics that are a weighted mean of the absolute gaps of bins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, Notice, reason
from calibeval.core.metrics.bins import Binned, along_paths, rows_in
from calibeval.core.metrics.metric import BY_GROUPS, Side
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.floors import Floor, gap_floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.model_pair import MOST_PAIR_CELLS, Pair, Together
from calibeval.core.uncertainty.paired import Contrast, centre_of, check_thick, contrast, margins
from calibeval.core.uncertainty.paired_paths import ece_side, path_difference

LEAST_CLASS_ROWS = 20  # with fewer, many bins of a class hold one row or none, and their variance cannot be estimated

PUT_TOGETHER = "the interval is put together from those of both models, and wide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded(Binned):
    """Mean |accuracy - confidence| over bins, weighted by their numbers of rows."""

    def value(self, sums: Sums) -> float:
        """The mean."""
        return ece(self.bins(sums))

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor of the sum over the bins."""
        joint = self.joint(sums, joints)
        if joint is None:
            return gap_floor(self.bins(sums), sums.n)
        return intervals.joint_floor(self.bins(sums), sums.n, joint)

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The interval from inverting the path of the gaps."""
        return intervals.ece_interval(self.bins(sums), sums.n, level, self.joint(sums, joints))

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """The difference along the paths of both models."""
        return _paired(self.together(pair), len(pair.labels), level)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """The difference along two independent paths; from the two intervals if the bins are missing or not usable."""
        if self.by_class or not (saved.bins_tell and own.bins_tell):
            return self.margins_from(saved, own, level)
        bins = self.saved_bins(saved), self.saved_bins(own)
        check_thick(*bins)
        sides = ece_side(bins[0], saved.n), ece_side(bins[1], own.n)
        return contrast(*path_difference(*sides, level, None), level)

    def shares(self, sums: Sums) -> Floats | None:
        """Each row's gap divided by n, with the sign of its bin's gap."""
        rows = self.row_bins(sums)
        return None if rows is None else np.sign(rows.totals)[rows.places] * rows.gaps / sums.n


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassWise(Folded):
    """The mean over classes of the calibration error of each class's probability."""

    def value(self, sums: Sums) -> float:
        """The mean over the classes."""
        return cwce(self.bins(sums))

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The hull of two paths; for two classes, the mean of both."""
        return intervals.cwce_interval(self.bins(sums), sums.n, level, self.joint(sums, joints))

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """For two classes, which mirror each other, the mean of both; for more, of debiased sums over all cells."""
        if pair.base.sums.classes is None or pair.candidate.sums.classes is None:
            raise NotComputable("top_label_only", "needs the probability of every class")
        if len(pair.base.sums.classes.count) == 2:
            first, second = (_paired(pair.of_class(label), len(pair.labels), level) for label in (0, 1))
            low, high = 0.5 * (first.low + second.low), 0.5 * (first.high + second.high)
            return contrast(low, high, max(first.p, second.p), level)
        check_thick(*pair.top.sums)
        if pair.groups is not None:
            raise NotComputable("dependent_rows", BY_GROUPS)
        sums = self.bins(pair.base.sums), self.bins(pair.candidate.sums)
        if pair.classes is None or pair.class_cells > MOST_PAIR_CELLS:
            why = f"{pair.class_cells:,} pairs of class-wise bins are more than {MOST_PAIR_CELLS:,}"
            return self._put_together(pair, level, reason("too_many_cells", f"{PUT_TOGETHER}: {why}"))
        low, high, p = pair.class_difference(pair.classes, sums).at(level)
        return contrast(max(low, -1.0), min(high, 1.0), p, level)

    def _put_together(self, pair: Pair, level: Level, why: Notice) -> Contrast:
        """The difference from the intervals of both models, as if their errors had opposite signs, with the reason."""
        n = len(pair.labels)
        own = [intervals.cwce_interval(self.bins(model.sums), n, level.value) for model in pair.models]
        centres = centre_of(own[0]), centre_of(own[1])
        return margins(own[0], own[1], centres, level, independent=False)._replace(reason=why)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals; they are asymmetric, so their errors may add up."""
        return self.margins_from(saved, own, level, independent=False)

    def shares(self, sums: Sums) -> Floats | None:
        """None, because each row adds to every class."""
        return None

    def class_shares(self, sums: Sums) -> Floats | None:
        """The error of each class divided by the number of classes."""
        return None if sums.classes is None else classwise_errors(sums.classes) / len(sums.classes.count)

    def coarse(self, points: float, k: int | None) -> float:
        """The metric is of order 2 / k."""
        return 2 * points / k if k else points

    def comparable(self, classes: Collection[int | None]) -> bool:
        """Only for equal numbers of classes."""
        return len(set(classes)) == 1

    def explained(self, result: MetricResult, sums: Sums) -> MetricResult:
        """The result with a reason if the interval is based on fewer than 20 rows per class on average.

        This counts rows even if only groups are independent, because rows fill the bins.
        """
        if result.low is None or sums.k is None or sums.n >= LEAST_CLASS_ROWS * sums.k:
            return result
        rows = 10 * sums.n // sums.k / 10  # rounded down, so that 19.96 does not look like 20
        few = f"{rows:g} row{'' if rows == 1 else 's'} per class, fewer than {LEAST_CLASS_ROWS}"
        return replace(result, reason=reason("few_rows_per_class", f"the interval is approximate: {few}"))


def _paired(bins: Together, n: int, level: Level) -> Contrast:
    one, other = (ece_side(own, n, joint) for own, joint in zip(bins.sums, bins.joints, strict=True))
    return along_paths(bins, level, (one, other))


def ece(sums: BinSums) -> float:
    """Expected calibration error: mean |accuracy - confidence| over bins, weighted by their rows.

    Unitless, in [0, 1]; lower is better. Biased upwards for small n: compare it with its noise floor.
    On equal-mass bins it is the adaptive error, AECE.

    sums: BinSums of m bins; the first bin holds 0, every bin is (lower, upper]; empty bins weigh 0.
    Raises: InputError if no row was summed.
    Source: Naeini et al., AAAI 2015; Guo et al., ICML 2017. AECE: Nixon et al., CVPR workshops 2019.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> round(ece(bin_sums([.6, .8, .9, 1.], [1, 0, 1, 1], edges=[0, .5, 1])), 3)
    0.075
    """
    return float(np.abs(sums.surplus).sum() / rows_in(sums))


def classwise_errors(sums: BinSums) -> Floats:
    """The calibration error of each class: its probability compared with the frequency of its label, over all rows.

    sums: BinSums of k classes and m bins, (k, m). Returns (k,), each in [0, 1].
    Raises: InputError if no row was summed.

    >>> from calibeval.core.sums.binning import BinSums, bin_sums
    >>> one = bin_sums([.25, .75], [1, 1], edges=[0, .5, 1])
    >>> both = BinSums(*(np.stack([getattr(one, f)] * 2) for f in ("count", "p", "pp", "y", "yp")))
    >>> classwise_errors(both).tolist()
    [0.5, 0.5]
    """
    return np.asarray(np.abs(sums.surplus).sum(axis=1) / rows_in(sums.row(0)))


def cwce(sums: BinSums) -> float:
    """Class-wise calibration error: the mean of `classwise_errors` over all k classes.

    Unitless; of order 1/k even for a poor model, so compare it at equal k only. Lower is better.

    sums: BinSums of k classes and m bins, (k, m).
    Raises: InputError if no row was summed.
    Source: Kull et al., NeurIPS 2019; Nixon et al. 2019 (static calibration error).

    >>> from calibeval.core.sums.binning import BinSums, bin_sums
    >>> one = bin_sums([.25, .75], [1, 1], edges=[0, .5, 1])
    >>> cwce(BinSums(*(np.stack([getattr(one, f)] * 2) for f in ("count", "p", "pp", "y", "yp"))))
    0.5
    """
    return float(classwise_errors(sums).mean())
