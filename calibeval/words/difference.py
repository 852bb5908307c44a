"""What a difference of two models means, in words; every view of a comparison takes them from here."""

from __future__ import annotations

from enum import Enum

from calibeval.core.comparison.comparison import Candidate, Difference
from calibeval.core.metrics.table import METRICS
from calibeval.words.signs import signed

# What a headline says about a metric: better, and worse.
_SAID = {
    "ece": ("better calibrated than", "worse calibrated than"),
    "accuracy": ("right more often than", "right less often than"),
}


# Smaller differences of every number come from another order of sums, or from numbers saved with fewer digits.
ROUNDING = 1e-6


class Change(Enum):
    """How a candidate stands against the base; the value is the phrase for people.

    HIGHER and LOWER are for metrics that are best at 0, where a direction alone is neither good nor bad. "certain" and
    "likely" mean what they mean in reports: p, corrected for the number of tests, is below 0.001, or below 0.05.
    CHANCE: the interval excludes 0, but with so many tests that is no surprise.
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
    CHANCE = "may be chance: several were tested"
    OPEN = "no difference that this sample can show"
    UNKNOWN = "not tested"

    @property
    def short(self) -> str:
        """The phrase for a narrow table."""
        return {Change.OPEN: "none shown", Change.CHANCE: "may be chance"}.get(self, self.value)

    @property
    def better(self) -> bool:
        """Whether the candidate is better, certainly or likely."""
        return self in (Change.BETTER, Change.LIKELY_BETTER)

    @property
    def worse(self) -> bool:
        """Whether the candidate is worse, certainly or likely."""
        return self in (Change.WORSE, Change.LIKELY_WORSE)

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
    if difference.difference is None or low is None or high is None or difference.p is None:
        return Change.UNKNOWN
    if low == high == difference.difference == 0.0 or is_rounding(difference):
        return Change.SAME
    if not difference.likely:
        return Change.CHANCE if difference.excludes_zero else Change.OPEN
    wanted = METRICS[difference.name].better if difference.name in METRICS else "zero"
    if wanted in ("zero", "one"):
        way = "higher" if low > 0.0 else "lower"
    else:
        way = "better" if (low > 0.0) == (wanted == "higher") else "worse"
    return Change(f"{way}, {'certain' if difference.certain else 'likely'}")


def comparison_headline(candidate: Candidate, names: tuple[str, str]) -> list[str]:
    """The sentences about a candidate: first calibration, then accuracy, as far as the sample can tell.

    names: of candidate and base.

    >>> from calibeval.core.comparison.comparison import ComparedDump
    >>> from calibeval.core.data.predictions import Source
    >>> ece = Difference("ece", 0.126, 0.015, -0.111, -0.1203, -0.1021, 1e-15, 0.013)
    >>> candidate = Candidate(ComparedDump("b", Source(), "probs", 5000, 10), "id", {"ece": ece})
    >>> comparison_headline(candidate, ("b", "a"))[0]
    'b is certainly better calibrated than a: ECE 12.60 → 1.50, −11.1 points [−12.0, −10.2].'
    """
    if candidate.differences and candidate.differences.keys().isdisjoint(_SAID):  # only other metrics were chosen
        return [f"{names[0]} against {names[1]}: neither ECE nor accuracy was compared."]
    found = [one for one in candidate.differences.values() if one.difference is not None]
    if any(one.difference for one in found) and all(abs(one.difference or 0.0) < ROUNDING for one in found):
        return [
            f"{names[0]} and {names[1]} are the same up to rounding: no metric differs by more than {ROUNDING:.6f}."
        ]
    sentences = [_sentence(candidate, names, name) for name in _SAID]
    return [one for one in sentences if one] or [f"{names[0]} and {names[1]} could not be compared."]


def is_rounding(difference: Difference) -> bool:
    """Whether the difference and both ends of its interval are too small to be anything but rounding."""
    numbers = (difference.difference, difference.low, difference.high)
    return all(number is not None and abs(number) < ROUNDING for number in numbers)


def amount(difference: Difference, *, unit: bool = True) -> str:
    """The difference with its interval, in percentage points, nats or plain numbers.

    >>> amount(Difference("ece", 0.126, 0.015, -0.111, -0.1203, -0.1021, 1e-15, 0.013))
    '−11.1 points [−12.0, −10.2]'
    """
    if difference.difference is None:
        return ""
    places = difference_decimals(difference)
    size = signed(scaled(difference.name, difference.difference), places)
    words = _unit(difference.name) if unit else ""
    if difference.low is None or difference.high is None:
        return f"{size}{words}"
    low, high = (signed(scaled(difference.name, end), places) for end in (difference.low, difference.high))
    return f"{size}{words} [{low}, {high}]"


def could_have_shown(difference: Difference) -> str:
    """The smallest difference that the sample would have shown, as a part of a sentence; empty where unknown.

    >>> could_have_shown(Difference("ece", 0.02, 0.021, 0.001, -0.005, 0.007, 0.7, 0.0086))
    'it could have shown a difference of 0.9 points'
    """
    if not difference.detectable:
        return ""
    size = scaled(difference.name, difference.detectable)
    return f"it could have shown a difference of {size:.{difference_decimals(difference)}f}{_unit(difference.name)}"


def scaled(name: str, number: float) -> float:
    """A number as tables show it: percent for fractions."""
    return 100.0 * number if name in METRICS and METRICS[name].unit == "%" else number


def difference_decimals(difference: Difference) -> int:
    """As many decimals as the interval's width justifies: two digits of it, at least one decimal."""
    width = difference.difference
    if difference.low is not None and difference.high is not None:
        width = difference.high - difference.low
    size = abs(scaled(difference.name, width or 0.0))
    places = 1
    if is_rounding(difference):
        return places
    while places < 6 and 0.0 < size * 10**places < 9.5:
        places += 1
    return places


def _unit(name: str) -> str:
    unit = METRICS[name].unit if name in METRICS else ""
    return {"%": " points", "nats": " nats"}.get(unit, "")


def _sentence(candidate: Candidate, names: tuple[str, str], name: str) -> str:
    difference = candidate.differences.get(name)
    if difference is None or difference.base is None or difference.candidate is None:
        return ""
    found, (better, worse) = change(difference), _SAID[name]
    label = "ECE" if name == "ece" else name
    values = " → ".join(f"{scaled(name, value):.2f}" for value in (difference.base, difference.candidate))
    if found.better or found.worse:
        said = f"{'certainly' if found.certain else 'probably'} {better if found.better else worse}"
        return f"{names[0]} is {said} {names[1]}: {label} {values}, {amount(difference)}."
    if found is not Change.UNKNOWN and difference.difference == 0.0:
        return f"{_capital(label)} is the same in both: {scaled(name, difference.base):.2f}."
    asked = f"whether {names[0]} is {better} {names[1]}"
    if found is Change.UNKNOWN:
        return f"Not tested {asked}: {label} {values} ({difference.reason})."
    power = _by_chance(difference) if found is Change.CHANCE else could_have_shown(difference)
    numbers = f"{label} {values}, {amount(difference)}{'; ' if power else ''}{power}"
    return f"This sample cannot tell {asked}: {numbers}."


def _by_chance(difference: Difference) -> str:
    """Why an interval without 0 shows no difference."""
    if difference.p is None or difference.p_holm is None:
        return ""
    return f"p = {difference.p:.2g}, but {difference.p_holm:.2g} after correction for the number of metrics tested"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
