"""What the difference of two models means in one metric; every view of a comparison takes it from here."""

from __future__ import annotations

from enum import Enum

from calibeval.core.comparison.comparison import Difference
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.words import cells
from calibeval.words.digits import scaled
from calibeval.words.signs import signed

CERTAIN_MARK = "*"


class Change(Enum):
    """How a candidate stands against the base; the value is the phrase for people.

    HIGHER and LOWER are for metrics that are best at 0 or 1, and for what a map would gain: there a direction alone is
    neither good nor bad. "certain"
    and "likely" mean what they mean in reports: p, corrected for the number of tests, is below 0.001, or below 0.05.
    CHANCE: the interval excludes 0, but with so many tests that is no surprise. SAME: every row is the same, up to
    rounding. NEGLIGIBLE: rows differ, but the difference and its interval are too small to change a digit of the values
    that tables show.
    """

    BETTER = "better, certain"
    WORSE = "worse, certain"
    HIGHER = "higher, certain"
    LOWER = "lower, certain"
    LIKELY_BETTER = "better, likely"
    LIKELY_WORSE = "worse, likely"
    LIKELY_HIGHER = "higher, likely"
    LIKELY_LOWER = "lower, likely"
    SAME = "the same"
    NEGLIGIBLE = "negligible"
    CHANCE = "may be chance: several were tested"
    OPEN = "this sample cannot tell"
    UNKNOWN = "not tested"

    @property
    def short(self) -> str:
        """The phrase for a narrow table."""
        return {Change.OPEN: "cannot tell", Change.CHANCE: "may be chance"}.get(self, self.value)

    @property
    def better(self) -> bool:
        """Whether the candidate is better, certainly or likely."""
        return self in (Change.BETTER, Change.LIKELY_BETTER)

    @property
    def worse(self) -> bool:
        """Whether the candidate is worse, certainly or likely."""
        return self in (Change.WORSE, Change.LIKELY_WORSE)

    @property
    def moved(self) -> bool:
        """Whether there is a difference, certainly or likely, that is neither good nor bad in itself."""
        return self in (Change.HIGHER, Change.LOWER, Change.LIKELY_HIGHER, Change.LIKELY_LOWER)

    @property
    def certain(self) -> bool:
        """Whether there is certainly a difference."""
        return self in (Change.BETTER, Change.WORSE, Change.HIGHER, Change.LOWER)


def change(difference: Difference) -> Change:
    """How the candidate stands in this metric, after Holm's correction.

    >>> change(Difference("ece", 0.126, 0.015, -0.111, -0.120, -0.102, 1e-15, 0.013))
    <Change.BETTER: 'better, certain'>
    """
    low, high = difference.low, difference.high
    if difference.difference is None:
        return Change.UNKNOWN
    if difference.same or low == high == difference.difference == 0.0:
        return Change.SAME
    if is_negligible(difference):
        return Change.NEGLIGIBLE
    if low is None or high is None or difference.p is None:
        return Change.UNKNOWN
    if not difference.likely:
        return Change.CHANCE if difference.excludes_zero else Change.OPEN
    wanted = _best(difference.name)
    if wanted in ("zero", "one") or _left_to_gain(difference.name):
        way = "higher" if low > 0.0 else "lower"
    else:
        way = "better" if (low > 0.0) == (wanted == "higher") else "worse"
    return Change(f"{way}, {'certain' if difference.certain else 'likely'}")


def finding(difference: Difference) -> str:
    """The change in words; of a metric that is best at 0 or 1 whether it came closer, where that is sure.

    It is if both values are on one side of the best one.

    >>> finding(Difference("confidence_gap", 0.126, 0.015, -0.111, -0.120, -0.102, 1e-15, 0.013))
    'closer to 0, certain'
    >>> finding(Difference("phi_nll", 0.21, 0.08, -0.13, -0.14, -0.12, 1e-15, 0.013))
    'less left to gain, certain'
    """
    found = change(difference)
    if found.moved and _left_to_gain(difference.name):
        less = found in (Change.LOWER, Change.LIKELY_LOWER)
        return f"{'less' if less else 'more'} left to gain, {found.value.partition(', ')[2]}"
    if not found.moved or difference.base is None or difference.candidate is None:
        return found.short
    best = {"zero": 0, "one": 1}[_best(difference.name)]
    base, candidate = difference.base - best, difference.candidate - best
    if base * candidate <= 0.0:
        return found.short
    way = "closer to" if abs(candidate) < abs(base) else "farther from"
    return f"{way} {best}, {found.value.partition(', ')[2]}"


def marked(difference: Difference) -> str:
    """The finding for a cell beside a number: the same words where there is a difference, with a mark where certain.

    >>> marked(Difference("confidence_gap", 0.126, 0.015, -0.111, -0.120, -0.102, 1e-15, 0.013))
    'closer to 0*'
    """
    found, (way, _, _) = change(difference), finding(difference).partition(", ")
    return way + CERTAIN_MARK * found.certain if found.better or found.worse or found.moved else ""


def tone(difference: Difference) -> str:
    """Whether the difference is "better" or "worse", for colours; empty if neither. Closer to the best value is better.

    >>> tone(Difference("confidence_gap", 0.126, 0.015, -0.111, -0.120, -0.102, 1e-15, 0.013))
    'better'
    """
    found, words = change(difference), finding(difference)
    if found.better or words.startswith("closer"):
        return "better"
    return "worse" if found.worse or words.startswith("farther") else ""


def is_negligible(difference: Difference) -> bool:
    """Whether the difference and both ends of its interval are too small to change a digit that tables show.

    Such differences come from models that are nearly the same, or from numbers that were saved with fewer digits.

    >>> is_negligible(Difference("ece", 0.02, 0.02, 1e-8, -4e-5, 4e-5, 1.0, 1e-4))
    True
    """
    numbers = (difference.difference, difference.low, difference.high)
    least = half_digit(difference)
    return all(number is not None and abs(number) < least for number in numbers)


def half_digit(difference: Difference) -> float:
    """Half of the last digit with which tables show the two values.

    >>> half_digit(Difference("ece", 0.02, 0.03, 0.01)), half_digit(Difference("nll", 0.5, 0.6, 0.1))
    (5e-05, 0.0005)
    """
    shown = [cells.value(MetricResult(difference.name, one)) for one in (difference.base, difference.candidate)]
    places = max(len(one.partition(".")[2]) for one in shown)
    return round(0.5 / 10.0**places / scaled(difference.name, 1.0), 15)


def told(difference: Difference) -> float | None:
    """The difference as tables show it: without the bias of noise where that takes it out of its interval.

    None if there is no such number, as in files of earlier versions.
    """
    return difference.difference if difference.holds_difference else difference.corrected


def amount(difference: Difference, *, unit: bool = True) -> str:
    """The difference with its interval, in percentage points, nats or plain numbers; empty where both are the same.

    >>> amount(Difference("ece", 0.126, 0.015, -0.111, -0.1203, -0.1021, 1e-15, 0.013))
    '−11.1 points [−12.0, −10.2]'
    """
    if difference.difference is None or change(difference) is Change.SAME:
        return ""
    places, number = difference_decimals(difference), told(difference)
    size = "" if number is None else signed(scaled(difference.name, number), places)
    words = _unit(difference.name) if unit else ""
    if difference.low is None or difference.high is None:
        return f"{size}{words}"
    low, high = (signed(scaled(difference.name, end), places) for end in (difference.low, difference.high))
    return f"{size}{words} [{low}, {high}]".strip()


def could_have_shown(difference: Difference) -> str:
    """The smallest difference that the sample would have shown, as a part of a sentence; empty where unknown.

    >>> could_have_shown(Difference("ece", 0.02, 0.021, 0.001, -0.005, 0.007, 0.7, 0.0086))
    'it could have shown a difference of 0.9 points'
    """
    if not difference.detectable:
        return ""
    size = scaled(difference.name, difference.detectable)
    return f"it could have shown a difference of {size:.{difference_decimals(difference)}f}{_unit(difference.name)}"


def difference_decimals(difference: Difference) -> int:
    """As many decimals as the interval's width justifies: two digits of it, at least one decimal."""
    width = difference.difference
    if difference.low is not None and difference.high is not None:
        width = difference.high - difference.low
    size = abs(scaled(difference.name, width or 0.0))
    places = 1
    while places < 6 and 0.0 < size * 10**places < 9.5:
        places += 1
    return places


def _left_to_gain(name: str) -> bool:
    return name in EVERY and EVERY[name].left_to_gain


def _best(name: str) -> str:
    return EVERY[name].better if name in EVERY else "zero"


def _unit(name: str) -> str:
    unit = EVERY[name].unit if name in EVERY else ""
    return {"%": " points", "nats": " nats"}.get(unit, "")
