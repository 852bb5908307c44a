"""A saved report in the place of a dump: what its tables still tell of the rows that it no longer holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from calibeval.core.comparison.comparison import ComparedDump, Difference
from calibeval.core.comparison.differences import (
    NO_METHOD,
    Outcome,
    centre_of,
    check_thick,
    margins,
    outcome,
    told_apart,
    with_outcome,
)
from calibeval.core.conventions.table import OWN
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import METRICS, NotComputable
from calibeval.core.report.report import Bin, DumpReport, Report
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired_paths import Side, ece_side, oe_side, path_difference

# Metrics whose difference follows from the two models' own intervals, and those that need sums of bins.
_FROM_INTERVALS = ("accuracy", "confidence_gap", "mce", "cwce", "nll", "brier", "ece_positive")
_FROM_BINS = ("ece", "aece", "oe")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The one dump of a report, checked to be comparable. level: level of its intervals; None without any."""

    dump: DumpReport
    bins: int
    level: float | None

    @classmethod
    def of(cls, report: Report, bins: int | None) -> Baseline:
        """The baseline in a report of one dump.

        bins: what the candidate will be measured with; None: whatever the report has.
        Raises: InputError for a report of several dumps, of another number of bins, or of another tool's convention.
        """
        if len(report.dumps) != 1:
            names = ", ".join(dump.name for dump in report.dumps) or "none"
            raise InputError(f"the report holds {len(report.dumps)} dumps ({names}), but a baseline is one of them")
        dump, settings = report.dumps[0], report.settings
        if settings.convention != OWN:
            raise InputError(
                f'{dump.name}: the report is by the convention "{settings.convention}", '
                f'but comparisons are by "{OWN}"; report the dump again without --convention'
            )
        if bins is not None and settings.bins != bins:
            raise InputError(f"{dump.name}: the report has {settings.bins} bins, but {bins} is needed")
        return cls(dump, settings.bins, settings.level)

    @property
    def side(self) -> ComparedDump:
        """The report's dump as one side of a comparison."""
        dump = self.dump
        return ComparedDump(dump.name, dump.source, dump.kind, dump.n, dump.k, dump.ignored, report=True)

    def check_classes(self, candidate: Predictions) -> None:
        """That the candidate is of the same classes, as far as both say.

        Raises: InputError for another number of classes, or other names of them.
        """
        names = f"{self.dump.name} (a report) and {candidate.source.name}"
        if self.dump.k != candidate.k:
            told = ["the top label only" if k is None else f"{k} classes" for k in (self.dump.k, candidate.k)]
            raise InputError(f"{names} cannot be compared: {told[0]} in the one, {told[1]} in the other")
        own = tuple(one.name for one in self.dump.per_class)
        if candidate.class_names is None or not own or own == tuple(str(k) for k in range(len(own))):
            return
        for k, (ours, theirs) in enumerate(zip(own, candidate.class_names, strict=True)):
            if ours != theirs:
                raise InputError(
                    f'{names} cannot be compared: class {k} is "{ours}" in the one, "{theirs}" in the other'
                )

    def warnings(self, candidate: Predictions) -> list[str]:
        """What weakens a comparison with this report."""
        said = f"rows are not paired: {self.dump.name} is a saved report"
        if self.dump.n == candidate.n:
            said += "; if both are of the same rows, compare the two dumps, which can show smaller differences"
        return [said]


def unpaired_differences(
    baseline: Baseline, sums: Sums, measured: Mapping[str, MetricResult], level: float, *, grouped: bool
) -> dict[str, Difference]:
    """The difference of every metric from a saved report, as if its rows were others than the candidate's.

    sums, measured: of the candidate, at this level. grouped: whether its intervals take groups, not rows, for
    independent; where those of either model do, differences follow from the intervals alone. Otherwise bins of the
    report are described by their means: the spread of confidences inside of one is neglected.
    """
    tested, grouped, found = Level(level), grouped or baseline.dump.groups is not None, {}
    for name, theirs in measured.items():
        ours = baseline.dump.metrics.get(name, MetricResult(name, None, reason="not in the report"))
        if ours.value is None or theirs.value is None:
            reason = told_apart(ours.reason, theirs.reason)
            found[name] = Difference(name, ours.value, theirs.value, None, reason=reason)
            continue
        plain = Difference(name, ours.value, theirs.value, theirs.value - ours.value)
        try:
            if name in _FROM_BINS and not grouped:
                told = _from_bins(baseline.dump, sums, name, tested)
            else:
                told = _from_intervals(baseline, ours, theirs, tested)
            found[name] = with_outcome(plain, told)
        except NotComputable as missing:
            found[name] = replace(plain, reason=str(missing))
    return found


def _from_intervals(baseline: Baseline, ours: MetricResult, theirs: MetricResult, level: Level) -> Outcome:
    if ours.name not in (*_FROM_BINS, *_FROM_INTERVALS):
        raise NotComputable(NO_METHOD)
    spec = METRICS[ours.name]
    most = math.inf if spec.high is None else spec.high - spec.low
    saved, own = _interval(ours), _interval(theirs)
    ratio = level.z / Level(baseline.level or level.value).z
    centre = _centre(ours, saved)
    scaled = Interval(centre - ratio * (centre - saved.low), centre + ratio * (saved.high - centre), None)
    # Intervals of these lie unevenly around their centres, so that only their ends can be relied on.
    centres, even = (centre, _centre(theirs, own)), ours.name not in ("cwce", "mce")
    return margins(scaled, own, centres, level, most, independent=even)


def _interval(metric: MetricResult) -> Interval:
    if metric.low is None or metric.high is None:
        raise NotComputable("the report, or the candidate, has no interval of it")
    return Interval(metric.low, metric.high, metric.corrected)


def _centre(metric: MetricResult, interval: Interval) -> float:
    """The value around which the interval lies; that of the MCE is of large bins alone, and need not hold the value."""
    if metric.corrected is None and metric.name != "mce":
        return metric.value or 0.0
    return centre_of(interval)


def _from_bins(dump: DumpReport, sums: Sums, name: str, level: Level) -> Outcome:
    """The difference along two independent paths, one of them from the report's bin table."""
    table, own = (dump.equal_mass, sums.mass) if name == "aece" else (dump.equal_width, sums.top)
    if table is None:
        raise NotComputable("the report has no equal-mass bins")
    saved = table_sums(table)
    check_thick(saved, own)

    def side(bins: BinSums, n: int) -> Side:
        return oe_side(bins, n, level.z) if name == "oe" else ece_side(bins, n)

    return outcome(*path_difference(side(saved, dump.n), side(own, sums.n), level, None), level)


def table_sums(table: tuple[Bin, ...]) -> BinSums:
    """Sums of a bin table as if each bin's rows all had its mean confidence, (m,).

    That changes the variance of a gap by the variance of the confidences less twice their covariance with being right;
    within 15 bins by 1 or 2 % of it.

    >>> sums = table_sums((Bin(0.0, 1.0, 4, 0.75, 0.5, 0.25),))
    >>> sums.count.tolist(), sums.gap.tolist(), sums.gap_squares.tolist()
    ([4.0], [-1.0], [1.25])
    """
    count = np.array([row.count for row in table], np.float64)
    p = np.array([row.confidence or 0.0 for row in table])
    y = np.array([row.accuracy or 0.0 for row in table])
    return BinSums(count, count * p, count * p * p, count * y, count * y * p)
