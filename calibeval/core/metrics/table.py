"""The one table of metrics: names, computation, noise floor, interval, range, unit and source of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from calibeval.core.errors import UnknownMetric, nearest
from calibeval.core.metrics.calibration import cwce, ece, mce, oe
from calibeval.core.metrics.result import MetricResult
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.floors import Floor, gap_floor, mce_floor, oe_floor
from calibeval.core.uncertainty.intervals import Interval


class NotComputable(Exception):
    """The metric has no value for these sums; the text is the reason, facts are fields of MetricResult."""

    def __init__(self, reason: str, **facts: int | None) -> None:
        super().__init__(reason)
        self.facts = facts


LEAST_BIN_ROWS = 5  # sums of fewer rows are not nearly normal
LEAST_CLASS_ROWS = 20  # below it, many bins of a class hold a row or none, and their variance is a guess


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric: everything that reports, commands, gate and docs need to know of it.

    value, floor, interval: from the sums of one pass; floor is None for metrics that have no noise floor.
    explain: adds what else is to be known: the bin that decides, or that the interval is approximate.
    low, high: the range of values; high is None where it is unbounded. better: where good values lie.
    unit: "%" metrics are fractions inside and percent in tables for people. binary: exists for two classes only.
    binned: its interval rests on sums of bins, and is left out where these hold too few rows.
    """

    name: str
    title: str
    value: Callable[[Sums], float]
    floor: Callable[[Sums], Floor] | None
    interval: Callable[[Sums, float], Interval | None]
    low: float
    high: float | None
    better: Literal["lower", "higher", "zero"]
    unit: Literal["%", "nats", ""]
    source: str
    binned: bool = True
    explain: Callable[[MetricResult, Sums], MetricResult] | None = None
    binary: bool = False

    def evaluate(self, sums: Sums, level: float | None) -> MetricResult:
        """The metric with its floor and, for a level, its interval; or the reason why there is none."""
        try:
            value = self.value(sums)
        except NotComputable as missing:
            return MetricResult(self.name, None, reason=str(missing), **missing.facts)
        floor = None if self.floor is None else self.floor(sums)
        interval = None
        if level is not None and not (self.binned and is_thin(sums)):
            interval = self.interval(sums, level)
        result = MetricResult(
            self.name,
            value,
            low=None if interval is None else interval.low,
            high=None if interval is None else interval.high,
            corrected=None if interval is None else interval.corrected,
            floor=None if floor is None else floor.expected,
            floor_high=None if floor is None else floor.high,
        )
        return result if self.explain is None else self.explain(result, sums)


def is_thin(sums: Sums) -> bool:
    """Whether bins hold so few rows, below 5 on average, that normal sums say nothing of them."""
    filled = max(np.count_nonzero(sums.top.count), np.count_nonzero(sums.mass.count))
    return sums.n < LEAST_BIN_ROWS * int(filled)


def _mark_approximate(result: MetricResult, sums: Sums) -> MetricResult:
    """A class-wise result that says so where its interval rests on few rows a class, below 20 on average.

    Where groups are what is independent, rows still are what fills the bins.
    """
    if result.low is None or sums.k is None or sums.n >= LEAST_CLASS_ROWS * sums.k:
        return result
    rows = 10 * sums.n // sums.k / 10  # rounded down, lest 19.96 look like 20
    few = f"{rows:g} row{'' if rows == 1 else 's'} per class, fewer than {LEAST_CLASS_ROWS}"
    return replace(result, reason=f"its interval is approximate: {few}")


def _classes(sums: Sums) -> BinSums:
    if sums.classes is None:
        raise NotComputable("needs the probability of every class, and this dump holds the top label only")
    return sums.classes


def _mean(total: tuple[float, float], sums: Sums) -> float:
    _classes(sums)
    return total[0] / sums.n


def _nll(sums: Sums) -> float:
    if sums.impossible:
        rows = "1 row" if sums.impossible == 1 else f"{sums.impossible} rows"
        reason = f"infinite: the label has probability 0 in {rows}, first in {sums.impossible_place}"
        raise NotComputable(reason, count=sums.impossible, row=sums.impossible_row)
    if not math.isfinite(sums.nll.total):
        raise NotComputable("the sum of the logarithms is beyond float64")
    return _mean(sums.nll, sums)


def _name_worst_bin(result: MetricResult, sums: Sums) -> MetricResult:
    worst = mce(sums.top)
    return replace(result, bin=worst.bin, count=worst.rows)


METRICS: dict[str, MetricSpec] = {
    spec.name: spec
    for spec in (
        MetricSpec(
            "accuracy",
            "share of rows whose first largest score is the label",
            lambda s: float(s.top.y.sum()) / s.n,
            None,
            lambda s, c: intervals.wilson_interval(float(s.top.y.sum()), s.n, c),
            low=0.0,
            high=1.0,
            better="higher",
            unit="%",
            source="interval: Wilson, JASA 1927",
            binned=False,
        ),
        MetricSpec(
            "confidence_gap",
            "mean confidence - accuracy; positive: over-confident",
            lambda s: -float(s.top.gap.sum()) / s.n,
            lambda s: gap_floor(s.top.whole(), s.n),
            lambda s, c: intervals.gap_interval(s.top, s.n, c),
            low=-1.0,
            high=1.0,
            better="zero",
            unit="%",
            source="calibration in the large, of the top label",
            binned=False,
        ),
        MetricSpec(
            "ece",
            "expected calibration error, equal-width bins",
            lambda s: ece(s.top),
            lambda s: gap_floor(s.top, s.n),
            lambda s, c: intervals.ece_interval(s.top, s.n, c),
            low=0.0,
            high=1.0,
            better="lower",
            unit="%",
            source="Naeini et al., AAAI 2015; Guo et al., ICML 2017",
        ),
        MetricSpec(
            "mce",
            "maximum calibration error: the largest gap of a bin",
            lambda s: mce(s.top).gap,
            lambda s: mce_floor(s.top),
            lambda s, c: intervals.mce_interval(s.top, c),
            low=0.0,
            high=1.0,
            better="lower",
            unit="%",
            source="Naeini et al., AAAI 2015",
            explain=_name_worst_bin,
        ),
        MetricSpec(
            "aece",
            "adaptive calibration error, equal-mass bins",
            lambda s: ece(s.mass),
            lambda s: gap_floor(s.mass, s.n),
            lambda s, c: intervals.ece_interval(s.mass, s.n, c),
            low=0.0,
            high=1.0,
            better="lower",
            unit="%",
            source="Nixon et al., CVPR workshops 2019; Mukhoti et al., NeurIPS 2020",
        ),
        MetricSpec(
            "cwce",
            "class-wise calibration error, mean over all classes",
            lambda s: cwce(_classes(s)),
            lambda s: gap_floor(_classes(s), s.n),
            lambda s, c: intervals.cwce_interval(_classes(s), s.n, c),
            low=0.0,
            high=1.0,
            better="lower",
            unit="%",
            source="Kull et al., NeurIPS 2019; Nixon et al. 2019",
            explain=_mark_approximate,
        ),
        MetricSpec(
            "oe",
            "overconfidence error: gaps of over-confident bins, weighted by confidence",
            lambda s: oe(s.top),
            lambda s: oe_floor(s.top, s.n),
            lambda s, c: intervals.oe_interval(s.top, s.n, c),
            low=0.0,
            high=1.0,
            better="lower",
            unit="%",
            source="Thulasidasan et al., NeurIPS 2019",
        ),
        MetricSpec(
            "nll",
            "negative log-likelihood, mean over rows",
            _nll,
            None,
            lambda s, c: intervals.mean_interval(*s.nll, s.n, c),
            low=0.0,
            high=None,
            better="lower",
            unit="nats",
            source="logarithmic score: Good 1952",
            binned=False,
        ),
        MetricSpec(
            "brier",
            "Brier score, summed over classes, mean over rows",
            lambda s: _mean(s.brier, s),
            None,
            lambda s, c: intervals.mean_interval(*s.brier, s.n, c, most=2.0),
            low=0.0,
            high=2.0,
            better="lower",
            unit="",
            source="Brier 1950",
            binned=False,
        ),
        MetricSpec(
            "ece_positive",
            "calibration error of P(class 1), equal-width bins; what binary tools call ECE",
            lambda s: ece(_classes(s).row(1)),
            lambda s: gap_floor(_classes(s).row(1), s.n),
            lambda s, c: intervals.ece_interval(_classes(s).row(1), s.n, c),
            low=0.0,
            high=1.0,
            better="lower",
            unit="%",
            source="Naeini et al., AAAI 2015",
            binary=True,
        ),
    )
}


def all_metrics(sums: Sums, level: float | None) -> dict[str, MetricResult]:
    """Every metric that exists for so many classes, with floors and, for a level, intervals."""
    specs = (spec for spec in METRICS.values() if not spec.binary or sums.k == 2)
    return {spec.name: spec.evaluate(sums, level) for spec in specs}


def metric_spec(name: str) -> MetricSpec:
    """The metric of that name.

    Raises: UnknownMetric with the nearest name.

    >>> metric_spec("ece").unit
    '%'
    """
    if name not in METRICS:
        raise UnknownMetric(f'metric "{name}" is unknown{nearest(name, METRICS)}; metrics are {", ".join(METRICS)}')
    return METRICS[name]
