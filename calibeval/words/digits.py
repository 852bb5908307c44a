"""How single numbers are written for people: percent, digits, and intervals and floors that agree with their values."""

from __future__ import annotations

import math

from calibeval.core.metrics.folded import ClassWise
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.words.signs import signed

NULL = "–"
MOST_FINER = 4  # decimals that a floor may have beyond those of its value
_ENORMOUS, _TINY = 1e9, 5e-9


def label(metric: str) -> str:
    """The metric's name in tables.

    >>> label("cwce"), label("confidence_gap")
    ('CWCE', 'gap')
    """
    return EVERY[metric].label if metric in EVERY else metric.upper()


def unit(metric: str) -> str:
    """The metric's unit in tables: "%", "nats" or nothing."""
    spec = EVERY.get(metric)
    return "" if spec is None else spec.unit


def heading(metric: str) -> str:
    """Name and unit in one string.

    >>> heading("ece"), heading("nll"), heading("brier")
    ('ECE %', 'NLL nats', 'Brier')
    """
    return f"{label(metric)} {unit(metric)}".strip()


def value(metric: MetricResult) -> str:
    """The value as papers print it: percent with two decimals; CWCE, NLL and Brier with at least three digits.

    >>> value(MetricResult("ece", 0.12621)), value(MetricResult("cwce", 0.00271)), value(MetricResult("nll", 1.1419))
    ('12.62', '0.271', '1.142')
    >>> value(MetricResult("confidence_gap", -0.141)), value(MetricResult("nll", None, reason="infinite"))
    ('−14.10', '–')
    """
    if metric.value is None:
        return NULL
    return _number(metric.name, metric.value, value_decimals(metric.name, metric.value))


def with_unit(metric: MetricResult) -> str:
    """Name, value and unit in one string.

    >>> with_unit(MetricResult("ece", 0.12621)), with_unit(MetricResult("brier", 0.4))
    ('ECE 12.62 %', 'Brier 0.400')
    """
    return f"{label(metric.name)} {value(metric)} {unit(metric.name)}".rstrip()


def interval(metric: MetricResult) -> str:
    """The interval with as many digits as its width justifies, and so many that the printed ends hold the value.

    Empty where there is none. A lower end of exactly 0 has no decimals: the value may be nothing but noise.

    >>> interval(MetricResult("ece", 0.1262, low=0.1163, high=0.1371))
    '11.6 – 13.7'
    >>> interval(MetricResult("ece", 0.011, low=0.0, high=0.013))
    '0 – 1.3'
    >>> interval(MetricResult("nll", 0.000926, low=0.0009, high=0.028))
    '0.0009 – 0.0280'
    >>> interval(MetricResult("cox_intercept", 0.0318, low=-0.0292, high=0.0928))
    '−0.03 to +0.09'
    >>> interval(MetricResult("cox_slope", 0.031, low=-1.02, high=1.08))
    '−1.0 to +1.1'
    """
    return _interval(metric)[0]


def corrected(metric: MetricResult) -> str:
    """The value without its bias, as far as its interval justifies digits; empty where the value has no bias.

    >>> corrected(MetricResult("ece", 0.1262, low=0.1163, high=0.1371, corrected=0.1249))
    '12.5'
    """
    if metric.value is None or metric.corrected is None:
        return ""
    places = _interval(metric)[1] if interval(metric) else value_decimals(metric.name, metric.corrected)
    return _number(metric.name, metric.corrected, places)


def estimate(metric: MetricResult) -> str:
    """The corrected value, where the value has a bias, and the interval, which always holds it.

    >>> estimate(MetricResult("ece", 0.1262, low=0.1163, high=0.1371, corrected=0.1249))
    '12.5 [11.6 – 13.7]'
    >>> estimate(MetricResult("accuracy", 0.77, low=0.743, high=0.795)), estimate(MetricResult("nll", 0.3))
    ('[74.3 – 79.5]', '')
    """
    ends = interval(metric)
    return f"{corrected(metric)} [{ends}]".lstrip() if ends else corrected(metric)


def _interval(metric: MetricResult) -> tuple[str, int]:
    """The interval, and the decimals of its ends."""
    if metric.value is None or metric.low is None or metric.high is None:
        return "", 0
    name, low, high = metric.name, metric.low, metric.high
    has_sign = _has_sign(name) or low < 0

    def written(end: float, places: int) -> str:
        return _plain(scaled(name, end), places, has_sign=has_sign)

    inside = [x for x in (metric.value, metric.corrected) if x is not None and low <= x <= high]
    most = [value_decimals(name, x) for x in inside] or [2]
    first = min(decimals(scaled(name, high - low), 2), max(2, value_decimals(name, high)))
    beside = [printed(value(MetricResult(name, x))) for x in inside]
    for places in (*range(first, max(first, *most) + 1), *most):
        ends = [written(end, places) for end in (low, high)]
        below, above = map(printed, ends)
        vanished = (below == 0.0 < low and places < max(most)) or above == 0.0 < high
        if all(below <= x <= above for x in beside) and not vanished:
            break
    else:  # digits of the values differ, and none holds both: the ends are rounded away from them
        places = min(most)
        unit_ = 10.0**-places / (scaled(name, 1.0))
        ends = [written(way(end / unit_) * unit_, places) for end, way in ((low, math.floor), (high, math.ceil))]
    ends[0] = "0" if low == 0 else ends[0]
    return (" to " if has_sign else " – ").join(ends), places


def printed(number: str) -> float:
    """The number that somebody reads.

    >>> printed("−0.01"), printed("+12.6")
    (-0.01, 12.6)
    """
    return float(number.replace("\N{MINUS SIGN}", "-"))


def floor(metric: MetricResult) -> str:
    """What a calibrated model would show: the expectation, and in brackets what 95 of 100 such models stay below.

    >>> floor(MetricResult("ece", 0.1262, floor=0.0091, floor_high=0.0128))
    '0.9 (≤ 1.3)'
    >>> floor(MetricResult("ece", 0.0129, floor=0.0091, floor_high=0.01282)), value(MetricResult("ece", 0.0129))
    ('0.91 (≤ 1.28)', '1.29')
    >>> floor(MetricResult("ks", 0.4867, floor=0.0, floor_high=1e-160))
    '0.00 (≤ 0.00)'
    """
    if metric.value is None or metric.floor is None or metric.floor_high is None:
        return ""
    expected, high = scaled(metric.name, metric.floor), scaled(metric.name, metric.floor_high)
    beyond, shown = abs(metric.value) > metric.floor_high, abs(printed(value(metric)))
    first, own = decimals(high, 2), value_decimals(metric.name, metric.value)
    first = own if first > own + MOST_FINER else first
    for places in (*range(first, own + 1), first, own):
        if (shown > float(f"{high:.{places}f}")) == beyond:
            break
    return f"{expected:.{places}f} (≤ {high:.{places}f})"


def decimals(number: float, digits: int) -> int:
    """How many decimals show this many significant digits; at most 12, and 2 for 0."""
    if number == 0:
        return 2
    rounded = float(f"{abs(number):.{digits - 1}e}")
    return min(12, max(0, digits - 1 - math.floor(math.log10(rounded))))


def scaled(metric: str, number: float) -> float:
    """A number as tables show it: percent for fractions."""
    return 100 * number if unit(metric) == "%" else number


def _number(metric: str, number: float, places: int) -> str:
    return _plain(scaled(metric, number), places, has_sign=_has_sign(metric) or number < 0)


def _plain(number: float, places: int, *, has_sign: bool) -> str:
    """The number with these decimals; enormous ones have an exponent in place of hundreds of digits."""
    if abs(number) >= _ENORMOUS:
        return f"{number:.2e}".replace("-", "\N{MINUS SIGN}")
    return signed(number, places) if has_sign else f"{number:.{places}f}"


def _has_sign(metric: str) -> bool:
    """Whether the metric is best at 0, so that its sign says in which direction it is off."""
    return metric in EVERY and EVERY[metric].better == "zero"


def value_decimals(metric: str, number: float) -> int:
    """How many decimals the value has in tables: of a mean over classes, which may be small, with three digits.

    Two where the value is so near 0 that others would be a row of zeros.

    >>> value_decimals("tace", 0.000123), value_decimals("ece", 0.000123), value_decimals("cwce", 9.7e-13)
    (4, 2, 2)
    """
    if unit(metric) == "%" and not isinstance(EVERY[metric], ClassWise):
        return 2
    shown = scaled(metric, number)
    if _has_sign(metric):
        return 3
    if abs(shown) < _TINY:
        return 2
    return decimals(shown, 4 if metric in ("nll", "brier") and 1 <= shown < 10 else 3)


def outside(metric: MetricResult) -> bool:
    """Whether the value, which has a bias, lies outside the interval, which is for the true one."""
    if metric.value is None or metric.low is None or metric.high is None:
        return False
    return not metric.low <= metric.value <= metric.high
