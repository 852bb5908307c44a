"""What a reliability diagram is about: the bins, the curve and the words of the top label, or of one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.report.curve import SmoothCurve
from calibeval.core.report.report import Bin, DumpReport
from calibeval.core.report.standing import noise_factor
from calibeval.words.marks import merged
from calibeval.words.terms import TOP_LABEL, Terms, first_terms

# More bins are merged for drawing.
MOST_DRAWN_BINS = 100


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drawn in one panel and the histogram below it.

    bins: equal-width bins. measured: how many there were before neighbours were merged for drawing. curve: None if none
    was fitted. noise: by how much that of a bin is larger than that of independent rows; None: unknown, and nothing is
    drawn of it.
    """

    bins: tuple[Bin, ...]
    measured: int
    curve: SmoothCurve | None = None
    terms: Terms = TOP_LABEL
    noise: float | None = 1.0

    @classmethod
    def of(
        cls,
        bins: Sequence[Bin],
        curve: SmoothCurve | None = None,
        terms: Terms = TOP_LABEL,
        noise: float | None = 1.0,
    ) -> Subject | None:
        """The subject of these bins; None if they hold no rows."""
        drawn = tuple(merged(bins, MOST_DRAWN_BINS))
        return cls(drawn, len(bins), curve, terms, noise) if any(b.count for b in drawn) else None

    @classmethod
    def of_dump(cls, dump: DumpReport) -> Subject | None:
        """P(positive class) of two classes, else the top label of a dump; None without rows."""
        shown, terms = first_terms(dump)
        return cls.of(shown.equal_width, shown.curve, terms, noise_factor(shown))

    @property
    def banded(self) -> bool:
        """Whether the curve has a band, which is that of independent rows."""
        return self.curve is not None and self.noise == 1.0

    @property
    def filled(self) -> tuple[Bin, ...]:
        """The bins with rows."""
        return tuple(b for b in self.bins if b.count and b.accuracy is not None and b.confidence is not None)

    @property
    def observed(self) -> float:
        """The accuracy of all rows."""
        return sum(b.mass * (b.accuracy or 0.0) for b in self.filled) / self._mass

    @property
    def predicted(self) -> float:
        """The mean confidence of all rows."""
        return sum(b.mass * (b.confidence or 0.0) for b in self.filled) / self._mass

    @property
    def top(self) -> float:
        """The share of rows in the fullest bin."""
        return max(b.mass for b in self.filled) / self._mass

    def share(self, b: Bin) -> float:
        """The share of rows in a bin."""
        return b.mass / self._mass

    @property
    def _mass(self) -> float:
        return sum(b.mass for b in self.filled)
