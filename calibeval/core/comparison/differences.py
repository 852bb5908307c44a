"""All differences of two models on the same rows, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from calibeval.core.comparison.comparison import Difference
from calibeval.core.comparison.model_pair import MOST_CELLS, Pair, Together, together
from calibeval.core.metrics.table import LEAST_BIN_ROWS, METRICS, MetricSpec, NotComputable
from calibeval.core.sums.binning import BinSums, Floats, bin_index, sums_by_index
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import MCE_LEAST_COUNT, Interval, cwce_interval, mce_interval
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired_means import MeanDifference, accuracy_difference, mean_difference
from calibeval.core.uncertainty.paired_paths import Side, ece_side, oe_side, path_difference
from calibeval.core.uncertainty.paths import Joint

NO_METHOD = "differences of this metric are not tested"
BY_GROUPS = "differences of this metric are not tested where only groups are independent"


class Outcome(NamedTuple):
    """What a sample says of one difference: fields as in Difference."""

    low: float
    high: float
    p: float
    detectable: float


Method = Callable[[Pair, Level], Outcome]


def paired_differences(pair: Pair, level: float) -> dict[str, Difference]:
    """The difference of every metric, or the reason why there is none.

    level: of the intervals, inside (0, 1).
    """
    freedom = None if pair.groups is None else int(pair.groups.max())
    tested, identical = Level(level, freedom), pair.identical
    specs = (spec for spec in METRICS.values() if not spec.binary or pair.base.sums.k == 2)
    return {spec.name: _difference(spec, pair, tested, identical=identical) for spec in specs}


def _difference(spec: MetricSpec, pair: Pair, level: Level, *, identical: bool) -> Difference:
    (base, why), (candidate, why_not) = (_value(spec, model.sums) for model in (pair.base, pair.candidate))
    if base is None or candidate is None:
        return Difference(spec.name, base, candidate, None, reason=told_apart(why, why_not))
    found = Difference(spec.name, base, candidate, candidate - base)
    method = _METHODS.get(spec.name)
    if method is None:
        return replace(found, reason=NO_METHOD)
    try:
        told = Outcome(0.0, 0.0, 1.0, 0.0) if identical else method(pair, level)
    except NotComputable as missing:
        return replace(found, reason=str(missing))
    return with_outcome(found, told)


def with_outcome(found: Difference, told: Outcome) -> Difference:
    """The difference with its interval and p."""
    return replace(found, **told._asdict())


def told_apart(base: str | None, candidate: str | None) -> str:
    """The reasons of two models as one, naming the model where only one has it."""
    if base == candidate:
        return base or "not measured"
    parts = [f"{name}: {reason}" for name, reason in (("base", base), ("candidate", candidate)) if reason]
    return "; ".join(parts) or "not measured"


def check_thick(*sums: BinSums) -> None:
    """That bins hold 5 rows or more on average.

    Raises: NotComputable where they do not: normal sums then say nothing of them.
    """
    for one in sums:
        if one.count.sum() < LEAST_BIN_ROWS * np.count_nonzero(one.count):
            raise NotComputable(f"bins hold fewer than {LEAST_BIN_ROWS} rows on average")


def margins(
    base: Interval,
    candidate: Interval,
    centres: tuple[float, float],
    level: Level,
    most: float = 1.0,
    *,
    independent: bool = True,
) -> Outcome:
    """The difference of two values from their own intervals.

    centres: the value around which each interval lies. most: the largest size that the difference can have.
    independent: whether the errors of the two are; otherwise they may add up, as they do at worst.
    Source: Zou & Donner, Statist. Med. 27:1693 (2008).

    >>> found = margins(Interval(0.10, 0.14, None), Interval(0.20, 0.24, None), (0.12, 0.22), Level(0.95))
    >>> round(found.low, 4), round(found.high, 4)
    (0.0717, 0.1283)
    """
    middle = centres[1] - centres[0]
    order = 2.0 if independent else 1.0
    below = float(np.linalg.norm([centres[1] - candidate.low, base.high - centres[0]], order))
    above = float(np.linalg.norm([candidate.high - centres[1], centres[0] - base.low], order))
    reach = below if middle > 0.0 else above
    p = 1.0 if middle == 0.0 else level.p(level.z * middle / reach if reach > 0.0 else math.inf)
    return outcome(max(middle - below, -most), min(middle + above, most), p, level)


def outcome(low: float, high: float, p: float, level: Level) -> Outcome:
    """An interval with a p that agrees with it, and the difference that it could have shown."""
    return Outcome(low, high, level.agreeing(p, low, high), level.detectable * 0.5 * (high - low))


def _value(spec: MetricSpec, sums: Sums) -> tuple[float | None, str | None]:
    try:
        return spec.value(sums), None
    except NotComputable as missing:
        return None, str(missing)


def _mean(values: Floats, pair: Pair, level: Level, most: float) -> Outcome:
    if len(values) < 2:
        raise NotComputable("one row has no interval")
    return _of_mean(mean_difference(values, level, most, pair.groups), level)


def _of_mean(found: MeanDifference, level: Level) -> Outcome:
    return Outcome(found.low, found.high, found.p, level.detectable * level.z * found.error)


def _accuracy(pair: Pair, level: Level) -> Outcome:
    if len(pair.labels) < 2:
        raise NotComputable("one row has no interval")
    base, candidate = pair.base.rows.correct, pair.candidate.rows.correct
    return _of_mean(accuracy_difference(base, candidate, level, pair.groups), level)


def _gap(pair: Pair, level: Level) -> Outcome:
    return _mean(pair.residuals[0] - pair.residuals[1], pair, level, 2.0)


def _nll(pair: Pair, level: Level) -> Outcome:
    return _mean(pair.candidate.rows.nll - pair.base.rows.nll, pair, level, math.inf)


def _brier(pair: Pair, level: Level) -> Outcome:
    return _mean(pair.candidate.rows.brier - pair.base.rows.brier, pair, level, 2.0)


def _paths(
    pair: Pair, level: Level, bins: Together, side: Callable[[BinSums, int, Joint | None], Side] = ece_side
) -> Outcome:
    """The difference along two paths."""
    check_thick(*bins.sums)
    if bins.shared is None:
        raise NotComputable(f"groups and bins make {bins.cells:,} cells, but at most {MOST_CELLS:,} are held")
    n = len(pair.labels)
    one, other = (side(own, n, joint) for own, joint in zip(bins.sums, bins.joints, strict=True))
    return outcome(*path_difference(one, other, level, bins.shared), level)


def _ece(pair: Pair, level: Level) -> Outcome:
    return _paths(pair, level, pair.top)


def _oe(pair: Pair, level: Level) -> Outcome:
    def side(sums: BinSums, n: int, joint: Joint | None) -> Side:
        return oe_side(sums, n, level.z, joint)

    return _paths(pair, level, pair.top, side)


def _aece(pair: Pair, level: Level) -> Outcome:
    models = (pair.base, pair.candidate)
    first, second = (bin_index(model.rows.confidence, model.sums.mass_edges) for model in models)
    sums = pair.base.sums.mass, pair.candidate.sums.mass
    return _paths(pair, level, together((first, second), pair.residuals, sums, pair.groups))


def _ece_positive(pair: Pair, level: Level) -> Outcome:
    return _of_class(pair, level, 1)


def _of_class(pair: Pair, level: Level, label: int) -> Outcome:
    """Of two classes, the difference in the calibration error of one class's probability."""
    happened = pair.labels == label
    bins, gaps, sums = [], [], []
    for model in (pair.base, pair.candidate):
        positive = model.positive(pair.labels)
        p = positive if label == 1 else 1.0 - positive
        bins.append(bin_index(p, model.edges))
        gaps.append(happened - p)
        sums.append(sums_by_index(bins[-1], len(model.edges) - 1, p, happened))
    own = together((bins[0], bins[1]), (gaps[0], gaps[1]), (sums[0], sums[1]), pair.groups)
    return _paths(pair, level, own)


def _cwce(pair: Pair, level: Level) -> Outcome:
    """Of two classes, which mirror each other, the mean of both; of more, from the two models' own intervals."""
    base, candidate = pair.base.sums.classes, pair.candidate.sums.classes
    if base is None or candidate is None:
        raise NotComputable("needs the probability of every class")
    if len(base.count) == 2:
        first, second = (_of_class(pair, level, label) for label in (0, 1))
        low, high = 0.5 * (first.low + second.low), 0.5 * (first.high + second.high)
        return outcome(low, high, max(first.p, second.p), level)
    check_thick(*pair.top.sums)
    return _from_intervals(pair, level, lambda own, n: cwce_interval(own.classes or base, n, level.value))


def _mce(pair: Pair, level: Level) -> Outcome:
    """From the two models' own intervals, which are of the bins of at least 30 rows."""
    return _from_intervals(pair, level, lambda own, _: mce_interval(own.top, level.value))


def _from_intervals(pair: Pair, level: Level, measure: Callable[[Sums, int], Interval | None]) -> Outcome:
    if pair.groups is not None:
        raise NotComputable(BY_GROUPS)
    first, second = (measure(model.sums, len(pair.labels)) for model in (pair.base, pair.candidate))
    if first is None or second is None:
        raise NotComputable(f"no bin holds {MCE_LEAST_COUNT} rows")
    return margins(first, second, (centre_of(first), centre_of(second)), level, independent=False)


def centre_of(interval: Interval) -> float:
    """The value around which an interval lies: the one corrected for bias, or its middle."""
    return 0.5 * (interval.low + interval.high) if interval.corrected is None else interval.corrected


_METHODS: dict[str, Method] = {
    "accuracy": _accuracy,
    "confidence_gap": _gap,
    "ece": _ece,
    "aece": _aece,
    "mce": _mce,
    "cwce": _cwce,
    "oe": _oe,
    "nll": _nll,
    "brier": _brier,
    "ece_positive": _ece_positive,
}
