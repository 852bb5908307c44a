"""What a difference of two models means, in words; every view of a comparison takes them from here."""

from __future__ import annotations

from enum import Enum

from calibeval.core.comparison.comparison import Candidate, Difference
from calibeval.core.metrics.table import METRICS
from calibeval.words.signs import signed

# What a headline says about a metric: better, worse, and the question where neither is certain.
_SAID = {
    "ece": (
        "is certainly better calibrated than",
        "is certainly worse calibrated than",
        "whether {} is better calibrated than {}",
    ),
    "accuracy": (
        "is certainly right more often than",
        "is certainly right less often than",
        "whether {} is right more often than {}",
    ),
}


class Change(Enum):
    """How a candidate stands against the base; the value is the phrase for people.

    HIGHER and LOWER are for metrics that are best at 0, where a direction alone is neither good nor bad.
    """

    BETTER = "better, certain"
    WORSE = "worse, certain"
    HIGHER = "higher, certain"
    LOWER = "lower, certain"
    SAME = "the same"
    OPEN = "no difference that this sample can show"
    UNKNOWN = "not tested"

    @property
    def short(self) -> str:
        """The phrase for a narrow table."""
        return "none shown" if self is Change.OPEN else self.value


def change(difference: Difference, level: float = 0.95) -> Change:
    """How the candidate stands in this metric; in a slice, after Holm's correction.

    level: the level of the comparison.

    >>> change(Difference("ece", 0.126, 0.015, -0.111, -0.120, -0.102, 1e-15, 0.013))
    <Change.BETTER: 'better, certain'>
    """
    low, high = difference.low, difference.high
    if difference.difference is None or low is None or high is None or difference.p is None:
        return Change.UNKNOWN
    if low == high == difference.difference == 0.0:
        return Change.SAME
    alpha = round(1.0 - level, 12)
    if low <= 0.0 <= high or (difference.p_holm is not None and difference.p_holm >= alpha):
        return Change.OPEN
    better = METRICS[difference.name].better if difference.name in METRICS else "zero"
    if better == "zero":
        return Change.HIGHER if low > 0.0 else Change.LOWER
    return Change.BETTER if (low > 0.0) == (better == "higher") else Change.WORSE


def comparison_headline(candidate: Candidate, level: float, names: tuple[str, str]) -> list[str]:
    """The sentences about a candidate: first calibration, then accuracy, as far as the sample can tell.

    level: the level of the comparison. names: of candidate and base.

    >>> from calibeval.core.comparison.comparison import ComparedDump
    >>> from calibeval.core.data.predictions import Source
    >>> ece = Difference("ece", 0.126, 0.015, -0.111, -0.1203, -0.1021, 1e-15, 0.013)
    >>> candidate = Candidate(ComparedDump("b", Source(), "probs", 5000, 10), "id", {"ece": ece})
    >>> comparison_headline(candidate, 0.95, ("b", "a"))[0]
    'b is certainly better calibrated than a: ECE 12.60 → 1.50, −11.1 points [−12.0, −10.2].'
    """
    sentences = [_sentence(candidate, names, name, level) for name in _SAID]
    if candidate.differences and candidate.differences.keys().isdisjoint(_SAID):  # only other metrics were chosen
        return [f"{names[0]} against {names[1]}: neither ECE nor accuracy was compared."]
    return [one for one in sentences if one] or [f"{names[0]} and {names[1]} could not be compared."]


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
    while places < 6 and 0.0 < size * 10**places < 9.5:
        places += 1
    return places


def _unit(name: str) -> str:
    unit = METRICS[name].unit if name in METRICS else ""
    return {"%": " points", "nats": " nats"}.get(unit, "")


def _sentence(candidate: Candidate, names: tuple[str, str], name: str, level: float) -> str:
    difference = candidate.differences.get(name)
    if difference is None or difference.base is None or difference.candidate is None:
        return ""
    found, (better, worse, question) = change(difference, level), _SAID[name]
    label = "ECE" if name == "ece" else name
    values = " → ".join(f"{scaled(name, value):.2f}" for value in (difference.base, difference.candidate))
    if found in (Change.BETTER, Change.WORSE):
        said = better if found is Change.BETTER else worse
        return f"{names[0]} {said} {names[1]}: {label} {values}, {amount(difference)}."
    if found is not Change.UNKNOWN and difference.difference == 0.0:
        return f"{_capital(label)} is the same in both: {scaled(name, difference.base):.2f}."
    asked = question.format(*names)
    if found is Change.UNKNOWN:
        return f"Not tested {asked}: {label} {values} ({difference.reason})."
    power = could_have_shown(difference)
    numbers = f"{label} {values}, {amount(difference)}{'; ' if power else ''}{power}"
    return f"This sample cannot tell {asked}: {numbers}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
