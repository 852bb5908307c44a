"""The confidence and correctness of every row, in ascending order of confidence: for metrics without bins."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats, Indices
from calibeval.core.errors import InputError
from calibeval.core.sums.equal_mass import RowKeys, confidence_keys
from calibeval.core.sums.ranking import Ranking

FINER = 32  # a cell near an end has this share of the rows between it and the end


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows in ascending order of confidence, (n,) each.

    confidence: in [0, 1]. correct: whether the predicted class is the label. weights: scaled to add up to the effective
    number of rows; None if all rows count the same. groups: their numbers; None if rows are independent. slack: how far
    apart two neighbouring confidences may be and still tie. cache: of what several metrics compute from the same rows.
    counts: if entries are not rows but the wrong or the right rows of a cell with their mean confidence, how many; None
    for rows. tied: then, the place of the last entry of each cell, whose rows tie. low, high: then, the least and the
    largest confidence of the cell of each entry. of_sums: whether these are the limits of the cell instead.
    """

    confidence: Floats
    correct: npt.NDArray[np.bool_]
    weights: Floats | None = None
    groups: Codes | None = None
    slack: float = 0.0
    counts: Floats | None = None
    tied: Indices | None = None
    low: Floats | None = None
    high: Floats | None = None
    of_sums: bool = False
    cache: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        confidence: npt.ArrayLike,
        correct: npt.ArrayLike,
        weights: Floats | None = None,
        groups: Codes | None = None,
        slack: float = 0.0,
    ) -> Pairs:
        """The rows in any order. Raises: InputError if there are none.

        >>> Pairs.of([0.9, 0.2, 0.9], [False, True, True]).correct.tolist()
        [True, False, True]
        """
        keys = confidence_keys(np.asarray(confidence, np.float64) + 0.0, np.asarray(correct, np.bool_))
        if weights is None and groups is None:
            return cls.of_keys(keys, slack)
        order = np.argsort(keys, kind="stable")
        found = cls.of_keys(keys[order], slack)
        return replace(
            found,
            weights=None if weights is None else weights[order],
            groups=None if groups is None else groups[order],
        )

    @classmethod
    def of_keys(cls, keys: RowKeys, slack: float = 0.0) -> Pairs:
        """The rows with these keys, in any order, without weights and groups. Raises: InputError if there are none."""
        if not len(keys):
            raise InputError("there are no rows to measure")
        ordered = np.sort(keys)
        return cls((ordered >> np.uint64(1)).view(np.float64), (ordered & np.uint64(1)).astype(np.bool_), slack=slack)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.confidence) if self.counts is None else int(self.counts.sum())

    @property
    def times(self) -> Floats | None:
        """How often each entry counts: its weight, or the rows that it stands for; None if that is always once."""
        return self.weights if self.counts is None else self.counts

    @cached_property
    def total(self) -> float:
        """The number of rows, or the sum of their weights."""
        return float(self.rows) if self.weights is None else float(np.add.reduce(self.weights))

    @cached_property
    def ends(self) -> Indices:
        """The place of the last row of each run of equal confidences."""
        if self.tied is not None:
            return self.tied
        rises = np.diff(self.confidence) > self.slack
        return np.append(np.flatnonzero(rises), len(self.confidence) - 1)

    @cached_property
    def starts(self) -> Indices:
        """The place of the first row of each run of equal confidences."""
        return np.append(0, self.ends[:-1] + 1)

    @cached_property
    def runs(self) -> tuple[Floats, Floats, Floats, Indices]:
        """Of each run of equal confidences: rows (or weights), mean confidence, right rows (or weights); entries."""
        starts, lengths = self.starts, np.diff(self.ends, prepend=-1)
        if self.times is None:
            count, right = lengths.astype(np.float64), np.add.reduceat(self.correct, starts, dtype=np.float64)
        else:
            count, right = (np.add.reduceat(own, starts) for own in (self.times, self.times * self.correct))
        if len(starts) == len(self.confidence):
            return count, self.confidence, right, lengths
        if self.counts is not None:
            return count, np.add.reduceat(self.confidence * self.counts, starts) / count, right, lengths
        confidence = np.add.reduceat(self.confidence, starts) / lengths
        return count, np.clip(confidence, self.confidence[starts], self.confidence[self.ends]), right, lengths

    def runs_of(self, confidence: Floats) -> Indices:
        """The run of each of these confidences, which must be among those of the rows."""
        last = (self.confidence if self.high is None else self.high)[self.ends]
        return np.asarray(np.searchsorted(last, confidence))

    @cached_property
    def ranking(self) -> Ranking:
        """The runs from the largest confidence down, each with its smallest confidence; weights do not count."""
        count, _, right, lengths = self.runs
        lowest = (self.confidence if self.low is None else self.low)[self.starts]
        rows = lengths.astype(np.float64) if self.counts is None else count
        wrong = np.rint(rows - right)
        return Ranking(*(np.ascontiguousarray(one[::-1]) for one in (lowest, rows, wrong)))

    def cells(self, most: int) -> tuple[Floats, Floats]:
        """Rows and mean confidence of about `most` groups of neighbouring runs, joined to about equally many rows.

        They are smaller towards both ends, where steps of an isotonic regression have few rows: single runs at first.
        """
        count, confidence, _, _ = self.runs
        if len(count) <= most:
            return count, confidence
        place = np.searchsorted(_cuts(self.total, most), np.cumsum(count) * (1.0 - 1e-12))
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        rows = np.add.reduceat(count, starts)
        return rows, np.clip(np.add.reduceat(count * confidence, starts) / rows, 0.0, 1.0)

    @cached_property
    def surplus(self) -> Floats:
        """Correct - confidence, times the weight, (n,)."""
        return self.weighed(self.correct - self.confidence)

    @cached_property
    def cumulative_ends(self) -> tuple[float, float]:
        """The least and the largest mean of the surplus up to the end of a run, or before the first: 0."""
        sums = np.cumsum(self.surplus)[self.ends] / self.total
        return min(float(sums.min()), 0.0), max(float(sums.max()), 0.0)

    @cached_property
    def error_of_mean(self) -> float:
        """The standard deviation of the mean surplus if every confidence is a true probability."""
        return math.sqrt(self.variance(self.confidence * (1.0 - self.confidence))) / self.total

    def variance(self, of_rows: Floats) -> float:
        """That of the weighted sum of independent values of rows with these variances, (n,)."""
        once = self.weighed(of_rows)
        return float(np.add.reduce(once if self.weights is None else self.weighed(once)))

    @cached_property
    def width(self) -> Floats:
        """How far apart confidences of an entry may be, (n,)."""
        return np.zeros(len(self.confidence)) if self.low is None or self.high is None else self.high - self.low

    def one_first(self, *, right: bool) -> Pairs:
        """Of cells: as if the wrong rows of every cell had smaller confidences than the right ones; right: larger ones.

        No order of the rows within cells ranks better, or worse. Cells of one confidence stay tied.
        """
        entries = len(self.confidence)
        order = np.arange(entries)
        lengths = np.diff(self.ends, prepend=-1)
        both = self.starts[(lengths == 2) & (self.width[self.starts] > 0.0)]
        if right:
            order[both], order[both + 1] = both + 1, both
        apart = np.zeros(entries, np.bool_)
        apart[self.ends] = apart[both] = True
        return Pairs(
            self.confidence[order],
            self.correct[order],
            slack=self.slack,
            counts=None if self.counts is None else self.counts[order],
            tied=np.flatnonzero(apart),
            low=None if self.low is None else self.low[order],
            high=None if self.high is None else self.high[order],
        )

    @cached_property
    def doubt(self) -> Floats:
        """1 - confidence, (n,). Of a computed confidence that is rounded to 1, it is half a step of the rounding.

        >>> Pairs.of([0.75, 1.0], [True, True]).doubt.tolist()
        [0.25, 0.0]
        """
        doubt = 1.0 - self.confidence
        return doubt if self.slack == 0.0 else np.maximum(doubt, 0.5 * self.slack)

    @cached_property
    def steps(self) -> Floats:
        """The share of every run of equal confidences in the square of `error_of_mean`, which must be above 0."""
        variance = self.weighed(self.weighed(self.confidence * (1.0 - self.confidence)))
        own = np.add.reduceat(variance, np.append(0, self.ends[:-1] + 1))
        return np.asarray(own / np.add.reduce(own))

    def weighed(self, values: Floats) -> Floats:
        """The values times the weights, or the rows of entries, (n,)."""
        return values if self.times is None else values * self.times

    def mean(self, values: Floats) -> float:
        """The weighted mean. values: (n,)."""
        return float(np.add.reduce(self.weighed(values))) / self.total


def _cuts(rows: float, most: int) -> Floats:
    """After how many rows cells end: `rows` / `most` rows each, but near an end only 1/32 of their distance to it.

    >>> _cuts(100.0, 10).astype(int)[:12].tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    """
    width, ends = rows / most, [1.0]
    while (step := max(ends[-1] / FINER, 1.0)) < width and ends[-1] < 0.25 * rows:
        ends.append(ends[-1] + step)
    inner = np.linspace(ends[-1], rows - ends[-1], max(most - 2 * math.ceil(ends[-1] / width), 1) + 1)
    return np.concatenate((ends[:-1], inner, rows - np.array(ends[-2::-1]), [rows]))
