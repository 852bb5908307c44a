"""How far a calibration error stands out of the noise.

It is never exactly 0 on a finite sample, so its size alone says nothing. It is compared with its noise floor, which is
what a perfectly calibrated model with these very confidences would show on as many rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

import numpy as np

from calibeval.core.data.notices import reason
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import Bin, DumpReport
from calibeval.core.report.rows import ClassResult
from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.consistency import ConsistencyRange, consistency_range
from calibeval.core.uncertainty.floors import Floor, mce_floor, mean_absolute_gap
from calibeval.core.uncertainty.level import CERTAIN_P, LIKELY_P

# Below this many rows the approximations behind floors and intervals are not good enough to say "certain".
CERTAIN_ROWS = 30
# A sample in which 3 points of miscalibration look like noise has not shown that a model is calibrated.
COARSE = 0.03
# A temperature whose interval lies within this factor of 1 does little.
NEAR_ONE = 1.25

# From the half-width of a 95 % interval to the size that 999 of 1000 calibrated models would not exceed.
CERTAIN_REACH = 3.2905 / 1.96
_ROUNDING = 1e-9
_NOT_JUDGED = ("mce_all_bins",)


class Standing(Enum):
    """How far a calibration error stands out of the noise; the value is the phrase for people."""

    CERTAIN = "certain"
    LIKELY = "likely"
    NOISE = "within noise of calibrated"
    UNRESOLVED = "this sample cannot tell"

    @property
    def beyond_noise(self) -> bool:
        """Whether the model is miscalibrated, certainly or likely."""
        return self in (Standing.CERTAIN, Standing.LIKELY)

    @property
    def short(self) -> str:
        """The phrase for a narrow table."""
        return {Standing.NOISE: "within noise", Standing.UNRESOLVED: "cannot tell"}.get(self, self.value)


def standing_of(metric: MetricResult, *, n: float | None = None, k: int | None = None) -> Standing | None:
    """Where the metric stands against its noise floor; None where it has no value or no floor.

    likely: the value is above `floor_high`, which 95 of 100 calibrated models would not exceed, or the interval
    excludes 0 on its side.
    certain: it is above `floor_certain`, which 999 of 1000 calibrated models would not exceed, the interval excludes 0
    where there is one, and n is at least 30. Where there is no `floor_certain`, as in reports of earlier versions, the
    value is at least twice as far above the expectation `floor` as `floor_high` is.
    Otherwise the value is what noise would give, and that is
    within noise: good news, where values from 3 points on would have shown (floor_high at most 0.03), or
    cannot tell: no news, where they would not. CWCE is of order 2 / k: its limit is 0.06 / k.
    A value of cells, which may be off that of the rows, must stand out as far as the rows may be off.
    Intervals are not needed for a verdict. A temperature is judged by the p of its test, with the same probabilities.

    n, k: rows (or their effective number) and classes of the dump; without n the minimum of 30 rows is not checked.

    >>> standing_of(MetricResult("ece", 0.126, floor=0.009, floor_high=0.013), n=5000)
    <Standing.CERTAIN: 'certain'>
    >>> standing_of(MetricResult("ece", 0.011, floor=0.009, floor_high=0.013), n=5000)
    <Standing.NOISE: 'within noise of calibrated'>
    """
    if (
        metric.p is not None and metric.floor is None
    ):  # Cox's numbers have one p for both, so that none of the two stands alone
        return None if metric.z is None else _by_test(metric, n)
    if metric.value is None or metric.floor is None or metric.floor_high is None:
        return None
    off = metric.cell_error or 0.0
    size, excluded = max(abs(metric.value) - off, 0.0), _excludes_zero(metric)
    if size <= metric.floor_high + _ROUNDING and not excluded:
        known = EVERY.get(metric.name)
        coarse = COARSE if known is None else known.coarse(COARSE, k)
        return Standing.UNRESOLVED if metric.floor_high + off > coarse else Standing.NOISE
    twice = metric.floor + 2 * (metric.floor_high - metric.floor)
    far = size > (twice if metric.floor_certain is None else metric.floor_certain) + _ROUNDING
    enough = n is None or n >= CERTAIN_ROWS
    return Standing.CERTAIN if far and enough and excluded is not False else Standing.LIKELY


def _by_test(metric: MetricResult, n: float | None) -> Standing:
    """Where a temperature stands by its test: within noise if its interval lies near 1, else not known."""
    if metric.p is not None and metric.p < LIKELY_P:
        certain = metric.p < CERTAIN_P and (n is None or n >= CERTAIN_ROWS)
        return Standing.CERTAIN if certain else Standing.LIKELY
    near = metric.low is not None and metric.high is not None and metric.low > 1 / NEAR_ONE and metric.high < NEAR_ONE
    return Standing.NOISE if near else Standing.UNRESOLVED


def standing_in(dump: DumpReport, name: str) -> Standing | None:
    """Where a metric of the dump stands; every table, headline and page takes its words from here.

    By its noise floor, or by its interval alone if it is the gap of grouped rows, for which there is no floor. The MCE
    over all bins, even those of one row, is not judged: it is there as other tools print it.
    """
    if name in _NOT_JUDGED:
        return None
    metric = with_floor(dump, name)
    if name == "confidence_gap" and metric.floor is None and dump.groups is not None:
        return _by_interval(metric, dump.worth)
    return standing_of(metric, n=dump.worth, k=dump.k)


def standing_of_regression(dump: DumpReport) -> Standing | None:
    """Where slope and intercept of the regression on the stated log-odds stand together, by their score test."""
    metric = dump.metrics.get("cox_slope")
    return None if metric is None or metric.p is None else _by_test(metric, dump.worth)


def with_floor(dump: DumpReport, name: str) -> MetricResult:
    """The metric, and for the signed `confidence_gap` the floor of its size, from the bin table.

    A metric that the dump lacks has no value.
    """
    metric = dump.metrics.get(name, MetricResult(name, None, reason=reason("not_measured", "it was not measured")))
    if name != "confidence_gap" or metric.value is None or metric.floor is not None or dump.groups is not None:
        return metric
    floor = _floor(dump.equal_width)
    if floor is None:
        return metric
    return replace(metric, floor=floor.expected, floor_high=floor.high, floor_certain=floor.certain)


def standing_of_gap(bins: tuple[Bin, ...], gap: float) -> Standing | None:
    """Where mean confidence - accuracy stands against the floor of its size; None without a row.

    bins: those of all rows. gap: over all of them.

    >>> standing_of_gap((Bin(0.9, 1.0, 3, 0.97, 0.67, 0.30), Bin(0.8, 0.9, 0, None, None, None)), 0.30)
    <Standing.UNRESOLVED: 'this sample cannot tell'>
    """
    floor = _floor(bins)
    if floor is None:
        return None
    metric = MetricResult("confidence_gap", gap, floor=floor.expected, floor_high=floor.high)
    return standing_of(replace(metric, floor_certain=floor.certain), n=sum(row.worth for row in bins))


def bin_judge(dump: DumpReport) -> Callable[[Bin], bool | None]:
    """Whether a bin of this dump is beyond noise: the function that tells; None where the noise is unknown.

    Rows of one group depend on each other: the noise of a bin is then larger than that of as many independent rows, by
    as much as that of the ECE is; if there are too few groups for a floor of the ECE, no bin is judged.
    """
    factor = noise_factor(dump)
    return (lambda _: None) if factor is None else lambda row: bin_stands_out(row, factor)


def noise_factor(dump: DumpReport) -> float | None:
    """By how much the noise of a bin is larger than that of independent rows; None with too few groups to tell."""
    if dump.groups is None:
        return 1.0
    ece = dump.metrics.get("ece")
    alone = [_sums_of(b.worth, b.confidence) for b in dump.equal_width if b.count and b.confidence is not None]
    expected = sum(float(mean_absolute_gap(one)[0]) for one in alone)
    if ece is None or ece.floor is None:
        return None
    if expected <= 0.0:  # every probability is 0 or 1, so that there is no noise
        return 1.0
    return max(1.0, ece.floor * sum(float(one.count[0]) for one in alone) / expected)


def calibrated_range(row: Bin, factor: float | None = 1.0) -> ConsistencyRange | None:
    """Where the accuracy of a bin lies in 95 % of samples of a calibrated model; None where its noise is unknown.

    factor: as for `bin_stands_out`; rows that depend on each other are worth as many fewer independent ones.
    """
    if factor is None or not row.count:
        return None
    return consistency_range(max(1.0, row.worth / factor**2), row.confidence or 0.0)


def bin_stands_out(row: Bin, factor: float | None = 1.0) -> bool:
    """Whether the bin's gap is larger than 95 of 100 calibrated models would show on its few or many rows.

    factor: by how much noise is larger than that of independent rows; None: unknown, so that no bin stands out.

    >>> bin_stands_out(Bin(0.9, 1.0, 3, 0.97, 0.67, 0.30)), bin_stands_out(Bin(0.9, 1.0, 300, 0.97, 0.67, 0.30))
    (False, True)
    """
    floor = _floor((row,))
    if factor is None or floor is None or row.gap is None:
        return False
    return abs(row.gap) > factor * floor.high + _ROUNDING


def class_stands_out(one: ClassResult) -> bool | None:
    """Whether the error of a class is larger than noise gives any of the classes; None where the noise is unknown.

    >>> class_stands_out(ClassResult("a", 9, 0.02, 0.01, 0.01, 0.03)), class_stands_out(ClassResult("a", 9, 0.1, 0))
    (False, None)
    """
    return None if one.floor_high is None else one.calibration_error > one.floor_high + _ROUNDING


def _floor(bins: tuple[Bin, ...]) -> Floor | None:
    """Floor of |mean confidence - accuracy| over all rows of these bins; None without a row.

    Inside a bin every confidence counts as their mean, which makes the floor larger by a hair, never smaller.
    """
    filled = [(b.worth, b.confidence) for b in bins if b.count and b.confidence is not None]
    if not filled:
        return None
    count = sum(rows for rows, _ in filled)
    p = sum(rows * min(c, 1.0) for rows, c in filled)
    pp = sum(rows * min(c, 1.0) ** 2 for rows, c in filled)
    return mce_floor(_sums(count, p, pp))


def _sums_of(rows: float, confidence: float | None) -> BinSums:
    p = min(confidence or 0.0, 1.0)
    return _sums(rows, rows * p, rows * p * p)


def _sums(count: float, p: float, pp: float) -> BinSums:
    return BinSums(*(np.array([float(total)]) for total in (count, p, pp, 0.0, 0.0)))


def _by_interval(metric: MetricResult, n: float) -> Standing | None:
    """Where a signed value stands by its interval: likely off 0 if that excludes it, certain if it does so by far."""
    if metric.value is None or metric.low is None or metric.high is None:
        return None
    size, half = abs(metric.value), 0.5 * (metric.high - metric.low)
    if not _excludes_zero(metric):
        return Standing.UNRESOLVED if size + half > COARSE else Standing.NOISE
    return Standing.CERTAIN if size > CERTAIN_REACH * half and n >= CERTAIN_ROWS else Standing.LIKELY


def _excludes_zero(metric: MetricResult) -> bool | None:
    """Whether the interval excludes 0 on the side of the value; None without an interval."""
    if metric.value is None or metric.low is None or metric.high is None:
        return None
    return metric.low > 0 if metric.value > 0 else metric.high < 0
