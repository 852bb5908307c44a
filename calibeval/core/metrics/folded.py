"""Metrics that are a weighted mean of the absolute gaps of bins."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable, Notice, reason
from calibeval.core.metrics.bins import PUT_TOGETHER, Binned, along_paths, rows_in
from calibeval.core.metrics.few_by_groups import allowing
from calibeval.core.metrics.metric import Side
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.debiased_difference import LEAST_EVENTS, mean_events
from calibeval.core.uncertainty.floors import Floor, gap_floor
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import MOST_PAIR_CELLS, Contrast, centre_of, check_thick, contrast, margins

if TYPE_CHECKING:
    from calibeval.core.uncertainty.model_pair import Pair, Together

LEAST_CLASS_ROWS = 20  # with fewer, many bins of a class hold one row or none, and their variance cannot be estimated


class Folded(Binned):
    """Mean |accuracy - confidence| over bins, weighted by their numbers of rows."""

    __slots__ = ()

    def value(self, sums: Sums) -> float:
        """The mean."""
        return ece(self.bins(sums))

    def off(self, sums: Sums) -> float:
        """How far gaps of bins may be from those of all bins, or of exact edges, added up."""
        if self.over == "mass":
            return 0.0 if sums.equal_mass is None else sums.equal_mass.bound
        if sums.joined is None:
            return 0.0
        return (sums.joined.top if self.over == "top" else sums.joined.classes) / sums.weights.total

    def floor(self, sums: Sums, joints: Joints | None = None) -> Floor | None:
        """The noise floor of the sum over the bins."""
        joint = self.joint(sums, joints)
        if joint is None:
            return gap_floor(self.bins(sums), sums.n)
        return intervals.joint_floor(self.bins(sums), sums.n, joint)

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The interval from inverting the path of the gaps."""
        bins, joint, of_class = self.bins(sums), self.joint(sums, joints), self.over == "positive"
        found = intervals.ece_interval(bins, sums.n, level, joint, of_class=of_class)
        return allowing(found, self.value(sums), sums, joints, level)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """The difference along the paths of both models."""
        return _paired(self.together(pair), pair.n, level)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """The difference along two independent paths; from the two intervals if the bins are missing or not usable."""
        if self.by_class or not (saved.bins_tell and own.bins_tell):
            return self.margins_from(saved, own, level)
        bins = self.saved_bins(saved), self.saved_bins(own)
        check_thick(*bins)
        from calibeval.core.uncertainty.paired_paths import ece_side, path_difference

        sides = ece_side(bins[0], saved.n), ece_side(bins[1], own.n)
        return contrast(*path_difference(*sides, level, None), level)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """The size of the gap: gaps of bins can only cancel."""
        return abs(gap)

    def bin_shares(self, sums: Sums) -> Floats | None:
        """The size of each gap divided by n; None for other bins."""
        return np.abs(sums.top.surplus) / sums.n if self.over == "top" else None

    def shares(self, sums: Sums) -> Floats | None:
        """Each row's gap divided by n, with the sign of its bin's gap."""
        rows = self.row_bins(sums)
        return None if rows is None else rows.folded / sums.n


class ClassWise(Folded):
    """The mean over classes of the calibration error of each class's probability."""

    __slots__ = ()

    def value(self, sums: Sums) -> float:
        """The mean over the classes."""
        return cwce(self.bins(sums))

    def off(self, sums: Sums) -> float:
        """The mean over the classes."""
        return Folded.off(self, sums) / (sums.k or 1)

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """That of the debiased sum or the hull of two paths; for two classes, the mean of both."""
        bins, joint = self.bins(sums), self.joint(sums, joints)
        found = intervals.cwce_interval(bins, sums.n, level, joint, sums.class_spread)
        return allowing(found, self.value(sums), sums, joints, level) if sums.k == 2 else found

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """For two classes, which mirror each other, the mean of both; for more, of debiased sums over all cells."""
        if pair.base.sums.classes is None or pair.candidate.sums.classes is None:
            raise NotComputable("top_label_only", "needs the probability of every class")
        if len(pair.base.sums.classes.count) == 2:
            first, second = (_paired(pair.of_class(label), pair.n, level) for label in (0, 1))
            low, high = 0.5 * (first.low + second.low), 0.5 * (first.high + second.high)
            return contrast(low, high, max(first.p, second.p), level)
        check_thick(*pair.top.sums)
        sums = self.bins(pair.base.sums), self.bins(pair.candidate.sums)
        try:
            _check_cells(pair, sums)
        except NotComputable as lacking:
            if pair.grouped:
                raise
            own = [intervals.cwce_interval(one, pair.n, level.value) for one in sums]
            wide = margins(own[0], own[1], (centre_of(own[0]), centre_of(own[1])), level, independent=False)
            return wide._replace(reason=lacking.reason.reworded(f"{PUT_TOGETHER}: {lacking.reason}"))
        low, high, p = pair.class_difference(sums).at(level)
        return contrast(max(low, -1.0), min(high, 1.0), p, level)

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From both intervals; they are asymmetric, so their errors may add up."""
        return self.margins_from(saved, own, level, independent=False)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """For two classes, whose errors are the same, the size of the gap."""
        return abs(gap) if k == 2 else None

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

    def approximate(self, sums: Sums) -> Notice | None:
        """That a class has fewer than 20 rows (with two classes: that they have so few on average), or as for all bins.

        This counts rows even if only groups are independent, because rows fill the bins.
        """
        few = None if sums.classes is None else _few_rows(sums.classes, sums.n)
        if few is None:
            return Folded.approximate(self, sums)
        return reason("few_rows_per_class", f"the interval is approximate: {few}")


def _few_rows(classes: BinSums, n: float) -> str | None:
    """Which classes have too few rows, or with weights too small effective numbers of rows; None if none has."""
    k, rows = len(classes.count), classes.y.sum(axis=1)
    if classes.squared is not None:
        rows = rows * rows / np.maximum(classes.squared.y.sum(axis=1), 1e-300)
    small = np.flatnonzero((rows > 0) & (rows < LEAST_CLASS_ROWS))
    if k > 2 and len(small):
        least = int(small[rows[small].argmin()])
        if len(small) > 1:
            few = f"{len(small):,} of {k:,} classes have fewer than {LEAST_CLASS_ROWS} rows"
            return f"{few}, class {least} only {rows[least]:.0f}"
        return (
            f"class {least} has {rows[least]:.0f} row{'' if rows[least] == 1 else 's'}, fewer than {LEAST_CLASS_ROWS}"
        )
    if n >= LEAST_CLASS_ROWS * k:
        return None
    mean = 10 * n // k / 10  # rounded down, so that 19.96 does not look like 20
    return f"{mean:g} row{'' if mean == 1 else 's'} per class, fewer than {LEAST_CLASS_ROWS}"


def _check_cells(pair: Pair, sums: tuple[BinSums, BinSums]) -> None:
    """Check that class-wise bins are few enough, and hold enough errors. Raises: NotComputable."""
    if pair.weights is not None:
        raise NotComputable("weighted_rows", "how class-wise bins of weighted rows vary together is not estimated")
    if any(own.squared is not None for own in sums):
        raise NotComputable("no_method", "the narrower one counts every row once, and rows have weights")
    cells, events = pair.class_cells, min(map(mean_events, sums))
    if cells > MOST_PAIR_CELLS:
        kind = "pairs of class-wise bins" if not pair.grouped else "class-wise bins of groups"
        raise NotComputable("too_many_cells", f"{cells:,} {kind} are more than {MOST_PAIR_CELLS:,}")
    if events < LEAST_EVENTS:
        found = 100 * events // 1 / 100  # rounded down, so that 1.499 does not look like 1.5
        few = f"too few errors, {found:g} in the average class-wise bin, and at least {LEAST_EVENTS:g} are needed"
        raise NotComputable("few_errors_per_bin", few)


def _paired(bins: Together, n: float, level: Level) -> Contrast:
    from calibeval.core.uncertainty.paired_paths import ece_side

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
