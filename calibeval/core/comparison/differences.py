"""All differences between two models on the same rows, metric by metric."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from calibeval.core.comparison.comparison import Difference
from calibeval.core.data.notices import NotComputable, Notice, reason
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.table import METRICS, metrics_for, needs_pairs
from calibeval.core.sums.joined_cells import points
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.few_errors import Range, range_of_change
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.likeness import ROUNDING
from calibeval.core.uncertainty.model_pair import Pair
from calibeval.core.uncertainty.paired import Contrast, centre_of, contrast

_GAP = METRICS["confidence_gap"]
NOT_MEASURED = reason("not_measured", "not measured")


def paired_differences(pair: Pair, level: float, only: Collection[str] | None = None) -> dict[str, Difference]:
    """The difference of every metric, or the reason why there is none.

    level: of the intervals, in (0, 1). only: limits the metrics to these.
    """
    if needs_pairs(only):
        pair = replace(pair, base=pair.base.with_pairs, candidate=pair.candidate.with_pairs)
    tested, identical = Level(level, pair.freedom), pair.identical
    alike = identical or pair.alike
    gaps = None if identical or pair.count < 2 or not pair.outcomes.few else _gaps(pair, tested)
    found = (
        _difference(metric, pair, tested, gaps, identical=identical, alike=alike)
        for metric in metrics_for(pair.base.sums.k, only)
    )
    return {difference.name: difference for difference in found}


def _gaps(pair: Pair, level: Level) -> tuple[Range, Range] | None:
    """Intervals of the base's gap and of its change, which include what few errors allow."""
    own = _GAP.interval(pair.base.sums, level.value)
    change = _GAP.difference(pair, level)
    return None if own is None else (Range(own.low, own.high), Range(change.low, change.high))


def _difference(
    metric: Metric, pair: Pair, level: Level, gaps: tuple[Range, Range] | None, *, identical: bool, alike: bool
) -> Difference:
    (base, far, why), (candidate, farther, why_not) = (_value(metric, model.sums) for model in pair.models)
    if base is None or candidate is None:
        return Difference(metric.name, base, candidate, None, reason=told_apart(why, why_not))
    off = 0.0 if identical else far + farther
    same = True if alike and abs(candidate - base) < ROUNDING else None
    found = Difference(metric.name, base, candidate, candidate - base, same=same, cell_error=off or None)
    try:
        told = Contrast(0.0, 0.0, 1.0, 0.0) if identical else metric.difference(pair, level)
        least = None if gaps is None else metric.from_gap(0.0, pair.base.sums.k)
        if gaps is not None and least is not None:
            ends = range_of_change(*gaps, lambda gap: metric.from_gap(gap, pair.base.sums.k) or 0.0)
            wider = contrast(min(told.low, ends.low), max(told.high, ends.high), told.p, level)
            told = wider._replace(reason=told.reason)
    except NotComputable as missing:
        return replace(found, reason=missing.reason)
    why = None if identical else told.reason or metric.approximate(pair.base.sums) or from_cells(metric, off)
    whole = replace(with_contrast(found, told.widened(off, level)), reason=why, same=same or told.same)
    return whole if whole.holds_difference else replace(whole, corrected=_corrected(metric, pair, whole, level))


def _corrected(metric: Metric, pair: Pair, found: Difference, level: Level) -> float | None:
    """The difference of both values without their bias, inside the interval; None if the bias is not known."""
    try:
        base, candidate = (metric.interval(model.sums, level.value) for model in pair.models)
    except NotComputable:
        return None
    if base is None or candidate is None:
        return None
    return found.inside(centre_of(candidate) - centre_of(base))


def with_contrast(found: Difference, told: Contrast) -> Difference:
    """The difference with its interval and p."""
    return replace(found, **told._asdict())


def from_cells(metric: Metric, off: float) -> Notice | None:
    """Why the interval of a difference is wider, if values may be off those of the rows."""
    if not off:
        return None
    far = points(off) if metric.unit == "%" else f"{1.05 * off:.2g}"
    return reason("from_sums", f"from sums: within {far} of the difference of the rows")


def told_apart(base: Notice | None, candidate: Notice | None) -> Notice:
    """The reasons of two models as one, with the model's name if only one has a reason."""
    if base == candidate:
        return base or NOT_MEASURED
    parts = [f"{name}: {why}" for name, why in (("base", base), ("candidate", candidate)) if why]
    return (base or candidate or NOT_MEASURED).reworded("; ".join(parts))


def _value(metric: Metric, sums: Sums) -> tuple[float | None, float, Notice | None]:
    """The value, how far it may be off that of the rows, and why it is missing."""
    try:
        return *metric.known(sums), None
    except NotComputable as missing:
        return None, 0.0, missing.reason
