"""In which direction a candidate errs more or less than the base, by what stands out of the noise on either side."""

from __future__ import annotations

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Difference
from calibeval.core.report.standing import standing_of_gap
from calibeval.words.difference import change, finding
from calibeval.words.digits import scaled
from calibeval.words.positive import probability
from calibeval.words.shown import compares_positive
from calibeval.words.signs import signed

# was, now: the directions in which base and candidate err. way: higher or lower, closer to 0 or farther from it.
_OF_CONFIDENCE = {
    "less": "It is less {now}: gap",
    "more": "It is more {now}: gap",
    "turned": "It was {was} and is now {now}: gap",
    "gone": "It is no longer {was} on average: gap",
    "new": "It is now {now}: gap",
    "moved": "Its gap is {way}:",
}
_OF_POSITIVE = {
    "less": "{p} is still too {now}, but less so: gap",
    "more": "{p} is still too {now}, and more so: gap",
    "turned": "{p} was too {was} and is now too {now}: gap",
    "gone": "{p} is no longer too {was} on average: gap",
    "new": "{p} is now too {now}: gap",
    "moved": "The gap of {p} is {way}:",
}


def direction(candidate: Candidate, base: ComparedDump | None) -> list[str]:
    """The sentence about the gap of a candidate; empty where it has not changed.

    A side is said to err in a direction only if its gap is beyond noise.
    """
    positive = compares_positive(candidate.differences)
    gap = candidate.differences.get("gap_positive" if positive else "confidence_gap")
    if gap is None or gap.base is None or gap.candidate is None or not change(gap).moved:
        return []
    sides = (base, gap.base), (candidate.dump, gap.candidate)
    known = candidate.groups is None  # the noise of dependent rows is not that of their bins
    beyond = [_beyond(dump, size, positive=positive) if known else None for dump, size in sides]
    turn = _turn(gap.base, gap.candidate, beyond)
    words = ("high", "low") if positive else ("over-confident", "under-confident")
    was, now = (words[0] if size > 0 else words[1] for _, size in sides)
    view = candidate.dump.positive
    p = "P(positive)" if view is None else probability(view)
    said = (_OF_POSITIVE if positive else _OF_CONFIDENCE)[turn].format(p=p, was=was, now=now, way=_way(gap, beyond))
    values = " → ".join(signed(scaled(gap.name, value), 2) for value in (gap.base, gap.candidate))
    return [f"{said} {values} points ({'certain' if change(gap).certain else 'likely'})."]


def _turn(base: float, candidate: float, beyond: list[bool | None]) -> str:
    """What became of the direction. beyond: whether the gaps of base and candidate are beyond noise."""
    if beyond == [True, True]:
        return "turned" if base * candidate < 0 else "less" if abs(candidate) < abs(base) else "more"
    return "gone" if beyond == [True, False] else "new" if beyond == [False, True] else "moved"


def _way(gap: Difference, beyond: list[bool | None]) -> str:
    """How the gap moved where no direction is said: from noise to noise, only higher or lower."""
    words = change(gap) if beyond == [False, False] else None
    return (finding(gap) if words is None else words.value).partition(", ")[0]


def _beyond(dump: ComparedDump | None, gap: float, *, positive: bool) -> bool | None:
    """Whether the gap of this dump is beyond noise; None if its bins are not known."""
    view = None if dump is None else dump.positive
    bins = None if dump is None else dump.bins if not positive else None if view is None else view.bins
    standing = None if bins is None else standing_of_gap(bins, gap)
    return None if standing is None else standing.beyond_noise
