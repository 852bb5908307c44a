"""Calibration errors of the best classes of every row: of the sum of the r largest probabilities, or of the r-th."""

from __future__ import annotations

import re
from dataclasses import dataclass

from calibeval.core.data.notices import NotComputable
from calibeval.core.errors import UnknownMetric
from calibeval.core.metrics.bins import Over, of_both
from calibeval.core.metrics.folded import Folded
from calibeval.core.metrics.metric import NOT_CHOSEN
from calibeval.core.metrics.of_pairs import DEPENDENT
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.second_pass import Rank, Wanted
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty import intervals
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.model_pair import Pair
from calibeval.core.uncertainty.paired import Contrast
from calibeval.core.uncertainty.paths import Joint

NOT_MEASURED = "sums of the best classes are computed for all rows of a dump only, not for slices"
SPELLED = re.compile(r"ece[_ ](?P<kind>top|rank)[_ ]?(?P<place>[0-9]+)|ece (?P<of>[0-9]+)(st|nd|rd|th)", re.IGNORECASE)
ORDINALS = ("", "largest", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked(Folded):
    """The calibration error of one probability a row, in equal-width bins.

    The sum of the r largest probabilities is right if one of their classes is the label; the r-th largest one is right
    if its class is the label.
    """

    over: Over = "classes"
    rank: Rank

    @property
    def wanted(self) -> Wanted:
        """The sums of this probability."""
        return Wanted(ranks=frozenset({self.rank}))

    def bins(self, sums: Sums) -> BinSums:
        """The bins. Raises: NotComputable if there are too few classes, or sums were not computed."""
        if sums.k is None:
            raise NotComputable(
                "top_label_only", "needs the probability of every class, but this dump has the top label only"
            )
        if not self.rank.exists(sums.k):
            place, k = self.rank.place, sums.k
            if self.rank.cumulative:
                text = f"it needs more than {place} classes: of {k}, the sum is always 1, and right"
            else:
                text = f"it needs at least {place} classes, but there are {k}"
            raise NotComputable("no_method", text)
        if sums.second is None or self.rank not in sums.second.ranks:
            text = NOT_CHOSEN.format(name=self.name) if sums.without_rows else NOT_MEASURED
            raise NotComputable("not_measured", text)
        return sums.second.ranks[self.rank]

    def off(self, sums: Sums) -> float:
        """How far gaps of bins may be from those of all bins, added up."""
        return 0.0 if sums.joined is None else sums.joined.ranks / sums.weights.total

    def joint(self, sums: Sums, joints: Joints | None) -> Joint | None:
        """None. Raises: NotComputable for groups."""
        if joints is not None:
            raise NotComputable("dependent_rows", DEPENDENT)
        return None

    def interval(self, sums: Sums, level: float, joints: Joints | None = None) -> Interval | None:
        """The interval from inverting the path of the gaps, as for a class. Raises: NotComputable for groups."""
        return intervals.ece_interval(self.bins(sums), sums.n, level, self.joint(sums, joints), of_class=True)

    def difference(self, pair: Pair, level: Level) -> Contrast:
        """From the intervals of both models, whose errors may add up. Raises: NotComputable for groups."""
        return of_both(self, pair, level)

    def from_gap(self, gap: float, k: int | None) -> float | None:
        """None: the gap is of the best class."""
        return None


def top(place: int) -> Ranked:
    """The metric of the sum of so many largest probabilities.

    >>> top(3).name, top(3).label, top(3).title.split(",")[0]
    ('ece_top3', 'ECE top 3', 'calibration error of the sum of the three largest probabilities')
    """
    number = NUMBERS[place] if place < len(NUMBERS) else f"{place}"
    what = f"the sum of the {number} largest probabilities"
    return _of(Rank(place, cumulative=True), f"ece_top{place}", f"ECE top {place}", what)


def single(place: int) -> Ranked:
    """The metric of the place-th largest probability.

    >>> single(3).name, single(3).label, single(12).title.split(",")[0]
    ('ece_rank3', 'ECE 3rd', 'calibration error of the 12th largest probability')
    """
    word = ORDINALS[place] if place < len(ORDINALS) else ordinal(place)
    what = f"the {word} largest probability"
    return _of(Rank(place, cumulative=False), f"ece_rank{place}", f"ECE {ordinal(place)}", what)


def ordinal(place: int) -> str:
    """A number with the ending of its place.

    >>> [ordinal(place) for place in (1, 2, 3, 11, 12, 21, 104)]
    ['1st', '2nd', '3rd', '11th', '12th', '21st', '104th']
    """
    ending = "th" if 10 < place % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def ranked_named(name: str) -> Ranked | None:
    """The metric that is called so, as `ece_top3` or, in tables, `ECE top 3`; None for other names.

    Raises: UnknownMetric for a place below 2.

    >>> [ranked_named(name).name for name in ("ece_top3", "ECE top 5", "ECE 4th")], ranked_named("ece")
    (['ece_top3', 'ece_top5', 'ece_rank4'], None)
    """
    found = SPELLED.fullmatch(name.strip())
    if found is None:
        return None
    place = int(found["place"] or found["of"])
    if place < 2:
        same = "; that of the largest probability is ece" if place == 1 else ""
        raise UnknownMetric(f'metric "{name}": its number must be at least 2{same}')
    return top(place) if (found["kind"] or "").lower() == "top" else single(place)


def _of(rank: Rank, name: str, short: str, what: str) -> Ranked:
    return Ranked(
        name=name,
        short=short,
        title=f"calibration error of {what}, equal-width bins",
        rank=rank,
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Gupta et al., ICLR 2021",
    )
