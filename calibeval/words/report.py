"""What the numbers mean, in words: terminal, page and gate all take their verdicts from here.

A calibration error is never exactly 0 on a finite sample, so its size alone says nothing. It is compared with its
noise floor: what a perfectly calibrated model with the same confidences would show on the same number of rows.
"""

from __future__ import annotations

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Bin, DumpReport
from calibeval.core.report.standing import Standing, bin_judge, standing_in, standing_of, with_floor
from calibeval.core.report.views import speaks_of_positive, with_gap_of_positive
from calibeval.words.counted import counted, with_counted
from calibeval.words.digits import value
from calibeval.words.finding import (
    By,
    Finding,
    by_chance,
    finding,
    others_beyond,
    rows_needed,
    sample,
    worst_class,
)
from calibeval.words.marks import plain
from calibeval.words.names import isolated
from calibeval.words.positive import positive_headline
from calibeval.words.repair import repair
from calibeval.words.signs import bin_range, signed_points

__all__ = ["against_noise", "headline", "noise_words", "repair"]

_NAME = 40


def against_noise(metric: MetricResult, *, n: int | None = None, k: int | None = None) -> str:
    """In words whether the value stands out from its noise floor, by `standing_of`; empty without a floor.

    n, k: rows and classes of the dump. The gap to mean confidence gets its floor from `with_floor`.

    >>> against_noise(MetricResult("ece", 0.02, floor=0.02, floor_high=0.04), n=300)
    'this sample cannot tell (n = 300 shows errors above 4 points)'
    """
    standing = standing_of(metric, n=n, k=k)
    if standing is None:
        return ""
    resolved = standing is not Standing.UNRESOLVED or metric.floor_high is None
    sized = "it" if n is None else f"n = {n:,}"
    return standing.value if resolved else f"{standing.value} ({sized} shows errors above {_points(metric)})"


def noise_words(dump: DumpReport, name: str) -> str:
    """In words how a metric of this dump stands against its noise floor; empty where that is unknown."""
    standing, metric = standing_in(dump, name), with_floor(dump, name)
    if standing is None:
        return ""
    told = standing is Standing.UNRESOLVED and metric.floor_high is not None
    return f"{standing.value} ({sample(dump)} shows errors above {_points(metric)})" if told else standing.value


def headline(dump: DumpReport) -> str:
    """The one sentence for a reader who reads nothing else.

    Of two classes, it is about P(positive class); see `positive.py`. Else
    the direction comes from mean confidence - accuracy. Where the calibration error is beyond noise and that gap
    makes up less than half of it, the directions are mixed, and the sentence names the bins that add most to the error.
    """
    dump = with_gap_of_positive(dump)
    if dump.positive is not None and speaks_of_positive(dump):
        return positive_headline(dump, dump.positive, finding(dump))
    if "accuracy" not in dump.metrics or "confidence_gap" not in dump.metrics:  # only other metrics were chosen
        found = counted(dump)
        if found is None:
            return f"{dump.n:,} rows."
        if "ece" not in dump.metrics:  # there is nothing else to judge by
            alone = "confidence_gap" not in dump.metrics
            return (_by_temperature_alone(dump, _says(*found)) if alone else "") or f"{_capital(_says(*found))}."
        dump = with_counted(dump)
    accuracy, gap = dump.metrics["accuracy"], dump.metrics["confidence_gap"]
    if accuracy.value is None or gap.value is None:
        return f"No verdict: {accuracy.reason or gap.reason}."
    return _headline(dump, finding(dump), _says(accuracy.value, gap.value), gap.value)


def _headline(dump: DumpReport, found: Finding, says: str, gap: float) -> str:
    size, standing = signed_points(gap, _decimals(gap)), found.standing
    if standing is None:
        return f"{_capital(says)} (gap {size})."
    if found.by is By.BINS:
        beside = standing_in(dump, "confidence_gap")
        lead = _by_bins(dump, "only slightly" if beside is not None and beside.beyond_noise else "not")
        ece = f"ECE {100 * (found.metric.value or 0.0):.2f} %"
        return f"{_probably(standing, lead)} {says} ({ece}, {standing.value})."
    if found.by is By.GAP:
        lead = f"{'over' if gap > 0 else 'under'}-confident"
        return f"{_probably(standing, lead)}: {says} (gap {size}, {standing.value})."
    if found.by is By.TEMPERATURE:
        lead = f"{'over' if (found.metric.z or 0.0) > 0 else 'under'}-confident"
        best = "" if found.metric.value is None else f"T = {found.metric.value:.3g} is best, "
        beside = standing_in(dump, "confidence_gap")
        known = "" if beside is None else f", {beside.short}"
        return f"{_probably(standing, lead)}: {says} (gap {size}{known}; by its temperature, {best}{standing.value})."
    if found.by is By.CLASSES:
        return f"{_by_classes(dump)}. The top label {says} (gap {size})."
    what = "whether it is calibrated"
    if found.by is By.OTHERS:
        by = "This sample cannot tell by ECE" if _is_open(dump) else "Within noise of calibrated by ECE"
        return f"{by}, but beyond noise by {others_beyond(dump, found)}: {says} (gap {size})."
    needed = rows_needed(dump, found.metric) if standing is Standing.UNRESOLVED else None
    more = "" if needed is None else f", and about {needed:,} rows would show 3 points"
    resolved = by_chance(found) or f"{sample(dump)} shows errors above {_points(found.metric)}{more}"
    lead = f"{standing.value} {what}" if standing is Standing.UNRESOLVED else standing.value
    return f"{_capital(lead)}: {says} (gap {size}; {resolved})."


def _by_classes(dump: DumpReport) -> str:
    """The start of a headline where only the probabilities of classes are off."""
    top = "This sample cannot tell about the top label" if _is_open(dump) else "Top-label confidence is within noise"
    worst, standing = worst_class(dump), standing_in(dump, "cwce")
    name = "" if worst is None else isolated(plain(worst.name, _NAME))
    if standing is not None and standing.beyond_noise:
        most = f", most in class {name}" if name else ""
        cwce = value(dump.metrics["cwce"])
        return f"{top}; class probabilities are miscalibrated (CWCE {cwce} %, {standing.value}){most}"
    error = 0.0 if worst is None else worst.calibration_error
    return f"{top}; the probability of class {name} is miscalibrated (by {100 * error:.2g} points, likely)"


def _is_open(dump: DumpReport) -> bool:
    """Whether the sample is too small to tell by the ECE, or by the gap if there is no ECE."""
    on_ece = standing_in(dump, "ece")
    return (on_ece or standing_in(dump, "confidence_gap")) is Standing.UNRESOLVED


def _by_temperature_alone(dump: DumpReport, says: str) -> str:
    """The headline by the test of a temperature, where neither gap nor ECE was measured; empty without the test."""
    metric = dump.metrics.get("temperature")
    standing = None if metric is None else standing_of(metric, n=dump.worth)
    if metric is None or metric.z is None or standing is None:
        return ""
    best = "" if metric.value is None else f", T = {metric.value:.3g} is best"
    if not standing.beyond_noise:
        what = " whether it is calibrated" if standing is Standing.UNRESOLVED else ""
        return f"{_capital(standing.value + what)}: {says} (by its temperature{best})."
    lead = f"{'over' if metric.z > 0 else 'under'}-confident"
    return f"{_probably(standing, lead)}: {says} (by its temperature{best}, {standing.value})."


def _by_bins(dump: DumpReport, on_average: str) -> str:
    """The start of a headline where gaps cancel on average; on_average: how much of them is left after that."""
    over, under = (_heaviest(dump, sign) for sign in (1, -1))
    if over is None and under is None:
        return f"miscalibrated in some bins, {on_average} on average:"
    if over is not None and under is not None:
        return f"mixed: over-confident in some bins{_where(over)}, under-confident in others{_where(under)};"
    lead = "over-confident" if over is not None else "under-confident"
    return f"{lead} in some bins{_where(over or under)}, {on_average} on average:"


def _heaviest(dump: DumpReport, sign: int) -> Bin | None:
    """The bin that adds most to the calibration error, among those whose gap has this sign and is beyond noise."""
    beyond = bin_judge(dump)
    found = [b for b in dump.equal_width if b.gap is not None and sign * b.gap > 0 and beyond(b)]
    return max(found, key=lambda b: b.mass * abs(b.gap or 0.0), default=None)


def _where(row: Bin | None) -> str:
    if row is None or row.gap is None:
        return ""
    return f" (most in {bin_range(row)}: {signed_points(row.gap)})"


def _says(accuracy: float, gap: float) -> str:
    """Mean confidence and accuracy; two decimals where one would hide the difference."""
    d = _decimals(gap)
    return f"says {100 * (accuracy + gap):.{d}f} % on average, is right {100 * accuracy:.{d}f} % of the time"


def _decimals(gap: float) -> int:
    return 1 if abs(gap) >= 0.01 else 2


def _points(metric: MetricResult) -> str:
    """The smallest value that would have stood out, in percentage points."""
    points = 100 * (metric.floor_high or 0.0)
    size = f"{points:.0f}" if points >= 10 else f"{points:.2g}"
    return f"{size} point{'' if size == '1' else 's'}"


def _probably(standing: Standing, lead: str) -> str:
    return _capital(lead if standing is Standing.CERTAIN else f"probably {lead}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
