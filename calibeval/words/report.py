"""What the numbers mean, in words: terminal, page and gate all take their verdicts from here.

A calibration error is never exactly 0 on a finite sample, so its size alone says nothing. It is compared with its
noise floor: what a perfectly calibrated model with the same confidences would show on the same number of rows.
"""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Bin, DumpReport, Recalibrated
from calibeval.core.report.standing import Standing, bin_stands_out, standing_of, with_floor
from calibeval.words.signs import bin_range, signed_points


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
    return standing.value if resolved else f"{standing.value} ({_resolution(metric, n)})"


def headline(dump: DumpReport) -> str:
    """The one sentence for a reader who reads nothing else.

    The direction comes from mean confidence - accuracy. Where the calibration error is beyond noise and that gap
    makes up less than half of it, the directions are mixed, and the sentence names the bins that add most to the error.
    """
    if "accuracy" not in dump.metrics or "confidence_gap" not in dump.metrics:  # only other metrics were chosen
        counted = _counted(dump)
        if counted is None:
            return f"{dump.n:,} rows."
        if "ece" not in dump.metrics:  # there is nothing else to judge by
            alone = "confidence_gap" not in dump.metrics
            return (_by_temperature_alone(dump, _says(*counted)) if alone else "") or f"{_capital(_says(*counted))}."
        told = {
            name: MetricResult(name, value) for name, value in zip(("accuracy", "confidence_gap"), counted, strict=True)
        }
        dump = replace(dump, metrics={**told, **dump.metrics})
    accuracy, gap, ece = (with_floor(dump, name) for name in ("accuracy", "confidence_gap", "ece"))
    if accuracy.value is None or gap.value is None:
        return f"No verdict: {accuracy.reason or gap.reason}."
    says = _says(accuracy.value, gap.value)
    on_gap, on_ece = standing_of(gap, n=dump.worth), standing_of(ece, n=dump.worth)
    if on_ece is not None and on_ece.beyond_noise and not _one_direction(gap, ece, on_gap):
        lead = _by_bins(dump, "only slightly" if on_gap is not None and on_gap.beyond_noise else "not")
        return f"{_probably(on_ece, lead)} {says} (ECE {100 * (ece.value or 0.0):.2f} %, {on_ece.value})."
    size = signed_points(gap.value, _decimals(gap.value))
    if on_gap is not None and on_gap.beyond_noise:
        lead = f"{'over' if gap.value > 0 else 'under'}-confident"
        return f"{_probably(on_gap, lead)}: {says} (gap {size}, {on_gap.value})."
    tested = _by_temperature(dump, says, size)
    if tested:
        return tested
    decisive, standing = (gap, on_gap) if on_ece is None else (ece, on_ece)
    if standing is None:
        return f"{_capital(says)} (gap {size})."
    what = " whether it is calibrated" if standing is Standing.UNRESOLVED else ""
    return f"{_capital(standing.value + what)}: {says} (gap {size}; {_resolution(decisive, dump.n)})."


def _by_temperature(dump: DumpReport, says: str, size: str) -> str:
    """The headline if only the test of a temperature shows miscalibration; empty if it does not."""
    metric = dump.metrics.get("temperature")
    standing = None if metric is None else standing_of(metric, n=dump.worth)
    if metric is None or metric.z is None or standing is None or not standing.beyond_noise:
        return ""
    lead = f"{'over' if metric.z > 0 else 'under'}-confident"
    best = "" if metric.value is None else f"T = {metric.value:.3g} is best, "
    gap = f"gap {size}, within noise"
    return f"{_probably(standing, lead)}: {says} ({gap}; by its temperature, {best}{standing.value})."


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


def _counted(dump: DumpReport) -> tuple[float, float] | None:
    """Accuracy, and mean confidence minus accuracy, from the bins; None if they do not hold all rows."""
    counted = [row for row in dump.equal_width if row.confidence is not None and row.accuracy is not None]
    if sum(row.count for row in counted) != dump.n or not dump.n:
        return None
    n = sum(row.mass for row in counted)
    accuracy = sum(row.mass * (row.accuracy or 0.0) for row in counted) / n
    return accuracy, sum(row.mass * (row.gap or 0.0) for row in counted) / n


def _one_direction(gap: MetricResult, ece: MetricResult, on_gap: Standing | None) -> bool:
    """Whether the mean gap is beyond noise and makes up at least half of the calibration error above its floor."""
    if on_gap is None or not on_gap.beyond_noise or gap.value is None or ece.value is None:
        return False
    return 2 * abs(gap.value) >= ece.value - (ece.floor or 0.0)


def _by_bins(dump: DumpReport, on_average: str) -> str:
    """The start of a headline where gaps cancel on average; on_average: how much of them is left after that."""
    over, under = (_heaviest(dump.equal_width, sign) for sign in (1, -1))
    if (over is None) == (under is None):
        return f"mixed: over-confident in some bins{_where(over)}, under-confident in others{_where(under)};"
    lead = "over-confident" if over is not None else "under-confident"
    return f"{lead} in some bins{_where(over or under)}, {on_average} on average:"


def _heaviest(bins: tuple[Bin, ...], sign: int) -> Bin | None:
    """The bin that adds most to the calibration error, among those whose gap has this sign and is beyond noise."""
    found = [b for b in bins if b.gap is not None and sign * b.gap > 0 and bin_stands_out(b)]
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


def _resolution(metric: MetricResult, n: int | None) -> str:
    """The smallest value that would have stood out, in percentage points."""
    points = 100 * (metric.floor_high or 0.0)
    size = f"{points:.0f}" if points >= 10 else f"{points:.2g}"
    sample = "it" if n is None else f"n = {n:,}"
    return f"{sample} shows errors above {size} point{'' if size == '1' else 's'}"


def _probably(standing: Standing, lead: str) -> str:
    return _capital(lead if standing is Standing.CERTAIN else f"probably {lead}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def repair(dump: DumpReport) -> str:
    """What the fitted map does to the ECE, in a sentence; empty without a map.

    "repairs it": the ECE left is what noise would give; "most of it": less than half is left, without what noise adds;
    else "some of it".
    """
    after = dump.recalibrated
    if after is None:
        return ""
    old, new = dump.metrics.get("ece"), after.metrics.get("ece")
    if old is None or new is None:
        return f"{_fitted_map(after)}: before and after below."
    if old.value is None or new.value is None:
        return ""
    change = f"ECE {100 * old.value:.2f} → {100 * new.value:.2f}"
    if not (standing_of(old, n=dump.worth) or Standing.NOISE).beyond_noise:
        return f"{_fitted_map(after)} has little to repair: {change}."
    if new.value >= old.value:
        return f"{_fitted_map(after)} does not repair it: {change}."
    left = standing_of(new, n=dump.worth) or Standing.NOISE
    if left is Standing.NOISE:
        return f"{_fitted_map(after)} repairs it: {change}, {left.value}."
    if left is Standing.UNRESOLVED:
        return f"{_fitted_map(after)} lowers it: {change}; {left.value} whether anything is left."
    left_over, was = (one.value if one.corrected is None else one.corrected for one in (new, old))
    share = "most" if (left_over or 0.0) < (was or 0.0) / 2 else "some"
    return f"{_fitted_map(after)} repairs {share} of it: {change}, still beyond noise."


def _fitted_map(after: Recalibrated) -> str:
    """The map and what it was fitted on: "A temperature of 2.58 fitted on val.npz"."""
    source = after.fitted_on.words()
    if after.method == "temperature" and "temperature" in after.parameters:
        return f"A temperature of {after.parameters['temperature']:.3g} {source}"
    return f"The {after.method} map {source}"
